//! Manifests as CSV: a header, and one row per user; lists are separated by `;`.

use std::io::Read;

use crate::manifest::Item;
use crate::manifest::columns::{Column, unknown_column};
use crate::manifest::node::Node;
use crate::manifest::problem::{Place, Placed, Problem};
use crate::manifest::records::{Cell, Records};
use crate::manifest::sheet::Sheet;
use crate::manifest::spelling::{bare, is_padding};
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
            Some(Err(problem)) => {
                sheet.problem(problem);
                None
            }
            None => {
                sheet.problem(Problem::at(
                    Place { line: 1, column: 1 },
                    "the header is missing; the first line names the columns",
                ));
                None
            }
        };
        Self {
            records,
            sheet,
            header,
        }
    }

    fn row(&mut self, record: Vec<Cell>) {
        let begin = record.first().map(|cell| cell.place).unwrap_or_default();
        let mut row = Row {
            from_cells: true,
            ..Row::default()
        };
        for (column, cell) in self.header.iter().flatten().zip(record) {
            if let Some(column) = column {
                let node = node(column, &cell, &self.records, &mut self.sheet);
                self.sheet.fill(&mut row, column, &node);
            }
        }
        self.sheet.row(row, begin);
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
            self.header.as_ref()?;
            match self.records.next()? {
                Ok(record) => self.row(record),
                Err(problem) => self.sheet.problem(problem),
            }
        }
    }
}

/// The columns, if the id is among them.
fn header(record: &[Cell], sheet: &mut Sheet) -> Option<Vec<Option<Column>>> {
    let (mut known, mut unknown, mut header) = (Vec::new(), Vec::new(), Vec::new());
    for cell in record {
        let name = Placed {
            place: cell.place,
            value: bare(&cell.value).to_owned(),
        };
        // An empty one has no values, or the reader refuses them.
        let column = match Column::of_cell(&name.value, sheet.known()) {
            Some(column) => sheet.new_column(column, &name, &known),
            None => {
                unknown.extend(Some(name).filter(|name| !name.value.is_empty()));
                None
            }
        };
        known.extend(column.clone());
        header.push(column);
    }
    let has_id = known.contains(&Column::ExternalUserId);
    let why = |name: &Placed<String>| unknown_column(&name.value, sheet.known(), has_id);
    let reasons: Vec<_> = unknown.iter().map(why).collect();
    let means_id = reasons.iter().any(|it| it.means_id);
    // Of a file without a header, its first user is no list of unknown columns.
    if !known.is_empty() || means_id {
        for (name, why) in unknown.iter().zip(reasons) {
            sheet.problem(Problem::at(name.place, why.message));
        }
    }
    if !has_id && !means_id {
        let begin = record.first().map(|cell| cell.place).unwrap_or_default();
        let message = "there is no column `external_user_id`; the first line names the columns";
        sheet.problem(Problem::at(begin, message));
    }
    has_id.then_some(header)
}

/// A cell as a value.
fn node(column: &Column, cell: &Cell, records: &Records, sheet: &mut Sheet) -> Placed<Node> {
    let Cell {
        place,
        value,
        is_exact,
    } = cell;
    let place = *place;
    // The value of an attribute may be anything.
    let keeps_spaces = *is_exact && !column.is_list() || matches!(column, Column::Attribute(_));
    let text = match keeps_spaces {
        true => value,
        false => bare(value),
    };
    let is_word = matches!(column, Column::Key | Column::State | Column::Reason);
    if text.len() != value.len() && !text.is_empty() && !is_word {
        sheet.trimmed(place);
    }
    let value = match text {
        "" => Node::Null,
        _ if column.is_list() => Node::List(list(value, place, records)),
        text => Node::Text(text.to_owned()),
    };
    Placed { place, value }
}

/// The items in `cell`, which starts at `place`.
fn list(cell: &str, place: Place, records: &Records) -> Vec<Placed<Node>> {
    let mut column = place.column;
    let mut items = Vec::new();
    for part in cell.split(|character| records.separates(character)) {
        // The position counts characters, as editors do.
        let blank = part.chars().take_while(|it| is_padding(*it)).count();
        let item = bare(part);
        // `a;` is a list of one.
        if !item.is_empty() {
            let place = Place {
                line: place.line,
                column: column + blank as u64,
            };
            let value = Node::Text(item.to_owned());
            items.push(Placed { place, value });
        }
        column += part.chars().count() as u64 + 1;
    }
    items
}
