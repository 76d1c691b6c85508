//! Answers to a shell that wants to complete a command line.

use std::ffi::OsString;
use std::io::Write as _;

use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::Shells;

use crate::config::{ConfigArgs, Settings};
use crate::error::Exit;
use crate::system::System;

/// Answer `shell` with what may stand next in the command line after the first `--` of `args`.
pub(crate) fn answer(
    shell: &str,
    args: &[OsString],
    tree: clap::Command,
    system: &mut System,
) -> Exit {
    let mut tree = with_profiles(tree, system);
    let line: Vec<OsString> = args
        .iter()
        .skip_while(|arg| *arg != "--")
        .skip(1)
        .cloned()
        .collect();
    let folder = system.path("");
    let mut answer = Vec::new();
    // A shell in the middle of a line is no place for errors: no completions are the answer then.
    if let Some(shell) = Shells::builtins().completer(shell)
        && shell
            .write_complete(&mut tree, line, Some(&folder), &mut answer)
            .is_ok()
    {
        let _closed = system.out.write_all(&answer).is_err();
    }
    Exit::Done
}

/// Let `--profile` complete the profiles there are.
fn with_profiles(tree: clap::Command, system: &System) -> clap::Command {
    let settings = Settings::resolve(&ConfigArgs::default(), system);
    let profiles = settings.and_then(|settings| settings.profiles());
    let names: Vec<String> = profiles
        .unwrap_or_default()
        .into_iter()
        .map(|profile| profile.name)
        .collect();
    tree.mut_arg("profile", |arg| {
        arg.add(ArgValueCandidates::new(move || {
            names.iter().map(CompletionCandidate::new).collect()
        }))
    })
}
