//! Combining the sources: the first one in [`Layers`] that has a setting wins, and the default comes last.

use crate::config::Settings;
use crate::config::args::ConfigArgs;
use crate::config::connection;
use crate::config::credentials;
use crate::config::emulator;
use crate::config::file::{ConfigFile, ProfileGrants, Scalar};
use crate::config::key::Key;
use crate::config::layers::Layers;
use crate::config::ledger;
use crate::config::places::Places;
use crate::config::secret::SecretSource;
use crate::config::source::Setting;
use crate::config::text;
use crate::error::Error;
use crate::ledger::postgres::PostgresAddress;
use crate::signed_url::Algorithm;
use crate::signed_url::Grants;
use crate::sink;
use crate::system::System;

impl Settings {
    /// Combine flags, environment, profile, `looker.ini`, netrc and defaults. Reports malformed settings, but not missing ones,
    /// and reads no secret that needs a command.
    pub fn resolve(args: &ConfigArgs, system: &System) -> Result<Self, Error> {
        let args = args.clone().with_variables(system)?;
        let places = Places::new(args.ini.as_deref(), system);
        if args.emulator {
            emulator::refuse_other_looker(&args)?;
            return Self::from_layers(&Layers::without_files(&args, system)?, places);
        }
        Self::from_layers(&Layers::read(&args, system, &places)?, places)
    }

    /// Flags and `EMBEDCTL_…` variables only, for commands that change the files that settings come from.
    pub(crate) fn own(args: &ConfigArgs, system: &System) -> Result<Self, Error> {
        let args = args.clone().with_variables(system)?;
        let places = Places::new(args.ini.as_deref(), system);
        let mut layers = Layers::without_files(&args, system)?;
        // A file that cannot be read is reported by what changes it.
        let file = places
            .config
            .clone()
            .map(|path| ConfigFile::read(path, false));
        if let Some(Ok(Some(file))) = file {
            layers.named_secrets = file.secret_variables();
        }
        Self::from_layers(&layers, places)
    }

    /// Check the values of a profile, whatever else there is.
    pub(crate) fn check_profile(
        &self,
        file: &ConfigFile,
        name: &str,
        system: &System,
    ) -> Result<(), Error> {
        let args = ConfigArgs::default();
        let layers = Layers::of_profile(&args, system, file, name)?;
        let settings = Self::from_layers(&layers, self.places.clone())?;
        match settings.keys_to() {
            Some(spec) if spec != "stdout" => sink::check(spec),
            _ => Ok(()),
        }
    }

    fn from_layers(layers: &Layers<'_>, places: Places) -> Result<Self, Error> {
        let args = layers.args;
        let base_url = layers.arrangement.address.clone();
        let verify_tls = connection::verify_tls(layers)?;
        let (client_id, client_secret) = credentials::api_key(layers, &places, base_url.as_ref())?;
        let embed_secret = credentials::embed_secret(layers, &places);
        let (ledger, ledger_password) = ledger(layers, &places)?;
        let mut secret_variables = layers.named_secrets.clone();
        // Of a ledger in PostgreSQL, this opens it.
        if ledger
            .as_ref()
            .is_some_and(|it| PostgresAddress::is_one(&it.value))
        {
            secret_variables.push("PGPASSWORD".to_owned());
        }
        let keys_to = keys_to(layers, &mut secret_variables);
        let mut settings = Self {
            yes: args.yes,
            no_input: args.no_input,
            emulator: args.emulator,
            profile: layers.chosen.clone(),
            client_id,
            client_secret,
            embed_secret,
            embed_host: embed_host(layers),
            embed_algorithm: embed_algorithm(layers)?,
            blank_dashboard: layers
                .variable(&["EMBEDCTL_BLANK_DASHBOARD"])
                .or_else(|| layers.profile(|profile| profile.blank_dashboard.clone())),
            grants: layers
                .profile(|profile| Some(grants(&profile.grants)))
                .unwrap_or_else(|| Setting::default(Grants::default())),
            keys_to,
            ledger,
            ledger_password,
            timeout: connection::timeout(layers)?,
            retries: connection::retries(layers),
            concurrency: connection::concurrency(layers)?,
            rps: connection::rps(layers)?,
            sole_minter: layers
                .flag("--sole-minter", args.sole_minter.then_some(true))
                .or_else(|| layers.profile(|profile| profile.sole_minter))
                .unwrap_or_else(|| Setting::default(false)),
            ca_files: connection::ca_files(layers, &places),
            proxy: connection::proxy(layers, base_url.as_ref()),
            no_proxy: layers.variable(&["NO_PROXY", "no_proxy"]),
            outside: layers.arrangement.outside.clone(),
            conflict: layers.arrangement.conflict.clone(),
            secret_variables,
            warnings: Vec::new(),
            base_url,
            verify_tls,
            places,
        };
        settings.warn()?;
        Ok(settings)
    }
}

/// A place as it may be shown, and the secret that opens it.
type LedgerSettings = (Option<Setting<String>>, Option<Setting<SecretSource>>);

/// The ledger's place, and the secret that opens it.
fn ledger(layers: &Layers<'_>, places: &Places) -> Result<LedgerSettings, Error> {
    let given = layers.flag("--ledger", layers.args.ledger.clone());
    let of_profile = layers.profile(|profile| profile.ledger.clone());
    let Some(given) = given.or_else(|| of_profile.clone()) else {
        return Ok((None, None));
    };
    // A profile's password is for the profile's database, and no other server may see it.
    let is_its = of_profile.is_none_or(|of_profile| of_profile.value == given.value);
    let (place, in_address) = ledger::place(given, places)?;
    let named = layers.profile(|profile| profile.ledger_password.clone());
    let named = named.filter(|_| is_its);
    let named = named.map(|named| {
        let Setting { value, source } = named;
        let secret = SecretSource::at(value, places, layers.system, &layers.named_secrets);
        Setting::new(secret, source)
    });
    Ok((Some(place), in_address.or(named)))
}

/// The usual sink; the variables that open its store are secret.
fn keys_to(layers: &Layers<'_>, secret_variables: &mut Vec<String>) -> Option<Setting<String>> {
    let keys_to = layers
        .variable(&["EMBEDCTL_KEYS_TO"])
        .or_else(|| layers.profile(|profile| profile.keys_to.clone()))?;
    secret_variables.extend(sink::secret_variables(&keys_to.value));
    Some(keys_to)
}

fn embed_host(layers: &Layers<'_>) -> Option<Setting<String>> {
    let mut host = layers.text(Key::EmbedHost)?;
    let bare = host.value.trim();
    let bare = bare.split_once("://").map_or(bare, |(_, rest)| rest);
    host.value = bare.trim_end_matches('/').to_owned();
    Some(host)
}

fn embed_algorithm(layers: &Layers<'_>) -> Result<Setting<Algorithm>, Error> {
    layers
        .flag("--embed-algorithm", layers.args.embed_algorithm.clone())
        .or_else(|| layers.profile(|profile| profile.embed_algorithm.clone()))
        .map_or(Ok(Setting::default(Algorithm::Sha1)), |given| {
            given.try_map(|text, source| text::parsed(&text, source, "write `sha1` or `sha256`"))
        })
}

fn grants(grants: &ProfileGrants) -> Grants {
    let text = |scalar: &Scalar| scalar.to_string();
    Grants {
        permissions: grants.permissions.clone(),
        models: grants.models.clone(),
        group_ids: grants
            .group_ids
            .as_ref()
            .map(|ids| ids.iter().map(text).collect()),
        external_group_id: grants.external_group_id.as_ref().map(text),
        user_attributes: grants
            .user_attributes
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
        session_length: grants.session_length,
        user_timezone: grants.user_timezone.clone(),
        ..Grants::default()
    }
}
