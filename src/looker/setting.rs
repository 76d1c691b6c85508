//! Settings of the instance that concern embedding.

use serde::Deserialize;
use serde_json::Value;

use crate::looker::call::Call;
use crate::looker::client::Client;
use crate::looker::error::LookerError;
use crate::looker::fields;
use crate::permissions::Permissions;

/// The setup of embedding; `None` if this Looker does not say.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub struct EmbedConfig {
    /// Whether embedding is available at all.
    #[serde(default)]
    pub embed_enabled: Option<bool>,
    /// Whether signed embedding is on.
    #[serde(default)]
    pub sso_auth_enabled: Option<bool>,
    /// Whether cookieless embedding is on.
    #[serde(default)]
    pub embed_cookieless_v2: Option<bool>,
    /// The domains that may embed.
    #[serde(default, deserialize_with = "fields::list")]
    pub domain_allowlist: Vec<String>,
    /// The tree of permissions that embed users may have, since Looker 26.10.
    #[serde(default)]
    permissions: Option<Value>,
    /// Whether users may have their own time zone.
    #[serde(skip)]
    pub allow_user_timezones: Option<bool>,
}

impl EmbedConfig {
    /// The permissions that embed users may have, if this Looker says.
    pub fn embed_permissions(&self) -> Option<Permissions> {
        Permissions::of_embed_tree(self.permissions.as_ref()?)
    }
}

impl Client {
    /// The setup of embedding.
    pub async fn setting_embed(&self) -> Result<EmbedConfig, LookerError> {
        #[derive(Deserialize)]
        struct Setting {
            #[serde(default)]
            embed_config: Option<EmbedConfig>,
            #[serde(default)]
            embed_enabled: Option<bool>,
            #[serde(default)]
            embed_cookieless_v2: Option<bool>,
            #[serde(default)]
            allow_user_timezones: Option<bool>,
        }

        let fields = "embed_config,embed_enabled,embed_cookieless_v2,allow_user_timezones";
        let call = Call::get("get_setting", "/setting", &[])?;
        let setting: Setting = self.json(call.query("fields", fields)).await?;
        let config = setting.embed_config.unwrap_or_default();
        Ok(EmbedConfig {
            // Releases differ in where they put these two: in `embed_config`, or beside it.
            embed_enabled: config.embed_enabled.or(setting.embed_enabled),
            embed_cookieless_v2: config.embed_cookieless_v2.or(setting.embed_cookieless_v2),
            allow_user_timezones: setting.allow_user_timezones,
            ..config
        })
    }
}
