//! Writes rows as a manifest that can be read again.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde_json::Value;

use crate::manifest::Format;
use crate::manifest::columns::{ATTRIBUTE, Column, NAMES};
use crate::plan::Row;

/// Write `rows` in `format`. `attributes` are the user attributes that they may name.
pub(crate) fn write(
    rows: impl Iterator<Item = Row>,
    format: Format,
    attributes: &BTreeSet<String>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut first = true;
    for row in rows {
        let begins = std::mem::replace(&mut first, false);
        match format {
            Format::Csv => {
                if begins {
                    csv_line(header(attributes), out)?;
                }
                csv_line(cells(&row, attributes)?, out)?;
            }
            Format::Jsonl => writeln!(out, "{}", serde_json::to_string(&row)?)?,
            Format::Yaml => {
                if begins {
                    writeln!(out, "users:")?;
                }
                // JSON is YAML.
                writeln!(out, "  - {}", serde_json::to_string(&row)?)?;
            }
        }
    }
    out.flush()
}

fn columns() -> impl Iterator<Item = &'static str> {
    NAMES
        .iter()
        .filter(|(_, column)| *column != Column::UserAttributes)
        .map(|(name, _)| *name)
}

fn header(attributes: &BTreeSet<String>) -> Vec<String> {
    let attributes = attributes.iter().map(|name| format!("{ATTRIBUTE}{name}"));
    columns().map(str::to_owned).chain(attributes).collect()
}

fn cells(row: &Row, attributes: &BTreeSet<String>) -> io::Result<Vec<String>> {
    let values = serde_json::to_value(row)?;
    let mut cells: Vec<String> = columns()
        .map(|name| match values.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(items)) => {
                let items: Vec<_> = items.iter().filter_map(Value::as_str).collect();
                items.join(";")
            }
            _ => String::new(),
        })
        .collect();
    cells.extend(attributes.iter().map(|name| {
        let value = row.user_attributes.get(name);
        value.cloned().unwrap_or_default()
    }));
    Ok(cells)
}

fn csv_line(cells: Vec<String>, out: &mut dyn Write) -> io::Result<()> {
    let quoted = |cell: String| {
        if cell.contains([',', '"', '\n', '\r']) || cell.starts_with('#') {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell
        }
    };
    let cells: Vec<_> = cells.into_iter().map(quoted).collect();
    writeln!(out, "{}", cells.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Item, rows};
    use crate::plan::{KeyWish, State};

    fn row() -> Row {
        let list = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
        Row {
            line: 0,
            external_user_id: "a,\"b\"\nc".to_owned(),
            first_name: Some("Ada, Countess".to_owned()),
            models: list(&["orders", "demo"]),
            permissions: list(&["access_data"]),
            group_ids: list(&["7"]),
            user_attributes: [("region".to_owned(), "=west: #1".to_owned())].into(),
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
                    Item::Row(row) => Row { line: 0, ..*row },
                    other => panic!("{format:?}: {other:?}"),
                })
                .collect();
            assert_eq!(read, ids, "{format:?}");
        }
    }

    #[test]
    fn quotes_commas_and_breaks_in_a_cell_are_kept() {
        let mut text = Vec::new();

        csv_line(vec!["a,\"b\"\nc".to_owned(), "d".to_owned()], &mut text).unwrap();

        assert_eq!(String::from_utf8(text).unwrap(), "\"a,\"\"b\"\"\nc\",d\n");
    }
}
