//! Manifests as CSV: a header, and a row for each user; lists are separated by `;`.

use std::mem;

use crate::manifest::Item;
use crate::manifest::columns::{Column, Sheet};
use crate::manifest::lines::Lines;
use crate::manifest::node::Node;
use crate::manifest::problem::{Place, Placed, Problem};
use crate::plan::Row;

/// Reads users from CSV.
pub(super) struct Csv {
    lines: Lines,
    sheet: Sheet,
    /// The columns; `None` stands for one that is unknown. No header has been read while there is none.
    header: Option<Vec<Option<Column>>>,
    ended: bool,
}

type Cell = Placed<String>;

impl Csv {
    pub(super) fn new(lines: Lines, sheet: Sheet) -> Self {
        Self {
            lines,
            sheet,
            header: None,
            ended: false,
        }
    }

    fn step(&mut self) {
        let record = match self.record() {
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

    /// The cells of the next record; one in quotes may go over several lines.
    fn record(&mut self) -> Result<Option<Vec<Cell>>, Problem> {
        let line = loop {
            match self.lines.next().transpose()? {
                None => return Ok(None),
                // Comments stand before the header only: an id may begin with `#`.
                Some(line) if self.header.is_none() && line.text.starts_with('#') => {}
                Some(line) if line.text.trim().is_empty() => {}
                Some(line) => break line,
            }
        };
        let mut scan = Scan::new(line.number);
        scan.line(&line.text)?;
        while scan.at == At::Quoted {
            let opened = scan.start;
            let unclosed = || Problem::at(opened, "the quote that opens here is never closed");
            let next = self.lines.next().transpose()?.ok_or_else(unclosed)?;
            if scan.text.len() > LONGEST_CELL {
                return Err(unclosed());
            }
            scan.text.push('\n');
            scan.place = Place {
                line: next.number,
                column: 1,
            };
            scan.line(&next.text)?;
        }
        scan.end_cell();
        Ok(Some(scan.cells))
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

/// The longest cell, in bytes.
const LONGEST_CELL: usize = 1024 * 1024;

/// Where the scan stands in a cell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum At {
    Begin,
    Plain,
    Quoted,
    /// Behind a quote that ends the cell, or is the first of two that stand for one.
    Closed,
}

/// Takes a record apart.
struct Scan {
    cells: Vec<Cell>,
    text: String,
    /// Where the cell begins.
    start: Place,
    place: Place,
    at: At,
}

impl Scan {
    fn new(line: u64) -> Self {
        let place = Place { line, column: 1 };
        Self {
            cells: Vec::new(),
            text: String::new(),
            start: place,
            place,
            at: At::Begin,
        }
    }

    fn line(&mut self, line: &str) -> Result<(), Problem> {
        for character in line.chars() {
            match (self.at, character) {
                (At::Begin | At::Plain | At::Closed, ',') => {
                    self.end_cell();
                    self.place.column += 1;
                    self.start = self.place;
                    continue;
                }
                (At::Begin, '"') | (At::Closed, '"') => {
                    if self.at == At::Closed {
                        self.text.push('"');
                    }
                    self.at = At::Quoted;
                }
                (At::Quoted, '"') => self.at = At::Closed,
                (At::Closed, _) => {
                    let message = "text stands behind the closing quote; write `\"\"` for a quote inside a cell";
                    return Err(Problem::at(self.place, message));
                }
                (At::Quoted, _) => self.text.push(character),
                (At::Begin | At::Plain, _) => {
                    self.text.push(character);
                    self.at = At::Plain;
                }
            }
            self.place.column += 1;
        }
        Ok(())
    }

    fn end_cell(&mut self) {
        self.cells.push(Cell {
            place: self.start,
            value: mem::take(&mut self.text),
        });
        self.at = At::Begin;
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
