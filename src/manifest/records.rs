//! The records of a CSV file: cells between commas, each with its place.

use std::mem;

use crate::manifest::lines::Lines;
use crate::manifest::problem::{Place, Placed, Problem};

/// Reads records.
pub(super) struct Records {
    lines: Lines,
    begun: bool,
}

/// One cell, without its quotes.
pub(super) type Cell = Placed<String>;

impl Records {
    pub(super) const fn new(lines: Lines) -> Self {
        Self {
            lines,
            begun: false,
        }
    }

    /// The cells of the next record; one in quotes may go over several lines.
    pub(super) fn next(&mut self) -> Result<Option<Vec<Cell>>, Problem> {
        let line = loop {
            match self.lines.next().transpose()? {
                None => return Ok(None),
                // Comments stand before the header only: an id may begin with `#`.
                Some(line) if !self.begun && line.text.starts_with('#') => {}
                Some(line) if line.text.trim().is_empty() => {}
                Some(line) => break line,
            }
        };
        self.begun = true;
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
