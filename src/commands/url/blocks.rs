//! A stream of lines, cut into blocks of whole lines that can be processed in parallel.

use std::io::{self, Read};

/// How much is read at once.
const READ_BYTES: usize = 128 * 1024;

/// The longest line, in bytes, so that memory stays bounded.
pub(super) const LONGEST_LINE: usize = 1024 * 1024;

/// The first byte of a line that was too long and lost its start; no JSON starts like that.
pub(super) const CUT: u8 = 0;

/// Whole lines, and the number of the first.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Block {
    pub(super) first_line: u64,
    pub(super) bytes: Vec<u8>,
}

impl Block {
    /// The lines that are not empty, each with its number.
    pub(super) fn lines(&self) -> Vec<(u64, &[u8])> {
        let mut start = 0;
        let ends = memchr::memchr_iter(b'\n', &self.bytes).chain([self.bytes.len()]);
        let lines = ends.map(|end| {
            let line = self.bytes.get(start..end).unwrap_or_default();
            start = end + 1;
            line
        });
        let numbered = (self.first_line..).zip(lines);
        numbered
            .filter(|(_, line)| !line.trim_ascii().is_empty())
            .collect()
    }
}

/// Reads blocks. A block holds what has arrived so far, so a slow writer gets its results while it is still writing.
#[derive(Debug)]
pub(super) struct Blocks<R> {
    input: R,
    /// The start of a line whose end has not arrived.
    rest: Vec<u8>,
    next_line: u64,
}

impl<R: Read> Blocks<R> {
    pub(super) const fn new(input: R) -> Self {
        Self {
            input,
            rest: Vec::new(),
            next_line: 1,
        }
    }

    /// The lines that have arrived since; `None` at the end of the input.
    pub(super) fn next(&mut self) -> io::Result<Option<Block>> {
        loop {
            let start = self.rest.len();
            self.rest.resize(start + READ_BYTES, 0);
            let room = self.rest.get_mut(start..).unwrap_or_default();
            let read = loop {
                match self.input.read(room) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    other => break other,
                }
            };
            self.rest.truncate(start + *read.as_ref().unwrap_or(&0));
            if read? == 0 {
                let last = std::mem::take(&mut self.rest);
                return Ok((!last.is_empty()).then(|| self.block(last)));
            }
            if let Some(block) = self.whole_lines(start) {
                return Ok(Some(block));
            }
        }
    }

    /// Take the whole lines out of `rest`; the bytes before `searched` contain no line break.
    fn whole_lines(&mut self, searched: usize) -> Option<Block> {
        let fresh = self.rest.get(searched..).unwrap_or_default();
        let Some(end) = memchr::memrchr(b'\n', fresh) else {
            if self.rest.len() > LONGEST_LINE {
                self.rest.clear();
                self.rest.push(CUT);
            }
            return None;
        };
        let rest = self.rest.split_off(searched + end + 1);
        let bytes = std::mem::replace(&mut self.rest, rest);
        Some(self.block(bytes))
    }

    fn block(&mut self, bytes: Vec<u8>) -> Block {
        let first_line = self.next_line;
        let breaks = memchr::memchr_iter(b'\n', &bytes).count();
        self.next_line += u64::try_from(breaks).unwrap_or(u64::MAX);
        Block { first_line, bytes }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed test should stop at once")]
mod tests {
    use std::io::{self, Read};

    use super::{Block, Blocks, CUT, LONGEST_LINE};

    /// Gives one of its pieces at each read.
    struct Pieces<'a>(Vec<&'a str>);

    impl Read for Pieces<'_> {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            self.0.remove(0).as_bytes().read(bytes)
        }
    }

    fn blocks(pieces: &[&str]) -> Vec<(u64, String)> {
        let mut blocks = Blocks::new(Pieces(pieces.to_vec()));
        let mut found = Vec::new();
        while let Some(Block { first_line, bytes }) = blocks.next().unwrap() {
            found.push((first_line, String::from_utf8(bytes).unwrap()));
        }
        found
    }

    fn expected(blocks: &[(u64, &str)]) -> Vec<(u64, String)> {
        let owned = |(line, text): &(u64, &str)| (*line, (*text).to_owned());
        blocks.iter().map(owned).collect()
    }

    #[test]
    fn lines_that_have_arrived_are_given_at_once_and_whole() {
        assert_eq!(
            blocks(&["a\nb\nc", "d", "e\nf\n", "g"]),
            expected(&[(1, "a\nb\n"), (3, "cde\nf\n"), (5, "g")])
        );
        assert_eq!(
            blocks(&["\n\n", "x\n"]),
            expected(&[(1, "\n\n"), (3, "x\n")])
        );
        assert_eq!(blocks(&[]), []);
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_and_the_next_ones_are_not() {
        let long = "{".repeat(LONGEST_LINE * 2);
        let input = format!("{long}{}\nnext\n", "}");
        let mut blocks = Blocks::new(input.as_bytes());

        let block = blocks.next().unwrap().unwrap();

        assert_eq!(block.bytes.first(), Some(&CUT));
        assert!(block.bytes.len() < LONGEST_LINE);
        assert!(block.bytes.ends_with(b"\nnext\n"));
    }
}
