//! The JSON of a key, as stored by `file:` and `dir:` and passed to `exec:`.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::secret::{ExposeSecret as _, REDACTED};
use crate::sink::{Held, Key, KeyName};

/// The text of a key, wiped on drop.
pub(super) struct Line(Zeroizing<Vec<u8>>);

impl Line {
    /// Its bytes, including the secret.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// A copy, also wiped on drop.
    pub(super) fn copy(&self) -> Zeroizing<Vec<u8>> {
        self.0.clone()
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

#[derive(Serialize)]
struct Record<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    external_user_id: &'a str,
    looker_user_id: &'a str,
    base_url: &'a str,
    key_id: &'a str,
    client_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    purpose: &'a str,
    created_at: Timestamp,
}

/// What is parsed of a stored key to recognize it.
#[derive(Deserialize)]
pub(super) struct Kept {
    #[serde(default)]
    pub(super) external_user_id: String,
    #[serde(default)]
    pub(super) base_url: String,
    #[serde(default)]
    pub(super) key_id: String,
    #[serde(default)]
    pub(super) client_id: String,
    client_secret: Option<serde::de::IgnoredAny>,
}

impl Kept {
    /// The key in a line of JSON, if it is complete.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let kept: Self = serde_json::from_slice(line).ok()?;
        (kept.client_secret.is_some() && !kept.client_id.is_empty()).then_some(kept)
    }

    /// Whether it is a key of this user at this Looker.
    pub(super) fn is_of(&self, base_url: &str, external_user_id: &str) -> bool {
        self.external_user_id == external_user_id && self.base_url == base_url
    }

    /// Whether it is this key. Client ids are unique within one Looker.
    pub(super) fn is(&self, key: &KeyName) -> bool {
        self.client_id == key.client_id && self.base_url == key.base_url
    }
}

impl From<Kept> for Held {
    fn from(kept: Kept) -> Self {
        Self {
            key_id: kept.key_id,
            client_id: kept.client_id,
        }
    }
}

/// The key as one line of JSON.
pub(super) fn line(key: &Key) -> Line {
    write(None, &key.name, Some(key))
}

/// The key for a command that stores it.
pub(super) fn store(key: &Key) -> Line {
    write(Some("store"), &key.name, Some(key))
}

/// The name of a key, for a command that checks whether it holds it.
pub(super) fn check(key: &KeyName) -> Line {
    write(Some("check"), key, None)
}

fn write(action: Option<&'static str>, name: &KeyName, key: Option<&Key>) -> Line {
    let record = Record {
        action,
        external_user_id: &name.external_user_id,
        looker_user_id: &name.looker_user_id,
        base_url: &name.base_url,
        key_id: &name.id,
        client_id: &name.client_id,
        client_secret: key.map(|key| key.client_secret.expose_secret()),
        purpose: &name.purpose,
        created_at: name.created_at,
    };
    // Allocated at full size: growing would leave copies of the secret in freed memory.
    let mut line = Zeroizing::new(Vec::with_capacity(4096));
    serde_json::to_writer(&mut *line, &record).expect("text and a time can be written as JSON");
    line.push(b'\n');
    Line(line)
}
