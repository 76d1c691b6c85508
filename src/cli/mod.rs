//! The command line as typed: the tree of commands, and the variables that stand in for flags.

mod complete;
mod pages;
mod refusal;
mod secrets;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _, Parser};

use crate::commands::{COMPLETE, Command};
use crate::config::{ConfigArgs, variable_of};
use crate::error::Exit;
use crate::report::terminal_width;
use crate::system::System;

pub(crate) use refusal::Refusal;

/// Create Looker embed users, mint API keys for them, and try it all on a local Looker
#[derive(Parser, Debug)]
#[command(name = "embedctl", version = version(), propagate_version = false)]
#[command(
    arg_required_else_help = true,
    subcommand_required = true,
    infer_long_args = false,
    disable_help_subcommand = true,
    after_help = "Without a Looker at hand, try `embedctl create-user acme-42 --emulator`.\n\
                  `embedctl help` lists topics, as `embedctl help exit-codes`; `embedctl COMMAND --help` says more than `-h`."
)]
pub struct Cli {
    /// The command to run.
    #[command(subcommand)]
    pub(crate) command: Command,

    /// The settings shared by every command.
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

/// The version, and what it was built from: `.ci/package` says which commit.
fn version() -> String {
    let build = option_env!("EMBEDCTL_BUILD").unwrap_or("from source");
    format!("{} ({build})", env!("CARGO_PKG_VERSION"))
}

/// Answer a shell that asks for completions; `None` if the program was called by a person.
pub(crate) async fn complete(args: &[OsString], system: &mut System) -> Option<Exit> {
    let shell = system.var(COMPLETE)?;
    let tree = command(system);
    Some(complete::answer(&shell, args, tree, system).await)
}

/// Parse the command line `args`; a missing flag is taken from its `EMBEDCTL_…` variable.
pub(crate) fn parse(args: &[OsString], system: &System) -> Result<Cli, Refusal> {
    let refuse = |reason| Refusal::new(reason, args, system);
    let mut tree = Cli::command();
    secrets::refuse(args, &tree).map_err(|error| refuse(error.into()))?;
    // Help and errors are laid out only for who sees them: it would take longer than all else at the start.
    let parsed = tree.try_get_matches_from_mut(args);
    let parsed = parsed.or_else(|error| match error.kind() {
        ErrorKind::DisplayVersion => Err(error),
        _ => command(system).try_get_matches_from_mut(args),
    });
    let mut matches = parsed.map_err(|error| refuse(error.into()))?;
    let mut cli = Cli::from_arg_matches_mut(&mut matches)
        .map_err(|error| refuse(error.format(&mut command(system)).into()))?;
    cli.config = cli
        .config
        .with_variables(system)
        .map_err(|error| refuse(error.into()))?;
    Ok(cli)
}

/// The tree of commands, with the variable of every shared flag in its help.
pub(crate) fn command(system: &System) -> clap::Command {
    /// Longer lines are hard to read.
    const WIDEST: usize = 100;
    let columns = system
        .var("COLUMNS")
        .and_then(|columns| columns.parse().ok());
    let width = columns.or_else(|| terminal_width(system));
    let width = width.unwrap_or(WIDEST).min(WIDEST);
    let command = pages::complete(Cli::command(), width).mut_args(|arg| {
        let Some(long) = arg
            .get_long()
            .filter(|long| !matches!(*long, "help" | "version"))
        else {
            return arg;
        };
        let variable = variable_of(long);
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        arg.help(format!("{help} [{variable}]"))
    });
    command.term_width(width)
}
