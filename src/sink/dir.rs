//! The sink `dir:PATH`: one file per user with the user's newest key, written whole or not at all.

use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

use crate::sink::expected::Expected;
use crate::sink::record::{self, Kept};
use crate::sink::{Answer, Held, Key, KeyName, Sink, SinkError, blocking};
use crate::system::{Readers, files};

/// File systems limit names to 255 bytes, and a partial file's name is longer than the final one.
const LONGEST_NAME: usize = 200;

/// Far more than any key of ours.
const LARGEST: u64 = 1024 * 1024;

/// A folder of keys.
#[derive(Clone, Debug)]
pub(super) struct DirSink {
    spec: String,
    path: PathBuf,
    /// What each file held when it was read; anything else found later came from another process.
    expected: Expected,
}

impl DirSink {
    /// A sink that reports call `spec`.
    pub(super) fn new(spec: String, path: PathBuf) -> Self {
        Self {
            spec,
            path,
            expected: Expected::default(),
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
        blocking(move || Ok(files::probe_beside(&path)?))
    }

    fn held<'a>(
        &'a self,
        base_url: &'a str,
        external_user_id: &'a str,
    ) -> Answer<'a, Option<Held>> {
        let (path, expected) = (self.file(external_user_id), self.expected.clone());
        let whose = (base_url.to_owned(), external_user_id.to_owned());
        blocking(move || {
            // A file that is not a key reads as none here; `deliver` refuses it.
            let kept = files::read_own(&path, LARGEST)?.and_then(|bytes| Kept::parse(&bytes));
            let kept = kept.filter(|kept| kept.is_of(&whose.0, &whose.1));
            let held = kept.map(Held::from);
            expected.note(&whose.1, held.as_ref());
            Ok(held)
        })
    }

    fn deliver<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Held>> {
        let (path, line) = (self.file(&key.name.external_user_id), record::line(key));
        let (expected, name) = (self.expected.clone(), key.name.clone());
        blocking(move || {
            let expected = expected.take(&name.external_user_id);
            files::update(&path, Readers::Owner, LARGEST, |found| {
                let Some(kept) = found.map(|found| replaceable(&path, &name, found)) else {
                    return Ok((Some(line.copy()), None));
                };
                let kept = kept?;
                // A retry after a crash: the key is in place already.
                if kept.is(&name) {
                    return Ok((None, None));
                }
                let held = Held::from(kept);
                // Someone may have delivered another key since the run looked.
                expected.refuse_other(&held, &path)?;
                Ok::<_, SinkError>((Some(line.copy()), Some(held)))
            })
        })
    }

    fn holds<'a>(&'a self, key: &'a KeyName) -> Answer<'a, Option<bool>> {
        let (path, key) = (self.file(&key.external_user_id), key.clone());
        blocking(move || {
            let kept = files::read_own(&path, LARGEST)?.and_then(|bytes| Kept::parse(&bytes));
            if !kept.is_some_and(|kept| kept.is(&key)) {
                return Ok(Some(false));
            }
            // Another process may have renamed the file and died before it synced the folder.
            files::sync_folder(&path)?;
            Ok(Some(true))
        })
    }
}

/// The key in a file, if it belongs to the same user and may be replaced.
fn replaceable(path: &Path, name: &KeyName, found: &[u8]) -> Result<Kept, SinkError> {
    let shown = path.display();
    let Some(kept) = Kept::parse(found) else {
        return Err(SinkError::new(format!("`{shown}` exists and holds no key"))
            .hint("move it away, then run the same command again"));
    };
    if !kept.is_of(&name.base_url, &name.external_user_id) {
        return Err(SinkError::new(format!(
            "`{shown}` holds the key of `{}` at {}",
            kept.external_user_id, kept.base_url
        ))
        .hint("give each Looker a folder of its own"));
    }
    Ok(kept)
}

/// The name of a user's file: letters, digits, `-`, `_` and inner dots stay, every other byte becomes `%XX`. A name that is
/// too long is cut and made unique by a hash.
fn file_name(external_user_id: &str) -> String {
    // Characters outside this set mean something to shells or file systems.
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
    let mut name = utf8_percent_encode(external_user_id, KEPT).to_string();
    // A leading dot would hide the file, and `.` and `..` are folders.
    if name.starts_with('.') {
        name.replace_range(..1, "%2E");
    }
    // Cut names are told apart by a digest of the whole id.
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
