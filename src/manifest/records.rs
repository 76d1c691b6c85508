//! The records of a CSV file: cells separated by commas, semicolons or tabs, each with its position.
//!
//! The `csv` crate parses the records. It also accepts text that is not CSV, such as text after a closing quote or a quote that
//! is never closed, and it only knows a record's line. So each record is compared with the text it was read from: cells whose
//! spelling does not match their value are refused, and all others get an exact position.

use std::io::{self, BufReader, Cursor, Read};
use std::mem;
use std::str::Utf8Error;

use csv::{ByteRecord, ReaderBuilder, Terminator};

use crate::manifest::decode::Decoded;
use crate::manifest::lines::{Line, Lines};
use crate::manifest::problem::{Place, Problem};
use crate::manifest::separator::{named, separator};
use crate::manifest::spelling::bare;

/// One cell, without its quotes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) place: Place,
    pub(super) value: String,
    /// Whether spaces around it are meant: it is in quotes, and not because every cell of the file is.
    pub(super) is_exact: bool,
}

/// The longest record, in bytes. A signed URL could not hold that much either.
const LONGEST: usize = 1024 * 1024;

/// Reads records that have a value: as a spreadsheet writes them, empty rows and empty columns at the end are left out.
pub(super) struct Records {
    /// `None` once there is nothing more to read.
    reader: Option<csv::Reader<Kept>>,
    /// The problem before the first record.
    problem: Option<Problem>,
    record: ByteRecord,
    /// The number of the next line.
    line: u64,
    separator: char,
    header: Option<Header>,
}

/// What the first record says of the others.
struct Header {
    /// How many cells it has.
    width: usize,
    /// Which of them are empty.
    nameless: Vec<usize>,
    /// Whether it is in quotes, so that quotes say nothing.
    is_quoted: bool,
}

impl Records {
    pub(super) fn new(source: impl Read + Send + 'static) -> Self {
        let mut records = Self {
            reader: None,
            problem: None,
            record: ByteRecord::new(),
            line: 1,
            separator: ',',
            header: None,
        };
        let mut lines = Lines::new(source);
        match records.first(&mut lines) {
            Ok(None) => {}
            Err(problem) => records.problem = Some(problem),
            Ok(Some(line)) => {
                records.line = line.number;
                // The crate would silently skip a byte order mark and lose step with the text.
                let text = line.text.trim_start_matches('\u{feff}').to_owned() + "\n";
                let source = Cursor::new(text).chain(lines.rest());
                let mut builder = ReaderBuilder::new();
                // Rows of another width are accepted here, because `measured` names them with their
                // line.
                builder.has_headers(false).flexible(true);
                builder.delimiter(u8::try_from(records.separator).unwrap_or(b','));
                builder.terminator(Terminator::Any(b'\n'));
                records.reader = Some(builder.from_reader(Kept::new(source)));
            }
        }
        records
    }

    /// The line with the header, whose separator is noted.
    fn first(&mut self, lines: &mut Lines) -> Result<Option<Line>, Problem> {
        let mut told = None;
        for line in lines {
            let line = line?;
            // Comments may only precede the header: an id may start with `#`.
            if line.text.starts_with('#') || line.text.trim().is_empty() {
                continue;
            }
            if let Some(name) = named(&line.text) {
                let name = name.map_err(|why| Problem::at(start(line.number), why))?;
                told = Some(name);
                continue;
            }
            self.separator = told.unwrap_or_else(|| separator(&line.text));
            return Ok(Some(line));
        }
        Ok(None)
    }

    /// What separates the items of a list in a cell.
    pub(super) const fn separates(&self, character: char) -> bool {
        match character {
            ';' | '|' => true,
            // In a cell of a list, a comma that separates no columns can only separate items.
            ',' => self.separator != ',',
            _ => false,
        }
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
                return cells(&self.record, text, (self.separator, place)).map(Some);
            }
        }
    }

    /// The record without empty columns at the end; `None` if all of it is empty.
    fn measured(&mut self, mut record: Vec<Cell>) -> Result<Option<Vec<Cell>>, Problem> {
        let filled = record.iter().rposition(|cell| !is_blank(&cell.value));
        let Some(filled) = filled.map(|last| last + 1) else {
            return Ok(None);
        };
        let Some(header) = &self.header else {
            record.truncate(filled);
            let nameless = (0..).zip(&record);
            let nameless = nameless.filter(|(_, cell)| is_blank(&cell.value));
            self.header = Some(Header {
                width: filled,
                nameless: nameless.map(|(index, _)| index).collect(),
                is_quoted: record.first().is_some_and(|cell| cell.is_exact),
            });
            return Ok(Some(record));
        };
        let begin = record.first().map(|cell| cell.place).unwrap_or_default();
        let (cells, width) = (record.len(), header.width);
        if cells < width {
            let cells = counted(cells);
            let message = format!("the row has {cells}, but the header has {width}");
            return Err(Problem::at(begin, message).of_kind("short row"));
        }
        if let Some(cell) = record.get(width).filter(|_| filled > width) {
            let cells = counted(filled);
            let message = format!(
                "the row has {cells}, but the header has {width}; a cell that contains `{}` must be in quotes",
                self.separator.escape_default()
            );
            return Err(Problem::at(cell.place, message).of_kind("long row"));
        }
        let mut nameless = header
            .nameless
            .iter()
            .filter_map(|index| record.get(*index));
        if let Some(cell) = nameless.find(|cell| !is_blank(&cell.value)) {
            let message = "the column of this cell has no name in the header";
            return Err(Problem::at(cell.place, message));
        }
        record.truncate(width);
        if header.is_quoted {
            for cell in &mut record {
                cell.is_exact = false;
            }
        }
        Ok(Some(record))
    }
}

impl Iterator for Records {
    type Item = Result<Vec<Cell>, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(problem) = self.problem.take() {
            return Some(Err(problem));
        }
        loop {
            let mut reader = self.reader.take()?;
            // After a wrong quote, it is unknown where cells start, so the reader is gone.
            let record = match self.read(&mut reader).transpose()? {
                Ok(record) => record,
                Err(problem) => return Some(Err(problem)),
            };
            self.reader = Some(reader);
            if let Some(record) = self.measured(record).transpose() {
                return Some(record);
            }
        }
    }
}

fn counted(cells: usize) -> String {
    match cells {
        1 => "1 cell".to_owned(),
        _ => format!("{cells} cells"),
    }
}

fn is_blank(value: &str) -> bool {
    bare(value).is_empty()
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
fn cells(
    record: &ByteRecord,
    text: &str,
    (separator, mut place): (char, Place),
) -> Result<Vec<Cell>, Problem> {
    // The parser leaves the carriage return of the last cell in it.
    let returns = text.strip_suffix('\n').unwrap_or(text).ends_with('\r');
    let mut rest = text;
    let mut cells = Vec::with_capacity(record.len());
    for (index, value) in record.iter().enumerate() {
        let mut value = String::from_utf8_lossy(value).into_owned();
        if returns && index + 1 == record.len() && value.ends_with('\r') {
            value.pop();
        }
        let (value, is_exact, other) = unquoted(value, rest, place)?;
        cells.push(Cell {
            place,
            value,
            is_exact,
        });
        let written = rest.get(..rest.len() - other.len()).unwrap_or_default();
        let end = behind(place, written);
        rest = other.strip_prefix(separator).unwrap_or(other);
        place = Place {
            column: end.column + 1,
            ..end
        };
    }
    Ok(cells)
}

/// The cell at the start of `text`, which the parser takes for `value`: its value, whether it is in quotes, and the text
/// after it.
fn unquoted(value: String, text: &str, place: Place) -> Result<(String, bool, &str), Problem> {
    let quoted = |value: &str| format!("\"{}\"", value.replace('"', "\"\""));
    if text.starts_with('"') {
        let written = quoted(&value);
        if let Some(rest) = text.strip_prefix(&written) {
            return Ok((value, true, rest));
        }
        // Spaces after the closing quote align columns; the parser takes them for a part of the value.
        let core = value.trim_end_matches([' ', '\t']);
        let spaces = value.strip_prefix(core).unwrap_or_default();
        let rest = text.strip_prefix(&(quoted(core) + spaces));
        let rest = rest.ok_or_else(|| misquoted(text, &written, place))?;
        return Ok((core.to_owned(), true, rest));
    }
    let rest = text.strip_prefix(&value);
    let rest = rest.ok_or_else(|| misquoted(text, &value, place))?;
    // After a space, a quote quotes nothing for the parser.
    let Some(inner) = bare(&value).strip_prefix('"') else {
        return Ok((value, false, rest));
    };
    let inner = inner.strip_suffix('"').filter(|inner| {
        let single = inner.replace("\"\"", "");
        !single.contains('"')
    });
    let inner = inner.ok_or_else(|| {
        Problem::at(
            place,
            "there is a space before the quote, so that it quotes nothing; take the space out",
        )
    })?;
    Ok((inner.replace("\"\"", "\""), true, rest))
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
    source: io::Chain<Cursor<String>, BufReader<Decoded>>,
    text: Vec<u8>,
    /// How much of the text has been taken.
    taken: usize,
    /// How many empty lines before the text were dropped.
    blank: u64,
}

impl Kept {
    const fn new(source: io::Chain<Cursor<String>, BufReader<Decoded>>) -> Self {
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
                "a,b\n1,\"2\" x\n",
                "2:6: there is text after the closing quote",
            ),
            ("a,b\n1, \"2\n", "2:3: there is a space before the quote"),
            (
                "a,b,c\n1, \"2,3\"\n",
                "2:3: there is a space before the quote",
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
