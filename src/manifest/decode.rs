//! Text as spreadsheets save it: UTF-8 or UTF-16, with or without a byte order mark, with any line ends.

use std::io::{self, BufRead as _, BufReader, Chain, Cursor, Read};

/// Reads any of them as UTF-8 without a byte order mark. Bytes that are not UTF-8 are left to the reader.
pub(super) struct Decoded {
    /// The first bytes without a byte order mark, and the rest.
    source: Chain<Cursor<Vec<u8>>, BufReader<Box<dyn Read + Send>>>,
    encoding: Option<Encoding>,
    line_ends: LineEnds,
    /// What was decoded and not read yet.
    ready: Vec<u8>,
    /// How much of it has been read.
    taken: usize,
}

/// How characters are stored.
enum Encoding {
    Utf8,
    Utf16 {
        unit: fn([u8; 2]) -> u16,
        /// Half of a character that continues in what has not been read yet.
        high: Option<u16>,
    },
}

/// How lines end, which the first one decides.
#[derive(Clone, Copy)]
enum LineEnds {
    /// No line has ended yet; whether a carriage return was the last character.
    Unknown { after_return: bool },
    /// With a line feed, whatever is before it.
    Feed,
    /// With a carriage return alone, as a Mac of the last century did, and some spreadsheets there still do.
    Return,
}

impl Decoded {
    pub(super) fn new(source: impl Read + Send + 'static) -> Self {
        let source = BufReader::with_capacity(64 * 1024, Box::new(source) as Box<_>);
        Self {
            source: Cursor::default().chain(source),
            encoding: None,
            line_ends: LineEnds::Unknown {
                after_return: false,
            },
            ready: Vec::new(),
            taken: 0,
        }
    }

    /// Decode the next piece; false at the end.
    fn decode(&mut self) -> io::Result<bool> {
        self.ready.clear();
        self.taken = 0;
        let mut encoding = match self.encoding.take() {
            Some(encoding) => encoding,
            None => self.recognize()?,
        };
        let decoded = match &mut encoding {
            Encoding::Utf8 => self.copy(),
            Encoding::Utf16 { unit, high } => self.convert(*unit, high),
        };
        self.encoding = Some(encoding);
        let is_more = decoded?;
        self.end_lines();
        Ok(is_more)
    }

    /// The encoding, by the first bytes.
    fn recognize(&mut self) -> io::Result<Encoding> {
        const WORKBOOKS: [&[u8]; 2] = [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"];
        let (start, rest) = self.source.get_mut();
        let mut first = Vec::new();
        rest.by_ref().take(4).read_to_end(&mut first)?;
        let (encoding, mark) = match first.as_slice() {
            first if WORKBOOKS.contains(&first) => {
                return Err(wrong("it is a workbook or another archive; save it as CSV"));
            }
            [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8, 3),
            [0xff, 0xfe, ..] => (utf16(u16::from_le_bytes), 2),
            [0xfe, 0xff, ..] => (utf16(u16::from_be_bytes), 2),
            // A manifest begins with characters of ASCII, of which each other byte is zero.
            [1..=0xff, 0, 1..=0xff, 0] => (utf16(u16::from_le_bytes), 0),
            [0, 1..=0xff, 0, 1..=0xff] => (utf16(u16::from_be_bytes), 0),
            _ => (Encoding::Utf8, 0),
        };
        *start = Cursor::new(first.split_off(mark));
        Ok(encoding)
    }

    fn copy(&mut self) -> io::Result<bool> {
        let bytes = self.source.fill_buf()?;
        self.ready.extend_from_slice(bytes);
        let length = bytes.len();
        self.source.consume(length);
        Ok(length > 0)
    }

    fn convert(&mut self, unit: fn([u8; 2]) -> u16, high: &mut Option<u16>) -> io::Result<bool> {
        const PIECE: u64 = 32 * 1024;
        let mut bytes = Vec::new();
        self.source.by_ref().take(PIECE).read_to_end(&mut bytes)?;
        let is_last = bytes.len() as u64 != PIECE;
        let (pairs, odd) = bytes.as_chunks::<2>();
        let mut units: Vec<u16> = high.take().into_iter().collect();
        units.extend(pairs.iter().map(|pair| unit(*pair)));
        // A character of two units may be cut by the end of the piece.
        *high = units.pop_if(|last| !is_last && (0xd800..0xdc00).contains(last));
        let text = String::from_utf16(&units).ok().filter(|_| odd.is_empty());
        let text = text.ok_or_else(|| wrong("it is broken UTF-16; save it as UTF-8"))?;
        self.ready = text.into_bytes();
        Ok(!is_last || !self.ready.is_empty())
    }

    /// Let every line end with a line feed.
    fn end_lines(&mut self) {
        if let LineEnds::Unknown { after_return } = self.line_ends {
            if after_return {
                self.ready.insert(0, b'\r');
            }
            let mut ends = self.ready.iter();
            let end = ends.find(|byte| matches!(byte, b'\r' | b'\n'));
            self.line_ends = match (end, ends.next()) {
                (None, _) => LineEnds::Unknown {
                    after_return: false,
                },
                // What follows is not known yet; after a return that was held back, nothing does.
                (Some(b'\r'), None) if !after_return => {
                    self.ready.pop();
                    LineEnds::Unknown { after_return: true }
                }
                (Some(b'\r'), next) if next != Some(&b'\n') => LineEnds::Return,
                (Some(_), _) => LineEnds::Feed,
            };
        }
        if matches!(self.line_ends, LineEnds::Return) {
            for byte in self.ready.iter_mut().filter(|byte| **byte == b'\r') {
                *byte = b'\n';
            }
        }
    }
}

impl Read for Decoded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.ready.len() {
            let is_more = self.decode()?;
            if !is_more && self.ready.is_empty() {
                return Ok(0);
            }
        }
        let mut left = self.ready.get(self.taken..).unwrap_or_default();
        let length = left.read(into)?;
        self.taken += length;
        Ok(length)
    }
}

fn utf16(unit: fn([u8; 2]) -> u16) -> Encoding {
    Encoding::Utf16 { unit, high: None }
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time, so that every character is cut.
    struct Slow(Cursor<Vec<u8>>);

    impl Read for Slow {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = into.len().min(1);
            self.0.read(&mut into[..length])
        }
    }

    fn decoded(bytes: &[u8]) -> Result<String, String> {
        let mut text = String::new();
        let source = Slow(Cursor::new(bytes.to_vec()));
        let read = Decoded::new(source).read_to_string(&mut text);
        read.map(|_| text).map_err(|error| error.to_string())
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        // Longer than a piece, and with characters of one to four bytes.
        let text = "external_user_id\n".to_owned() + &"é€😀x".repeat(20_000);
        let marked = "\u{feff}".to_owned() + &text;

        for bytes in [
            text.clone().into_bytes(),
            marked.clone().into_bytes(),
            utf16(&marked, u16::to_le_bytes),
            utf16(&marked, u16::to_be_bytes),
            utf16(&text, u16::to_le_bytes),
            utf16(&text, u16::to_be_bytes),
        ] {
            assert!(decoded(&bytes).as_ref() == Ok(&text));
        }
    }

    #[test]
    fn the_first_line_says_how_lines_end() {
        for (text, expected) in [
            ("a\r\nb\rc", "a\r\nb\rc"),
            ("a\nb\rc", "a\nb\rc"),
            ("a\rb\rc\r", "a\nb\nc\n"),
            ("\r\rb", "\n\nb"),
            ("a\r", "a\n"),
            ("\r", "\n"),
            ("", ""),
            ("a", "a"),
        ] {
            assert_eq!(
                decoded(text.as_bytes()).as_deref(),
                Ok(expected),
                "{text:?}"
            );
        }
    }

    #[test]
    fn what_is_no_text_is_refused_in_words() {
        let workbook = decoded(b"PK\x03\x04\x14\0").unwrap_err();
        assert!(workbook.contains("workbook"), "{workbook}");
        for broken in [
            &b"\xff\xfea\0b"[..],
            b"\xff\xfe\0\xd8a\0",
            b"\xff\xfe\0\xd8",
        ] {
            let broken = decoded(broken).unwrap_err();
            assert!(broken.contains("broken UTF-16"), "{broken}");
        }
    }
}
