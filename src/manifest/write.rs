//! Writes rows as a manifest that can be read again.

use std::collections::BTreeSet;
use std::io::{self, Write};

use csv::WriterBuilder;
use serde_json::Value;

use crate::manifest::Format;
use crate::manifest::columns::{ATTRIBUTE, Column, NAMES};
use crate::plan::Row;

/// Write `rows` in `format`. `attributes` are the user attributes that the rows may mention.
pub(crate) fn write(
    rows: impl Iterator<Item = Row>,
    format: Format,
    attributes: &BTreeSet<String>,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Csv => csv(rows, attributes, out)?,
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
    attributes: &BTreeSet<String>,
    out: &mut dyn Write,
) -> io::Result<()> {
    // An id that starts with `#` is quoted, so that it is never read as a comment.
    let mut out = WriterBuilder::new().comment(Some(b'#')).from_writer(out);
    let mut named: Option<Vec<&str>> = None;
    for row in rows {
        let values = serde_json::to_value(&row)?;
        let named = match &mut named {
            Some(named) => named,
            None => {
                // An empty cell means "none", so only columns that the rows mention are written.
                let is_named = |name: &&str| values.get(name).is_some() || IF_EMPTY.contains(name);
                let columns = named.insert(columns().filter(is_named).collect());
                let attributes = attributes.iter().map(|name| format!("{ATTRIBUTE}{name}"));
                let header = columns.iter().map(|name| (*name).to_owned());
                out.write_record(header.chain(attributes))?;
                columns
            }
        };
        out.write_record(cells(&row, &values, named, attributes))?;
    }
    out.flush()
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

    #[test]
    fn what_is_written_is_read_back_in_every_format() {
        let attributes = BTreeSet::from(["region".to_owned(), "tier".to_owned()]);
        for format in [Format::Csv, Format::Jsonl, Format::Yaml] {
            let mut text = Vec::new();
            let ids = ["#1", "a b", "007"].map(|id| Row {
                external_user_id: id.to_owned(),
                ..row()
            });
            write(ids.clone().into_iter(), format, &attributes, &mut text).unwrap();

            let read: Vec<_> = rows(io::Cursor::new(text), format, None).collect();

            let read: Vec<_> = read
                .into_iter()
                .map(|item| match item {
                    Item::Row(row) => {
                        assert_eq!(row.from_cells, format == Format::Csv);
                        Row {
                            line: 0,
                            from_cells: false,
                            ..*row
                        }
                    }
                    other => panic!("{format:?}: {other:?}"),
                })
                .collect();
            assert_eq!(read, ids, "{format:?}");
        }
    }
}
