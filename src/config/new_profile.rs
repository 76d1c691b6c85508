//! Adding a profile to `config.toml`, and its secrets to files that only the owner can read.

use std::fs;
use std::path::{Path, PathBuf};

use toml_edit::Value;
use url::Url;
use zeroize::Zeroizing;

use crate::config::assign::{self, Form};
use crate::config::base_url::{self, web_host};
use crate::config::change_profile::secret_file;
use crate::config::file::{ConfigFile, SecretPlace};
use crate::config::secret::SecretSource;
use crate::config::source::Source;
use crate::config::{EmbedAccess, LookerAccess, Settings};
use crate::error::{Error, Kind};
use crate::secret::{ExposeSecret as _, SecretString};
use crate::signed_url::Algorithm;
use crate::system::{System, files};

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

/// A secret of a new profile.
#[derive(Debug)]
pub(crate) enum NewSecret {
    /// Typed in; goes into its own file.
    Typed(SecretString),
    /// It stays at its location.
    At(SecretPlace),
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

    /// Parse a base URL, given by a flag or as an answer, which secrets will be sent to.
    pub(crate) fn typed_base_url(&self, text: &str, by_flag: bool) -> Result<Url, Error> {
        let source = match by_flag {
            true => Source::Flag("--base-url"),
            false => Source::Derived("the answer"),
        };
        let url = base_url::parse(text, &source)?;
        base_url::refuse_plain(&url, &source, self.verify_tls.value)?;
        Ok(url)
    }

    /// The location of a secret as typed, with a note about its path.
    pub(crate) fn typed_place(
        &self,
        text: &str,
        system: &System,
    ) -> Result<(NewSecret, Option<String>), Error> {
        let (text, note) = self.typed_path(Form::Secret, text, system);
        Ok((NewSecret::At(SecretPlace::read(&text)?), note))
    }

    /// The settings to log in with a profile that does not exist yet.
    pub(crate) fn access_of(
        &self,
        profile: &NewProfile,
        system: &System,
    ) -> Result<LookerAccess, Error> {
        let secret = &profile.client_secret;
        Ok(LookerAccess {
            base_url: profile.base_url.clone(),
            client_id: profile.client_id.clone(),
            client_secret: self.read_new("client secret", secret, system)?,
        })
    }

    /// The settings to sign with it, if it has an embed secret.
    pub(crate) fn embed_access_of(
        &self,
        profile: &NewProfile,
        system: &System,
    ) -> Result<Option<EmbedAccess>, Error> {
        let Some(secret) = &profile.embed_secret else {
            return Ok(None);
        };
        let host = profile.embed_host.clone();
        Ok(Some(EmbedAccess {
            scheme: profile.base_url.scheme().to_owned(),
            host: host.unwrap_or_else(|| web_host(&profile.base_url)),
            secret: self.read_new("embed secret", secret, system)?,
            algorithm: profile.embed_algorithm.unwrap_or(Algorithm::Sha1),
        }))
    }

    fn read_new(
        &self,
        what: &'static str,
        secret: &NewSecret,
        system: &System,
    ) -> Result<SecretString, Error> {
        match secret {
            NewSecret::Typed(secret) => Ok(secret.clone()),
            NewSecret::At(place) => {
                let variables = &self.secret_variables;
                let source = SecretSource::at(place.clone(), &self.places, system, variables);
                source.read(what, &Source::Derived("the location that was given"))
            }
        }
    }

    /// Refuse, before anything is typed, a profile that cannot be added.
    pub(crate) fn check_addable(&self, name: &str, default: bool) -> Result<(), Error> {
        check_name(name)?;
        let path = self.config_path()?;
        let file = self.read_config()?;
        let shown = path.display();
        if file.profiles.contains_key(name) {
            let message = format!("profile `{name}` already exists in `{shown}`");
            return Err(Error::new(Kind::Conflict, message).hint(format!(
                "choose another name, or change it with `embedctl profile set {name} KEY=VALUE`"
            )));
        }
        if default && file.default_profile.is_some() {
            let message = format!("`{shown}` already names a default profile");
            return Err(Error::new(Kind::Conflict, message).hint(format!(
                "leave `--default` out, and run `embedctl profile use {name}` afterwards"
            )));
        }
        files::make_private_folder(path.parent().unwrap_or_else(|| Path::new(".")))?;
        Ok(files::probe_beside(path)?)
    }

    /// Add the profile; returns the files that were written.
    pub(crate) fn add_profile(&self, profile: &NewProfile) -> Result<Vec<PathBuf>, Error> {
        let name = &profile.name;
        // Secrets first, the profile last: a crash in between must not leave a profile that points to nothing.
        let mut written = Vec::new();
        let values = self.values_of(profile, &mut written);
        let add = |values: Vec<(&str, Option<Value>)>| {
            self.edit_config(true, |draft| {
                if draft.before.profiles.contains_key(name) {
                    let message = format!("profile `{name}` was added by another process");
                    return Err(Error::new(Kind::Conflict, message));
                }
                draft.add(name)?;
                for (key, value) in &values {
                    draft.set(name, &[key], value.clone())?;
                }
                if profile.default || draft.before.profiles.is_empty() {
                    draft.set_default(name);
                }
                Ok(())
            })
        };
        if let Err(error) = values.and_then(add) {
            for secret in written {
                // The error that matters is the earlier one.
                let _gone = fs::remove_file(secret).is_ok();
            }
            return Err(error);
        }
        written.push(self.config_path()?.to_owned());
        Ok(written)
    }

    /// The values of a new profile, in their order in the file; writes the secrets that were typed in.
    fn values_of(
        &self,
        profile: &NewProfile,
        written: &mut Vec<PathBuf>,
    ) -> Result<Vec<(&'static str, Option<Value>)>, Error> {
        let file = self.read_config()?;
        let mut secret = |key, secret: Option<&NewSecret>| match secret {
            None => Ok::<_, Error>(None),
            Some(NewSecret::At(place)) => Ok(Some(assign::place(place))),
            Some(NewSecret::Typed(secret)) => {
                written.push(self.write_secret(&profile.name, key, secret, &file)?);
                let place = SecretPlace::File(secret_file(&profile.name, key));
                Ok(Some(assign::place(&place)))
            }
        };
        let client_secret = secret("client_secret", Some(&profile.client_secret))?;
        let embed_secret = secret("embed_secret", profile.embed_secret.as_ref())?;
        let base_url = profile.base_url.as_str().trim_end_matches('/');
        let algorithm = profile.embed_algorithm.map(|it| it.to_string());
        Ok(vec![
            ("base_url", Some(base_url.into())),
            ("embed_host", profile.embed_host.clone().map(Value::from)),
            ("embed_algorithm", algorithm.map(Value::from)),
            ("client_id", Some(profile.client_id.clone().into())),
            ("client_secret", client_secret),
            ("embed_secret", embed_secret),
            (
                "blank_dashboard",
                profile.blank_dashboard.clone().map(Value::from),
            ),
        ])
    }

    /// Write a secret of a profile to a file that only the owner can read. An existing file of that name that no other profile
    /// names is the profile's own, or was left by a process that died.
    pub(crate) fn write_secret(
        &self,
        profile: &str,
        key: &str,
        secret: &SecretString,
        file: &ConfigFile,
    ) -> Result<PathBuf, Error> {
        check_name(profile)?;
        let path = self.places.in_config(&secret_file(profile, key));
        files::make_private_folder(path.parent().unwrap_or_else(|| Path::new(".")))?;
        let mut line = Zeroizing::new(secret.expose_secret().as_bytes().to_vec());
        line.push(b'\n');
        if !files::create(&path, &line)? {
            let others = self.secret_files(file, |name| name != profile);
            if others.contains(&path) {
                let message = format!("another profile uses the file `{}`", path.display());
                return Err(Error::new(Kind::Conflict, message)
                    .hint("choose another name for the profile, or move the file away"));
            }
            files::replace(&path, &line)?;
        }
        Ok(path)
    }

    pub(crate) fn config_path(&self) -> Result<&Path, Error> {
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

/// Refuse a name that could not be part of a file's name.
fn check_name(name: &str) -> Result<(), Error> {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    if name.is_empty() || !name.chars().all(plain) {
        return Err(
            Error::usage(format!("`{name}` cannot be the name of a profile"))
                .hint("use letters, digits, `-` and `_`"),
        );
    }
    Ok(())
}
