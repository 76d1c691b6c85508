//! Parsing of `--keys-to`.

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{Error, Kind};
use crate::sink::address::{Address, StoreKind};
use crate::sink::aws::SecretsManager;
use crate::sink::dir::DirSink;
use crate::sink::dotenv::EnvSink;
use crate::sink::exec::ExecSink;
use crate::sink::file::FileSink;
use crate::sink::gcp::SecretManager;
use crate::sink::many::Several;
use crate::sink::store::StoreSink;
use crate::sink::vault::Vault;
use crate::sink::web::WebOptions;
use crate::sink::{Sink, SinkError};
use crate::system::System;

/// The forms of a sink.
pub const FORMS: &str = "`stdout`, `file:PATH`, `dir:PATH`, `env:PATH`, `exec:COMMAND`, `gcp:PROJECT/NAME`, `vault:MOUNT/PATH` or `aws:REGION/NAME`";

/// What sinks are opened with.
#[derive(Clone, Debug)]
pub struct Opening<'a> {
    /// Variables, folders and the clock.
    pub system: &'a System,
    /// The variables that a command does not get, besides those of [`System::child_env`] and of the stores that are opened.
    pub secret_variables: &'a [String],
    /// How stores are reached.
    pub web: WebOptions,
    /// Whether secrets of a store are taken over that embedctl did not create.
    pub adopt: bool,
}

impl<'a> Opening<'a> {
    /// Nothing but the surroundings.
    pub fn new(system: &'a System) -> Self {
        Self {
            system,
            secret_variables: &[],
            web: WebOptions::default(),
            adopt: false,
        }
    }
}

/// What a sink is, by its text alone.
enum Parsed<'a> {
    File(&'a str),
    Dir(&'a str),
    Env(&'a str),
    Exec(&'a str),
    Store(Address),
}

/// The sink that `specs` describe: every form but `stdout`, which the command creates itself because it knows the output
/// format. Of several, a key is delivered when all of them hold it.
///
/// # Errors
/// One has none of the forms, or there are no credentials for its store. Whether keys can be stored there is found out by
/// [`Sink::probe`].
pub fn open(specs: &[String], opening: &Opening<'_>) -> Result<Arc<dyn Sink>, Error> {
    let mut secret = opening.secret_variables.to_vec();
    secret.extend(specs.iter().flat_map(|spec| secret_variables(spec)));
    let mut sinks = Vec::new();
    for spec in specs {
        sinks.push(open_one(spec, &secret, opening)?);
    }
    match sinks.len() {
        1 => Ok(sinks.remove(0)),
        _ => Ok(Arc::new(Several::new(sinks))),
    }
}

fn open_one(spec: &str, secret: &[String], opening: &Opening<'_>) -> Result<Arc<dyn Sink>, Error> {
    let system = opening.system;
    let (name, path) = (spec.to_owned(), |place| path(place, system));
    Ok(match parse(spec)? {
        Parsed::File(place) => Arc::new(FileSink::new(name, path(place))),
        Parsed::Dir(place) => Arc::new(DirSink::new(name, path(place))),
        Parsed::Env(place) => Arc::new(EnvSink::new(name, path(place))),
        Parsed::Exec(command) => {
            let env = system.child_env(secret);
            Arc::new(ExecSink::new(
                command,
                system.path(""),
                env,
                system.helper(),
            ))
        }
        Parsed::Store(address) => {
            let refused = |error: SinkError| {
                let error = Error::from(error).with_kind(Kind::Usage);
                error.context(format!("cannot use `{spec}`"))
            };
            store(address, opening).map_err(refused)?
        }
    })
}

fn store(address: Address, opening: &Opening<'_>) -> Result<Arc<dyn Sink>, SinkError> {
    let Opening {
        system, web, adopt, ..
    } = opening;
    Ok(match address.kind {
        StoreKind::Aws => {
            let store = SecretsManager::new(&address.scope, web, system)?;
            Arc::new(StoreSink::new(address, store, *adopt))
        }
        StoreKind::Gcp => {
            let store = SecretManager::new(&address.scope, web, system)?;
            Arc::new(StoreSink::new(address, store, *adopt))
        }
        StoreKind::Vault => Arc::new(StoreSink::new(address, Vault::new(web, system)?, *adopt)),
    })
}

/// Refuse a text that describes no sink.
///
/// # Errors
/// It has none of the forms.
pub fn check(spec: &str) -> Result<(), Error> {
    parse(spec).map(drop)
}

fn parse(spec: &str) -> Result<Parsed<'_>, Error> {
    let (form, place) = spec.split_once(':').ok_or_else(|| unknown(spec))?;
    let store = StoreKind::of(form);
    if place.trim().is_empty() {
        let what = match (form, store) {
            ("file" | "dir" | "env", _) => "PATH",
            ("exec", _) => "COMMAND",
            (_, Some(store)) => store.place(),
            _ => return Err(unknown(spec)),
        };
        return Err(Error::usage(format!("`{spec}` names no target"))
            .hint(format!("write `{form}:{what}`")));
    }
    Ok(match (form, store) {
        ("file", _) => Parsed::File(place),
        ("dir", _) => Parsed::Dir(place),
        ("env", _) => Parsed::Env(place),
        ("exec", _) => Parsed::Exec(place),
        (_, Some(store)) => Parsed::Store(Address::parse(spec, store, place)?),
        _ => return Err(unknown(spec)),
    })
}

/// The variables that hold the credentials of the store in `spec`, if it is one: commands that are started do not get them.
pub fn secret_variables(spec: &str) -> Vec<String> {
    let store = spec
        .split_once(':')
        .and_then(|(form, _)| StoreKind::of(form));
    let names = store.map_or(&[][..], StoreKind::secret_variables);
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The file or folder that `spec` names, and whether it is a folder; `None` for the other forms.
pub fn place(spec: &str, system: &System) -> Option<(PathBuf, bool)> {
    let (form, place) = spec.split_once(':')?;
    matches!(form, "file" | "dir" | "env").then(|| (path(place, system), form == "dir"))
}

/// The path of a file or folder. Shells expand `~` only at the start of a word, so `file:~/keys` arrives unexpanded.
fn path(place: &str, system: &System) -> PathBuf {
    let path = match (place.strip_prefix("~/"), system.var("HOME")) {
        (Some(below), Some(home)) => PathBuf::from(home).join(below),
        _ => system.path(place),
    };
    // Drops inner `.` components, for messages.
    path.components().collect()
}

fn unknown(spec: &str) -> Error {
    let error = Error::usage(format!("`{spec}` is not a valid sink"));
    if spec.contains(':') {
        return error.hint(format!("keys go to {FORMS}"));
    }
    error.hint(format!(
        "keys go to {FORMS}; for a file, write `file:{spec}`"
    ))
}
