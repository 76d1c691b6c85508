//! The settings of the instance.

use serde::{Deserialize, Serialize};

/// The settings of the instance that have a meaning here.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    pub(crate) allow_user_timezones: bool,
    pub(crate) timezone: String,
    pub(crate) host_url: String,
    pub(crate) embed_enabled: bool,
    pub(crate) sso_auth_enabled: bool,
    pub(crate) embed_cookieless: bool,
    pub(crate) domain_allowlist: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allow_user_timezones: false,
            timezone: "UTC".to_owned(),
            host_url: String::new(),
            embed_enabled: true,
            sso_auth_enabled: true,
            embed_cookieless: true,
            domain_allowlist: vec!["https://app.example.com".to_owned()],
        }
    }
}
