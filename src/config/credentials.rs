//! The API key and the embed secret: which of the possible sources each comes from.

use url::Url;

use crate::config::file::{Profile, SecretPlace};
use crate::config::layers::Layers;
use crate::config::netrc;
use crate::config::places::Places;
use crate::config::secret::SecretSource;
use crate::config::source::{Setting, Source};
use crate::config::text::settings_text;
use crate::error::Error;
use crate::secret::SecretString;

/// A client id and its secret, each of which may be missing.
type ApiKeySettings = (Option<Setting<String>>, Option<Setting<SecretSource>>);

/// A login and its password.
type NetrcKey = (Setting<String>, Setting<SecretSource>);

/// Client id and client secret; netrc gives both or neither.
pub(crate) fn api_key(
    layers: &Layers<'_>,
    places: &Places,
    base_url: Option<&Setting<Url>>,
) -> Result<ApiKeySettings, Error> {
    let id = layers
        .sdk_variable(&["EMBEDCTL_CLIENT_ID", "LOOKERSDK_CLIENT_ID"])
        .or_else(|| layers.profile(|profile| profile.client_id.clone()))
        .or_else(|| layers.ini("client_id"));
    let secret = secret(
        layers,
        places,
        "CLIENT_SECRET",
        |profile| profile.client_secret.clone(),
        "client_secret",
    );
    // netrc is the last resort, and not read if the secret is known.
    if secret.is_some() {
        return Ok((id, secret));
    }
    let host = base_url.and_then(|base_url| base_url.value.host_str());
    let found = host.map(|host| netrc_key(places, host)).transpose()?;
    Ok(match found.flatten() {
        // A login for another client id would pair one key's id with another key's secret.
        Some((login, password)) if id.as_ref().is_none_or(|id| id.value == login.value) => {
            (id.or(Some(login)), Some(password))
        }
        _ => (id, None),
    })
}

/// The embed secret.
pub(crate) fn embed_secret(layers: &Layers<'_>, places: &Places) -> Option<Setting<SecretSource>> {
    secret(
        layers,
        places,
        "EMBED_SECRET",
        |profile| profile.embed_secret.clone(),
        "embed_secret",
    )
}

fn netrc_key(places: &Places, host: &str) -> Result<Option<NetrcKey>, Error> {
    let Some(file) = places.netrc.clone() else {
        return Ok(None);
    };
    let text = settings_text(&file, false, "")?.unwrap_or_default();
    let Some(login) = netrc::find(&text, host) else {
        return Ok(None);
    };
    let password = SecretSource::in_file(login.password, &file);
    let source = Source::Netrc { file };
    Ok(Some((
        Setting::new(login.login, source.clone()),
        Setting::new(password, source),
    )))
}

fn secret(
    layers: &Layers<'_>,
    places: &Places,
    variable: &str,
    place: impl Fn(&Profile) -> Option<SecretPlace>,
    ini: &str,
) -> Option<Setting<SecretSource>> {
    let given = |setting: Setting<String>| {
        Setting::new(
            SecretSource::Given(SecretString::from(setting.value)),
            setting.source,
        )
    };
    let variables = [
        format!("EMBEDCTL_{variable}"),
        format!("LOOKERSDK_{variable}"),
    ];
    layers
        .sdk_variable(&variables.each_ref().map(String::as_str))
        .map(given)
        .or_else(|| {
            let Setting { value, source } = layers.profile(place)?;
            Some(Setting::new(
                SecretSource::at(value, places, layers.system, &layers.named_secrets),
                source,
            ))
        })
        .or_else(|| {
            let Setting { value, source } = layers.ini(ini)?;
            // A secret in a file that others can read is refused when it is used, not here: other
            // commands may not need it.
            let secret = match &source {
                Source::Ini { file, .. } => SecretSource::in_file(value.into(), file),
                _ => SecretSource::Given(value.into()),
            };
            Some(Setting::new(secret, source))
        })
}
