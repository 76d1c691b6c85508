//! The sink `dir:PATH`: one file for each user, with the user's newest key, written whole or not at all.

use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::sink::record::{self, Kept};
use crate::sink::{Answer, Key, KeyName, Sink, SinkError, blocking, private};

/// How many users are written at a time; two keys of the same user never are.
const LANES: usize = 64;

/// File systems take names of up to 255 bytes, and the partial file's is longer than its own.
const LONGEST_NAME: usize = 200;

/// A folder of keys.
#[derive(Clone, Debug)]
pub(super) struct DirSink {
    spec: String,
    path: PathBuf,
    lanes: Arc<Lanes>,
}

#[derive(Debug)]
struct Lanes {
    locks: Vec<Mutex<()>>,
    hasher: RandomState,
}

impl DirSink {
    /// A sink that reports call `spec`.
    pub(super) fn new(spec: String, path: PathBuf) -> Self {
        let locks = (0..LANES).map(|_| Mutex::default()).collect();
        let hasher = RandomState::new();
        Self {
            spec,
            path,
            lanes: Arc::new(Lanes { locks, hasher }),
        }
    }

    fn file(&self, external_user_id: &str) -> PathBuf {
        self.path.join(file_name(external_user_id))
    }
}

impl Sink for DirSink {
    fn name(&self) -> String {
        self.spec.clone()
    }

    fn probe(&self) -> Answer<'_, ()> {
        let path = self.path.join("probe");
        blocking(move || private::probe_beside(&path))
    }

    fn deliver<'a>(&'a self, key: &'a Key) -> Answer<'a, ()> {
        let (path, line) = (self.file(&key.name.external_user_id), record::line(key));
        let (lanes, name) = (Arc::clone(&self.lanes), key.name.clone());
        blocking(move || lanes.alone(&path, || put(&path, &name, line.bytes())))
    }

    fn holds<'a>(&'a self, key: &'a KeyName) -> Answer<'a, Option<bool>> {
        let (path, key) = (self.file(&key.external_user_id), key.clone());
        blocking(move || {
            let kept = private::read(&path)?.and_then(|bytes| Kept::parse(&bytes));
            if !kept.is_some_and(|kept| kept.is(&key)) {
                return Ok(Some(false));
            }
            // The rename may have been made by a process that died before it synced the folder.
            private::sync_folder(&path)?;
            Ok(Some(true))
        })
    }
}

impl Lanes {
    /// Do `work` while nobody else works on `path`.
    fn alone<T>(&self, path: &Path, work: impl FnOnce() -> T) -> T {
        let lane = self.hasher.hash_one(path) % self.locks.len() as u64;
        let lock = usize::try_from(lane)
            .ok()
            .and_then(|lane| self.locks.get(lane));
        let lock = lock.expect("the remainder is smaller than the number of locks");
        let _alone = lock.lock().unwrap_or_else(PoisonError::into_inner);
        work()
    }
}

/// Put a key in the place of the same user's older one.
fn put(path: &Path, name: &KeyName, line: &[u8]) -> Result<(), SinkError> {
    if let Some(bytes) = private::read(path)? {
        let shown = path.display();
        let Some(kept) = Kept::parse(&bytes) else {
            return Err(
                SinkError::new(format!("`{shown}` is in the way: it holds no key"))
                    .hint("move it away, then run the same command again"),
            );
        };
        if kept.external_user_id != name.external_user_id || kept.base_url != name.base_url {
            return Err(SinkError::new(format!(
                "`{shown}` holds the key of `{}` at {}",
                kept.external_user_id, kept.base_url
            ))
            .hint("give each Looker a folder of its own"));
        }
        if kept.is(name) {
            return private::sync_folder(path);
        }
    }
    private::replace(path, line)
}

/// The name of a user's file: letters, digits, `-`, `_` and inner dots stay, every other byte becomes `%XX`. What is
/// too long is cut, and told apart by a hash.
fn file_name(external_user_id: &str) -> String {
    let mut name = String::new();
    for byte in external_user_id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            b'.' if !name.is_empty() => name.push('.'),
            other => name.extend(["%", &format!("{other:02X}")]),
        }
    }
    if name.len() > LONGEST_NAME {
        name.truncate(LONGEST_NAME - 33);
        name.push('~');
        for byte in Sha256::digest(external_user_id).iter().take(16) {
            name.extend([format!("{byte:02x}")]);
        }
    }
    name + ".json"
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn a_user_id_cannot_lead_out_of_the_folder() {
        assert_eq!(file_name("acme-42"), "acme-42.json");
        assert_eq!(
            file_name("../../etc/passwd"),
            "%2E.%2F..%2Fetc%2Fpasswd.json"
        );
        assert_eq!(file_name("a b%c\0\n"), "a%20b%25c%00%0A.json");
        assert_eq!(file_name("jos\u{e9}@x.com"), "jos%C3%A9%40x.com.json");
    }

    #[test]
    fn a_long_user_id_is_cut_and_told_apart() {
        let (one, two) = (file_name(&"é".repeat(200)), file_name(&"é".repeat(201)));

        assert_eq!(one.len(), 205);
        assert_ne!(one, two);
        assert_eq!(one, file_name(&"é".repeat(200)));
    }
}
