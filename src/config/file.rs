//! `config.toml`: the profiles as written.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::config::text::settings_text;
use crate::error::Error;
use crate::report::nearest;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfigFile {
    pub(crate) default_profile: Option<String>,
    #[serde(default)]
    pub(crate) profiles: BTreeMap<String, Profile>,
    /// The path it was read from.
    #[serde(skip)]
    pub(crate) path: PathBuf,
}

/// One profile; everything is optional.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    pub(crate) base_url: Option<String>,
    pub(crate) embed_host: Option<String>,
    pub(crate) embed_algorithm: Option<String>,
    pub(crate) blank_dashboard: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) client_secret: Option<SecretPlace>,
    pub(crate) embed_secret: Option<SecretPlace>,
    #[serde(default)]
    pub(crate) grants: ProfileGrants,
    pub(crate) keys_to: Option<String>,
    pub(crate) ledger: Option<String>,
    pub(crate) ledger_password: Option<SecretPlace>,
    pub(crate) ca_file: Option<String>,
    pub(crate) verify_ssl: Option<bool>,
    pub(crate) timeout: Option<Scalar>,
    pub(crate) retries: Option<u32>,
    pub(crate) concurrency: Option<usize>,
    pub(crate) rps: Option<f64>,
    pub(crate) sole_minter: Option<bool>,
}

/// The `[profiles.NAME.grants]` of a profile.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileGrants {
    pub(crate) permissions: Option<Vec<String>>,
    pub(crate) models: Option<Vec<String>>,
    pub(crate) group_ids: Option<Vec<Scalar>>,
    pub(crate) external_group_id: Option<Scalar>,
    #[serde(default)]
    pub(crate) user_attributes: BTreeMap<String, Scalar>,
    pub(crate) session_length: Option<u32>,
    pub(crate) user_timezone: Option<String>,
}

/// A text, or a number or switch written without quotes.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Scalar {
    Text(String),
    Integer(i64),
    Float(f64),
    Switch(bool),
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Integer(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
            Self::Switch(switch) => switch.fmt(f),
        }
    }
}

/// The location of a secret; never the secret itself.
#[derive(Clone, Debug)]
pub(crate) enum SecretPlace {
    /// An environment variable.
    Env(String),
    /// A file with nothing else in it.
    File(String),
    /// A command that prints it.
    Command(Vec<String>),
}

const NO_PLAIN_SECRET: &str = "a secret must not be written in this file: write `{ env = \"NAME\" }`, \
     `{ file = \"PATH\" }` or `{ command = [\"PROGRAM\", \"ARGUMENT\"] }`";

impl<'de> Deserialize<'de> for SecretPlace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Place {
            Env(String),
            File(String),
            Command(Vec<String>),
        }

        // What is refused is not repeated: it may be a secret.
        let toml::Value::Table(table) = toml::Value::deserialize(deserializer)? else {
            return Err(D::Error::custom(NO_PLAIN_SECRET));
        };
        if table.len() > 1 {
            let message = "give only one of `env`, `file` and `command`";
            return Err(D::Error::custom(message));
        }
        if table.is_empty() {
            let message = "name its location: `env`, `file` or `command`";
            return Err(D::Error::custom(message));
        }
        let place = Place::deserialize(table).map_err(|error| D::Error::custom(error.message()))?;
        Ok(match place {
            Place::Env(name) => Self::Env(name),
            Place::File(path) => Self::File(path),
            Place::Command(argv) if argv.is_empty() => {
                return Err(D::Error::custom("`command` names no program"));
            }
            Place::Command(argv) => Self::Command(argv),
        })
    }
}

impl SecretPlace {
    /// Read `env:NAME`, `file:PATH` or `command:PROGRAM ARGUMENT…`.
    pub(crate) fn read(text: &str) -> Result<Self, Error> {
        let filled = text
            .split_once(':')
            .filter(|(_, rest)| !rest.trim().is_empty());
        Ok(match filled {
            Some(("env", name)) => Self::Env(name.to_owned()),
            Some(("file", path)) => Self::File(path.to_owned()),
            Some(("command", line)) => {
                Self::Command(line.split_whitespace().map(str::to_owned).collect())
            }
            // Anything else may be the secret itself, so it is not repeated.
            _ => {
                return Err(Error::usage("a secret is given by its location")
                    .hint("write `env:NAME`, `file:PATH` or `command:PROGRAM ARGUMENT`"));
            }
        })
    }
}

impl ConfigFile {
    /// Read `path`; a missing file is an error only if it was `named` explicitly.
    pub(crate) fn read(path: PathBuf, named: bool) -> Result<Option<Self>, Error> {
        let Some(text) = settings_text(&path, named, "check the path in `EMBEDCTL_CONFIG`")? else {
            return Ok(None);
        };
        let mut file = Self::parse(&text, &path)?;
        file.path = path;
        Ok(Some(file))
    }

    /// The variables that any profile names for a secret.
    pub(crate) fn secret_variables(&self) -> Vec<String> {
        let places = self.profiles.values().flat_map(|profile| {
            [
                &profile.client_secret,
                &profile.embed_secret,
                &profile.ledger_password,
            ]
        });
        places
            .flatten()
            .filter_map(|place| match place {
                SecretPlace::Env(name) => Some(name.clone()),
                SecretPlace::File(_) | SecretPlace::Command(_) => None,
            })
            .collect()
    }

    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        toml::from_str(text).map_err(|error| {
            // The error's own `Display` quotes the line, which may contain a secret.
            let message = error.message().lines().collect::<Vec<_>>().join(" ");
            let (line, column) = position(text, error.span().map_or(0, |span| span.start));
            let place = format!("`{}`, line {line}, column {column}", path.display());
            let problem = Error::usage(&message).context(format!("cannot read {place}"));
            match suggestion(&message) {
                Some(name) => problem.hint(format!("did you mean `{name}`?")),
                None => problem,
            }
        })
    }
}

/// The line and column of a byte of `text`, both from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .chars()
        .rev()
        .take_while(|character| *character != '\n')
        .count()
        + 1;
    (line, column)
}

/// The known name most similar to the unknown one in a message such as "unknown field `a`, expected one of `b`, `c`".
fn suggestion(message: &str) -> Option<&str> {
    let mut names = message.split('`').skip(1).step_by(2);
    message.starts_with("unknown ").then_some(())?;
    let unknown = names.next()?;
    nearest(unknown, names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::survives;

    fn problem(text: &str) -> (String, Option<String>) {
        let error =
            ConfigFile::parse(text, Path::new("config.toml")).expect_err("the text is refused");
        (error.to_string(), error.advice().map(str::to_owned))
    }

    #[test]
    fn every_key_is_read() {
        let text = r#"
            default_profile = "prod"
            [profiles.prod]
            base_url = "https://acme.looker.com"
            embed_host = "bi.acme.com"
            embed_algorithm = "sha256"
            blank_dashboard = "/embed/dashboards/12"
            client_id = "id"
            client_secret = { env = "ACME_SECRET" }
            embed_secret = { command = ["pass", "show", "embed"] }
            keys_to = "dir:/run/keys"
            ledger = "/var/lib/embedctl.sqlite"
            ca_file = "~/ca.pem"
            verify_ssl = true
            timeout = 30
            retries = 2
            concurrency = 20
            rps = 7.5
            sole_minter = true
            [profiles.prod.grants]
            permissions = ["access_data"]
            models = ["sales"]
            group_ids = [3, "4"]
            external_group_id = 7
            user_attributes = { region = "eu", tier = 2 }
            session_length = 600
            user_timezone = "UTC"
        "#;
        let file =
            ConfigFile::parse(text, Path::new("config.toml")).expect("the text is a settings file");
        let profile = file.profiles.get("prod").expect("the profile is there");

        assert_eq!(
            profile.timeout.as_ref().map(ToString::to_string).as_deref(),
            Some("30")
        );
        assert_eq!(profile.grants.user_attributes.len(), 2);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place_and_the_nearest_known_one() {
        let (message, hint) = problem("[profiles.prod]\nretries = 1\nbaseurl = \"x\"\n");

        assert!(message.contains("line 3, column 1"), "{message}");
        assert_eq!(hint.as_deref(), Some("did you mean `base_url`?"));
    }

    #[test]
    fn a_secret_in_the_file_is_refused_without_being_repeated() {
        for text in ["\"hunter2\"", "[\"hunter2\"]", "4711", "47.11", "\"hunter2"] {
            let (message, _) = problem(&format!("[profiles.prod]\nclient_secret = {text}\n"));

            assert!(
                !message.contains("hunter2") && !message.contains("47"),
                "{message}"
            );
            assert!(message.contains("line 2"), "{message}");
        }
    }

    #[test]
    fn a_secret_has_one_place() {
        for text in [
            "{}",
            "{ env = \"A\", file = \"b\" }",
            "{ command = [] }",
            "{ vault = \"x\" }",
        ] {
            let (message, _) = problem(&format!("[profiles.prod]\nembed_secret = {text}\n"));

            assert!(message.contains("line 2"), "{message}");
        }
    }

    #[test]
    fn no_config_makes_the_reader_panic_hang_or_grow() {
        let seed = "default_profile = \"acme\"\n[profiles.acme]\nbase_url = \"https://acme.looker.com\"\nclient_id = \"a\"\n\
            client_secret = { command = [\"pass\", \"x\"] }\nconcurrency = 10\n[profiles.acme.grants]\nmodels = [\"demo\"]\n";
        survives(&[seed], |input| {
            let text = String::from_utf8_lossy(input);
            let _read = ConfigFile::parse(&text, Path::new("config.toml")).is_ok();
        });
    }
}
