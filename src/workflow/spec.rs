//! What a job is to bring about, as data: what the ledger keeps of it and what its steps are.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::signed_url::Login;
use crate::workflow::extra::Extra;
use crate::workflow::rotate_id::RotateIdSpec;

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

/// An embed user as it is to be.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct UserSpec {
    /// The company's id of the user.
    pub external_user_id: String,
    /// What the user may do, and who it is.
    pub grants: Grants,
    /// The way in which Looker is told to make it.
    pub via: Via,
    /// The embed path that is fetched, where the way is a signed URL.
    pub target: String,
    /// Whether a user that exists already gets these grants in place of its own.
    pub update: bool,
    /// Whether sudo is proved.
    pub verify: bool,
    /// The key to mint, if one is wanted.
    pub key: Option<KeySpec>,
    /// What a plan has found out and wants besides.
    #[serde(default)]
    pub planned: Box<Extra>,
}

impl UserSpec {
    /// What a signed URL says of the user.
    pub(crate) fn login(&self) -> Login {
        let grants = &self.grants;
        Login {
            external_user_id: self.external_user_id.clone(),
            first_name: grants.first_name.clone(),
            last_name: grants.last_name.clone(),
            permissions: given(&grants.permissions),
            models: given(&grants.models),
            group_ids: given(&grants.group_ids),
            external_group_id: grants.external_group_id.clone(),
            user_attributes: (!grants.user_attributes.is_empty())
                .then(|| grants.user_attributes.clone()),
            user_timezone: grants.user_timezone.clone(),
            session_length: grants.session_length,
            // With `false` the permissions of the first login were seen to linger.
            force_logout_login: true,
        }
    }
}

/// What is not empty.
pub(crate) fn given(list: &[String]) -> Option<Vec<String>> {
    (!list.is_empty()).then(|| list.to_vec())
}

/// What an embed login says of a user besides its id.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grants {
    /// The first name; Looker keeps the former one where there is none.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
    /// Permissions, as in `access_data`.
    pub permissions: Vec<String>,
    /// Names of LookML models.
    pub models: Vec<String>,
    /// Looker's ids of groups.
    pub group_ids: Vec<String>,
    /// The company's id of a group whose members share a folder.
    pub external_group_id: Option<String>,
    /// Values of user attributes, by name.
    pub user_attributes: BTreeMap<String, String>,
    /// An IANA time zone.
    pub user_timezone: Option<String>,
    /// How long the login lasts, in seconds.
    pub session_length: u32,
}

/// The way in which Looker is told to make an embed user.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// Fetch a signed embed URL, server-side.
    #[default]
    SignedUrl,
    /// Acquire a cookieless session; needs no embed secret.
    Cookieless,
    /// Call `create_embed_user`, which gives no grants.
    EmbedUser,
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SignedUrl => "signed-url",
            Self::Cookieless => "cookieless",
            Self::EmbedUser => "embed-user",
        })
    }
}

/// A key to be minted.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct KeySpec {
    /// What it is for, in the words of whoever asked; stands behind embedctl's own tag.
    pub purpose: Option<String>,
    /// Whether it is minted only if the user has none that was delivered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ensure: bool,
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
