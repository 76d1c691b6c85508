//! The content of a signed URL about its user.

use std::collections::BTreeMap;

/// An embed user and the grants of a login; they replace those of the previous login.
///
/// `None` is omitted from the URL, except for `permissions` and `models`, which become `null`: that is what Looker's own
/// signer writes if a user gets its grants through groups.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Login {
    /// The company's id of the user.
    pub external_user_id: String,
    /// The first name that Looker shows; not signed.
    pub first_name: Option<String>,
    /// The last name that Looker shows; not signed.
    pub last_name: Option<String>,
    /// The user's permissions.
    pub permissions: Option<Vec<String>>,
    /// The LookML models that the permissions apply to.
    pub models: Option<Vec<String>>,
    /// The Looker groups of the user.
    pub group_ids: Option<Vec<String>>,
    /// The external group, whose members share a folder.
    pub external_group_id: Option<String>,
    /// Values of Looker's user attributes, which row-level security relies on.
    pub user_attributes: Option<BTreeMap<String, String>>,
    /// The user's time zone, such as `Europe/Berlin`; not signed.
    pub user_timezone: Option<String>,
    /// How many seconds the session lasts.
    pub session_length: u32,
    /// Whether another login in the same browser ends this one; not signed.
    pub force_logout_login: bool,
}

impl Login {
    /// A login of this user without grants and with Looker's defaults: a session of 300 seconds, and a forced logout.
    pub fn new(external_user_id: impl Into<String>) -> Self {
        Self {
            external_user_id: external_user_id.into(),
            first_name: None,
            last_name: None,
            permissions: None,
            models: None,
            group_ids: None,
            external_group_id: None,
            user_attributes: None,
            user_timezone: None,
            session_length: 300,
            force_logout_login: true,
        }
    }
}
