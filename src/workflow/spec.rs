//! What a job is to bring about, as data: what the ledger keeps of it and what its steps are.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::workflow::rotate_id::RotateIdSpec;
use crate::workflow::user_spec::{UserSpec, Via};

/// What a job is to bring about.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobSpec {
    /// An embed user that exists, and a key of it.
    CreateUser(UserSpec),
    /// One more key of a user that exists.
    MintKey(KeyJob),
    /// A new key in place of older ones.
    RotateKey(RotateSpec),
    /// A person under another `external_user_id`, with all that belongs to it.
    RotateId(Box<RotateIdSpec>),
}

impl JobSpec {
    /// Whom the job is about.
    pub const fn user(&self) -> UserRef<'_> {
        match self {
            Self::CreateUser(spec) => UserRef::External(spec.external_user_id.as_str()),
            Self::MintKey(job) => job.user.by_ref(),
            Self::RotateKey(spec) => spec.job.user.by_ref(),
            Self::RotateId(spec) => UserRef::External(spec.user.external_user_id.as_str()),
        }
    }

    /// Whom else it is about.
    pub fn also(&self) -> Option<&str> {
        match self {
            Self::RotateId(spec) => Some(&spec.from.external_user_id),
            Self::CreateUser(_) | Self::MintKey(_) | Self::RotateKey(_) => None,
        }
    }

    /// Whether the job makes its user by a signed URL.
    pub fn signs(&self) -> bool {
        self.embed_user()
            .is_some_and(|user| user.via == Via::SignedUrl && !user.planned.no_login)
    }

    /// The embed user to be made, where the job makes one.
    pub const fn embed_user(&self) -> Option<&UserSpec> {
        match self {
            Self::CreateUser(spec) => Some(spec),
            Self::RotateId(spec) => Some(&spec.user),
            Self::MintKey(_) | Self::RotateKey(_) => None,
        }
    }

    /// What the key of the job is for, in the words of whoever asked.
    pub fn key_purpose(&self) -> Option<&str> {
        match self {
            Self::CreateUser(spec) => spec.key.as_ref()?.purpose.as_deref(),
            Self::MintKey(job) => job.purpose.as_deref(),
            Self::RotateKey(spec) => spec.job.purpose.as_deref(),
            Self::RotateId(spec) => spec.user.key.as_ref()?.purpose.as_deref(),
        }
    }

    /// How long the key of the job is to live, if not until somebody revokes it.
    pub fn key_life(&self) -> Option<Duration> {
        match self {
            Self::MintKey(job) => job.ttl_seconds.map(Duration::from_secs),
            Self::CreateUser(_) | Self::RotateKey(_) | Self::RotateId(_) => None,
        }
    }

    /// Whether a key is minted only for a user who has none that was delivered.
    pub fn ensures_key(&self) -> bool {
        match self {
            Self::CreateUser(spec) => spec.key.as_ref().is_some_and(|key| key.ensure),
            Self::MintKey(_) | Self::RotateKey(_) | Self::RotateId(_) => false,
        }
    }
}

impl JobSpec {
    /// Which keys the job replaces, where it does.
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
                if_none: IfNone::Mint,
            }),
            Self::CreateUser(_) | Self::MintKey(_) | Self::RotateId(_) => None,
        }
    }
}

/// A key to be minted for a user that exists.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct KeyJob {
    /// The user.
    pub user: UserId,
    /// What the key is for.
    pub purpose: Option<String>,
    /// How long it is to live, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u64>,
}

/// A key to take the place of others.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct RotateSpec {
    /// The user, and what the new key is for.
    #[serde(flatten)]
    pub job: KeyJob,
    /// The keys to replace; all that are ours where none is named.
    pub keys: Vec<String>,
    /// Replace only keys older than this many seconds.
    pub max_age_seconds: Option<u64>,
    /// Keep the old keys for this many seconds.
    pub overlap_seconds: Option<u64>,
    /// What to do for a user without a key of ours.
    #[serde(default)]
    pub if_none: IfNone,
}

/// What to do for a user without a key of ours to replace.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IfNone {
    /// Mint one all the same.
    #[default]
    Mint,
    /// Leave the user as it is.
    Skip,
    /// Say that there is nothing to replace.
    Fail,
}

impl RotateSpec {
    /// How long the old keys are kept.
    pub fn overlap(&self) -> Option<Duration> {
        self.overlap_seconds.map(Duration::from_secs)
    }
}

/// A user, named by one of its two ids.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UserId {
    /// The company's id.
    External(String),
    /// Looker's id.
    Looker(String),
    /// Both: looked up by Looker's, and only if it has the company's.
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
    /// What the ledger calls a job for the user: the company's id, since that is what two runs must not both work on.
    pub fn subject(self) -> String {
        match self {
            Self::External(id) | Self::Known { external: id, .. } => id.to_owned(),
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
