//! The API key and the embed secret: which of the possible sources each comes from.

use url::Url;

use crate::config::layers::{ApiKeyValues, Layers, Value};
use crate::config::netrc;
use crate::config::places::Places;
use crate::config::secret::SecretSource;
use crate::config::source::{Setting, Source};
use crate::config::text::settings_text;
use crate::error::Error;

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
    let (mut id, mut secret) = (None, None);
    for ApiKeyValues {
        client_id,
        client_secret,
    } in layers.api_keys()
    {
        if secret.is_none() && !is_of_another_key(id.as_ref(), client_id.as_ref()) {
            secret = client_secret;
        }
        id = id.or(client_id);
    }
    let secret = secret.map(|given| secret_source(given, layers, places));
    // netrc is the last resort, and not read if the secret is known.
    if secret.is_some() {
        return Ok((id, secret));
    }
    let host = base_url.and_then(|base_url| base_url.value.host_str());
    let found = host.map(|host| netrc_key(places, host)).transpose()?;
    Ok(match found.flatten() {
        Some((login, password)) if !is_of_another_key(id.as_ref(), Some(&login)) => {
            (id.or(Some(login)), Some(password))
        }
        _ => (id, None),
    })
}

/// Whether the secret beside `other` belongs to another key than `id`. Within a family one source overrides single values of
/// another.
fn is_of_another_key(id: Option<&Setting<String>>, other: Option<&Setting<String>>) -> bool {
    id.zip(other).is_some_and(|(id, other)| {
        id.value != other.value && id.source.family() != other.source.family()
    })
}

/// The embed secret.
pub(crate) fn embed_secret(layers: &Layers<'_>, places: &Places) -> Option<Setting<SecretSource>> {
    let given = layers.embed_secret()?;
    Some(secret_source(given, layers, places))
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

fn secret_source(
    given: Setting<Value>,
    layers: &Layers<'_>,
    places: &Places,
) -> Setting<SecretSource> {
    let Setting { value, source } = given;
    let secret = match (value, &source) {
        (Value::Place(place), _) => {
            SecretSource::at(place, places, layers.system, &layers.named_secrets)
        }
        // A secret in a file that others can read is refused when it is used, not here: other commands may not need it.
        (Value::Text(text), Source::Ini { file, .. }) => SecretSource::in_file(text.into(), file),
        (Value::Text(text), _) => SecretSource::Given(text.into()),
    };
    Setting::new(secret, source)
}
