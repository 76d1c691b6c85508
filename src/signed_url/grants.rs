//! The grants and names of an embed user: the single form used by flags, profiles, manifests, plans and jobs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::signed_url::Login;

/// The content of an embed login besides the user's id.
///
/// `None`, or an attribute that is not named, leaves the field open. An empty list or text means "none": it is omitted
/// from a login, which replaces all grants.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Grants {
    /// The first name; Looker keeps the former one if a login has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// The last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Names of LookML models.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<String>>,
    /// Permissions, such as `access_data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<String>>,
    /// Looker's ids of groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_ids: Option<Vec<String>>,
    /// The company's id of a group whose members share a folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_group_id: Option<String>,
    /// An IANA time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_timezone: Option<String>,
    /// Values of user attributes, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub user_attributes: BTreeMap<String, String>,
    /// How long the session lasts, in seconds; 300, Looker's default, if it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_length: Option<u32>,
}

impl Grants {
    /// These grants, completed with those of `base` for everything they leave open. Attributes are merged by name; all other
    /// fields are taken whole.
    #[must_use]
    pub fn or(self, base: &Self) -> Self {
        let text = |own: Option<String>, base: &Option<String>| own.or_else(|| base.clone());
        let list = |own: Option<Vec<String>>, base: &Option<_>| own.or_else(|| base.clone());
        // Attributes are merged by name; all other fields are replaced whole.
        let mut user_attributes = base.user_attributes.clone();
        user_attributes.extend(self.user_attributes);
        Self {
            first_name: text(self.first_name, &base.first_name),
            last_name: text(self.last_name, &base.last_name),
            models: list(self.models, &base.models),
            permissions: list(self.permissions, &base.permissions),
            group_ids: list(self.group_ids, &base.group_ids),
            external_group_id: text(self.external_group_id, &base.external_group_id),
            user_timezone: text(self.user_timezone, &base.user_timezone),
            user_attributes,
            session_length: self.session_length.or(base.session_length),
        }
    }

    /// The fields that are not empty. Values of attributes stay as they are: an empty one of the user's own hides the one that a
    /// group or a default gives.
    #[must_use]
    pub fn not_empty(&self) -> Self {
        let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let list = |list: &Option<Vec<String>>| list.clone().filter(|list| !list.is_empty());
        Self {
            first_name: text(&self.first_name),
            last_name: text(&self.last_name),
            models: list(&self.models),
            permissions: list(&self.permissions),
            group_ids: list(&self.group_ids),
            external_group_id: text(&self.external_group_id),
            user_timezone: text(&self.user_timezone),
            user_attributes: self.user_attributes.clone(),
            session_length: self.session_length,
        }
    }

    /// An embed login with exactly these grants.
    pub fn login(self, external_user_id: impl Into<String>) -> Login {
        let bare = Login::new(external_user_id);
        let values = self.user_attributes;
        Login {
            first_name: self.first_name,
            last_name: self.last_name,
            models: self.models,
            permissions: self.permissions,
            group_ids: self.group_ids,
            external_group_id: self.external_group_id,
            user_timezone: self.user_timezone,
            user_attributes: (!values.is_empty()).then_some(values),
            session_length: self.session_length.unwrap_or(bare.session_length),
            ..bare
        }
    }
}
