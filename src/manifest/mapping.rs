//! Files that map old `external_user_id`s to new ones: CSV with the columns `old` and `new`, checked as a whole.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use crate::manifest::columns::{ATTRIBUTE, attribute};
use crate::manifest::mangled::{self, Mangled};
use crate::manifest::problem::{Place, Problem, Problems};
use crate::manifest::records::{Cell, Records};
use crate::manifest::spelling::{bare, squashed};
use crate::signed_url::refuse_id;

/// A person who gets another id.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Pair {
    /// The line of the pair.
    pub(crate) line: u64,
    /// The person's current id.
    pub(crate) old: String,
    /// The person's new id.
    pub(crate) new: String,
    /// Values of user attributes that Looker hides, by name.
    pub(crate) attributes: BTreeMap<String, String>,
}

/// The content of a mapping, and its problems.
#[derive(Debug, Default)]
pub(crate) struct Mapping {
    /// The people without a problem.
    pub(crate) pairs: Vec<Pair>,
    /// What prevents its use.
    pub(crate) problems: Problems,
    /// What is probably a mistake.
    pub(crate) warnings: Problems,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Column {
    Old,
    New,
    Attribute(String),
}

/// Read a mapping.
pub(crate) fn read_mapping(source: impl Read + Send + 'static) -> Mapping {
    let mut records = Records::new(source);
    let mut mapping = Mapping::default();
    let header = match records.next() {
        Some(Ok(record)) => mapping.columns(&record),
        Some(Err(problem)) => {
            mapping.problems.add(problem);
            None
        }
        None => {
            mapping
                .problems
                .add(no_header(Place { line: 1, column: 1 }));
            None
        }
    };
    if let Some(header) = header {
        for record in records {
            match record.and_then(|record| mapping.pair(&header, record)) {
                Ok(pair) => mapping.pairs.push(pair),
                Err(problem) => mapping.problems.add(problem),
            }
        }
    }
    // Only once all pairs are known: a chain may be in any order in the file.
    for tangle in tangles(&mapping.pairs) {
        mapping.problems.add(tangle);
    }
    mapping.problems.sort();
    mapping.warnings.sort();
    mapping
}

fn no_header(place: Place) -> Problem {
    Problem::at(
        place,
        "the first line names the columns: `old,new`, and `attr.NAME` for an attribute that Looker hides",
    )
}

impl Mapping {
    /// The columns, if both ids are among them; `None` for one without a name.
    fn columns(&mut self, record: &[Cell]) -> Option<Vec<Option<Column>>> {
        let (mut columns, mut problems) = (Vec::new(), Vec::new());
        for cell in record {
            let name = bare(&cell.value);
            let column = match squashed(name).as_str() {
                "old" => Some(Column::Old),
                "new" => Some(Column::New),
                _ => attribute(name).map(|name| Column::Attribute(name.to_owned())),
            };
            if column.is_some() && columns.contains(&column) {
                let message = format!("the column `{name}` is here a second time");
                problems.push(Problem::at(cell.place, message));
            } else if column.is_none() && !name.is_empty() {
                let message = format!(
                    "there is no column `{name}`; the columns are `old`, `new` and `{ATTRIBUTE}NAME`"
                );
                problems.push(Problem::at(cell.place, message));
            }
            columns.push(column);
        }
        if ![Column::Old, Column::New]
            .map(Some)
            .iter()
            .all(|it| columns.contains(it))
        {
            let begin = record.first().map(|cell| cell.place).unwrap_or_default();
            problems = vec![no_header(begin)];
        }
        let is_sound = problems.is_empty();
        problems.into_iter().for_each(|it| self.problems.add(it));
        is_sound.then_some(columns)
    }

    fn pair(&mut self, header: &[Option<Column>], record: Vec<Cell>) -> Result<Pair, Problem> {
        let begin = record.first().map(|cell| cell.place).unwrap_or_default();
        let mut pair = Pair {
            line: begin.line,
            old: String::new(),
            new: String::new(),
            attributes: BTreeMap::new(),
        };
        for (column, cell) in header.iter().zip(record) {
            match column {
                Some(Column::Old) => pair.old = self.id(&cell)?,
                Some(Column::New) => pair.new = self.id(&cell)?,
                // An empty cell gives no value for this user.
                Some(Column::Attribute(name)) if !cell.value.is_empty() => {
                    pair.attributes.insert(name.clone(), cell.value);
                }
                Some(Column::Attribute(_)) | None => {}
            }
        }
        if pair.old == pair.new {
            let message = format!("`{}` is both the old and the new id", pair.old);
            return Err(Problem::at(begin, message));
        }
        Ok(pair)
    }

    fn id(&mut self, cell: &Cell) -> Result<String, Problem> {
        let id = match cell.is_exact {
            true => &cell.value,
            false => bare(&cell.value),
        };
        refuse_id(id).map_err(|why| Problem::at(cell.place, format!("the id {why}")))?;
        if id != cell.value {
            let message = "spaces around ids were taken off";
            self.warnings.add(Problem::at(cell.place, message));
        }
        if let Some(Mangled { what, advice }) = mangled::of_id(id) {
            let message = format!("`{id}` {what}; {advice}");
            self.warnings
                .add(Problem::at(cell.place, message).of_kind(what));
        }
        Ok(id.to_owned())
    }
}

/// Ids used in more than one pair. The pairs run in no particular order, so people would be mixed up.
fn tangles(pairs: &[Pair]) -> Vec<Problem> {
    let (mut olds, mut news) = (HashMap::new(), HashMap::new());
    let mut problems = Vec::new();
    let mut tell = |line, message: String| {
        problems.push(Problem::at(Place { line, column: 1 }, message));
    };
    // First everything that occurs twice; then ids that are both old and new.
    for pair in pairs {
        if let Some(first) = olds.insert(pair.old.as_str(), pair) {
            let (old, line) = (&pair.old, first.line);
            tell(
                pair.line,
                format!("`{old}` is the old id of line {line} too"),
            );
        }
        if let Some(first) = news.insert(pair.new.as_str(), pair) {
            let (new, line) = (&pair.new, first.line);
            let message = format!(
                "`{new}` is the new id of line {line} too: two people would be merged into one"
            );
            tell(pair.line, message);
        }
    }
    // Pairs run concurrently, so no order in the file can resolve a chain.
    for pair in pairs {
        let Some(next) = olds
            .get(pair.new.as_str())
            .filter(|next| next.line != pair.line)
        else {
            continue;
        };
        let (new, line) = (&pair.new, next.line);
        let message = match next.new == pair.old {
            true => format!(
                "`{}` and `{new}` swap ids with line {line}, but `{new}` cannot be created while it exists: use a third id, in two files",
                pair.old
            ),
            false => format!(
                "`{new}` is the old id of line {line}, which would have to move first: put line {line} into a file of its own"
            ),
        };
        tell(pair.line, message);
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &'static str) -> Vec<String> {
        let problems = read_mapping(text.as_bytes()).problems.list;
        problems.iter().map(Problem::to_string).collect()
    }

    #[test]
    fn pairs_are_read_with_the_attributes_that_looker_hides() {
        let text = "old,new,attr.token\nada@acme.example,9f1c,s3\ngrace@acme.example,\"a,b\",\n";

        let pairs = read_mapping(text.as_bytes()).pairs;

        let token = BTreeMap::from([("token".to_owned(), "s3".to_owned())]);
        assert_eq!(pairs[0].attributes, token);
        assert_eq!((pairs[1].new.as_str(), pairs[1].line), ("a,b", 3));
        assert!(pairs[1].attributes.is_empty());
    }

    #[test]
    fn chains_and_swaps_are_told_at_their_lines() {
        let told = problems("old,new\na,b\nb,c\nd,e\ne,d\n");

        assert_eq!(told.len(), 3, "{told:?}");
        assert!(
            told[0].starts_with("2:1: `b` is the old id of line 3"),
            "{told:?}"
        );
        assert!(
            told[1].starts_with("4:1: `d` and `e` swap ids with line 5"),
            "{told:?}"
        );
        assert!(
            told[2].starts_with("5:1: `e` and `d` swap ids with line 4"),
            "{told:?}"
        );
    }

    #[test]
    fn an_id_stands_on_one_line_only() {
        let told = problems("old,new\na,b\na,c\nd,b\nf,f\n,g\n");

        assert_eq!(
            told,
            [
                "3:1: `a` is the old id of line 2 too",
                "4:1: `b` is the new id of line 2 too: two people would be merged into one",
                "5:1: `f` is both the old and the new id",
                "6:1: the id is empty",
            ]
        );
    }

    #[test]
    fn a_file_without_the_two_columns_says_which_they_are() {
        for text in ["", "a@acme.example,9f1c\n", "old,neu\n"] {
            assert!(problems(text)[0].starts_with("1:1: the first line names the columns"));
        }
    }
}
