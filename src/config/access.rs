//! What a command needs to use Looker or to sign for it, with a single error for everything that is missing.

use url::Url;

use crate::config::Settings;
use crate::config::base_url::web_host;
use crate::config::key::Key;
use crate::config::secret::SecretSource;
use crate::config::source::Setting;
use crate::error::Error;
use crate::secret::SecretString;
use crate::signed_url::Algorithm;

/// The settings needed for Looker's API.
#[derive(Clone, Debug)]
pub struct LookerAccess {
    /// Scheme, host and port.
    pub base_url: Url,
    /// The client id of the API key.
    pub client_id: String,
    /// The client secret.
    pub client_secret: SecretString,
}

/// The settings needed to sign embed URLs.
#[derive(Clone, Debug)]
pub struct EmbedAccess {
    /// `https`, or `http` for a Looker on this machine.
    pub scheme: String,
    /// The host, with its port if it has one, as Looker sees it in the `Host` header.
    pub host: String,
    /// The embed secret.
    pub secret: SecretString,
    /// The algorithm the secret is for.
    pub algorithm: Algorithm,
}

/// A missing setting: its name, how to give it, and why it is missing if that is not obvious.
struct Missing {
    name: &'static str,
    ways: &'static str,
    why: Option<String>,
    /// Whether the settings name a variable for it that is not set.
    unset: bool,
}

impl Settings {
    /// The settings for the API; a single error names everything that is missing.
    pub fn looker(&self) -> Result<LookerAccess, Error> {
        self.check_consistent()?;
        refuse(self.missing_for_looker())?;
        let (Some(base_url), Some(client_id), Some(client_secret)) =
            (&self.base_url, &self.client_id, &self.client_secret)
        else {
            // Cannot happen; an error rather than a panic, since it is the operator's command that
            // would break.
            return Err(Error::internal("a setting that was checked is missing"));
        };
        Ok(LookerAccess {
            base_url: base_url.value.clone(),
            client_id: client_id.value.clone(),
            client_secret: client_secret
                .value
                .read("client secret", &client_secret.source)?,
        })
    }

    /// The settings for signing; a single error names everything that is missing.
    pub fn embed(&self) -> Result<EmbedAccess, Error> {
        self.check_consistent()?;
        refuse(self.missing_for_embed())?;
        let (Some(host), Some(secret)) = (self.web_host(), &self.embed_secret) else {
            return Err(Error::internal("a setting that was checked is missing"));
        };
        Ok(EmbedAccess {
            scheme: self
                .base_url
                .as_ref()
                .map_or("https", |base_url| base_url.value.scheme())
                .to_owned(),
            host,
            secret: secret.value.read("embed secret", &secret.source)?,
            algorithm: self.embed_algorithm.value,
        })
    }

    /// The embed secret if there is one, for commands that can do without.
    pub(crate) fn embed_secret(&self) -> Result<Option<SecretString>, Error> {
        match &self.embed_secret {
            Some(secret) if absent(Some(secret)).is_none() => {
                Ok(Some(secret.value.read("embed secret", &secret.source)?))
            }
            _ => Ok(None),
        }
    }

    /// Secrets at hand that people take for the embed secret, each with its name. None that asks or runs something.
    pub(crate) fn other_secrets(&self) -> Vec<(&'static str, SecretString)> {
        let quiet = self
            .client_secret
            .as_ref()
            .filter(|_| !self.client_secret_takes_a_command());
        let secret =
            quiet.and_then(|secret| secret.value.read("client secret", &secret.source).ok());
        secret
            .map(|secret| ("the API client secret", secret))
            .into_iter()
            .collect()
    }

    /// Both; a single error names everything that is missing of either.
    pub fn looker_and_embed(&self) -> Result<(LookerAccess, EmbedAccess), Error> {
        self.check_consistent()?;
        let mut missing = self.missing_for_looker();
        // The base URL can be missing for both; it is named once.
        for other in self.missing_for_embed() {
            if missing.iter().all(|known| known.name != other.name) {
                missing.push(other);
            }
        }
        refuse(missing)?;
        Ok((self.looker()?, self.embed()?))
    }

    /// Whether a command must run to get the client secret; it might ask the operator something.
    pub(crate) const fn client_secret_takes_a_command(&self) -> bool {
        matches!(
            self.client_secret,
            Some(Setting {
                value: SecretSource::Command(_),
                ..
            })
        )
    }

    /// The host of signed URLs.
    pub(crate) fn web_host(&self) -> Option<String> {
        let given = self.embed_host.as_ref().map(|host| host.value.clone());
        given.or_else(|| Some(web_host(&self.base_url.as_ref()?.value)))
    }

    fn missing_for_looker(&self) -> Vec<Missing> {
        let mut missing = Vec::new();
        if self.base_url.is_none() {
            missing.push(BASE_URL);
        }
        if self.client_id.is_none() {
            let half = self.client_secret.as_ref().map(|secret| {
                let source = &secret.source;
                format!("there is a client secret ({source}), but no client id")
            });
            missing.push(Missing {
                why: half.or_else(|| self.is_elsewhere(Key::ClientId)),
                ..CLIENT_ID
            });
        }
        if let Some(why) = absent(self.client_secret.as_ref()) {
            let half = self
                .client_id
                .as_ref()
                .map(|id| format!("there is a client id ({}), but no client secret", id.source));
            missing.push(Missing {
                unset: why.is_some(),
                why: why
                    .or(half)
                    .or_else(|| self.is_elsewhere(Key::ClientSecret)),
                ..CLIENT_SECRET
            });
        }
        missing
    }

    fn missing_for_embed(&self) -> Vec<Missing> {
        let mut missing = Vec::new();
        if self.web_host().is_none() {
            missing.push(BASE_URL);
        }
        if let Some(why) = absent(self.embed_secret.as_ref()) {
            missing.push(Missing {
                unset: why.is_some(),
                why: why.or_else(|| self.is_elsewhere(Key::EmbedSecret)),
                ..EMBED_SECRET
            });
        }
        missing
    }

    /// Why a credential that a source has is not used.
    fn is_elsewhere(&self, key: Key) -> Option<String> {
        let mut outside = self.outside.iter();
        let outside = outside.find(|outside| outside.credentials.contains(&key))?;
        Some(outside.why.clone())
    }
}

const BASE_URL: Missing = Missing {
    name: "base URL",
    ways: "`--base-url`, `LOOKERSDK_BASE_URL`, or `base_url` in `config.toml` or `looker.ini`",
    why: None,
    unset: false,
};
const CLIENT_ID: Missing = Missing {
    name: "client id",
    ways: "`LOOKERSDK_CLIENT_ID`, `client_id` in `config.toml` or `looker.ini`, or `login` in `~/.netrc`",
    why: None,
    unset: false,
};
const CLIENT_SECRET: Missing = Missing {
    name: "client secret",
    ways: "`LOOKERSDK_CLIENT_SECRET`, `client_secret` in `config.toml` (where to get it) or `looker.ini`, \
           or `password` in `~/.netrc`",
    why: None,
    unset: false,
};
const EMBED_SECRET: Missing = Missing {
    name: "embed secret",
    ways: "`LOOKERSDK_EMBED_SECRET`, or `embed_secret` in `config.toml` (where to get it) or `looker.ini`",
    why: None,
    unset: false,
};

/// `Some` if the secret is missing, with the reason if one is known.
#[expect(
    clippy::option_option,
    reason = "whether it is absent, and why where that is known"
)]
fn absent(secret: Option<&Setting<SecretSource>>) -> Option<Option<String>> {
    match secret {
        None => Some(None),
        Some(Setting {
            value: SecretSource::Variable(name, None),
            source,
        }) => Some(Some(format!(
            "the variable `{name}`, named in {source}, is not set"
        ))),
        Some(_) => None,
    }
}

/// A single error for all of `missing`.
fn refuse(missing: Vec<Missing>) -> Result<(), Error> {
    let names: Vec<_> = missing.iter().map(|missing| missing.name).collect();
    let Some((last, others)) = names.split_last() else {
        return Ok(());
    };
    let message = if others.is_empty() {
        format!("the {last} is missing")
    } else {
        format!("the {} and the {last} are missing", others.join(", the "))
    };
    let mut hint = match missing.as_slice() {
        [Missing { ways, unset, .. }] => match unset {
            true => format!("set that variable, or give it in one of these ways: {ways}"),
            false => format!("give it in one of these ways: {ways}"),
        },
        all if all.iter().all(|it| it.unset) => {
            "set those variables, or give each in one of these ways:".to_owned()
        }
        _ => "give each in one of these ways:".to_owned(),
    };
    if !others.is_empty() {
        for Missing { name, ways, .. } in &missing {
            hint.extend(["\n  ", name, ": ", ways]);
        }
    }
    hint.push_str("\nor try it on a local Looker: `--emulator`");
    let mut whys: Vec<_> = missing
        .into_iter()
        .filter_map(|missing| missing.why)
        .collect();
    // One source can be the reason for several.
    whys.dedup();
    let error = if whys.is_empty() {
        Error::usage(message)
    } else {
        Error::usage(whys.join("; ")).context(message)
    };
    Err(error.hint(hint))
}
