//! The goal of a job, as data: what the ledger stores, and which steps it takes.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::ledger::NewJob;
use crate::workflow::rotate_id::RotateIdSpec;
use crate::workflow::user_spec::{UserSpec, Via};

/// The goal of a job.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobSpec {
    /// An embed user that exists, optionally with a key.
    CreateUser(UserSpec),
    /// One more key for an existing user.
    MintKey(KeyJob),
    /// A new key that replaces older ones.
    RotateKey(RotateSpec),
    /// A person under a new `external_user_id`, with everything that belongs to it.
    RotateId(Box<RotateIdSpec>),
}

impl JobSpec {
    /// The user that the job is about.
    pub const fn user(&self) -> UserRef<'_> {
        match self {
            Self::CreateUser(spec) => UserRef::External(spec.external_user_id.as_str()),
            Self::MintKey(job) => job.user.by_ref(),
            Self::RotateKey(spec) => spec.job.user.by_ref(),
            Self::RotateId(spec) => UserRef::External(spec.user.external_user_id.as_str()),
        }
    }

    /// The second user that it is about, if there is one.
    pub fn also(&self) -> Option<&str> {
        match self {
            Self::RotateId(spec) => Some(&spec.from.external_user_id),
            Self::CreateUser(_) | Self::MintKey(_) | Self::RotateKey(_) => None,
        }
    }

    /// Whether the job creates its user through a signed URL.
    pub fn signs(&self) -> bool {
        // An existing user that needs no login needs no signature.
        self.embed_user()
            .is_some_and(|user| user.via == Via::SignedUrl && !user.planned.no_login)
    }

    /// The job as a ledger records it.
    pub(crate) fn job(&self) -> NewJob {
        NewJob {
            subject: self.user().subject(),
            also: self.also().map(str::to_owned),
            spec: json!(self),
        }
    }

    /// The embed user to create, if the job creates one.
    pub const fn embed_user(&self) -> Option<&UserSpec> {
        match self {
            Self::CreateUser(spec) => Some(spec),
            Self::RotateId(spec) => Some(&spec.user),
            Self::MintKey(_) | Self::RotateKey(_) => None,
        }
    }

    /// The purpose of the job's key, in the operator's words.
    pub fn key_purpose(&self) -> Option<&str> {
        match self {
            Self::CreateUser(spec) => spec.key.as_ref()?.purpose.as_deref(),
            Self::MintKey(job) => job.purpose.as_deref(),
            Self::RotateKey(spec) => spec.job.purpose.as_deref(),
            Self::RotateId(spec) => spec.user.key.as_ref()?.purpose.as_deref(),
        }
    }

    /// The lifetime of the job's key, if it is limited.
    pub fn key_life(&self) -> Option<Duration> {
        match self {
            Self::MintKey(job) => job.ttl_seconds.map(Duration::from_secs),
            Self::CreateUser(_) | Self::RotateKey(_) | Self::RotateId(_) => None,
        }
    }

    /// Whether a key is minted only for a user without a delivered one.
    pub fn ensures_key(&self) -> bool {
        match self {
            Self::CreateUser(spec) => spec.key.as_ref().is_some_and(|key| key.ensure),
            Self::MintKey(_) | Self::RotateKey(_) | Self::RotateId(_) => false,
        }
    }
}

impl JobSpec {
    /// Which keys the job replaces, if any.
    pub fn rotation(&self) -> Option<RotateSpec> {
        match self {
            Self::RotateKey(spec) => Some(spec.clone()),
            Self::CreateUser(spec) if spec.planned.rotate => Some(RotateSpec {
                job: KeyJob {
                    user: UserId::External(spec.external_user_id.clone()),
                    purpose: self.key_purpose().map(str::to_owned),
                    ttl_seconds: None,
                },
                keys: Vec::new(),
                max_age_seconds: None,
                overlap_seconds: None,
                // A user without keys gets its first one.
                if_none: IfNone::Mint,
            }),
            Self::CreateUser(_) | Self::MintKey(_) | Self::RotateId(_) => None,
        }
    }
}

/// A key to mint for an existing user.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct KeyJob {
    /// The user.
    pub user: UserId,
    /// The purpose of the key.
    pub purpose: Option<String>,
    /// Its lifetime, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u64>,
}

/// A key that replaces others.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct RotateSpec {
    /// The user, and the purpose of the new key.
    #[serde(flatten)]
    pub job: KeyJob,
    /// The keys to replace; empty for all of ours.
    pub keys: Vec<String>,
    /// Replace only keys older than this many seconds.
    pub max_age_seconds: Option<u64>,
    /// Keep the old keys for this many seconds.
    pub overlap_seconds: Option<u64>,
    /// What to do if the user has no key of ours.
    #[serde(default)]
    pub if_none: IfNone,
}

/// What to do if the user has no key of ours to replace.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IfNone {
    /// Mint one anyway.
    #[default]
    Mint,
    /// Leave the user as it is.
    Skip,
    /// Report an error.
    Fail,
}

impl RotateSpec {
    /// How long the old keys are kept.
    pub fn overlap(&self) -> Option<Duration> {
        self.overlap_seconds.map(Duration::from_secs)
    }
}

/// A user, given by one or both of its ids.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UserId {
    /// The company's id.
    External(String),
    /// Looker's id.
    Looker(String),
    /// Both: looked up by Looker's id, and accepted only with the company's id.
    Known {
        /// The company's id.
        external: String,
        /// Looker's id.
        looker: String,
    },
}

impl UserId {
    /// The same, borrowed.
    pub const fn by_ref(&self) -> UserRef<'_> {
        match self {
            Self::External(id) => UserRef::External(id.as_str()),
            Self::Looker(id) => UserRef::Looker(id.as_str()),
            Self::Known { external, looker } => UserRef::Known {
                external: external.as_str(),
                looker: looker.as_str(),
            },
        }
    }
}

/// A [`UserId`], borrowed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UserRef<'a> {
    /// The company's id.
    External(&'a str),
    /// Looker's id.
    Looker(&'a str),
    /// Both.
    Known {
        /// The company's id.
        external: &'a str,
        /// Looker's id.
        looker: &'a str,
    },
}

impl UserRef<'_> {
    /// The ledger's name for a job on this user: the company's id, so that two runs cannot work on the same user.
    pub fn subject(self) -> String {
        match self {
            Self::External(id) | Self::Known { external: id, .. } => id.to_owned(),
            // Marked, because a Looker id may equal someone's external id.
            Self::Looker(id) => format!("looker:{id}"),
        }
    }
}

impl fmt::Display for UserRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::External(id) | Self::Known { external: id, .. } => {
                write!(f, "embed user `{id}`")
            }
            Self::Looker(id) => write!(f, "Looker user {id}"),
        }
    }
}
