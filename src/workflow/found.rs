//! What a job has found and done, as the report says it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::workflow::rotate_id::RotatedId;
use crate::workflow::user_spec::Via;

/// What a job has found and done: what the report says of it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Found {
    /// The company's id of the user.
    pub external_user_id: String,
    /// Looker's id of the user.
    pub looker_user_id: Option<String>,
    /// What became of the user.
    pub outcome: Option<Outcome>,
    /// How it was made.
    pub via: Option<Via>,
    /// Whether sudo gave exactly this user.
    pub sudo_verified: bool,
    /// The key, once it is delivered.
    pub key: Option<FoundKey>,
    /// The keys that the new one replaces, by Looker's id.
    #[serde(default)]
    pub replaced: Vec<String>,
    /// The keys of ours that were revoked, by Looker's id.
    pub revoked: Vec<String>,
    /// What was done about keys after a lost answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reconciled: Vec<Reconciled>,
    /// What a person should know.
    pub warnings: Vec<String>,
    /// What has moved to the user from another one, where that was the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated: Option<Box<RotatedId>>,
}

impl Found {
    /// All that a person should know, keys that were revoked or left after a lost answer included.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        let reconciled = self.reconciled.iter().map(ToString::to_string);
        self.warnings.iter().cloned().chain(reconciled)
    }

    /// What has moved to the user from another one.
    pub(crate) fn rotated_id(&mut self) -> &mut RotatedId {
        self.rotated.get_or_insert_default()
    }
}

/// What became of a user.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It did not exist before.
    Created,
    /// It has the grants asked for in place of its former ones.
    Updated,
    /// It existed, and nothing of it was changed.
    Unchanged,
}

impl Outcome {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
        }
    }
}

/// What was done about a key after a lost answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Reconciled {
    /// Looker's id of it.
    pub key_id: String,
    /// Whether it was revoked; otherwise it was left, and may belong to someone else.
    pub revoked: bool,
    /// Why.
    pub reason: String,
}

impl fmt::Display for Reconciled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key_id,
            revoked,
            reason,
        } = self;
        let done = if *revoked { "was revoked" } else { "was left" };
        write!(f, "key {key_id} {done}: {reason}")
    }
}

/// A key that a job made.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct FoundKey {
    /// Looker's id of it.
    pub id: String,
    /// The public half.
    pub client_id: String,
    /// The tag it carries.
    pub purpose: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The sink that keeps it; `None` until it is delivered.
    pub delivered_to: Option<String>,
    /// When it is to be revoked, if its life was limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}
