//! The desired state of a user: exactly what was stated.

use serde::{Deserialize, Serialize};

use crate::plan::row::{KeyWish, Row, State};
use crate::signed_url::Grants;

/// The desired state of a user.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Desired {
    /// The company's id of the user.
    pub(crate) external_user_id: String,
    /// The grants that were named; all others stay as they are.
    #[serde(default)]
    pub(crate) grants: Grants,
    /// Whether it gets a key.
    pub(crate) key: KeyWish,
    /// Whether it can log in; `None` leaves it as it is.
    #[serde(default)]
    pub(crate) state: Option<State>,
    /// Whether it is a row of a table: every "none" in it is then an empty cell, which may be an oversight.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) from_cells: bool,
}

impl Desired {
    /// The user of a row; `key` is the policy for rows without one.
    pub(crate) fn new(row: Row, key: KeyWish) -> Self {
        Self {
            external_user_id: row.external_user_id,
            grants: row.grants,
            key: row.key.unwrap_or(key),
            state: row.state,
            from_cells: row.from_cells,
        }
    }

    /// A user about whom only these grants are stated.
    pub(crate) const fn of_grants(external_user_id: String, grants: Grants) -> Self {
        Self {
            external_user_id,
            grants,
            key: KeyWish::None,
            state: None,
            from_cells: false,
        }
    }

    /// A user about whom nothing is stated except that it should be disabled.
    pub(crate) fn disabled(external_user_id: &str) -> Self {
        Self {
            state: Some(State::Disabled),
            ..Self::of_grants(external_user_id.to_owned(), Grants::default())
        }
    }

    /// The same user as a row.
    pub(crate) fn row(&self) -> Row {
        Row {
            line: 0,
            from_cells: self.from_cells,
            external_user_id: self.external_user_id.clone(),
            grants: self.grants.clone(),
            key: Some(self.key),
            state: self.state,
            reason: None,
        }
    }
}
