//! Writes rows as a manifest that can be read again.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde_json::Value;

use crate::manifest::Format;
use crate::manifest::columns::{ATTRIBUTE, Column, NAMES};
use crate::manifest::spelling::bare;
use crate::plan::Row;

/// The columns of a CSV, besides those that its first row mentions.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    /// The user attributes that the rows may mention.
    pub(crate) attributes: &'a BTreeSet<String>,
    /// Whether there are columns for what any row may mention and whose empty cells mean nothing.
    pub(crate) optional: bool,
}

/// Write `rows` in `format`.
pub(crate) fn write(
    rows: impl Iterator<Item = Row>,
    format: Format,
    columns: Columns<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Csv => csv(rows, columns, out)?,
        Format::Jsonl => {
            for row in rows {
                writeln!(out, "{}", serde_json::to_string(&row)?)?;
            }
        }
        Format::Yaml => {
            for (index, row) in rows.enumerate() {
                if index == 0 {
                    // Written with the first row, so that no rows are an empty file, which is a valid
                    // manifest.
                    writeln!(out, "users:")?;
                }
                // JSON is valid YAML.
                writeln!(out, "  - {}", serde_json::to_string(&row)?)?;
            }
        }
    }
    out.flush()
}

fn csv(
    rows: impl Iterator<Item = Row>,
    Columns {
        attributes,
        optional,
    }: Columns<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut named: Option<Vec<&str>> = None;
    for row in rows {
        let values = serde_json::to_value(&row)?;
        let named = match &mut named {
            Some(named) => named,
            None => {
                // An empty cell means "none", so only columns that the rows mention are written.
                let is_named = |name: &&str| {
                    values.get(name).is_some() || (optional && IF_EMPTY.contains(name))
                };
                let columns = named.insert(columns().filter(is_named).collect());
                let attributes = attributes.iter().map(|name| format!("{ATTRIBUTE}{name}"));
                let header = columns.iter().map(|name| (*name).to_owned());
                record(header.chain(attributes), ',', out)?;
                columns
            }
        };
        record(
            cells(&row, &values, named, attributes).into_iter(),
            ',',
            out,
        )?;
    }
    Ok(())
}

fn record(
    cells: impl Iterator<Item = String>,
    separator: char,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            write!(out, "{separator}")?;
        }
        // The reader takes spaces off unless they are in quotes, and an id that starts with `#` is no comment; a library
        // would quote neither.
        let is_plain = bare(&cell) == cell
            && !cell.starts_with('#')
            && !cell.contains([separator, '"', '\n', '\r']);
        match is_plain {
            true => write!(out, "{cell}")?,
            false => write!(out, "\"{}\"", cell.replace('"', "\"\""))?,
        }
    }
    writeln!(out)
}

fn columns() -> impl Iterator<Item = &'static str> {
    NAMES
        .iter()
        .filter(|(_, column)| *column != Column::UserAttributes)
        .map(|(name, _)| *name)
}

/// The columns whose empty cells mean nothing.
const IF_EMPTY: [&str; 3] = ["key", "state", "reason"];

fn cells(row: &Row, values: &Value, named: &[&str], attributes: &BTreeSet<String>) -> Vec<String> {
    let cell = |name: &&str| match values.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            let items: Vec<_> = items.iter().filter_map(Value::as_str).collect();
            items.join(";")
        }
        _ => String::new(),
    };
    let values = attributes.iter().map(|name| {
        let value = row.grants.user_attributes.get(name);
        value.cloned().unwrap_or_default()
    });
    named.iter().map(cell).chain(values).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::manifest::{Item, rows};
    use crate::plan::{KeyWish, State};
    use crate::signed_url::Grants;

    fn row() -> Row {
        let list = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
        Row {
            line: 0,
            external_user_id: "a,\"b\"\nc".to_owned(),
            grants: Grants {
                first_name: Some("Ada, Countess".to_owned()),
                models: list(&["orders", "demo"]),
                permissions: list(&["access_data"]),
                group_ids: list(&["7"]),
                user_attributes: [("region", "=west: #1"), ("tier", "")]
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .into(),
                ..Grants::default()
            },
            key: Some(KeyWish::Ensure),
            state: Some(State::Disabled),
            ..Row::default()
        }
    }

    fn read(bytes: Vec<u8>, format: Format) -> Vec<Row> {
        let items = rows(io::Cursor::new(bytes), format, None);
        let rows = items.filter_map(|item| match item {
            Item::Row(row) => {
                assert_eq!(row.from_cells, format == Format::Csv);
                Some(Row {
                    line: 0,
                    from_cells: false,
                    ..*row
                })
            }
            Item::Problem(problem) => panic!("{problem}"),
            Item::Warning(_) => None,
        });
        rows.collect()
    }

    fn written(rows: &[Row], format: Format) -> Vec<u8> {
        let names = |row: &Row| row.grants.user_attributes.keys().cloned().collect();
        let attributes: BTreeSet<String> = rows.first().map(names).unwrap_or_default();
        let mut text = Vec::new();
        write(
            rows.iter().cloned(),
            format,
            Columns {
                attributes: &attributes,
                optional: true,
            },
            &mut text,
        )
        .unwrap();
        text
    }

    #[test]
    fn what_is_written_is_read_back_in_every_format() {
        for format in [Format::Csv, Format::Jsonl, Format::Yaml] {
            let rows = ["#1", "a b", "007", " padded "].map(|id| Row {
                external_user_id: id.to_owned(),
                ..row()
            });

            assert_eq!(read(written(&rows, format), format), rows, "{format:?}");
        }
    }

    /// Rows that name the same fields, with texts that a table can hold.
    fn tables() -> impl Strategy<Value = Vec<Row>> {
        let text = "[ -~éß“\u{a0}\u{3000}😀\t\n]{0,6}";
        let items = || prop::option::of(prop::collection::hash_set("[a-zß :_.'\"]{1,4}x", 0..3));
        let row = (
            "[ -~é\u{a0}]{0,4}[!-~é]",
            [text; 3],
            [items(), items(), items()],
            prop::collection::vec("[ -~é,;|\"\t\n\u{a0}]{0,6}", 4),
            prop::option::of(Just(KeyWish::Rotate)),
        );
        let named = prop::collection::vec(any::<bool>(), 9);
        (prop::collection::vec(row, 1..5), named).prop_map(|(rows, named)| {
            let is_named = |at: usize| named.get(at).copied().unwrap_or_default();
            let rows = rows.into_iter().map(|(id, texts, lists, values, key)| {
                let mut at = 0..;
                let mut text = |text: String| at.next().filter(|at| is_named(*at)).map(|_| text);
                let [first, last, group] = texts.map(&mut text);
                let list = |items: Option<HashSet<String>>, at: usize| {
                    let items = items.unwrap_or_default();
                    let items = items.into_iter().map(|item| bare(&item).to_owned());
                    is_named(at).then(|| items.collect::<BTreeSet<_>>().into_iter().collect())
                };
                let [models, permissions, groups] = lists;
                let names = ["region", "a;b", "a, \"b\"", "ünï codé"];
                let attributes = names.into_iter().zip(values).enumerate();
                let attributes = attributes.filter(|(index, _)| is_named(5 + index));
                Row {
                    external_user_id: id,
                    grants: Grants {
                        first_name: first,
                        last_name: last,
                        external_group_id: group,
                        models: list(models, 3),
                        permissions: list(permissions, 4),
                        group_ids: list(groups, 4),
                        user_attributes: attributes
                            .map(|(_, (name, value))| (name.to_owned(), value))
                            .collect(),
                        ..Grants::default()
                    },
                    key,
                    ..Row::default()
                }
            });
            rows.collect()
        })
    }

    /// How another program writes a table.
    #[derive(Clone, Debug)]
    struct Dress {
        separator: char,
        says_separator: bool,
        quotes_all: bool,
        pads: bool,
        end: &'static str,
        empty_columns: usize,
        empty_rows: usize,
        encoding: u8,
    }

    fn dresses() -> impl Strategy<Value = Dress> {
        let parts = (
            prop::sample::select(vec![',', ';', '\t']),
            any::<[bool; 3]>(),
            prop::sample::select(vec!["\n", "\r\n"]),
            0..3_usize,
            0..3_usize,
            0..5_u8,
        );
        parts.prop_map(
            |(separator, flags, end, empty_columns, empty_rows, encoding)| Dress {
                separator,
                says_separator: flags[0],
                quotes_all: flags[1],
                pads: flags[2],
                end,
                empty_columns,
                empty_rows,
                encoding,
            },
        )
    }

    impl Dress {
        /// The table in `text`, written otherwise.
        fn of(&self, text: &[u8]) -> Vec<u8> {
            let mut reader = csv::ReaderBuilder::new();
            let mut reader = reader.has_headers(false).from_reader(text);
            let records: Vec<_> = reader.records().map(Result::unwrap).collect();
            let mut dressed = String::new();
            if self.says_separator {
                dressed.extend(["sep=", &self.separator.to_string(), self.end]);
            }
            let header = &records[0];
            for (line, cells) in records.iter().enumerate() {
                for (name, cell) in header.iter().zip(cells) {
                    let cell = self.cell(cell, line == 0 || !name.starts_with(ATTRIBUTE));
                    dressed.extend([cell, self.separator.to_string()]);
                }
                dressed.pop();
                dressed += &self.separator.to_string().repeat(self.empty_columns);
                dressed += self.end;
                let empty = self.separator.to_string().repeat(header.len()) + self.end;
                dressed += &empty.repeat(self.empty_rows);
            }
            let units = || dressed.encode_utf16();
            match self.encoding {
                0 => dressed.into_bytes(),
                1 => format!("\u{feff}{dressed}").into_bytes(),
                2 => [0xff, 0xfe]
                    .into_iter()
                    .chain(units().flat_map(u16::to_le_bytes))
                    .collect(),
                3 => [0xfe, 0xff]
                    .into_iter()
                    .chain(units().flat_map(u16::to_be_bytes))
                    .collect(),
                _ => units().flat_map(u16::to_le_bytes).collect(),
            }
        }

        fn cell(&self, cell: &str, may_pad: bool) -> String {
            let mut text = Vec::new();
            record([cell.to_owned()].into_iter(), self.separator, &mut text).unwrap();
            let mut text = String::from_utf8(text).unwrap();
            text.pop();
            if self.quotes_all && !text.starts_with('"') {
                text = format!("\"{text}\"");
            }
            match self.pads && may_pad && !text.contains([self.separator, '\n']) {
                true => format!(" {text} "),
                false => text,
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read_back_from_any_dress(rows in tables(), dress in dresses()) {
            let text = written(&rows, Format::Csv);
            prop_assert_eq!(&read(text.clone(), Format::Csv), &rows);

            let dressed = dress.of(&text);

            let mut expected = rows;
            if dress.quotes_all {
                // Then quotes say nothing about the spaces in them.
                for row in &mut expected {
                    let grants = &mut row.grants;
                    let names = [&mut grants.first_name, &mut grants.last_name, &mut grants.external_group_id];
                    let texts = names.into_iter().flatten().chain([&mut row.external_user_id]);
                    texts.for_each(|text| *text = bare(text).to_owned());
                }
            }
            let shown = String::from_utf8_lossy(&dressed).into_owned();
            prop_assert_eq!(read(dressed, Format::Csv), expected, "{}", shown);
        }
    }
}
