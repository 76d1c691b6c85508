//! Where a secret is, and getting it from there once it is needed.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use crate::config::credentials::SECRET_VARIABLES;
use crate::config::file::SecretPlace;
use crate::config::places::Places;
use crate::config::source::Source;
use crate::error::{Error, Kind};
use crate::report::escape_control;
use crate::secret::{ExposeSecret as _, SecretString};
use crate::system::{Readers, System, files};

/// No secret is longer.
const MAX_SECRET: u64 = 64 * 1024;
/// How much of what a failed command said is shown.
const MAX_COMPLAINT: usize = 500;
/// How long a command may take; a password manager may have to ask for a touch of a key first.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// A secret, or where to get it.
#[derive(Clone, Debug)]
pub(crate) enum SecretSource {
    /// It is at hand.
    Given(SecretString),
    /// It stands in this file, which others can read or change.
    Exposed(PathBuf),
    /// It is in this variable, or should be.
    Variable(String, Option<SecretString>),
    /// It is all that stands in this file.
    File(PathBuf),
    /// This command prints it.
    Command(SecretCommand),
}

/// A command that prints a secret.
#[derive(Clone)]
pub(crate) struct SecretCommand {
    pub(crate) argv: Vec<String>,
    pub(crate) dir: PathBuf,
    pub(crate) env: Vec<(OsString, OsString)>,
}

impl fmt::Debug for SecretCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretCommand")
            .field("program", &self.argv.first())
            .finish_non_exhaustive()
    }
}

impl SecretSource {
    /// A secret that was found in a file among other things; refused if others can read or change the file.
    pub(crate) fn in_file(secret: SecretString, file: &Path) -> Self {
        match files::open(file, Readers::Owner) {
            Ok(_) => Self::Given(secret),
            Err(_) => Self::Exposed(file.to_owned()),
        }
    }

    /// The secret at a place that a profile names.
    pub(crate) fn at(place: SecretPlace, places: &Places, system: &System) -> Self {
        match place {
            SecretPlace::Env(name) => {
                let value = system.var(&name).map(SecretString::from);
                Self::Variable(name, value)
            }
            SecretPlace::File(path) => Self::File(places.in_config(&path)),
            SecretPlace::Command(argv) => Self::Command(SecretCommand {
                argv,
                dir: system.path(""),
                env: system
                    .child_env(&SECRET_VARIABLES)
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect(),
            }),
        }
    }

    /// Get the secret, which `source` says where to find and `what` is called.
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
    without_newline(bytes.ok_or_else(missing)?.to_vec())
}

/// Why a secret in this file is not used.
fn exposed(path: &Path) -> Error {
    match files::open(path, Readers::Owner) {
        Err(error) => Error::from(error).with_kind(Kind::Usage),
        Ok(_) => Error::usage(format!("`{}` was open to others", path.display()))
            .hint("run the same command again"),
    }
}

/// The text of `bytes`, without the newline that editors and commands put at the end.
fn without_newline(mut bytes: Vec<u8>) -> Result<SecretString, Error> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    String::from_utf8(bytes)
        .map(SecretString::from)
        .map_err(|_| Error::usage("it is not text"))
}

/// Run `command` on a thread of its own: the caller may be inside an asynchronous runtime already.
fn run(command: &SecretCommand) -> Result<SecretString, Error> {
    let program = command.argv.first().map_or("", String::as_str);
    let outcome = thread::scope(|scope| {
        scope
            .spawn(|| {
                tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()?
                    .block_on(output(command))
            })
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("it could not be waited for")))
    });
    let cannot = |error: Error| error.context(format!("the command `{program}` failed"));
    let (success, stdout, stderr) = outcome.map_err(|error| cannot(Error::usage(error)))?;
    if !success {
        let complaint = String::from_utf8_lossy(&stderr);
        let complaint: String = complaint.trim().chars().take(MAX_COMPLAINT).collect();
        let complaint = if complaint.is_empty() {
            "it said nothing".to_owned()
        } else {
            escape_control(&complaint)
        };
        return Err(cannot(Error::usage(complaint)));
    }
    without_newline(stdout).map_err(cannot)
}

/// Whether the command succeeded, and what it wrote on its two streams.
async fn output(command: &SecretCommand) -> io::Result<(bool, Vec<u8>, Vec<u8>)> {
    let (program, arguments) = command
        .argv
        .split_first()
        .ok_or_else(|| io::Error::other("it has no name"))?;
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(&command.dir)
        .env_clear()
        .envs(command.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let finished = async { tokio::try_join!(read(out), read(err), child.wait()) };
    let (out, err, status) = tokio::time::timeout(COMMAND_TIMEOUT, finished)
        .await
        .map_err(|_| {
            io::Error::other(format!(
                "it took longer than {} s",
                COMMAND_TIMEOUT.as_secs()
            ))
        })??;
    Ok((status.success(), out, err))
}

async fn read(stream: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(MAX_SECRET).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}
