//! The records of a CSV file: cells separated by commas, each with its position.
//!
//! The `csv` crate parses the records. It also accepts text that is not CSV, such as text after a closing quote or a quote that
//! is never closed, and it only knows a record's line. So each record is compared with the text it was read from: cells whose
//! spelling does not match their value are refused, and all others get an exact position.

use std::io::{self, BufReader, Cursor, Read};
use std::mem;
use std::str::Utf8Error;

use csv::{ByteRecord, ReaderBuilder, Terminator};

use crate::manifest::lines::Lines;
use crate::manifest::problem::{Place, Placed, Problem};

/// One cell, without its quotes.
pub(super) type Cell = Placed<String>;

/// The longest record, in bytes. A signed URL could not hold that much either.
const LONGEST: usize = 1024 * 1024;

/// Reads records, all with as many cells as the first one.
pub(super) struct Records {
    /// `None` once there is nothing more to read.
    reader: Option<csv::Reader<Kept>>,
    /// The problem before the first record.
    problem: Option<Problem>,
    record: ByteRecord,
    /// The number of the next line.
    line: u64,
    /// How many cells the first record has.
    width: Option<usize>,
}

impl Records {
    pub(super) fn new(source: impl Read + Send + 'static) -> Self {
        let mut lines = Lines::new(source);
        // Comments may only precede the header: an id may start with `#`.
        let first = lines.find(|line| match line {
            Ok(line) => !line.text.starts_with('#') && !line.text.trim().is_empty(),
            Err(_) => true,
        });
        let mut records = Self {
            reader: None,
            problem: None,
            record: ByteRecord::new(),
            line: 1,
            width: None,
        };
        match first {
            None => {}
            Some(Err(problem)) => records.problem = Some(problem),
            Some(Ok(line)) => {
                records.line = line.number;
                // The crate would silently skip a byte order mark and lose step with the text.
                let text = line.text.trim_start_matches('\u{feff}').to_owned() + "\n";
                let source = Cursor::new(text).chain(lines.rest());
                let mut builder = ReaderBuilder::new();
                // Rows of another width are accepted here, because `measured` names them with their
                // line.
                builder.has_headers(false).flexible(true);
                builder.terminator(Terminator::Any(b'\n'));
                records.reader = Some(builder.from_reader(Kept::new(source)));
            }
        }
        records
    }

    /// The next record that is not blank.
    fn read(&mut self, reader: &mut csv::Reader<Kept>) -> Result<Option<Vec<Cell>>, Problem> {
        loop {
            // Positions come from the text, since the parser's own do not count empty lines.
            let begin = reader.position().byte();
            let found = reader.read_byte_record(&mut self.record);
            let length = reader.position().byte() - begin;
            let (blank, text) = reader.get_mut().take(length);
            self.line += blank;
            if !found.map_err(|error| Problem::at(start(self.line), unread(&error)))? {
                return Ok(None);
            }
            let text = str::from_utf8(text).map_err(|error| not_utf8(text, &error, self.line))?;
            let place = start(self.line);
            self.line += text.matches('\n').count() as u64;
            if !text.trim().is_empty() {
                return cells(&self.record, text, place).map(Some);
            }
        }
    }

    /// Refuse a record with more or fewer cells than the first one.
    fn measured(&mut self, record: Vec<Cell>) -> Result<Vec<Cell>, Problem> {
        // The header sets the width.
        let width = *self.width.get_or_insert(record.len());
        if record.len() == width {
            return Ok(record);
        }
        let place = record.get(width).or_else(|| record.first());
        let cells = record.len();
        let message = format!("the row has {cells} cells, but the header has {width}");
        Err(Problem::at(
            place.map(|cell| cell.place).unwrap_or_default(),
            message,
        ))
    }
}

impl Iterator for Records {
    type Item = Result<Vec<Cell>, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(problem) = self.problem.take() {
            return Some(Err(problem));
        }
        let mut reader = self.reader.take()?;
        match self.read(&mut reader).transpose()? {
            Ok(record) => {
                self.reader = Some(reader);
                Some(self.measured(record))
            }
            // After a wrong quote, it is unknown where cells start.
            Err(problem) => Some(Err(problem)),
        }
    }
}

const fn start(line: u64) -> Place {
    Place { line, column: 1 }
}

fn unread(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            "the row is longer than 1 MiB; is a quote never closed?".to_owned()
        }
        csv::ErrorKind::Io(error) => format!("cannot be read: {error}"),
        _ => format!("cannot be read: {error}"),
    }
}

fn not_utf8(text: &[u8], error: &Utf8Error, line: u64) -> Problem {
    let good = text.get(..error.valid_up_to()).unwrap_or_default();
    let place = behind(start(line), &String::from_utf8_lossy(good));
    Problem::at(place, "the text is not UTF-8; save the file as UTF-8")
}

/// The position after `text`, which starts at `place`.
fn behind(place: Place, text: &str) -> Place {
    match text.rsplit_once('\n') {
        None => Place {
            column: place.column + text.chars().count() as u64,
            ..place
        },
        Some((before, last)) => Place {
            line: place.line + before.matches('\n').count() as u64 + 1,
            column: last.chars().count() as u64 + 1,
        },
    }
}

/// The cells of `record`, which was read from `text`.
fn cells(record: &ByteRecord, text: &str, mut place: Place) -> Result<Vec<Cell>, Problem> {
    // The parser leaves the carriage return of the last cell in it.
    let returns = text.strip_suffix('\n').unwrap_or(text).ends_with('\r');
    let mut rest = text;
    let mut cells = Vec::with_capacity(record.len());
    for (index, value) in record.iter().enumerate() {
        let mut value = String::from_utf8_lossy(value).into_owned();
        if returns && index + 1 == record.len() && value.ends_with('\r') {
            value.pop();
        }
        let written = match rest.starts_with('"') {
            true => &format!("\"{}\"", value.replace('"', "\"\"")),
            false => &value,
        };
        let Some(other) = rest.strip_prefix(written.as_str()) else {
            return Err(misquoted(rest, written, place));
        };
        rest = other.strip_prefix(',').unwrap_or(other);
        let end = behind(place, written);
        cells.push(Cell { place, value });
        place = Place {
            column: end.column + 1,
            ..end
        };
    }
    Ok(cells)
}

/// Why `text`, which starts with a quote at `place`, does not match `meant`.
fn misquoted(text: &str, meant: &str, place: Place) -> Problem {
    let pairs = text.chars().zip(meant.chars());
    let same = pairs.take_while(|(is, meant)| is == meant);
    let same: String = same.map(|(is, _)| is).collect();
    match text.strip_prefix(&same) {
        Some(other) if other.starts_with('"') => Problem::at(
            behind(place, &(same + "\"")),
            "there is text after the closing quote; write `\"\"` for a quote inside a cell",
        ),
        _ => Problem::at(place, "the quote that opens here is never closed"),
    }
}

/// Keeps the text that is read until it is taken.
struct Kept {
    source: io::Chain<Cursor<String>, BufReader<Box<dyn Read + Send>>>,
    text: Vec<u8>,
    /// How much of the text has been taken.
    taken: usize,
    /// How many empty lines before the text were dropped.
    blank: u64,
}

impl Kept {
    const fn new(source: io::Chain<Cursor<String>, BufReader<Box<dyn Read + Send>>>) -> Self {
        Self {
            source,
            text: Vec::new(),
            taken: 0,
            blank: 0,
        }
    }

    /// The next `length` bytes that were read: the number of empty lines at their start, and the remaining text.
    fn take(&mut self, length: u64) -> (u64, &[u8]) {
        let dropped = mem::take(&mut self.blank);
        let length = usize::try_from(length - dropped.min(length)).unwrap_or(usize::MAX);
        let begin = self.taken;
        self.taken = begin.saturating_add(length).min(self.text.len());
        let text = self.text.get(begin..self.taken).unwrap_or_default();
        let blank = empty_lines(text);
        (
            dropped + blank as u64,
            text.get(blank..).unwrap_or_default(),
        )
    }
}

fn empty_lines(text: &[u8]) -> usize {
    text.iter().take_while(|byte| **byte == b'\n').count()
}

impl Read for Kept {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.text.drain(..self.taken);
        self.taken = 0;
        // The parser returns empty lines together with the next record, but they are not part of it.
        let blank = empty_lines(&self.text);
        self.text.drain(..blank);
        self.blank += blank as u64;
        // An unclosed quote would otherwise read the whole file into one cell.
        if self.text.len() > LONGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let length = self.source.read(into)?;
        self.text
            .extend_from_slice(into.get(..length).unwrap_or_default());
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cell's value, line and column.
    type Told = (String, u64, u64);

    /// The cells of `text` with their places, and the problem it ends with.
    fn read(text: impl Into<Vec<u8>>) -> (Vec<Vec<Told>>, Option<String>) {
        let (mut read, mut problem) = (Vec::new(), None);
        for record in Records::new(Cursor::new(text.into())) {
            assert_eq!(problem, None);
            match record {
                Ok(cells) => {
                    let told = |cell: Cell| (cell.value, cell.place.line, cell.place.column);
                    read.push(cells.into_iter().map(told).collect());
                }
                Err(error) => problem = Some(error.to_string()),
            }
        }
        (read, problem)
    }

    fn cell(value: &str, line: u64, column: u64) -> Told {
        (value.to_owned(), line, column)
    }

    #[test]
    fn every_cell_is_kept_byte_for_byte_and_knows_its_place() {
        let text = "\u{feff}# \"a, \"b\r\n\r\na,b\r\n\r\n \n\"x\n\"\"é\r\n\",\"\"\r\n# no comment,=1 \r\n'\",c\r";

        assert_eq!(
            read(text),
            (
                vec![
                    vec![cell("a", 3, 1), cell("b", 3, 3)],
                    vec![cell("x\n\"é\r\n", 6, 1), cell("", 8, 3)],
                    vec![cell("# no comment", 9, 1), cell("=1 ", 9, 14)],
                    vec![cell("'\"", 10, 1), cell("c", 10, 4)],
                ],
                None
            )
        );
    }

    #[test]
    fn what_is_no_csv_is_refused_at_its_place() {
        for (text, expected) in [
            (
                "a,b\n1,\"2\" \n",
                "2:6: there is text after the closing quote",
            ),
            (
                "a\n\"b\"c\"\n",
                "2:4: there is text after the closing quote",
            ),
            ("a\n\"\"b\n", "2:3: there is text after the closing quote"),
            (
                "a\n\"\nb\"c\n",
                "3:3: there is text after the closing quote",
            ),
            (
                "a,b\n1,\"2\n3,4\n",
                "2:3: the quote that opens here is never closed",
            ),
            (
                "a\n\"\"\"\r\n",
                "2:1: the quote that opens here is never closed",
            ),
            ("a\n\"b\r", "2:1: the quote that opens here is never closed"),
        ] {
            let (_, problem) = read(text);
            let problem = problem.expect(text);
            assert!(problem.starts_with(expected), "{text:?}: {problem}");
        }
    }

    #[test]
    fn a_quote_that_is_never_closed_does_not_take_the_whole_file_into_memory() {
        let mut text = b"a\n\"".to_vec();
        text.resize(4 * LONGEST, b'\n');

        let (read, problem) = read(text);

        assert_eq!(read.len(), 1);
        let expected = "2:1: the row is longer than 1 MiB; is a quote never closed?";
        assert_eq!(problem.as_deref(), Some(expected));
    }

    #[test]
    fn empty_lines_belong_to_no_row_however_many_there_are() {
        let lines = "\n".repeat(3 * LONGEST);

        let (records, problem) = read(format!("a\n{lines}b\r\n{lines}\"c"));

        let line = 2 + 3 * LONGEST as u64;
        assert_eq!(records, [[cell("a", 1, 1)], [cell("b", line, 1)]]);
        let last = line + 1 + 3 * LONGEST as u64;
        let expected = format!("{last}:1: the quote that opens here is never closed");
        assert_eq!(problem, Some(expected));
    }

    #[test]
    fn text_that_is_not_utf8_is_told_where_it_stands_in_a_cell_of_several_lines() {
        let (_, problem) = read(b"a,b\n1,\"\xc3\xa9\n\xc3\xa9\xff\"\n");

        let expected = "3:2: the text is not UTF-8; save the file as UTF-8";
        assert_eq!(problem.as_deref(), Some(expected));
    }
}
