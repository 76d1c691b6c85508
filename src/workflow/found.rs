//! What a job has found and done, in the form of the report.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::workflow::rotate_id::RotatedId;
use crate::workflow::user_spec::Via;

/// What a job has found and done: the content of its report.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Found {
    /// The company's id of the user.
    pub external_user_id: String,
    /// Looker's id of the user.
    pub looker_user_id: Option<String>,
    /// What happened to the user.
    pub outcome: Option<Outcome>,
    /// How it was created.
    pub via: Option<Via>,
    /// Whether sudo was verified for exactly this user.
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
    /// Warnings for the operator.
    pub warnings: Vec<String>,
    /// What moved over from another user, if that was the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated: Option<Box<RotatedId>>,
}

impl Found {
    /// Everything the operator should know, including keys that were revoked or left after a lost answer.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        let reconciled = self.reconciled.iter().map(ToString::to_string);
        self.warnings.iter().cloned().chain(reconciled)
    }

    /// What moved over from another user.
    pub(crate) fn rotated_id(&mut self) -> &mut RotatedId {
        self.rotated.get_or_insert_default()
    }
}

/// What happened to a user.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It did not exist before.
    Created,
    /// It now has the requested grants instead of its former ones.
    Updated,
    /// It existed, and nothing was changed.
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
    /// Whether it was revoked; otherwise it was left, because it may belong to someone else.
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

/// A key that a job minted.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct FoundKey {
    /// Looker's id of the key.
    pub id: String,
    /// The public half.
    pub client_id: String,
    /// The tag it carries.
    pub purpose: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// The sinks that hold it; none until it is delivered.
    #[serde(with = "one_or_more")]
    pub delivered_to: Vec<String>,
    /// When to revoke it, if its lifetime is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}

/// Sinks in the ledger: none, one as a text, which is all that earlier releases knew, or several.
mod one_or_more {
    use serde::{Deserialize, Deserializer, Serialize as _, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        None(()),
        One(String),
        More(Vec<String>),
    }

    pub(super) fn serialize<S: Serializer>(sinks: &[String], to: S) -> Result<S::Ok, S::Error> {
        match sinks {
            [] => to.serialize_none(),
            [one] => to.serialize_str(one),
            more => more.serialize(to),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
        Ok(match Form::deserialize(from)? {
            Form::None(()) => Vec::new(),
            Form::One(one) => vec![one],
            Form::More(more) => more,
        })
    }
}
