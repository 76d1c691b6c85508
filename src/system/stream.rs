//! Standard input, output and error, or what stands in for them.

use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, Mutex, PoisonError};

use crate::system::files;

/// Standard input, or what stands in for it; clones share it.
#[derive(Clone)]
pub struct Input {
    reader: Arc<Mutex<dyn Read + Send>>,
    /// Whether a person sits at it.
    pub terminal: bool,
    /// Whether it is this process's own, whose echo can be turned off.
    console: bool,
    /// The file that it comes from, if it is one: its device and its number there.
    file: Option<(u64, u64)>,
}

impl Input {
    /// Input from `reader`; `terminal` says whether a person sits at it.
    pub fn new(reader: impl Read + Send + 'static, terminal: bool) -> Self {
        Self {
            reader: Arc::new(Mutex::new(reader)),
            terminal,
            console: false,
            file: None,
        }
    }

    /// The standard input of this process.
    pub(super) fn os() -> Self {
        let mut input = Self::new(io::stdin(), io::stdin().is_terminal());
        input.console = input.terminal;
        input.file = file_of(io::stdin());
        input
    }

    /// The file that it comes from, if it is one.
    pub(crate) const fn file(&self) -> Option<(u64, u64)> {
        self.file
    }

    /// The next line, without its end; `None` where there is none.
    pub fn line(&self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        let mut byte = [0];
        while self.clone().read(&mut byte)? > 0 && byte != *b"\n" {
            line.extend(byte);
        }
        if line.is_empty() && byte != *b"\n" {
            return Ok(None);
        }
        let line = String::from_utf8(line).map_err(io::Error::other)?;
        Ok(Some(line.trim_end_matches('\r').to_owned()))
    }

    /// The next line, which the terminal does not show while it is typed; a secret from here on.
    pub fn hidden_line(&self) -> io::Result<Option<String>> {
        if self.console {
            return rpassword::read_password().map(Some);
        }
        self.line()
    }

    /// Input that ends at once.
    pub fn empty() -> Self {
        Self::text("")
    }

    /// Input that reads as `text`.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(io::Cursor::new(text.into()), false)
    }
}

impl Read for Input {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.read(bytes)
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input")
            .field("terminal", &self.terminal)
            .finish_non_exhaustive()
    }
}

/// A stream to write to, shared by everyone who holds a clone.
#[derive(Clone)]
pub struct Stream {
    writer: Arc<Mutex<dyn Write + Send>>,
    terminal: bool,
    /// Whether whatever is written to it is lost: it is `/dev/null`, or was closed before the program began.
    lost: bool,
    /// The file that it goes to, if it is one: its device and its number there.
    file: Option<(u64, u64)>,
}

impl Stream {
    /// A stream into `writer`; `terminal` says whether a person looks at it.
    pub fn new(writer: impl Write + Send + 'static, terminal: bool) -> Self {
        Self {
            writer: Arc::new(Mutex::new(writer)),
            terminal,
            lost: false,
            file: None,
        }
    }

    /// The standard output of this process.
    pub(super) fn stdout() -> Self {
        let stdout = io::stdout();
        let null = std::fs::metadata("/dev/null").map(|null| null.rdev());
        let found = rustix::fs::fstat(&stdout);
        let lost = match (found, null) {
            (Ok(found), Ok(null)) => found.st_rdev == null,
            (Err(_), _) => true,
            (Ok(_), Err(_)) => false,
        };
        let terminal = stdout.is_terminal();
        Self {
            lost,
            file: file_of(&stdout),
            ..Self::new(stdout, terminal)
        }
    }

    /// The standard error of this process.
    pub(super) fn stderr() -> Self {
        let stderr = io::stderr();
        let terminal = stderr.is_terminal();
        Self {
            file: file_of(&stderr),
            ..Self::new(stderr, terminal)
        }
    }

    /// The file that it goes to, if it is one.
    pub(crate) const fn file(&self) -> Option<(u64, u64)> {
        self.file
    }

    /// Whether whatever is written to it is lost.
    pub(crate) const fn is_lost(&self) -> bool {
        self.lost
    }

    /// Whether a person looks at it.
    pub const fn is_terminal(&self) -> bool {
        self.terminal
    }
}

/// The file behind a stream of this process, if it is one.
fn file_of(stream: impl AsFd) -> Option<(u64, u64)> {
    let file = File::from(stream.as_fd().try_clone_to_owned().ok()?);
    let found = file.metadata().ok().filter(|found| found.is_file())?;
    Some(files::identity(&found))
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .flush()
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("terminal", &self.terminal)
            .finish_non_exhaustive()
    }
}
