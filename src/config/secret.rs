//! Where a secret is, and reading it once it is needed.

use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::config::file::SecretPlace;
use crate::config::places::Places;
use crate::config::source::Source;
use crate::config::text;
use crate::error::{Error, Kind};
use crate::report::escape_control;
use crate::secret::{ExposeSecret as _, SecretString};
use crate::system::{Program, Readers, System, duration, files};

/// Far more than any secret.
const MAX_SECRET: u64 = 64 * 1024;
/// How much of a failed command's message is shown.
const MAX_COMPLAINT: usize = 500;
/// How long a command may take; a password manager may wait for someone to touch a security key.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// A secret, or its location.
#[derive(Clone, Debug)]
pub(crate) enum SecretSource {
    /// It is known already.
    Given(SecretString),
    /// It is in this file, which others can read or change.
    Exposed(PathBuf),
    /// It is in this variable, or should be.
    Variable(String, Option<SecretString>),
    /// It is the whole content of this file.
    File(PathBuf),
    /// This command prints it.
    Command(Program),
}

impl SecretSource {
    /// A secret found in a file among other things; refused if others can read or change the file.
    pub(crate) fn in_file(secret: SecretString, file: &Path) -> Self {
        match files::open(file, Readers::Owner) {
            Ok(_) => Self::Given(secret),
            Err(_) => Self::Exposed(file.to_owned()),
        }
    }

    /// The secret at a location named by a profile.
    pub(crate) fn at(
        place: SecretPlace,
        places: &Places,
        system: &System,
        secret_variables: &[String],
    ) -> Self {
        match place {
            SecretPlace::Env(name) => {
                let value = text::variable(system, &name).map(SecretString::from);
                Self::Variable(name, value)
            }
            SecretPlace::File(path) => Self::File(places.in_config(&path)),
            SecretPlace::Command(argv) => Self::Command(Program {
                argv: argv.into_iter().map(Into::into).collect(),
                folder: system.path(""),
                env: system.child_env(secret_variables),
                helper: system.helper(),
            }),
        }
    }

    /// Read the secret. `what` is its name and `source` the setting's source, for errors.
    pub(crate) fn read(&self, what: &str, source: &Source) -> Result<SecretString, Error> {
        let secret = match self {
            Self::Given(secret) => Ok(secret.clone()),
            Self::Exposed(path) => Err(exposed(path)),
            Self::Variable(_, Some(secret)) => Ok(secret.clone()),
            Self::Variable(name, None) => {
                Err(Error::usage(format!("the variable `{name}` is not set")))
            }
            Self::File(path) => read_file(path),
            Self::Command(command) => run(command),
        };
        let secret =
            secret.map_err(|error| error.context(format!("cannot get the {what} ({source})")))?;
        if secret.expose_secret().is_empty() {
            return Err(Error::usage(format!("the {what} is empty ({source})")));
        }
        Ok(secret)
    }
}

fn read_file(path: &Path) -> Result<SecretString, Error> {
    let read = files::read(path, Readers::Owner, MAX_SECRET);
    let bytes = read.map_err(|error| Error::from(error).with_kind(Kind::Usage))?;
    let missing = || Error::usage(format!("there is no file `{}`", path.display()));
    secret_text(&bytes.ok_or_else(missing)?)
}

/// Why a secret in this file is not used.
fn exposed(path: &Path) -> Error {
    match files::open(path, Readers::Owner) {
        Err(error) => Error::from(error).with_kind(Kind::Usage),
        Ok(_) => Error::usage(format!("`{}` was accessible to others", path.display()))
            .hint("run the same command again"),
    }
}

/// The text of `bytes`, without what editors and commands put around it.
fn secret_text(bytes: &[u8]) -> Result<SecretString, Error> {
    let text = str::from_utf8(bytes).map_err(|_| Error::usage("it is not text"))?;
    Ok(SecretString::from(text::bare(text)))
}

/// Run `command` on its own thread: the caller may already be inside an asynchronous runtime.
fn run(command: &Program) -> Result<SecretString, Error> {
    let program = command.argv.first().cloned().unwrap_or_default();
    let program = program.to_string_lossy();
    let outcome = thread::scope(|scope| {
        let work = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(command.run(None, MAX_SECRET, COMMAND_TIMEOUT))
        };
        let ended = scope.spawn(work).join();
        ended.unwrap_or_else(|_| Err(io::Error::other("it could not be waited for")))
    });
    let cannot = |error: Error| error.context(format!("the command `{program}` failed"));
    let ended = outcome.map_err(|error| cannot(Error::usage(error)))?;
    let ended = ended.ok_or_else(|| {
        let patience = duration::exact(COMMAND_TIMEOUT);
        cannot(Error::usage(format!("it took longer than {patience}")))
    })?;
    if ended.code != Some(0) {
        let complaint = String::from_utf8_lossy(&ended.err);
        let complaint: String = complaint.trim().chars().take(MAX_COMPLAINT).collect();
        let complaint = if complaint.is_empty() {
            "it said nothing".to_owned()
        } else {
            escape_control(&complaint)
        };
        return Err(cannot(Error::usage(complaint)));
    }
    secret_text(&ended.out).map_err(cannot)
}
