//! The lines of a text, one at a time, with a limit on their length.

use std::io::{BufRead as _, BufReader, Read};

use crate::manifest::decode::Decoded;
use crate::manifest::problem::{Place, Problem};

/// The longest line that is read, in bytes. A signed URL could not hold that much either.
const LONGEST: u64 = 1024 * 1024;

/// The longest line of YAML, in bytes: programs write a whole list of users in a line of JSON.
const LONGEST_OF_YAML: u64 = 16 * LONGEST;

/// Reads lines.
pub(super) struct Lines {
    reader: BufReader<Decoded>,
    longest: u64,
    number: u64,
    broken: bool,
}

/// A line without its end, and its number.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) text: String,
}

impl Lines {
    pub(super) fn new(source: impl Read + Send + 'static) -> Self {
        Self::up_to(LONGEST, source)
    }

    /// The lines of YAML, which may be longer.
    pub(super) fn of_yaml(source: impl Read + Send + 'static) -> Self {
        Self::up_to(LONGEST_OF_YAML, source)
    }

    fn up_to(longest: u64, source: impl Read + Send + 'static) -> Self {
        Self {
            reader: BufReader::with_capacity(64 * 1024, Decoded::new(source)),
            longest,
            number: 0,
            broken: false,
        }
    }

    /// Everything that has not been read yet.
    pub(super) fn rest(self) -> BufReader<Decoded> {
        self.reader
    }

    fn read(&mut self) -> Result<Option<Line>, Problem> {
        let mut bytes = Vec::new();
        // One byte more than allowed, so that a longer line is noticed without reading all of it.
        let mut limited = (&mut self.reader).take(self.longest + 1);
        let read = limited.read_until(b'\n', &mut bytes);
        self.number += 1;
        let place = |column| Place {
            line: self.number,
            column,
        };
        match read {
            Err(error) => return Err(Problem::at(place(1), format!("cannot be read: {error}"))),
            Ok(0) => return Ok(None),
            Ok(length) if length as u64 > self.longest => {
                let most = self.longest / LONGEST;
                let message = format!("the line is longer than {most} MiB");
                return Err(Problem::at(place(1), message));
            }
            Ok(_) => {}
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = error.as_bytes().get(..error.utf8_error().valid_up_to());
            let column = String::from_utf8_lossy(good.unwrap_or_default())
                .chars()
                .count();
            Problem::at(
                place(column as u64 + 1),
                "the text is not UTF-8; save the file as UTF-8",
            )
        })?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        // Files from Windows end lines with both.
        let text = text.strip_suffix('\r').unwrap_or(text);
        Ok(Some(Line {
            number: self.number,
            text: text.to_owned(),
        }))
    }
}

impl Iterator for Lines {
    type Item = Result<Line, Problem>;

    /// A line that cannot be read ends the iteration.
    fn next(&mut self) -> Option<Self::Item> {
        if self.broken {
            return None;
        }
        let line = self.read();
        // After an error the rest would be read from the middle of a line.
        self.broken = !matches!(line, Ok(Some(_)));
        line.transpose()
    }
}
