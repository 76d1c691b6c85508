//! An index of a key file, so that no key is stored twice and a million keys are not read again each time.

use std::collections::HashSet;
use std::fs::{File, Metadata};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};

use zeroize::{Zeroize as _, Zeroizing};

use crate::sink::KeyName;
use crate::sink::record::Kept;

/// The hashes of the keys read so far, a few bytes each. A hit is verified in the file.
#[derive(Debug, Default)]
pub(super) struct Index {
    file: Option<(u64, u64)>,
    /// The end of the last complete line.
    read: u64,
    size: u64,
    keys: HashSet<u64>,
    hasher: RandomState,
}

impl Index {
    /// Read what was added since the last time; everything if it is another file or was truncated.
    pub(super) fn catch_up(&mut self, file: &File) -> io::Result<()> {
        let found = file.metadata()?;
        let identity = Some(identity(&found));
        if self.file != identity || found.len() < self.read {
            *self = Self::default();
            self.file = identity;
        }
        self.size = found.len();
        let (keys, hasher) = (&mut self.keys, &self.hasher);
        let read = lines(file, self.read, |kept| {
            keys.insert(hasher.hash_one((&kept.base_url, &kept.client_id)));
            false
        })?;
        self.read += read;
        Ok(())
    }

    /// Whether the last line of the file is incomplete.
    pub(super) const fn is_torn(&self) -> bool {
        self.read < self.size
    }

    /// Whether the file holds the complete key.
    pub(super) fn holds(&self, file: &File, key: &KeyName) -> io::Result<bool> {
        let hash = self.hasher.hash_one((&key.base_url, &key.client_id));
        if !self.keys.contains(&hash) {
            return Ok(false);
        }
        let mut held = false;
        // A hash may collide, and "held" makes the caller revoke older keys: look at the line itself.
        lines(file, 0, |kept| {
            held = kept.is(key);
            held
        })?;
        Ok(held)
    }
}

/// Show every key from `start` on to `visit`, until it returns true; lines that hold no key and an incomplete last line are
/// skipped. Returns the length of the lines that were read.
fn lines(file: &File, start: u64, mut visit: impl FnMut(&Kept) -> bool) -> io::Result<u64> {
    let mut reader = BufReader::new(file);
    reader.seek(SeekFrom::Start(start))?;
    let mut line = Zeroizing::new(Vec::with_capacity(4096));
    let mut read = 0;
    loop {
        let length = reader.read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") {
            return Ok(read);
        }
        read += length as u64;
        if Kept::parse(&line).is_some_and(|kept| visit(&kept)) {
            return Ok(read);
        }
        line.zeroize();
    }
}

#[cfg(unix)]
fn identity(found: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;

    (found.dev(), found.ino())
}

#[cfg(not(unix))]
fn identity(_found: &Metadata) -> (u64, u64) {
    (0, 0)
}
