//! The value that a store keeps for a user: one JSON object, with the fields of a key or the variables of Looker's SDKs.

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use crate::secret::ExposeSecret as _;
use crate::sink::{Key, KeyName};

/// Which fields the object has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fields {
    /// Everything about the key, by embedctl's names.
    Key,
    /// The variables of the official SDKs, for what sets an environment from a secret.
    Env,
}

#[derive(Serialize)]
struct KeyFields<'a> {
    client_id: &'a str,
    client_secret: &'a str,
    base_url: &'a str,
    looker_user_id: &'a str,
    key_id: &'a str,
    external_user_id: &'a str,
}

#[derive(Serialize)]
struct EnvFields<'a> {
    #[serde(rename = "LOOKERSDK_BASE_URL")]
    base_url: &'a str,
    #[serde(rename = "LOOKERSDK_CLIENT_ID")]
    client_id: &'a str,
    #[serde(rename = "LOOKERSDK_CLIENT_SECRET")]
    client_secret: &'a str,
}

/// What is read back of a value.
#[derive(Deserialize)]
pub(super) struct Stored {
    #[serde(alias = "LOOKERSDK_BASE_URL")]
    pub(super) base_url: String,
    #[serde(alias = "LOOKERSDK_CLIENT_ID")]
    pub(super) client_id: String,
    #[serde(alias = "LOOKERSDK_CLIENT_SECRET")]
    client_secret: String,
    /// Not among the SDKs' variables.
    #[serde(default)]
    pub(super) key_id: Option<String>,
    /// Not among the SDKs' variables.
    #[serde(default)]
    pub(super) external_user_id: Option<String>,
}

impl Drop for Stored {
    fn drop(&mut self) {
        self.client_secret.zeroize();
    }
}

impl Stored {
    /// The key in a value; `None` if it is no value of ours.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        serde_json::from_slice(value).ok()
    }

    /// Whether it is this key. Client ids are unique within one Looker.
    pub(super) fn is(&self, key: &KeyName) -> bool {
        self.client_id == key.client_id
            && self.base_url == key.base_url
            && !self.client_secret.is_empty()
    }

    /// Whether it is this key with this secret.
    pub(super) fn is_whole(&self, key: &Key) -> bool {
        self.is(&key.name) && self.client_secret == key.client_secret.expose_secret()
    }
}

/// The value for a key.
pub(super) fn write(key: &Key, fields: Fields) -> Zeroizing<Vec<u8>> {
    let name = &key.name;
    let client_secret = key.client_secret.expose_secret();
    // Allocated at full size: growing would leave copies of the secret in freed memory.
    let mut value = Zeroizing::new(Vec::with_capacity(4096));
    let written = match fields {
        Fields::Key => serde_json::to_writer(
            &mut *value,
            &KeyFields {
                client_id: &name.client_id,
                client_secret,
                base_url: &name.base_url,
                looker_user_id: &name.looker_user_id,
                key_id: &name.id,
                external_user_id: &name.external_user_id,
            },
        ),
        Fields::Env => serde_json::to_writer(
            &mut *value,
            &EnvFields {
                base_url: &name.base_url,
                client_id: &name.client_id,
                client_secret,
            },
        ),
    };
    written.expect("text can be written as JSON");
    value
}
