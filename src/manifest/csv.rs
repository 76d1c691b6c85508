//! Manifests as CSV: a header, and one row per user; lists are separated by `;`.

use std::io::Read;

use crate::manifest::Item;
use crate::manifest::columns::{Column, Sheet};
use crate::manifest::node::Node;
use crate::manifest::problem::{Place, Placed, Problem};
use crate::manifest::records::{Cell, Records};
use crate::plan::Row;

/// Reads users from CSV.
pub(super) struct Csv {
    records: Records,
    sheet: Sheet,
    /// The columns; `None` for an unknown one. Without a header no row can be read.
    header: Option<Vec<Option<Column>>>,
}

impl Csv {
    pub(super) fn new(source: impl Read + Send + 'static, mut sheet: Sheet) -> Self {
        let mut records = Records::new(source);
        let header = match records.next() {
            Some(Ok(record)) => header(&record, &mut sheet),
            Some(Err(problem)) => Err(problem),
            None => Err(Problem::at(
                Place { line: 1, column: 1 },
                "the header is missing; the first line names the columns",
            )),
        };
        Self {
            header: header.map_err(|problem| sheet.problem(problem)).ok(),
            records,
            sheet,
        }
    }
}

impl Iterator for Csv {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            // A row may yield several problems; all are returned before the next row is read.
            if let Some(item) = self.sheet.pop() {
                return Some(item);
            }
            // Without a usable header no cell can be told from another, so the rows are not read.
            let header = self.header.as_ref()?;
            match self.records.next()? {
                Ok(record) => row(header, record, &mut self.sheet),
                Err(problem) => self.sheet.problem(problem),
            }
        }
    }
}

fn header(record: &[Cell], sheet: &mut Sheet) -> Result<Vec<Option<Column>>, Problem> {
    let mut known = Vec::new();
    let mut header = Vec::new();
    for cell in record {
        let name = Placed {
            place: cell.place,
            value: cell.value.trim().to_owned(),
        };
        let column = sheet.column(&name, &known, true);
        known.extend(column.clone());
        header.push(column);
    }
    if known.contains(&Column::ExternalUserId) {
        return Ok(header);
    }
    let place = record.first().map(|cell| cell.place).unwrap_or_default();
    Err(Problem::at(place, "there is no column `external_user_id`"))
}

fn row(header: &[Option<Column>], record: Vec<Cell>, sheet: &mut Sheet) {
    let begin = record.first().map(|cell| cell.place).unwrap_or_default();
    let mut row = Row {
        from_cells: true,
        ..Row::default()
    };
    for (column, cell) in header.iter().zip(record) {
        if let Some(column) = column {
            sheet.fill(&mut row, column, &node(column, cell));
        }
    }
    sheet.row(row, begin);
}

/// A cell as a value; lists are separated by `;`.
fn node(column: &Column, cell: Cell) -> Placed<Node> {
    let Cell { place, value } = cell;
    if value.is_empty() {
        let value = Node::Null;
        return Placed { place, value };
    }
    if !matches!(
        column,
        Column::Models | Column::Permissions | Column::GroupIds
    ) {
        let value = Node::Text(value);
        return Placed { place, value };
    }
    let mut column = place.column;
    let mut items = Vec::new();
    for part in value.split(';') {
        // The position counts characters, as editors do.
        let blank = part
            .chars()
            .take_while(|character| *character == ' ')
            .count();
        let item = part.trim();
        // `a;` is a list of one.
        if !item.is_empty() {
            items.push(Placed {
                place: Place {
                    line: place.line,
                    column: column + blank as u64,
                },
                value: Node::Text(item.to_owned()),
            });
        }
        column += part.chars().count() as u64 + 1;
    }
    let value = Node::List(items);
    Placed { place, value }
}
