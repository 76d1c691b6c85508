//! Adding a profile to `config.toml`, and its secrets to files that only the owner can read.

use std::fs;
use std::path::{Path, PathBuf};

use url::Url;
use zeroize::Zeroizing;

use crate::config::base_url;
use crate::config::file::{ConfigFile, SecretPlace};
use crate::config::secret::SecretSource;
use crate::config::source::Source;
use crate::config::text::settings_text;
use crate::config::{LookerAccess, Settings};
use crate::error::{Error, Kind};
use crate::secret::{ExposeSecret as _, SecretString};
use crate::signed_url::Algorithm;
use crate::system::{Readers, System, files};

/// A profile to add.
#[derive(Debug)]
pub(crate) struct NewProfile {
    pub(crate) name: String,
    pub(crate) base_url: Url,
    pub(crate) client_id: String,
    pub(crate) client_secret: NewSecret,
    pub(crate) embed_secret: Option<NewSecret>,
    pub(crate) embed_host: Option<String>,
    pub(crate) embed_algorithm: Option<Algorithm>,
    pub(crate) blank_dashboard: Option<String>,
    pub(crate) default: bool,
}

const BASE_URL: Source = Source::Flag("--base-url");

impl NewProfile {
    /// Parse a base URL that was typed in.
    pub(crate) fn base_url(text: &str) -> Result<Url, Error> {
        base_url::parse(text, &BASE_URL)
    }
}

/// A secret of a new profile.
#[derive(Debug)]
pub(crate) enum NewSecret {
    /// Typed in; goes into its own file.
    Typed(SecretString),
    /// It stays at its location.
    At(SecretPlace),
}

impl NewSecret {
    /// Read `env:NAME`, `file:PATH` or `command:PROGRAM ARGUMENT…`.
    pub(crate) fn at(text: &str) -> Result<Self, Error> {
        let place = match text.split_once(':') {
            Some(("env", name)) => SecretPlace::Env(name.to_owned()),
            Some(("file", path)) => SecretPlace::File(path.to_owned()),
            Some(("command", line)) => {
                SecretPlace::Command(line.split_whitespace().map(str::to_owned).collect())
            }
            // Anything else may be the secret itself, so it is not repeated.
            _ => {
                return Err(Error::usage("a secret is given by its location")
                    .hint("write `env:NAME`, `file:PATH` or `command:PROGRAM ARGUMENT`"));
            }
        };
        Ok(Self::At(place))
    }
}

impl Settings {
    /// The base URL, if given by a flag.
    pub(crate) fn base_url_flag(&self) -> Option<&Url> {
        let given = self.base_url.as_ref()?;
        matches!(given.source, Source::Flag(_)).then_some(&given.value)
    }

    /// The host in signed URLs, if given by a flag.
    pub(crate) fn embed_host_flag(&self) -> Option<&str> {
        let given = self.embed_host.as_ref()?;
        matches!(given.source, Source::Flag(_)).then_some(given.value.as_str())
    }

    /// The algorithm of the embed secret, if given by a flag.
    pub(crate) const fn embed_algorithm_flag(&self) -> Option<Algorithm> {
        match self.embed_algorithm.source {
            Source::Flag(_) => Some(self.embed_algorithm.value),
            _ => None,
        }
    }

    /// The settings to log in with a profile that does not exist yet.
    pub(crate) fn access_of(
        &self,
        profile: &NewProfile,
        system: &System,
    ) -> Result<LookerAccess, Error> {
        base_url::refuse_plain(&profile.base_url, &BASE_URL, self.verify_tls.value)?;
        let client_secret = match &profile.client_secret {
            NewSecret::Typed(secret) => secret.clone(),
            NewSecret::At(place) => {
                let source =
                    SecretSource::at(place.clone(), &self.places, system, &self.secret_variables);
                source.read("client secret", &Source::Flag("--client-secret-from"))?
            }
        };
        Ok(LookerAccess {
            base_url: profile.base_url.clone(),
            client_id: profile.client_id.clone(),
            client_secret,
        })
    }

    /// Refuse a name that cannot be added.
    pub(crate) fn check_name(&self, name: &str) -> Result<(), Error> {
        let plain = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
        if name.is_empty() || !name.chars().all(plain) {
            return Err(
                Error::usage(format!("`{name}` cannot be the name of a profile"))
                    .hint("use letters, digits, `-` and `_`"),
            );
        }
        if self.read_config()?.profiles.contains_key(name) {
            let path = self.config_path()?;
            return Err(Error::new(
                Kind::Conflict,
                format!("profile `{name}` already exists in `{}`", path.display()),
            )
            .hint("choose another name, or change the file"));
        }
        Ok(())
    }

    /// Add the profile; returns the files that were written.
    pub(crate) fn add_profile(&self, profile: &NewProfile) -> Result<Vec<PathBuf>, Error> {
        self.check_name(&profile.name)?;
        let path = self.config_path()?.to_owned();
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        files::make_private_folder(folder)?;
        let mut written = Vec::new();
        let mut keep = |secret: &NewSecret, what: &str| match secret {
            NewSecret::At(place) => Ok::<_, Error>(shown(place)),
            NewSecret::Typed(secret) => {
                let name = format!("{}.{what}", profile.name);
                written.push(self.write_secret(&folder.join(&name), &name, secret)?);
                Ok(shown(&SecretPlace::File(name)))
            }
        };
        let client_secret = keep(&profile.client_secret, "client_secret")?;
        let embed_secret = profile
            .embed_secret
            .as_ref()
            .map(|secret| keep(secret, "embed_secret"));
        let text = section(
            profile,
            &client_secret,
            embed_secret.transpose()?.as_deref(),
        );
        // Secrets first, the profile last: a crash in between must not leave a profile that points to nothing.
        if let Err(error) = self.append(&path, &profile.name, profile.default, &text) {
            for secret in written {
                // The error that matters is the earlier one.
                let _gone = fs::remove_file(secret).is_ok();
            }
            return Err(error);
        }
        written.push(path);
        Ok(written)
    }

    /// Write a secret to a file that only the owner can read. An existing file of that name which no profile mentions was left by
    /// a process that died.
    fn write_secret(
        &self,
        path: &Path,
        name: &str,
        secret: &SecretString,
    ) -> Result<PathBuf, Error> {
        let mut line = Zeroizing::new(secret.expose_secret().as_bytes().to_vec());
        line.push(b'\n');
        if !files::create(path, &line)? {
            let config = self.config_path()?;
            let text = settings_text(config, false, "")?.unwrap_or_default();
            if text.contains(name) {
                let message = format!("the file `{}` already exists", path.display());
                return Err(Error::new(Kind::Conflict, message)
                    .hint("choose another name for the profile, or move the file away"));
            }
            files::replace(path, &line)?;
        }
        Ok(path.to_owned())
    }

    /// Append `text` to the file, so that everything in it stays as its owner wrote it.
    fn append(&self, path: &Path, name: &str, default: bool, text: &str) -> Result<(), Error> {
        let has_default = self.read_config()?.default_profile.is_some();
        if default && has_default {
            return Err(Error::new(
                Kind::Conflict,
                format!("`{}` already names a default profile", path.display()),
            )
            .hint("change `default_profile` in the file, or leave `--default` out"));
        }
        files::update(path, Readers::Everybody, u64::MAX, |old| {
            let old = old.unwrap_or_default();
            // In TOML, keys outside a section must come before the first section.
            let first = if default || old.is_empty() {
                format!("default_profile = {}\n", quoted(name))
            } else {
                String::new()
            };
            let gap: &[u8] = if old.is_empty() || old.ends_with(b"\n") {
                b""
            } else {
                b"\n"
            };
            let new = [first.as_bytes(), old, gap, text.as_bytes()].concat();
            Ok((Some(Zeroizing::new(new)), ()))
        })
    }

    fn config_path(&self) -> Result<&Path, Error> {
        self.places.config.as_deref().ok_or_else(|| {
            Error::usage("there is no home directory for profiles")
                .hint("name the file with `EMBEDCTL_CONFIG`")
        })
    }

    pub(crate) fn read_config(&self) -> Result<ConfigFile, Error> {
        let path = self.config_path()?.to_owned();
        Ok(ConfigFile::read(path, false)?.unwrap_or_default())
    }
}

/// The lines of the profile.
fn section(profile: &NewProfile, client_secret: &str, embed_secret: Option<&str>) -> String {
    let base_url = profile.base_url.as_str().trim_end_matches('/');
    let text = |value: &Option<String>| value.as_deref().map(quoted);
    let algorithm = profile
        .embed_algorithm
        .map(|algorithm| quoted(&algorithm.to_string()));
    let lines = [
        ("base_url", Some(quoted(base_url))),
        ("embed_host", text(&profile.embed_host)),
        ("embed_algorithm", algorithm),
        ("client_id", Some(quoted(&profile.client_id))),
        ("client_secret", Some(client_secret.to_owned())),
        ("embed_secret", embed_secret.map(str::to_owned)),
        ("blank_dashboard", text(&profile.blank_dashboard)),
    ];
    let lines = lines
        .into_iter()
        .filter_map(|(key, value)| Some(format!("{key} = {}\n", value?)));
    format!(
        "\n[profiles.{}]\n{}",
        profile.name,
        lines.collect::<String>()
    )
}

/// A secret's location, in the notation of the file.
fn shown(place: &SecretPlace) -> String {
    match place {
        SecretPlace::Env(name) => format!("{{ env = {} }}", quoted(name)),
        SecretPlace::File(path) => format!("{{ file = {} }}", quoted(path)),
        SecretPlace::Command(argv) => {
            let argv: Vec<String> = argv.iter().map(|word| quoted(word)).collect();
            format!("{{ command = [{}] }}", argv.join(", "))
        }
    }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
