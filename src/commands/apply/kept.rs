//! The decisions on all users, kept until the operator has agreed to them: in memory if they are few, else in a nameless file.

use std::io::{BufReader, BufWriter, Read, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use tempfile::SpooledTempFile;

use crate::commands::apply::source::Lines;
use crate::error::{Error, Kind};
use crate::plan::{PlanFile, Planned, plan_line};

/// How many bytes are kept in memory.
const SHORT: usize = 1024 * 1024;

/// Decisions that are being kept.
pub(super) struct Kept {
    /// No one else can open it, and it is gone when the process ends in any way: it holds attribute values.
    out: BufWriter<SpooledTempFile>,
    folder: PathBuf,
}

impl Kept {
    /// None yet; many go to a file in `folder`.
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            out: BufWriter::new(tempfile::spooled_tempfile_in(SHORT, folder)),
            folder: folder.to_owned(),
        }
    }

    /// Keep one.
    pub(super) fn add(&mut self, planned: &Planned) -> Result<(), Error> {
        let line = plan_line(planned).map_err(Error::internal)?;
        let written = self.out.write_all(line.as_bytes());
        written.map_err(|error| self.failed(error))
    }

    /// All of them, in the same order.
    pub(super) fn lines(mut self) -> Result<PlanFile<Lines>, Error> {
        let flushed = self.out.flush();
        flushed.map_err(|error| self.failed(error))?;
        let rewound = self.out.get_mut().rewind();
        rewound.map_err(|error| self.failed(error))?;
        let (file, _) = self.out.into_parts();
        let file: Box<dyn Read + Send> = Box::new(file);
        Ok(PlanFile(BufReader::new(file)))
    }

    fn failed(&self, error: std::io::Error) -> Error {
        Error::caused(Kind::Internal, error)
            .context(format!(
                "cannot keep the decisions in `{}`",
                self.folder.display()
            ))
            .hint("name another folder in `TMPDIR`")
    }
}
