//! The settings of a run: their values and where they come from.

mod access;
mod args;
mod assign;
mod base_url;
mod change_profile;
mod connection;
mod credentials;
mod edit;
mod emulator;
mod entries;
mod family;
mod file;
mod ini;
mod key;
mod layers;
mod ledger;
mod netrc;
mod new_profile;
mod places;
mod profiles;
mod resolve;
mod secret;
mod source;
mod text;
mod variables;
mod warnings;

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::config::family::{Conflict, Outside};
use crate::config::places::Places;
use crate::config::secret::SecretSource;
use crate::config::source::Setting;
use crate::error::Error;
use crate::ledger::postgres::PostgresAddress;
use crate::ledger::sqlite::default_path;
use crate::looker::Proxy;
use crate::secret::SecretString;
use crate::signed_url::Algorithm;
use crate::signed_url::Grants;
use crate::system::System;

pub(crate) use crate::report::nearest;
pub use crate::report::{Color, Format, Progress};
pub use access::{EmbedAccess, LookerAccess};
pub use args::ConfigArgs;
pub(crate) use assign::{Assignment, Wish};
pub use emulator::EmulatorAccess;
pub use entries::Entry;
pub use ledger::LedgerPlace;
pub(crate) use new_profile::{NewProfile, NewSecret};
pub use profiles::ProfileName;
pub use source::{Family, Source};
pub(crate) use text::bare;
pub(crate) use variables::variable_of;

/// The settings of a run, each with its source. Secrets are read only when they are needed.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether every question is answered with yes.
    pub yes: bool,
    /// Whether no question may be asked.
    pub no_input: bool,
    /// Whether a local Looker is used instead of a real one.
    pub emulator: bool,
    profile: Option<Setting<String>>,
    base_url: Option<Setting<Url>>,
    client_id: Option<Setting<String>>,
    client_secret: Option<Setting<SecretSource>>,
    embed_secret: Option<Setting<SecretSource>>,
    embed_host: Option<Setting<String>>,
    embed_algorithm: Setting<Algorithm>,
    blank_dashboard: Option<Setting<String>>,
    grants: Setting<Grants>,
    keys_to: Option<Setting<String>>,
    ledger: Option<Setting<String>>,
    ledger_password: Option<Setting<SecretSource>>,
    timeout: Setting<Duration>,
    retries: Setting<u32>,
    concurrency: Setting<usize>,
    rps: Option<Setting<f64>>,
    sole_minter: Setting<bool>,
    ca_files: Vec<Setting<PathBuf>>,
    verify_tls: Setting<bool>,
    proxy: Option<Setting<String>>,
    no_proxy: Option<Setting<String>>,
    warnings: Vec<String>,
    outside: Vec<Outside>,
    conflict: Option<Conflict>,
    secret_variables: Vec<String>,
    places: Places,
}

impl Settings {
    /// The embed path to fetch in order to create a user, if the profile names one.
    pub fn blank_dashboard(&self) -> Option<&str> {
        self.blank_dashboard
            .as_ref()
            .map(|setting| setting.value.as_str())
    }

    /// The embed path to fetch to create a user: `given`, or the profile's blank dashboard, or else `/alive`, which Looker's
    /// demo application fetches for this purpose; the login creates the user whatever the path answers.
    pub fn creation_path<'a>(&'a self, given: Option<&'a str>) -> &'a str {
        given.or_else(|| self.blank_dashboard()).unwrap_or("/alive")
    }

    /// The grants of a new user, for whatever is not named.
    pub const fn grants(&self) -> &Grants {
        &self.grants.value
    }

    /// The base URL of the API, if it is known.
    pub fn base_url(&self) -> Option<&Url> {
        self.base_url.as_ref().map(|setting| &setting.value)
    }

    /// Whether nothing but embedctl creates API keys for embed users.
    pub const fn sole_minter(&self) -> bool {
        self.sole_minter.value
    }

    /// The algorithm of the embed secret.
    pub const fn embed_algorithm(&self) -> Algorithm {
        self.embed_algorithm.value
    }

    /// The sink that keys go to.
    pub fn keys_to(&self) -> Option<&str> {
        self.keys_to.as_ref().map(|setting| setting.value.as_str())
    }

    /// Where runs are recorded: as given, or a file for the host of the base URL. `None` means in memory: a local Looker that
    /// lives for one run needs no lasting record.
    pub fn ledger(&self) -> Result<Option<String>, Error> {
        if let Some(ledger) = &self.ledger {
            return Ok(Some(ledger.value.clone()));
        }
        if self.emulator {
            return Ok(None);
        }
        let folder = self.places.state.as_ref().ok_or_else(|| {
            Error::usage("there is no home directory to record runs in")
                .hint("name a place with `--ledger PATH`")
        })?;
        let base_url = self
            .base_url()
            .ok_or_else(|| {
                Error::usage("runs are recorded for each Looker, and no base URL is known")
            })
            .map_err(|error| error.hint("pass `--base-url` or `--ledger PATH`"))?;
        let host = base_url.authority();
        let path = default_path(folder, host);
        Ok(Some(path.to_string_lossy().into_owned()))
    }

    /// The same, told apart by what it is.
    pub(crate) fn ledger_place(&self) -> Result<Option<LedgerPlace>, Error> {
        let ledger = self.ledger()?;
        ledger.map(LedgerPlace::read).transpose()
    }

    /// The secret that opens the database at `address`, if one is given and it is the ledger's: no other server may see it.
    pub(crate) fn ledger_password(
        &self,
        address: &PostgresAddress,
    ) -> Result<Option<SecretString>, Error> {
        let place = self.ledger.as_ref().map(|it| &it.value);
        if place != Some(&address.to_string()) {
            return Ok(None);
        }
        let Some(Setting { value, source }) = &self.ledger_password else {
            return Ok(None);
        };
        value.read("password of the ledger", source).map(Some)
    }

    /// The file of the ledger, if it is one, relative to the folder in which the program was started.
    pub(crate) fn ledger_file(&self, system: &System) -> Option<PathBuf> {
        match self.ledger_place().ok()?? {
            LedgerPlace::File(path) => Some(system.path(path)),
            LedgerPlace::Postgres(_) => None,
        }
    }

    /// The files that settings and secrets may come from, each with its role.
    pub(crate) fn files(&self) -> Vec<(String, PathBuf)> {
        let named = self
            .places()
            .into_iter()
            .filter(|(name, _)| *name != "ledgers");
        let mut files: Vec<_> = named
            .map(|(name, path)| (format!("the settings (`{name}`)"), path))
            .collect();
        let secrets = [
            &self.client_secret,
            &self.embed_secret,
            &self.ledger_password,
        ];
        for secret in secrets.into_iter().flatten() {
            if let SecretSource::File(path) = &secret.value {
                files.push(("the file of a secret".to_owned(), path.clone()));
            }
        }
        let certificates = self.ca_files().into_iter();
        files.extend(certificates.map(|path| ("`--ca-file`".to_owned(), path)));
        files
    }

    /// Where the answers of `doctor --probe` are kept: beside the ledger of the host of the base URL. `None` for a local Looker
    /// that lives for one run, and without a home directory.
    pub fn answers(&self) -> Option<PathBuf> {
        let folder = self.places.state.as_ref().filter(|_| !self.emulator)?;
        let host = self.base_url()?.authority();
        Some(default_path(folder, host).with_extension("answers"))
    }

    /// The timeout of one request.
    pub const fn timeout(&self) -> Duration {
        self.timeout.value
    }

    /// How often a request is retried, if that is safe.
    pub const fn retries(&self) -> u32 {
        self.retries.value
    }

    /// How many requests are sent concurrently.
    pub const fn concurrency(&self) -> usize {
        self.concurrency.value
    }

    /// The highest rate of requests, per second.
    pub fn rps(&self) -> Option<f64> {
        self.rps.as_ref().map(|setting| setting.value)
    }

    /// Certificate files to trust in addition to the system's.
    pub fn ca_files(&self) -> Vec<PathBuf> {
        self.ca_files
            .iter()
            .map(|setting| setting.value.clone())
            .collect()
    }

    /// Whether Looker's certificate is verified.
    pub const fn verify_tls(&self) -> bool {
        self.verify_tls.value
    }

    /// The proxy for requests to Looker. May contain a password.
    pub fn proxy(&self) -> Option<&str> {
        self.proxy.as_ref().map(|setting| setting.value.as_str())
    }

    /// The same, and the source of its address.
    pub(crate) fn proxy_setting(&self) -> Option<Proxy> {
        let Setting { value, source } = self.proxy.as_ref()?;
        Some(Proxy {
            url: value.clone(),
            source: source.to_string(),
        })
    }

    /// The hosts that are reached without the proxy.
    pub fn no_proxy(&self) -> Option<&str> {
        self.no_proxy.as_ref().map(|setting| setting.value.as_str())
    }

    /// Warnings for every run with these settings.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Why sources were not used that are there: they are for another Looker.
    pub fn unused_sources(&self) -> impl Iterator<Item = &str> {
        self.outside.iter().map(|outside| outside.why.as_str())
    }

    /// Refuse sources that contradict each other about which Looker is meant.
    ///
    /// # Errors
    /// [`Kind::Usage`](crate::error::Kind::Usage), with both sources named.
    pub fn check_consistent(&self) -> Result<(), Error> {
        match &self.conflict {
            Some(conflict) => Err(conflict.error()),
            None => Ok(()),
        }
    }

    /// The environment variables that any profile names for a secret, which no child process may get.
    pub fn secret_variables(&self) -> &[String] {
        &self.secret_variables
    }
}
