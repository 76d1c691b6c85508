//! A key that is replaced by a new one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::looker::Api3Key;

/// A key that is replaced by a new one.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct OldKey {
    /// Looker's id of the key.
    pub id: String,
    /// The public half.
    pub client_id: String,
    /// Its purpose.
    pub purpose: String,
    /// When it was created.
    pub created_at: Timestamp,
}

impl From<Api3Key> for OldKey {
    fn from(key: Api3Key) -> Self {
        Self {
            id: key.id,
            client_id: key.client_id,
            purpose: key.purpose.unwrap_or_default(),
            created_at: key.created_at.known().unwrap_or_default(),
        }
    }
}
