//! Manifests as CSV: a header, and a row for each user; lists are separated by `;`.

use std::mem;

use crate::manifest::Item;
use crate::manifest::columns::{Column, Sheet};
use crate::manifest::lines::Lines;
use crate::manifest::node::Node;
use crate::manifest::problem::{Place, Placed, Problem};
use crate::manifest::records::{Cell, Records};
use crate::plan::Row;

/// Reads users from CSV.
pub(super) struct Csv {
    records: Records,
    sheet: Sheet,
    /// The columns; `None` stands for one that is unknown. No header has been read while there is none.
    header: Option<Vec<Option<Column>>>,
    ended: bool,
}

impl Csv {
    pub(super) fn new(lines: Lines, sheet: Sheet) -> Self {
        Self {
            records: Records::new(lines),
            sheet,
            header: None,
            ended: false,
        }
    }

    fn step(&mut self) {
        let record = match self.records.next() {
            Ok(Some(record)) => record,
            Ok(None) => {
                self.ended = true;
                if self.header.is_none() {
                    let place = Place { line: 1, column: 1 };
                    let message = "there is no header; the first line names the columns";
                    self.sheet.problem(Problem::at(place, message));
                }
                return;
            }
            Err(problem) => {
                self.ended = true;
                self.sheet.problem(problem);
                return;
            }
        };
        match mem::take(&mut self.header) {
            None => self.read_header(&record),
            Some(header) => {
                self.row(&header, record);
                self.header = Some(header);
            }
        }
    }

    fn read_header(&mut self, record: &[Cell]) {
        let mut known = Vec::new();
        let mut header = Vec::new();
        for cell in record {
            let name = Placed {
                place: cell.place,
                value: cell.value.trim().to_owned(),
            };
            let column = self.sheet.column(&name, &known, true);
            known.extend(column.clone());
            header.push(column);
        }
        if !known.contains(&Column::ExternalUserId) {
            self.ended = true;
            let place = record.first().map(|cell| cell.place).unwrap_or_default();
            let message = "there is no column `external_user_id`";
            self.sheet.problem(Problem::at(place, message));
        }
        self.header = Some(header);
    }

    fn row(&mut self, header: &[Option<Column>], record: Vec<Cell>) {
        let begin = record.first().map(|cell| cell.place).unwrap_or_default();
        if record.len() != header.len() {
            let place = record.get(header.len()).map_or(begin, |cell| cell.place);
            let message = format!(
                "the row has {} cells, and the header {}",
                record.len(),
                header.len()
            );
            self.sheet.problem(Problem::at(place, message));
            return;
        }
        let mut row = Row::default();
        for (column, cell) in header.iter().zip(record) {
            if let Some(column) = column.as_ref().filter(|_| !cell.value.is_empty()) {
                self.sheet.fill(&mut row, column, &node(column, cell));
            }
        }
        self.sheet.row(row, begin);
    }
}

impl Iterator for Csv {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.sheet.pop() {
                return Some(item);
            }
            if self.ended {
                return None;
            }
            self.step();
        }
    }
}

/// A cell as a value: lists are separated by `;`.
fn node(column: &Column, cell: Cell) -> Placed<Node> {
    let Cell { place, value } = cell;
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
        let blank = part
            .chars()
            .take_while(|character| *character == ' ')
            .count();
        let item = part.trim();
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
