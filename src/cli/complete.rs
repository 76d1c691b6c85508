//! Answers to a shell that completes a command line.

use std::ffi::OsString;
use std::io::Write as _;

use clap::FromArgMatches as _;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use clap_complete::env::Shells;

use crate::commands::completion_values::{self, Candidate, Known};
use crate::config::{ConfigArgs, Settings};
use crate::error::Exit;
use crate::system::System;

/// Answer `shell` with completions for the command line after the first `--` of `args`.
pub(crate) async fn answer(
    shell: &str,
    args: &[OsString],
    tree: clap::Command,
    system: &mut System,
) -> Exit {
    let line: Vec<OsString> = args
        .iter()
        .skip_while(|arg| *arg != "--")
        .skip(1)
        .cloned()
        .collect();
    let config = typed(&line, &tree);
    let mut tree = offer(tree, "profile", &profiles(system));
    if let Some((id, known)) = wanted(&line) {
        let candidates = completion_values::ask(known, &config, system).await;
        // Without an answer from Looker, the static completions are offered.
        if !candidates.is_empty() {
            tree = offer(tree, id, &candidates);
        }
    }
    let folder = system.path("");
    let mut answer = Vec::new();
    // Errors would disturb the line being typed: there are simply no completions then.
    if let Some(shell) = Shells::builtins().completer(shell)
        && shell
            .write_complete(&mut tree, line, Some(&folder), &mut answer)
            .is_ok()
    {
        let _closed = system.out.write_all(&answer).is_err();
    }
    Exit::Done
}

/// The shared flags typed so far.
fn typed(line: &[OsString], tree: &clap::Command) -> ConfigArgs {
    let tree = tree.clone().ignore_errors(true);
    let matches = tree.try_get_matches_from(line).ok();
    matches
        .and_then(|matches| ConfigArgs::from_arg_matches(&matches).ok())
        .unwrap_or_default()
}

/// What to ask Looker for, and the argument whose value it is.
fn wanted(line: &[OsString]) -> Option<(&'static str, Known)> {
    let [.., flag, value] = line else {
        return None;
    };
    let flag = match value.to_str()?.split_once('=') {
        Some((flag, _)) => flag,
        None => flag.to_str()?,
    };
    match flag {
        "--model" => Some(("models", Known::Models)),
        "--permission" => Some(("permissions", Known::Permissions)),
        "--group" | "--group-id" => Some(("group_ids", Known::Groups)),
        _ => None,
    }
}

/// The existing profiles.
fn profiles(system: &System) -> Vec<Candidate> {
    let settings = Settings::resolve(&ConfigArgs::default(), system);
    let profiles = settings.and_then(|settings| settings.profiles());
    profiles
        .unwrap_or_default()
        .into_iter()
        .map(|profile| (profile.name, profile.base_url))
        .collect()
}

/// Let the argument `id` of every command complete to `candidates`.
fn offer(tree: clap::Command, id: &'static str, candidates: &[Candidate]) -> clap::Command {
    tree.mut_args(|arg| {
        if arg.get_id() != id {
            return arg;
        }
        let candidates = candidates.to_vec();
        arg.add(ArgValueCandidates::new(move || {
            candidates.iter().map(candidate).collect()
        }))
    })
    .mut_subcommands(|command| offer(command, id, candidates))
}

fn candidate((value, name): &Candidate) -> CompletionCandidate {
    CompletionCandidate::new(value).help(name.clone().map(Into::into))
}
