//! A desired user as it is written, and the attributes it may name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One desired embed user, as written; what is `None` was not given.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Row {
    /// Where it begins in its file.
    #[serde(skip)]
    pub(crate) line: u64,
    /// The company's id of the user.
    pub(crate) external_user_id: String,
    /// The first name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_name: Option<String>,
    /// The last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_name: Option<String>,
    /// Names of LookML models.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) models: Option<Vec<String>>,
    /// Permissions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) permissions: Option<Vec<String>>,
    /// Looker's ids of groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group_ids: Option<Vec<String>>,
    /// The company's id of a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) external_group_id: Option<String>,
    /// An IANA time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_timezone: Option<String>,
    /// Values of user attributes, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) user_attributes: BTreeMap<String, String>,
    /// Whether the user is to have an API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<KeyWish>,
    /// Whether the user is to be able to log in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<State>,
}

/// Whether a user is to have an API key.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyWish {
    /// Keys are left as they are.
    None,
    /// Mint a key if the user has none from embedctl.
    Ensure,
    /// A new one takes the place of embedctl's, each time.
    Rotate,
}

/// Whether a user is to be able to log in.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// It is.
    #[default]
    Present,
    /// It is not; its content stays.
    Disabled,
}

/// A user attribute.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct KnownAttribute {
    /// Looker's id.
    pub(crate) id: String,
    /// Its type, as in `number`.
    pub(crate) kind: String,
}
