//! Files that map old `external_user_id`s to new ones: CSV with the columns `old` and `new`, checked as a whole.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use crate::manifest::problem::{Place, Problem};
use crate::manifest::records::{Cell, Records};
use crate::signed_url::refuse_id;

/// The most problems reported at once.
const MOST: usize = 100;

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

#[derive(Clone, Debug, Eq, PartialEq)]
enum Column {
    Old,
    New,
    Attribute(String),
}

/// Read a mapping.
///
/// # Errors
/// All its problems, up to a hundred.
pub(crate) fn read_mapping(source: impl Read + Send + 'static) -> Result<Vec<Pair>, Vec<Problem>> {
    let mut records = Records::new(source);
    let (mut pairs, mut problems) = (Vec::new(), Vec::new());
    let header = match records.next() {
        Some(Ok(record)) => columns(&record),
        Some(Err(problem)) => Err(vec![problem]),
        None => Err(vec![no_header(Place { line: 1, column: 1 })]),
    }?;
    for record in records {
        match record.and_then(|record| pair(&header, record)) {
            Ok(pair) => pairs.push(pair),
            Err(problem) => problems.push(problem),
        }
    }
    // Only once all pairs are known: a chain may be in any order in the file.
    problems.extend(tangles(&pairs));
    problems.sort_by_key(|problem| (problem.line, problem.column));
    problems.truncate(MOST);
    match problems.is_empty() {
        true => Ok(pairs),
        false => Err(problems),
    }
}

fn no_header(place: Place) -> Problem {
    Problem::at(
        place,
        "the first line names the columns: `old,new`, and `attr.NAME` for an attribute that Looker hides",
    )
}

fn columns(record: &[Cell]) -> Result<Vec<Column>, Vec<Problem>> {
    let (mut columns, mut problems) = (Vec::new(), Vec::new());
    for cell in record {
        let name = cell.value.trim();
        let column = match name {
            "old" => Some(Column::Old),
            "new" => Some(Column::New),
            _ => name
                .strip_prefix("attr.")
                .filter(|name| !name.is_empty())
                .map(|name| Column::Attribute(name.to_owned())),
        };
        match column {
            Some(column) if columns.contains(&column) => {
                let message = format!("the column `{name}` is here a second time");
                problems.push(Problem::at(cell.place, message));
            }
            Some(column) => columns.push(column),
            None => problems.push(Problem::at(
                cell.place,
                format!(
                    "there is no column `{name}`; the columns are `old`, `new` and `attr.NAME`"
                ),
            )),
        }
    }
    let begin = record.first().map(|cell| cell.place).unwrap_or_default();
    if !columns.contains(&Column::Old) || !columns.contains(&Column::New) {
        problems = vec![no_header(begin)];
    }
    match problems.is_empty() {
        true => Ok(columns),
        false => Err(problems),
    }
}

fn pair(header: &[Column], record: Vec<Cell>) -> Result<Pair, Problem> {
    let begin = record.first().map(|cell| cell.place).unwrap_or_default();
    let mut pair = Pair {
        line: begin.line,
        old: String::new(),
        new: String::new(),
        attributes: BTreeMap::new(),
    };
    for (column, cell) in header.iter().zip(record) {
        let blank = cell.value.trim().is_empty();
        match column {
            Column::Old | Column::New if blank => {
                return Err(Problem::at(cell.place, "the id is empty"));
            }
            Column::Old | Column::New => {
                if let Err(why) = refuse_id(&cell.value) {
                    return Err(Problem::at(cell.place, format!("the id {why}")));
                }
                match column {
                    Column::Old => pair.old = cell.value,
                    _ => pair.new = cell.value,
                }
            }
            // An empty cell gives no value for this user.
            Column::Attribute(_) if cell.value.is_empty() => {}
            Column::Attribute(name) => {
                pair.attributes.insert(name.clone(), cell.value);
            }
        }
    }
    if pair.old == pair.new {
        let message = format!("`{}` is both the old and the new id", pair.old);
        return Err(Problem::at(begin, message));
    }
    Ok(pair)
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
        let problems = read_mapping(text.as_bytes()).unwrap_err();
        problems.iter().map(Problem::to_string).collect()
    }

    #[test]
    fn pairs_are_read_with_the_attributes_that_looker_hides() {
        let text = "old,new,attr.token\nada@acme.example,9f1c,s3\ngrace@acme.example,\"a,b\",\n";

        let pairs = read_mapping(text.as_bytes()).unwrap();

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
