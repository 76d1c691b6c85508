//! The API key and the embed secret: which of the many places each is in.

use std::fs;

use url::Url;

use crate::config::file::{Profile, SecretPlace};
use crate::config::layers::Layers;
use crate::config::netrc;
use crate::config::places::Places;
use crate::config::secret::{SecretSource, is_exposed};
use crate::config::source::{Setting, Source};
use crate::secret::SecretString;

/// Variables that hold a secret whatever the profile says.
pub(crate) const SECRET_VARIABLES: [&str; 6] = [
    "EMBEDCTL_CLIENT_SECRET",
    "EMBEDCTL_EMBED_SECRET",
    "EMBEDCTL_EMULATOR_CLIENT_SECRET",
    "EMBEDCTL_EMULATOR_EMBED_SECRET",
    "LOOKERSDK_CLIENT_SECRET",
    "LOOKERSDK_EMBED_SECRET",
];

/// Client id and client secret; netrc gives both or none.
pub(crate) fn api_key(
    layers: &Layers<'_>,
    places: &Places,
    base_url: Option<&Setting<Url>>,
) -> (Option<Setting<String>>, Option<Setting<SecretSource>>) {
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
    if secret.is_some() {
        return (id, secret);
    }
    let host = base_url.and_then(|base_url| base_url.value.host_str());
    match host.and_then(|host| netrc_key(places, host)) {
        Some((login, password)) if id.as_ref().is_none_or(|id| id.value == login.value) => {
            (id.or(Some(login)), Some(password))
        }
        _ => (id, None),
    }
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

fn netrc_key(places: &Places, host: &str) -> Option<(Setting<String>, Setting<SecretSource>)> {
    let file = places.netrc.clone()?;
    let login = netrc::find(&fs::read_to_string(&file).ok()?, host)?;
    let exposed = fs::metadata(&file).is_ok_and(|metadata| is_exposed(&metadata));
    let password = if exposed {
        SecretSource::Exposed(file.clone())
    } else {
        SecretSource::Given(login.password)
    };
    let source = Source::Netrc { file };
    Some((
        Setting::new(login.login, source.clone()),
        Setting::new(password, source),
    ))
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
                SecretSource::at(value, places, layers.system),
                source,
            ))
        })
        .or_else(|| layers.ini(ini).map(given))
}

/// The environment variables that hold secrets, those that the profile names included.
pub(crate) fn secret_variables(layers: &Layers<'_>) -> Vec<String> {
    let mut names: Vec<String> = SECRET_VARIABLES.map(str::to_owned).to_vec();
    for place in [
        layers.profile(|profile| profile.client_secret.clone()),
        layers.profile(|profile| profile.embed_secret.clone()),
    ] {
        if let Some(Setting {
            value: SecretPlace::Env(name),
            ..
        }) = place
        {
            names.push(name);
        }
    }
    names
}
