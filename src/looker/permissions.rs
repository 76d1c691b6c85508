//! The permissions that exist on an instance.

use serde::Deserialize;

use crate::looker::call::Call;
use crate::looker::client::Client;
use crate::looker::error::LookerError;
use crate::looker::fields;
use crate::looker::setting::EmbedConfig;
use crate::permissions::Permissions;

/// A permission that Looker knows.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct Permission {
    /// The permission's name.
    #[serde(deserialize_with = "fields::id")]
    pub permission: String,
    /// The permission it depends on.
    #[serde(default, deserialize_with = "fields::optional")]
    pub parent: Option<String>,
    /// What it allows.
    #[serde(default, deserialize_with = "fields::optional")]
    pub description: Option<String>,
}

impl Client {
    /// Every permission that Looker knows.
    pub async fn permissions(&self) -> Result<Vec<Permission>, LookerError> {
        self.json(Call::get("all_permissions", "/permissions", &[])?)
            .await
    }

    /// The permissions that embed users may have, from the best source available: the instance's setting for embed users
    /// (since Looker 26.10), its list of all permissions, or the list built into embedctl. If the instance does not answer,
    /// nothing is refused.
    pub async fn embed_permissions(&self, setting: Option<&EmbedConfig>) -> Permissions {
        if let Some(told) = setting.and_then(EmbedConfig::embed_permissions) {
            return told;
        }
        let all = self.permissions().await.unwrap_or_default().into_iter();
        let all = all.map(|known| (known.permission, known.parent));
        Permissions::of_all(all).unwrap_or_default()
    }
}
