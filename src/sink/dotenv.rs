//! The sink `env:PATH`: a file of variables for one user, in the format of Looker's official SDKs.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use crate::report::{quoted, variable};
use crate::secret::ExposeSecret as _;
use crate::sink::expected::Expected;
use crate::sink::{Answer, Held, Key, KeyName, Sink, SinkError, blocking};
use crate::system::{Readers, files};

/// The variables of the official SDKs for an instance and a key.
const BASE_URL: &str = "LOOKERSDK_BASE_URL";
const CLIENT_ID: &str = "LOOKERSDK_CLIENT_ID";
const CLIENT_SECRET: &str = "LOOKERSDK_CLIENT_SECRET";

/// The prefix of the comment that names the user.
const MARK: &str = "# embedctl: ";

/// Far more than any file of variables.
const LARGEST: u64 = 1024 * 1024;

/// A file of variables.
#[derive(Clone, Debug)]
pub(super) struct EnvSink {
    spec: String,
    path: PathBuf,
    /// What the file held when it was read; anything else found later came from another process.
    expected: Expected,
}

/// Whose key the file holds, stored in a comment.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Holder {
    external_user_id: String,
    looker_user_id: String,
    key_id: String,
}

impl EnvSink {
    /// A sink that reports call `spec`.
    pub(super) fn new(spec: String, path: PathBuf) -> Self {
        Self {
            spec,
            path,
            expected: Expected::default(),
        }
    }
}

impl Sink for EnvSink {
    fn name(&self) -> String {
        self.spec.clone()
    }

    fn is_for_one_user(&self) -> bool {
        true
    }

    fn probe(&self) -> Answer<'_, ()> {
        let path = self.path.clone();
        blocking(move || {
            files::probe_beside(&path)?;
            let bytes = files::read_own(&path, LARGEST)?;
            // A file that cannot take the key is refused before a key is minted.
            let found = Contents::of(text(bytes.as_ref().map(|bytes| &***bytes), &path)?);
            found.refuse_strange_key(&path)
        })
    }

    fn held<'a>(
        &'a self,
        base_url: &'a str,
        external_user_id: &'a str,
    ) -> Answer<'a, Option<Held>> {
        let (path, expected) = (self.path.clone(), self.expected.clone());
        let whose = (base_url.to_owned(), external_user_id.to_owned());
        blocking(move || {
            let bytes = files::read_own(&path, LARGEST)?;
            let found = Contents::of(text(bytes.as_ref().map(|bytes| &***bytes), &path)?);
            let held = found.held().filter(|_| found.is_of(&whose.0, &whose.1));
            expected.note(&whose.1, held.as_ref());
            Ok(held)
        })
    }

    fn deliver<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Held>> {
        let (path, name) = (self.path.clone(), key.name.clone());
        let (expected, ours) = (self.expected.clone(), ours(key));
        blocking(move || {
            let ours = ours?;
            let expected = expected.take(&name.external_user_id);
            // The file is read and replaced under one lock, so that no line of another process is
            // lost.
            files::update(&path, Readers::Owner, LARGEST, |bytes| {
                let found = Contents::of(text(bytes, &path)?);
                found.refuse_strange_key(&path)?;
                found.refuse_other_user(&path, &name)?;
                // A retry after a crash: the key is in place already.
                if found.is(&name) {
                    return Ok((None, None));
                }
                let held = found.held();
                if let Some(held) = &held {
                    expected.refuse_other(held, &path)?;
                }
                Ok::<_, SinkError>((Some(found.with(&ours)), held))
            })
        })
    }

    fn holds<'a>(&'a self, key: &'a KeyName) -> Answer<'a, Option<bool>> {
        let (path, key) = (self.path.clone(), key.clone());
        blocking(move || {
            let bytes = files::read_own(&path, LARGEST)?;
            let held = Contents::of(text(bytes.as_ref().map(|bytes| &***bytes), &path)?).is(&key);
            if held {
                // Another process may have renamed the file and died before it synced the folder.
                files::sync_folder(&path)?;
            }
            Ok(Some(held))
        })
    }
}

/// The file's content as text.
fn text<'a>(bytes: Option<&'a [u8]>, path: &Path) -> Result<&'a str, SinkError> {
    str::from_utf8(bytes.unwrap_or_default()).map_err(|_| {
        SinkError::new(format!("`{}` is not text", path.display()))
            .hint("give `env:` a file of its own")
    })
}

/// The lines of the file, ours separated from the others.
#[derive(Default)]
struct Contents<'a> {
    holder: Option<Holder>,
    base_url: Option<&'a str>,
    client_id: Option<&'a str>,
    client_secret: Option<&'a str>,
    others: Vec<&'a str>,
}

impl<'a> Contents<'a> {
    fn of(text: &'a str) -> Self {
        let mut contents = Self::default();
        for line in text.lines() {
            let assigned = line.trim_start();
            // Both forms occur in files that a shell reads.
            let assigned = assigned.strip_prefix("export ").unwrap_or(assigned);
            match assigned
                .split_once('=')
                .map(|(name, value)| (name.trim(), value.trim()))
            {
                Some((BASE_URL, value)) => contents.base_url = Some(value),
                Some((CLIENT_ID, value)) => contents.client_id = Some(value),
                Some((CLIENT_SECRET, value)) => contents.client_secret = Some(value),
                _ => match line.strip_prefix(MARK).map(serde_json::from_str) {
                    Some(Ok(holder)) => contents.holder = Some(holder),
                    // Everything else in the file is kept as it is.
                    _ => contents.others.push(line),
                },
            }
        }
        contents
    }

    /// Refuse to overwrite a key that someone else put there: its secret would be lost.
    fn refuse_strange_key(&self, path: &Path) -> Result<(), SinkError> {
        if self.holder.is_some() || (self.client_id.is_none() && self.client_secret.is_none()) {
            return Ok(());
        }
        let shown = path.display();
        let message = format!("`{shown}` sets {CLIENT_ID}, but not for a user of embedctl");
        Err(SinkError::new(message).hint("give `env:` a file of its own"))
    }

    fn refuse_other_user(&self, path: &Path, key: &KeyName) -> Result<(), SinkError> {
        let Some(holder) = &self.holder else {
            return Ok(());
        };
        let elsewhere = self
            .base_url
            .is_some_and(|base_url| base_url != *quoted(&key.base_url));
        if holder.external_user_id == key.external_user_id && !elsewhere {
            return Ok(());
        }
        let shown = path.display();
        let message = format!("`{shown}` holds the key of `{}`", holder.external_user_id);
        Err(SinkError::new(message)
            .hint("a file of variables holds one user's key; use `--keys-to dir:PATH` for more"))
    }

    /// The key in the file, if it is one of ours.
    fn held(&self) -> Option<Held> {
        let holder = self.holder.as_ref()?;
        Some(Held {
            key_id: holder.key_id.clone(),
            client_id: self.client_id?.trim_matches(['\'', '"']).to_owned(),
        })
    }

    fn is_of(&self, base_url: &str, external_user_id: &str) -> bool {
        let holder = self.holder.as_ref();
        holder.is_some_and(|holder| holder.external_user_id == external_user_id)
            && self.base_url == Some(&*quoted(base_url))
    }

    fn is(&self, key: &KeyName) -> bool {
        let holder = self.holder.as_ref();
        holder.is_some_and(|holder| holder.key_id == key.id)
            && self.base_url == Some(&*quoted(&key.base_url))
            && self.client_id == Some(&*quoted(&key.client_id))
            && self.client_secret.is_some_and(|secret| !secret.is_empty())
    }

    /// The other lines, followed by the key.
    fn with(&self, ours: &str) -> Zeroizing<Vec<u8>> {
        // Allocated at full size: growing would leave copies of the secret in freed memory.
        let room = self.others.iter().map(|line| line.len() + 1).sum::<usize>();
        let mut text = Zeroizing::new(Vec::with_capacity(room + ours.len()));
        // Ours last; the other lines keep their order.
        for line in self.others.iter().chain(&[ours.trim_end_matches('\n')]) {
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
        }
        text
    }
}

/// The lines of a key.
fn ours(key: &Key) -> Result<Zeroizing<String>, SinkError> {
    let name = &key.name;
    let holder = json!(Holder {
        external_user_id: name.external_user_id.clone(),
        looker_user_id: name.looker_user_id.clone(),
        key_id: name.id.clone(),
    });
    let mut text = Zeroizing::new(String::with_capacity(4096));
    text.extend([MARK, &holder.to_string(), "\n"]);
    for (name, value) in [
        (BASE_URL, &*name.base_url),
        (CLIENT_ID, &*name.client_id),
        (CLIENT_SECRET, key.client_secret.expose_secret()),
    ] {
        let line = variable(name, value).map_err(|refused| {
            SinkError::new(refused).hint("use `--keys-to file:PATH`, which can hold any value")
        })?;
        text.push_str(&line);
    }
    Ok(text)
}
