//! Lines that are kept until all are known: in memory if they are few, else in a nameless file.

use std::io::{self, BufWriter, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use tempfile::SpooledTempFile;

use crate::error::{Error, Kind};

/// How many bytes are kept in memory.
const SHORT: usize = 1024 * 1024;

/// Lines that are being kept.
pub(crate) struct KeptLines {
    /// No one else can open it, and it is gone when the process ends in any way: it holds attribute values.
    out: BufWriter<SpooledTempFile>,
    folder: PathBuf,
}

impl KeptLines {
    /// None yet; many go to a file in `folder`.
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            out: BufWriter::new(tempfile::spooled_tempfile_in(SHORT, folder)),
            folder: folder.to_owned(),
        }
    }

    /// Keep a line, which has its end.
    pub(crate) fn add(&mut self, line: &str) -> Result<(), Error> {
        let written = self.out.write_all(line.as_bytes());
        written.map_err(|error| self.failed(error))
    }

    /// All of them, in the same order.
    pub(crate) fn read(mut self) -> Result<SpooledTempFile, Error> {
        let flushed = self.out.flush();
        flushed.map_err(|error| self.failed(error))?;
        let rewound = self.out.get_mut().rewind();
        rewound.map_err(|error| self.failed(error))?;
        let (file, _) = self.out.into_parts();
        Ok(file)
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::caused(Kind::Internal, error)
            .context(format!(
                "cannot keep what was read from Looker in `{}`",
                self.folder.display()
            ))
            .hint("name another folder in `TMPDIR`")
    }
}
