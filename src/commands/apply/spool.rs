//! Keeps input that is read more than once: in memory if it is short, otherwise in a nameless file.
//!
//! Whatever happens to the original, what was checked is what is applied.

use std::fs::File;
use std::io::{self, Cursor, Read, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Kind};
use crate::system::files;

/// How many bytes are kept in memory.
const SHORT: u64 = 1024 * 1024;

/// The input.
#[derive(Debug)]
pub(super) enum Spool {
    Memory(Arc<[u8]>),
    /// No one else can open it, and it is gone when the process ends in any way: it may hold sensitive values.
    File(Arc<File>),
}

impl Spool {
    /// Read `input`, called `name`, to its end; what does not fit in memory goes to a file in `folder`.
    pub(super) fn read(mut input: impl Read, name: &str, folder: &Path) -> Result<Self, Error> {
        let unreadable = |error| unreadable(name, error);
        let mut bytes = Vec::new();
        let head = input.by_ref().take(SHORT).read_to_end(&mut bytes);
        // Most manifests are small, and memory leaves nothing on disk.
        if (head.map_err(unreadable)? as u64) < SHORT {
            return Ok(Self::Memory(bytes.into()));
        }
        let unkept = |error: io::Error| unkept(error.kind(), name, folder);
        // A file without a name is gone with the process, even if it is killed.
        let mut file = files::nameless(folder).map_err(unkept)?;
        file.write_all(&bytes).map_err(unkept)?;
        loop {
            let length = match input.read(&mut bytes) {
                Ok(0) => return Ok(Self::File(Arc::new(file))),
                Ok(length) => length,
                // A signal is not an error; the read is repeated.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(unreadable(error)),
            };
            let read = bytes.get(..length).unwrap_or_default();
            file.write_all(read).map_err(unkept)?;
        }
    }

    /// Reads it from the start, at the same time as others do.
    pub(super) fn reader(&self) -> Box<dyn Read + Send> {
        match self {
            Self::Memory(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
            Self::File(file) => Box::new(Reader {
                file: Arc::clone(file),
                at: 0,
            }),
        }
    }
}

/// Reads a file at its own position.
struct Reader {
    file: Arc<File>,
    at: u64,
}

impl Read for Reader {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        // Readers share the file, so none may move its common position.
        let read = self.file.read_at(bytes, self.at);
        if let Ok(length) = read {
            self.at += length as u64;
        }
        read
    }
}

fn unreadable(name: &str, error: io::Error) -> Error {
    Error::caused(Kind::Internal, error).context(format!("cannot read {name}"))
}

fn unkept(why: io::ErrorKind, name: &str, folder: &Path) -> Error {
    Error::caused(Kind::Internal, io::Error::from(why))
        .context(format!(
            "cannot keep a copy of {name} in `{}`",
            folder.display()
        ))
        .hint("name another folder in `TMPDIR`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(of: &Spool) -> Vec<u8> {
        let mut text = Vec::new();
        of.reader().read_to_end(&mut text).unwrap();
        text
    }

    #[test]
    fn what_is_short_stays_in_memory_and_what_is_long_does_not() {
        let folder = tempfile::tempdir().unwrap();
        for (length, in_memory) in [
            (0, true),
            (SHORT - 1, true),
            (SHORT, false),
            (3 * SHORT + 7, false),
        ] {
            let content: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();

            let spool = Spool::read(&*content, "it", folder.path()).unwrap();

            assert_eq!(matches!(spool, Spool::Memory(_)), in_memory, "{length}");
            assert!(text(&spool) == content, "{length}");
            assert!(text(&spool) == content, "{length}, a second time");
        }
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_open_what_is_kept() {
        use std::os::unix::fs::MetadataExt as _;

        let folder = tempfile::tempdir().unwrap();
        let content = vec![b'x'; 2 * 1024 * 1024];

        let Spool::File(file) = Spool::read(&*content, "it", folder.path()).unwrap() else {
            panic!("that is not short");
        };

        let told = file.metadata().unwrap();
        assert_eq!((told.nlink(), told.mode() & 0o777), (0, 0o600));
    }

    #[test]
    fn readers_do_not_disturb_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let content: Vec<u8> = (0..2 * SHORT).map(|at| (at % 251) as u8).collect();
        let spool = Spool::read(&*content, "it", folder.path()).unwrap();
        let (mut first, mut second) = (spool.reader(), spool.reader());

        let mut beginning = [0; 1000];
        first.read_exact(&mut beginning).unwrap();
        let mut whole = Vec::new();
        second.read_to_end(&mut whole).unwrap();
        first.read_to_end(&mut whole).unwrap();

        assert_eq!(whole.len(), 2 * content.len() - 1000);
        assert!(whole.ends_with(&content[1000..]));
    }
}
