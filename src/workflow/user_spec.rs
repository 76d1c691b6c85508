//! The desired state of an embed user, and what a plan knows about it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::signed_url::{Grants, Login};

/// The desired state of an embed user.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct UserSpec {
    /// The company's id of the user.
    pub external_user_id: String,
    /// Its grants and names.
    pub grants: Grants,
    /// How Looker is made to create it.
    pub via: Via,
    /// The embed path to fetch, if it is created through a signed URL.
    pub target: String,
    /// Whether an existing user gets these grants instead of its own.
    pub update: bool,
    /// Whether to verify sudo.
    pub verify: bool,
    /// The key to mint, if any.
    pub key: Option<KeySpec>,
    /// What a plan found out and wants in addition.
    #[serde(default)]
    pub planned: Box<Extra>,
}

impl UserSpec {
    /// The embed login for the user.
    pub(crate) fn login(&self) -> Login {
        // `Login::new` forces the logout: without it, the permissions of the first login were seen to linger.
        self.grants.not_empty().login(&*self.external_user_id)
    }
}

/// How Looker is made to create an embed user.
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

/// A key to mint.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct KeySpec {
    /// Its purpose in the operator's words, which follow embedctl's tag.
    pub purpose: Option<String>,
    /// Whether to mint it only if the user has no delivered one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ensure: bool,
}

/// What a plan found out about a user, and its edits through the API besides the embed login; empty without a plan.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Extra {
    /// The user did not exist when the plan was made, so it need not be looked up first.
    pub absent: bool,
    /// Nothing requires a login, which would replace all grants and end the user's sessions.
    pub no_login: bool,
    /// The changes to make through the API.
    #[serde(flatten)]
    pub edits: UserEdits,
    /// Whether a value of unknown origin counts as the user's own.
    pub take_unknown: bool,
    /// Whether the new key replaces the existing ones.
    pub rotate: bool,
}

/// Changes of an existing user that need no login and end no session.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct UserEdits {
    /// Whether to disable or enable the user; `None` leaves it as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// The first name to set; an empty one clears it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// The last name to set; an empty one clears it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Groups to join, by Looker's id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub join: Vec<String>,
    /// Groups to leave, by Looker's id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leave: Vec<String>,
    /// Values of user attributes to set or delete.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<AttributeEdit>,
}

impl UserEdits {
    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether anything is changed besides disabling the user.
    pub(crate) fn has_more_than_disabling(&self) -> bool {
        let disabling = Self {
            disabled: Some(true),
            ..Self::default()
        };
        !self.is_empty() && *self != disabling
    }

    /// Whether the user record itself changes: its names, or whether it is disabled.
    pub const fn of_user(&self) -> bool {
        self.disabled.is_some() || self.first_name.is_some() || self.last_name.is_some()
    }
}

/// A value of a user attribute to set or delete.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AttributeEdit {
    /// Looker's id of the attribute.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The value; `None` deletes the user's own value.
    pub value: Option<String>,
}
