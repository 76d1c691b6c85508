//! Secrets typed as flags: refused before anything repeats them.

use std::ffi::OsString;

use crate::error::Error;

/// Refuse a flag whose value looks like a secret. Clap would refuse it too, but might print the value.
pub(crate) fn refuse(args: &[OsString], command: &clap::Command) -> Result<(), Error> {
    let flags = args
        .iter()
        .skip(1)
        .filter_map(|arg| arg.to_str())
        .take_while(|arg| *arg != "--")
        .filter_map(|arg| arg.strip_prefix("--"))
        .map(|flag| flag.split_once('=').map_or(flag, |(name, _)| name));
    for flag in flags {
        let name = flag.to_ascii_lowercase().replace('_', "-");
        let suspicious = ["secret", "password", "token", "api-key"]
            .iter()
            .any(|end| name.ends_with(end));
        if suspicious && !is_known(command, flag) {
            return Err(Error::usage(format!(
                "`--{flag}` is not accepted: every process on this machine can read arguments, and the shell keeps them"
            ))
            .hint(place_for(&name)));
        }
    }
    Ok(())
}

fn is_known(command: &clap::Command, flag: &str) -> bool {
    command
        .get_arguments()
        .any(|arg| arg.get_long() == Some(flag))
        || command
            .get_subcommands()
            .any(|command| is_known(command, flag))
}

/// Where the secret should go instead.
fn place_for(name: &str) -> String {
    let (variable, key) = if name.contains("embed") {
        ("LOOKERSDK_EMBED_SECRET", "embed_secret")
    } else {
        ("LOOKERSDK_CLIENT_SECRET", "client_secret")
    };
    format!(
        "put it in the variable `{variable}`, or name its location in a profile of `config.toml`: \
         `{key} = {{ file = \"PATH\" }}`; the secret you just typed is in the shell's history now, so create a new one"
    )
}
