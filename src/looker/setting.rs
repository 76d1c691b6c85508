//! Settings of the instance, as far as embedding goes.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use crate::looker::call::Call;
use crate::looker::client::Client;
use crate::looker::error::LookerError;
use crate::looker::fields;

/// How embedding is set up; what is `None` this Looker does not say.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub struct EmbedConfig {
    /// Whether embedding is there at all.
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
    /// Whether users may have time zones of their own.
    #[serde(skip)]
    pub allow_user_timezones: Option<bool>,
}

impl EmbedConfig {
    /// The permissions that embed users may have, where this Looker says.
    pub fn allowed_permissions(&self) -> Option<BTreeSet<String>> {
        let tree = self.permissions.as_ref()?;
        let mut names = BTreeSet::new();
        collect(tree, &mut names);
        (!names.is_empty()).then_some(names)
    }
}

/// The names in a tree of permissions: keys of objects and strings of lists.
fn collect(tree: &Value, names: &mut BTreeSet<String>) {
    match tree {
        Value::String(name) => {
            names.insert(name.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        Value::Object(members) => {
            for (name, below) in members {
                names.insert(name.clone());
                collect(below, names);
            }
        }
        _ => {}
    }
}

impl Client {
    /// How embedding is set up.
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
            embed_enabled: config.embed_enabled.or(setting.embed_enabled),
            embed_cookieless_v2: config.embed_cookieless_v2.or(setting.embed_cookieless_v2),
            allow_user_timezones: setting.allow_user_timezones,
            ..config
        })
    }
}
