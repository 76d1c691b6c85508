//! A problem of a manifest, with its position.

use std::fmt;

use serde::Serialize;

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

/// A problem with its position.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Problem {
    /// The line, from 1.
    pub(crate) line: u64,
    /// The character in the line, from 1.
    pub(crate) column: u64,
    /// What is wrong.
    pub(crate) message: String,
}

impl Problem {
    pub(super) fn at(place: Place, message: impl fmt::Display) -> Self {
        Self {
            line: place.line,
            column: place.column,
            message: message.to_string(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}
