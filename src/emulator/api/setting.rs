//! The settings of the instance.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::emulator::api::usual::with_usual;
use crate::emulator::http::answer::{Answer, Refusal, add, json_answer};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::World;
use crate::emulator::world::permissions::{ALL_PERMISSIONS, EMBED_PERMISSIONS};

pub(super) const OPERATIONS: &[Service] = &[
    op("get_setting", read).admin(),
    op("set_setting", write).admin(),
];

fn read(_call: &Call<'_>, world: &mut World) -> Answer {
    json_answer(setting_json(world))
}

/// The settings with an effect here, of the instance and of embedding.
const EFFECTIVE: [&str; 5] = [
    "allow_user_timezones",
    "timezone",
    "host_url",
    "embed_cookieless_v2",
    "embed_config",
];
const EFFECTIVE_OF_EMBEDDING: [&str; 3] = [
    "domain_allowlist",
    "sso_auth_enabled",
    "embed_cookieless_v2",
];

/// Only settings with an effect here can be changed; a change of others is refused, so that no test relies on it.
fn write(call: &Call<'_>, world: &mut World) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        allow_user_timezones: Option<bool>,
        timezone: Option<String>,
        host_url: Option<String>,
        embed_cookieless_v2: Option<bool>,
        embed_config: Option<EmbedBody>,
    }

    #[derive(Default, Deserialize)]
    struct EmbedBody {
        domain_allowlist: Option<Vec<String>>,
        sso_auth_enabled: Option<bool>,
        embed_cookieless_v2: Option<bool>,
    }

    let shown = setting_json(world);
    check_effect(&call.body, &shown, &EFFECTIVE)?;
    let of_embedding = |setting: &Value| setting.get("embed_config").cloned().unwrap_or_default();
    check_effect(
        &of_embedding(&call.body),
        &of_embedding(&shown),
        &EFFECTIVE_OF_EMBEDDING,
    )?;
    let body: Body = call.body()?;
    let embed = body.embed_config.unwrap_or_default();
    let settings = &mut world.settings;
    // Signed URLs need embedding, which is part of the license.
    if embed.sso_auth_enabled == Some(true) && !settings.embed_enabled {
        return Err(Refusal::denied());
    }
    settings.allow_user_timezones = body
        .allow_user_timezones
        .unwrap_or(settings.allow_user_timezones);
    settings.sso_auth_enabled = embed.sso_auth_enabled.unwrap_or(settings.sso_auth_enabled);
    settings.embed_cookieless = embed
        .embed_cookieless_v2
        .or(body.embed_cookieless_v2)
        .unwrap_or(settings.embed_cookieless);
    if let Some(timezone) = body.timezone {
        settings.timezone = timezone;
    }
    if let Some(host_url) = body.host_url {
        settings.host_url = host_url;
    }
    if let Some(domains) = embed.domain_allowlist {
        settings.domain_allowlist = domains;
    }
    json_answer(setting_json(world))
}

/// 501 for the first setting that is changed, though not among those that are `effective`.
fn check_effect(body: &Value, shown: &Value, effective: &[&str]) -> Result<(), Refusal> {
    let mut fields = body.as_object().into_iter().flatten();
    let idle = fields.find(|(name, value)| {
        // Clients send back the whole that they have read.
        !effective.contains(&name.as_str()) && shown.get(name.as_str()) != Some(value)
    });
    match idle {
        None => Ok(()),
        Some((name, _)) => {
            let what = format!("the setting `{name}` cannot be changed in the emulator");
            Err(Refusal::unserved(&what))
        }
    }
}

fn setting_json(world: &World) -> Value {
    let settings = &world.settings;
    let license = json!({ "allow_private_embed": settings.embed_enabled });
    let embed = json!({
        "domain_allowlist": settings.domain_allowlist,
        "sso_auth_enabled": settings.sso_auth_enabled,
        "embed_enabled": settings.embed_enabled,
        "embed_cookieless_v2": settings.embed_cookieless,
    });
    let own = json!({
        "allow_user_timezones": settings.allow_user_timezones,
        "timezone": settings.timezone,
        "host_url": settings.host_url,
        "embed_enabled": settings.embed_enabled,
        "embed_cookieless_v2": settings.embed_cookieless,
        "instance_config": {
            "feature_flags": {},
            "license_features": with_usual("license_features", license),
        },
        "embed_config": with_usual("embed_config", embed),
    });
    let mut shown = with_usual("setting", own);
    let switches = &world.rules.switches;
    // Only newer releases list the permissions of embed users.
    if let Some(config) = shown.get_mut("embed_config")
        && switches.has(switches.permissions_are_told)
    {
        add(config, "permissions", tree(None));
    }
    shown
}

/// The permissions that embed users may have, each with those that need it below it.
fn tree(parent: Option<&str>) -> Value {
    let below = ALL_PERMISSIONS
        .iter()
        .filter(|(name, needs)| {
            // A permission whose parent embed users may not have becomes a root.
            let needs = needs.filter(|needs| EMBED_PERMISSIONS.contains(needs));
            EMBED_PERMISSIONS.contains(name) && needs == parent
        })
        .map(|(name, _needs)| ((*name).to_owned(), tree(Some(name))));
    Value::Object(below.collect())
}
