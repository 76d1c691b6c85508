//! Standard input, output and error, or their substitutes.

use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::system::files;

/// Standard input or its substitute; clones share it.
#[derive(Clone)]
pub struct Input {
    reader: Arc<Mutex<dyn Read + Send>>,
    /// Whether it is a terminal.
    pub terminal: bool,
    /// Whether it is this process's own console, whose echo can be turned off.
    console: bool,
    /// The device and inode of its file, if it comes from one.
    file: Option<(u64, u64)>,
}

impl Input {
    /// Input from `reader`; `terminal` says whether it is a terminal.
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

    /// The file it comes from, if any.
    pub(crate) const fn file(&self) -> Option<(u64, u64)> {
        self.file
    }

    /// The next line, without its end; `None` at the end of the input.
    pub fn line(&self) -> io::Result<Option<String>> {
        // Byte by byte: whatever follows the line must stay available to the next reader.
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

    /// How the terminal is set up, to be restored on drop: whoever leaves a hidden line half-way still wants to see what he types.
    pub(crate) fn keep_echo(&self) -> impl Drop + use<> {
        KeptEcho(match self.console {
            true => tcgetattr(io::stdin()).ok(),
            false => None,
        })
    }

    /// The next line, not echoed by the terminal while it is typed; treat it as a secret.
    pub fn hidden_line(&self) -> io::Result<Option<String>> {
        if self.console {
            return rpassword::read_password().map(Some);
        }
        self.line()
    }

    /// Empty input.
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

/// The settings of the terminal, which are restored on drop.
struct KeptEcho(Option<Termios>);

impl Drop for KeptEcho {
    fn drop(&mut self) {
        if let Some(settings) = &self.0 {
            // Nothing better can be done on the way out.
            let _failed = tcsetattr(io::stdin(), OptionalActions::Now, settings).is_err();
        }
    }
}

/// An output stream, shared by all clones.
#[derive(Clone)]
pub struct Stream {
    writer: Arc<Mutex<dyn Write + Send>>,
    terminal: bool,
    /// Whether its output is lost: it is `/dev/null`, or was closed before the program started.
    lost: bool,
    /// The device and inode of its file, if it goes to one.
    file: Option<(u64, u64)>,
}

impl Stream {
    /// A stream into `writer`; `terminal` says whether it is a terminal.
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

    /// The file it goes to, if any.
    pub(crate) const fn file(&self) -> Option<(u64, u64)> {
        self.file
    }

    /// Whether its output is lost.
    pub(crate) const fn is_lost(&self) -> bool {
        self.lost
    }

    /// Whether it is a terminal.
    pub const fn is_terminal(&self) -> bool {
        self.terminal
    }
}

/// The file behind a stream of this process, if any.
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
