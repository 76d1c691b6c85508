//! An embed user as it is to be, and what a plan knows of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::signed_url::{Grants, Login};

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
    /// What an embed login says of the user.
    pub(crate) fn login(&self) -> Login {
        // `Login::new` forces the logout: without it the permissions of the first login were seen to linger.
        self.grants.not_empty().login(&*self.external_user_id)
    }
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

/// What a plan has found out of a user, and the edits that it wants besides an embed login; nothing if there was no plan.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Extra {
    /// The user was not there when the plan was made, so that it need not be looked up first.
    pub absent: bool,
    /// Nothing is wanted that takes a login; a login replaces all grants and ends the user's sessions.
    pub no_login: bool,
    /// What is changed through the API.
    #[serde(flatten)]
    pub edits: UserEdits,
    /// Whether a value whose origin is unknown counts as the user's own.
    pub take_unknown: bool,
    /// Whether the new key takes the place of those there are.
    pub rotate: bool,
}

/// Changes of an existing user that take no login and end no session.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct UserEdits {
    /// Whether the user is disabled from now on; `None` leaves that as it is.
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
    /// Values of user attributes to set or take away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<AttributeEdit>,
}

impl UserEdits {
    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the user itself is written: its names, or whether it can log in.
    pub const fn of_user(&self) -> bool {
        self.disabled.is_some() || self.first_name.is_some() || self.last_name.is_some()
    }
}

/// A value of a user attribute to set or take away.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AttributeEdit {
    /// Looker's id of the attribute.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The value; `None` takes away the one that the user has of its own.
    pub value: Option<String>,
}
