//! A desired user as written, and the attributes it may name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::looker::UserAttribute;
use crate::signed_url::Grants;

/// What applies to every row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// The grants of new users, for whatever their rows do not name.
    pub(crate) defaults: Grants,
    /// Whether named lists are added to the present ones.
    pub(crate) merge: bool,
    /// The existing user attributes, by name.
    pub(crate) attributes: BTreeMap<String, KnownAttribute>,
}

/// One desired embed user as written; `None` was not given.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Row {
    /// The line where it starts in its file.
    #[serde(skip)]
    pub(crate) line: u64,
    /// Whether it is a row of a table: every "none" in it is then an empty cell.
    #[serde(skip)]
    pub(crate) from_cells: bool,
    /// The company's id of the user.
    pub(crate) external_user_id: String,
    /// Its grants and names.
    #[serde(flatten)]
    pub(crate) grants: Grants,
    /// Whether the user should have an API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<KeyWish>,
    /// Whether the user should be able to log in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<State>,
    /// Why it failed, in a manifest of failed rows; ignored on reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// Whether a user should have an API key.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyWish {
    /// Leave keys as they are.
    None,
    /// Mint a key if the user has none from embedctl.
    Ensure,
    /// Replace the keys from embedctl with a new one, each time.
    Rotate,
}

/// Whether a user should be able to log in.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// It can.
    Present,
    /// It cannot; its content stays.
    Disabled,
}

/// A group in a list of groups: named by its id or by its name.
pub(crate) struct GroupName<'a> {
    id: Option<&'a str>,
    name: &'a str,
}

/// Why a group cannot be identified.
#[derive(Debug)]
pub(crate) enum GroupUnknown {
    /// It does not exist.
    None,
    /// Several groups have that name; their ids.
    Several(Vec<String>),
}

impl<'a> GroupName<'a> {
    /// An id wins over a name; `name:5` means the name `5`.
    pub(crate) fn of(text: &'a str) -> Self {
        match text.strip_prefix("name:") {
            Some(name) => Self { id: None, name },
            None => Self {
                id: Some(text),
                name: text,
            },
        }
    }

    /// Put ids in the place of names, in a list of `named` ones. One that is unknown stays as it is.
    pub(crate) fn to_ids<'b>(
        named: &mut [String],
        groups: &(impl Iterator<Item = (&'b str, &'b str)> + Clone),
    ) {
        for named in named {
            if let Ok(id) = GroupName::of(named).among(groups.clone()) {
                *named = id.to_owned();
            }
        }
    }

    /// The id of the group, among groups with these ids and names.
    ///
    /// # Errors
    /// There is none, or several.
    pub(crate) fn among<'b>(
        &self,
        groups: impl Iterator<Item = (&'b str, &'b str)> + Clone,
    ) -> Result<&'b str, GroupUnknown> {
        if let Some((id, _)) = groups.clone().find(|(id, _)| self.id == Some(*id)) {
            return Ok(id);
        }
        let mut named = groups.filter(|(_, name)| *name == self.name);
        match (named.next(), named.next()) {
            (None, _) => Err(GroupUnknown::None),
            (Some((id, _)), None) => Ok(id),
            (Some((first, _)), Some((second, _))) => {
                let ids = [first, second].into_iter().chain(named.map(|(id, _)| id));
                Err(GroupUnknown::Several(ids.map(str::to_owned).collect()))
            }
        }
    }
}

/// A user attribute.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct KnownAttribute {
    /// Looker's id.
    pub(crate) id: String,
    /// Its type, as in `number`.
    pub(crate) kind: String,
}

impl KnownAttribute {
    /// Those attributes by their names.
    pub(crate) fn by_name(attributes: Vec<UserAttribute>) -> BTreeMap<String, Self> {
        let named = attributes.into_iter().map(|attribute| {
            let known = Self {
                id: attribute.id,
                kind: attribute.kind.unwrap_or_default(),
            };
            (attribute.name, known)
        });
        named.collect()
    }
}
