//! The sink `env:PATH`: a file of variables for one user, as Looker's official SDKs read them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use crate::secret::ExposeSecret as _;
use crate::sink::{Answer, Key, KeyName, Sink, SinkError, blocking, private};

/// The variables of the official SDKs that name an instance and a key.
const BASE_URL: &str = "LOOKERSDK_BASE_URL";
const CLIENT_ID: &str = "LOOKERSDK_CLIENT_ID";
const CLIENT_SECRET: &str = "LOOKERSDK_CLIENT_SECRET";

/// What the comment that names the user begins with.
const MARK: &str = "# embedctl: ";

/// A file of variables.
#[derive(Clone, Debug)]
pub(super) struct EnvSink {
    spec: String,
    path: PathBuf,
    alone: Arc<Mutex<()>>,
}

/// Whose key the file holds; stands in a comment.
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
            alone: Arc::default(),
        }
    }
}

impl Sink for EnvSink {
    fn name(&self) -> String {
        self.spec.clone()
    }

    fn probe(&self) -> Answer<'_, ()> {
        let path = self.path.clone();
        blocking(move || {
            private::probe_beside(&path)?;
            let text = read(&path)?;
            let found = Contents::of(&text);
            found.refuse_strange_key(&path)
        })
    }

    fn deliver<'a>(&'a self, key: &'a Key) -> Answer<'a, ()> {
        let (path, alone, name) = (self.path.clone(), Arc::clone(&self.alone), key.name.clone());
        let ours = ours(key);
        blocking(move || {
            let ours = ours?;
            let _alone = alone.lock().unwrap_or_else(PoisonError::into_inner);
            let text = read(&path)?;
            let found = Contents::of(&text);
            found.refuse_strange_key(&path)?;
            found.refuse_other_user(&path, &name)?;
            private::replace(&path, found.with(&ours).as_bytes())
        })
    }

    fn holds<'a>(&'a self, key: &'a KeyName) -> Answer<'a, Option<bool>> {
        let (path, key) = (self.path.clone(), key.clone());
        blocking(move || {
            let text = read(&path)?;
            let held = Contents::of(&text).is(&key);
            if held {
                // The rename may have been made by a process that died before it synced the folder.
                private::sync_folder(&path)?;
            }
            Ok(Some(held))
        })
    }
}

/// The lines of the file, ours apart from the others.
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
                    _ => contents.others.push(line),
                },
            }
        }
        contents
    }

    /// A key that somebody else put there is not overwritten: nobody could bring it back.
    fn refuse_strange_key(&self, path: &Path) -> Result<(), SinkError> {
        if self.holder.is_some() || (self.client_id.is_none() && self.client_secret.is_none()) {
            return Ok(());
        }
        let shown = path.display();
        let message = format!("`{shown}` sets {CLIENT_ID}, and not for a user of embedctl");
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
            .hint("a file of variables serves one user; give `--keys-to dir:PATH` for more"))
    }

    fn is(&self, key: &KeyName) -> bool {
        let holder = self.holder.as_ref();
        holder.is_some_and(|holder| holder.key_id == key.id)
            && self.base_url == Some(&*quoted(&key.base_url))
            && self.client_id == Some(&*quoted(&key.client_id))
            && self.client_secret.is_some_and(|secret| !secret.is_empty())
    }

    /// The other lines, and below them the key.
    fn with(&self, ours: &str) -> Zeroizing<String> {
        let room = self.others.iter().map(|line| line.len() + 1).sum::<usize>();
        let mut text = Zeroizing::new(String::with_capacity(room + ours.len()));
        for line in &self.others {
            text.extend([line, "\n"]);
        }
        text.push_str(ours);
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
    let secret = key.client_secret.expose_secret();
    if [&name.base_url, &name.client_id, secret]
        .iter()
        .any(|value| value.contains(char::is_control))
    {
        let message = "the key holds a control character, which a file of variables cannot";
        return Err(SinkError::new(message).hint("give `--keys-to file:PATH`"));
    }
    let mut text = Zeroizing::new(String::with_capacity(4096));
    text.extend([MARK, &holder.to_string(), "\n"]);
    for (variable, value) in [
        (BASE_URL, &*name.base_url),
        (CLIENT_ID, &*name.client_id),
        (CLIENT_SECRET, secret),
    ] {
        text.extend([variable, "=", &quoted(value), "\n"]);
    }
    Ok(text)
}

/// A value as shells and dotenv readers take it: bare where every character is harmless, else in single quotes, or in
/// double quotes where it has a single one.
fn quoted(value: &str) -> Zeroizing<String> {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,".contains(c);
    let mut text = Zeroizing::new(String::with_capacity(2 * value.len() + 2));
    if value.chars().all(harmless) {
        text.push_str(value);
    } else if value.contains('\'') {
        text.push('"');
        for c in value.chars() {
            if "\"\\$`".contains(c) {
                text.push('\\');
            }
            text.push(c);
        }
        text.push('"');
    } else {
        text.extend(["'", value, "'"]);
    }
    text
}

fn read(path: &Path) -> Result<Zeroizing<String>, SinkError> {
    let Some(mut bytes) = private::read(path)? else {
        return Ok(Zeroizing::default());
    };
    let text = String::from_utf8(std::mem::take(&mut *bytes)).map_err(|_| {
        SinkError::new(format!("`{}` is not text", path.display()))
            .hint("give `env:` a file of its own")
    })?;
    Ok(Zeroizing::new(text))
}
