//! A user as it is to be, with every default filled in.

use serde::{Deserialize, Serialize};

use crate::plan::row::{KeyWish, Row, State};
use crate::workflow::Grants;

/// What holds for every user whose row does not say otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Defaults {
    /// The grants.
    pub(crate) grants: Grants,
    /// Whether users are to have keys.
    pub(crate) key: KeyWish,
}

/// A user as it is to be.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Desired {
    /// The company's id of the user.
    pub(crate) external_user_id: String,
    /// Who it is and what it may do.
    pub(crate) grants: Grants,
    /// Whether it is to have a key.
    pub(crate) key: KeyWish,
    /// Whether it is to be able to log in.
    pub(crate) state: State,
}

impl Desired {
    /// The user of a row, with `defaults` for what the row does not say. Attributes are merged by name.
    pub(crate) fn new(row: Row, defaults: &Defaults) -> Self {
        let base = &defaults.grants;
        let mut user_attributes = base.user_attributes.clone();
        user_attributes.extend(row.user_attributes);
        let list =
            |given: Option<Vec<String>>, base: &Vec<String>| given.unwrap_or_else(|| base.clone());
        let grants = Grants {
            first_name: row.first_name.or_else(|| base.first_name.clone()),
            last_name: row.last_name.or_else(|| base.last_name.clone()),
            permissions: list(row.permissions, &base.permissions),
            models: list(row.models, &base.models),
            group_ids: list(row.group_ids, &base.group_ids),
            external_group_id: row
                .external_group_id
                .or_else(|| base.external_group_id.clone()),
            user_attributes,
            user_timezone: row.user_timezone.or_else(|| base.user_timezone.clone()),
            session_length: base.session_length,
        };
        Self {
            external_user_id: row.external_user_id,
            grants,
            key: row.key.unwrap_or(defaults.key),
            state: row.state.unwrap_or_default(),
        }
    }

    /// A user of whom nothing is known but that it is to be disabled.
    pub(crate) fn disabled(external_user_id: &str) -> Self {
        Self {
            external_user_id: external_user_id.to_owned(),
            grants: Grants::default(),
            key: KeyWish::None,
            state: State::Disabled,
        }
    }

    /// The same user as a row that says everything.
    pub(crate) fn row(&self) -> Row {
        let grants = self.grants.clone();
        Row {
            line: 0,
            external_user_id: self.external_user_id.clone(),
            first_name: grants.first_name,
            last_name: grants.last_name,
            models: Some(grants.models),
            permissions: Some(grants.permissions),
            group_ids: Some(grants.group_ids),
            external_group_id: grants.external_group_id,
            user_timezone: grants.user_timezone,
            user_attributes: grants.user_attributes,
            key: Some(self.key),
            state: Some(self.state),
        }
    }
}
