//! Parsing of `--keys-to`.

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::Error;
use crate::sink::Sink;
use crate::sink::dir::DirSink;
use crate::sink::dotenv::EnvSink;
use crate::sink::exec::ExecSink;
use crate::sink::file::FileSink;
use crate::system::System;

/// The forms of a sink.
pub const FORMS: &str = "`stdout`, `file:PATH`, `dir:PATH`, `env:PATH` or `exec:COMMAND`";

/// The sink that `spec` describes: every form but `stdout`, which the command creates itself because it knows the output
/// format. A command gets [`System::child_env`] without `secret_variables`.
///
/// # Errors
/// It has none of the forms. Whether keys can be stored there is found out by [`Sink::probe`].
pub fn open(
    spec: &str,
    system: &System,
    secret_variables: &[String],
) -> Result<Arc<dyn Sink>, Error> {
    let (form, place) = spec.split_once(':').ok_or_else(|| unknown(spec))?;
    let name = spec.to_owned();
    let path = || path(place, system);
    Ok(match form {
        "file" | "dir" | "env" | "exec" if place.trim().is_empty() => {
            let what = if form == "exec" { "COMMAND" } else { "PATH" };
            return Err(Error::usage(format!("`{spec}` names no target"))
                .hint(format!("write `{form}:{what}`")));
        }
        "file" => Arc::new(FileSink::new(name, path())),
        "dir" => Arc::new(DirSink::new(name, path())),
        "env" => Arc::new(EnvSink::new(name, path())),
        "exec" => {
            let env = system.child_env(secret_variables);
            Arc::new(ExecSink::new(place, system.path(""), env, system.helper()))
        }
        _ => return Err(unknown(spec)),
    })
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
