//! An embed user as it is to be, and what a plan knows of it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::signed_url::Login;

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
fn given(list: &[String]) -> Option<Vec<String>> {
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

/// What a plan has found out of a user, and what it wants besides an embed login; nothing where there was no plan.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Extra {
    /// The user was not there when the plan was made, so that it need not be looked up first.
    pub absent: bool,
    /// Nothing is wanted that takes a login; a login replaces all grants and ends the user's sessions.
    pub no_login: bool,
    /// Whether the user is to be disabled, where that is to change.
    pub disabled: Option<bool>,
    /// The first name to set.
    pub first_name: Option<String>,
    /// The last name to set.
    pub last_name: Option<String>,
    /// Values of user attributes to set or take away.
    pub attributes: Vec<AttributeEdit>,
    /// Whether a value of which nobody can tell whose it is counts as the user's own.
    pub take_unknown: bool,
    /// Whether the new key takes the place of those there are.
    pub rotate: bool,
}

impl Extra {
    /// Whether something of the user itself or its attributes is to be changed.
    pub const fn edits(&self) -> bool {
        self.disabled.is_some()
            || self.first_name.is_some()
            || self.last_name.is_some()
            || !self.attributes.is_empty()
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
