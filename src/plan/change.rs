//! What is done for a user, as a plan says it and a job does it.

use serde::{Deserialize, Serialize};

use crate::plan::field::{Carried, Difference, Field};
use crate::plan::observed_user::ObservedUser;
use crate::plan::refusal::Refusal;
use crate::signed_url::Grants;
use crate::workflow::UserEdits;

/// What is done for a user.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Change {
    /// In a word.
    pub(crate) action: Action,
    /// The company's id of the user.
    pub(crate) external_user_id: String,
    /// Looker's id, if the user exists.
    pub(crate) looker_user_id: Option<String>,
    /// What becomes otherwise.
    #[serde(rename = "changes")]
    pub(crate) differences: Vec<Difference>,
    /// What a login repeats, since it would take away what it does not say.
    #[serde(default)]
    pub(crate) carried: Vec<Carried>,
    /// Whether it ends the sessions that the user has open.
    pub(crate) ends_sessions: bool,
    /// Whether the user is disabled afterwards: no one can act as it then.
    #[serde(default)]
    pub(crate) ends_disabled: bool,
    /// What is done about keys.
    pub(crate) key: KeyChange,
    /// All that the embed login says, if one is needed: it replaces every grant the user has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) login: Option<Grants>,
    /// What is changed through the API.
    #[serde(default, skip_serializing_if = "UserEdits::is_empty")]
    pub(crate) edits: UserEdits,
    /// Why nothing is done, if the user cannot be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refused: Option<Refusal>,
}

/// What is done for a user, in a word.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// It is created.
    Create,
    /// It is changed.
    Update,
    /// Nothing of it is changed, and it gets a key.
    Key,
    /// It can no longer log in.
    Disable,
    /// It can log in again, and nothing else is changed.
    Enable,
    /// Nothing.
    Unchanged,
    /// Nothing, since it cannot be compared.
    Refused,
}

impl Action {
    /// The word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Key => "key",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
        }
    }
}

/// What is done about the keys of a user.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyChange {
    /// Nothing.
    #[default]
    None,
    /// One is minted.
    Mint,
    /// One is minted in place of those there are.
    Rotate,
}

impl Change {
    /// Nothing, for a user that may have to be changed.
    pub(super) fn nothing(external_user_id: &str, seen: Option<&ObservedUser>) -> Self {
        Self {
            action: Action::Unchanged,
            external_user_id: external_user_id.to_owned(),
            looker_user_id: seen.map(|seen| seen.id.clone()),
            differences: Vec::new(),
            carried: Vec::new(),
            ends_sessions: false,
            ends_disabled: seen.is_some_and(|seen| seen.is_disabled),
            key: KeyChange::None,
            login: None,
            edits: UserEdits::default(),
            refused: None,
        }
    }

    /// The differences that take a login.
    pub(crate) fn login_fields(&self) -> impl Iterator<Item = &Field> {
        let fields = self.differences.iter().map(|difference| &difference.field);
        fields.filter(|field| field.takes_login())
    }
}
