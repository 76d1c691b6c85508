//! The command line as typed: the tree of commands, and the variables that stand in for flags.

use std::ffi::OsString;
use std::io::Write as _;

use clap::{ArgAction, CommandFactory as _, FromArgMatches as _, Parser};

use crate::commands::Command;
use crate::config::ConfigArgs;
use crate::error::{Exit, Kind};
use crate::system::System;

/// Create Looker embed users, mint API keys for them, and try it all on a local Looker
#[derive(Parser, Debug)]
#[command(
    name = "embedctl",
    version,
    propagate_version = false,
    max_term_width = 100
)]
#[command(
    arg_required_else_help = true,
    subcommand_required = true,
    infer_long_args = false
)]
pub struct Cli {
    /// The command to run.
    #[command(subcommand)]
    pub(crate) command: Command,

    /// The settings that every command shares.
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

/// A command line that cannot be run, or a request for help or the version.
#[derive(Debug)]
pub(crate) struct Refusal(clap::Error);

impl Refusal {
    /// Say it on the stream where it belongs: help and version on standard output, the rest on standard error.
    pub(crate) fn print(self, system: &mut System) -> Exit {
        let Self(error) = self;
        let stream = if error.use_stderr() {
            &mut system.err
        } else {
            &mut system.out
        };
        let text = error.render();
        let written = if stream.is_terminal() {
            write!(stream, "{}", text.ansi())
        } else {
            write!(stream, "{text}")
        };
        match written {
            // A reader that went away, as in `embedctl --help | head -1`, has what it wanted.
            _ if !error.use_stderr() => Exit::Done,
            _ => Exit::Failed(Kind::Usage),
        }
    }
}

/// Read the command line `args`; a flag that is not there is taken from its `EMBEDCTL_…` variable.
pub(crate) fn parse<Args, Arg>(args: Args, system: &System) -> Result<Cli, Refusal>
where
    Args: IntoIterator<Item = Arg>,
    Arg: Into<OsString> + Clone,
{
    let mut command = with_variables(Cli::command(), system);
    let mut matches = command.try_get_matches_from_mut(args).map_err(Refusal)?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| Refusal(error.format(&mut command)))
}

/// Give every shared flag the value of its variable as default. Clap's own `env` reads the process environment, which
/// belongs to everyone in it; this reads `system`.
fn with_variables(command: clap::Command, system: &System) -> clap::Command {
    command.mut_args(|arg| {
        let Some(name) = variable(&arg) else {
            return arg;
        };
        let arg = match system.var(&name) {
            Some(value) if matches!(arg.get_action(), ArgAction::Count | ArgAction::SetTrue) => {
                arg.default_value(value)
            }
            Some(value) => arg.default_value(value),
            None => arg,
        };
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let takes_value = arg.get_action().takes_values();
        arg.hide_default_value(takes_value)
            .help(format!("{help} [env: {name}]"))
    })
}

/// The variable that stands in for a flag: `--embed-host` is `EMBEDCTL_EMBED_HOST`.
fn variable(arg: &clap::Arg) -> Option<String> {
    let long = arg
        .get_long()
        .filter(|long| !matches!(*long, "help" | "version"))?;
    Some(format!(
        "EMBEDCTL_{}",
        long.replace('-', "_").to_uppercase()
    ))
}
