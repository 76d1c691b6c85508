//! Problems of a manifest with their positions; what is wrong in many rows for the same reason is one problem.

use std::collections::HashMap;
use std::fmt;

use crate::report::in_rows;

/// How many problems are shown.
const MOST: usize = 100;

/// A position in a file, counted from 1; columns are characters.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Place {
    pub(super) line: u64,
    pub(super) column: u64,
}

/// Something with its position.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Placed<T> {
    pub(super) place: Place,
    pub(super) value: T,
}

/// A problem with its first position.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Problem {
    /// The line, from 1.
    pub(crate) line: u64,
    /// The character in the line, from 1.
    pub(crate) column: u64,
    /// What is wrong.
    pub(crate) message: String,
    /// In how many rows.
    pub(crate) rows: u64,
    /// What it has in common with others that have the same reason, if their messages differ.
    kind: Option<String>,
}

impl Problem {
    pub(super) fn at(place: Place, message: impl fmt::Display) -> Self {
        Self {
            line: place.line,
            column: place.column,
            message: message.to_string(),
            rows: 1,
            kind: None,
        }
    }

    /// The same problem, whose `kind` is more general than its message.
    pub(super) fn of_kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = Some(kind.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, .. } = self;
        let text = in_rows(&self.message, self.rows, *line);
        write!(f, "{line}:{column}: {text}")
    }
}

/// Problems, up to a hundred of them.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    /// In the order of their first positions.
    pub(crate) list: Vec<Problem>,
    /// How many more there are, each row counted as one.
    pub(crate) more: u64,
    /// The positions in the list by kind, and the line that was counted last.
    known: HashMap<String, (usize, u64)>,
}

impl Problems {
    /// Count a problem among those that it is like.
    pub(super) fn add(&mut self, problem: Problem) {
        let kind = problem.kind.as_ref().unwrap_or(&problem.message);
        let Some((at, last)) = self.known.get_mut(kind.as_str()) else {
            if self.list.len() < MOST {
                let kind = kind.clone();
                self.known.insert(kind, (self.list.len(), problem.line));
                self.list.push(problem);
            } else {
                // The rest is counted only: its texts would not fit in memory.
                self.more += 1;
            }
            return;
        };
        // A row that has the same mistake twice is one row.
        if *last != problem.line {
            *last = problem.line;
            if let Some(first) = self.list.get_mut(*at) {
                first.rows += 1;
            }
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.list.len() as u64 + self.more
    }

    /// Put those at the front that were found late.
    pub(super) fn sort(&mut self) {
        self.list
            .sort_by_key(|problem| (problem.line, problem.column));
        // Positions in the list are no longer those that are known.
        self.known.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u64, message: &str) -> Problem {
        Problem::at(Place { line, column: 1 }, message)
    }

    #[test]
    fn one_mistake_in_many_rows_is_one_problem_with_its_first_place() {
        let mut problems = Problems::default();
        for line in [2, 2, 3, 9] {
            problems.add(at(line, "no model `x`"));
            problems.add(at(line, &format!("no date: {line}")).of_kind("date"));
        }
        problems.add(at(4, "another"));

        let texts: Vec<_> = problems.list.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "2:1: no model `x` (3 rows, the first in line 2)",
                "2:1: no date: 2 (3 rows, the first in line 2)",
                "4:1: another",
            ]
        );
    }

    #[test]
    fn only_a_hundred_are_kept_and_those_go_on_counting() {
        let mut problems = Problems::default();
        for line in 0..150 {
            problems.add(at(line, &format!("mistake {line}")));
            problems.add(at(line, "mistake 0"));
        }

        assert_eq!((problems.list.len(), problems.count()), (100, 150));
        assert_eq!(problems.list[0].rows, 150);
    }
}
