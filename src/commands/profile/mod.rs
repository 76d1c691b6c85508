//! `embedctl profile`: where settings come from.

mod add;
mod check;
mod list;
mod path;
mod remove;
mod select;
mod set;
mod show;

use crate::commands::context::CommandContext;
use crate::config::{ConfigArgs, Settings};
use crate::error::{Error, Exit};
use crate::report::Ui;
use crate::system::System;

/// Show where settings come from; add, choose, change and remove profiles
#[derive(clap::Subcommand, Debug)]
pub(crate) enum ProfileCommand {
    Add(add::ProfileAddArgs),
    List(list::ProfileListArgs),
    Show(show::ProfileShowArgs),
    Path(path::ProfilePathArgs),
    Use(select::ProfileUseArgs),
    Set(set::ProfileSetArgs),
    Remove(remove::ProfileRemoveArgs),
}

pub(crate) async fn run(
    command: &ProfileCommand,
    config: &ConfigArgs,
    ui: &Ui,
    system: &System,
) -> Result<Exit, Error> {
    // A mistake in a profile must not stop the commands that mend it, nor the one that shows it.
    let all = || {
        Ok::<_, Error>(CommandContext::new(
            Settings::resolve(config, system)?,
            ui,
            system,
        ))
    };
    let own = || {
        Ok::<_, Error>(CommandContext::new(
            Settings::own(config, system)?,
            ui,
            system,
        ))
    };
    match command {
        ProfileCommand::Add(args) => Box::pin(add::run(args, &own()?)).await,
        ProfileCommand::List(args) => list::run(args, &all()?),
        ProfileCommand::Show(args) => show::run(args, &all()?),
        ProfileCommand::Path(args) => path::run(args, &own()?),
        ProfileCommand::Use(args) => select::run(args, &own()?),
        ProfileCommand::Set(args) => Box::pin(set::run(args, &own()?)).await,
        ProfileCommand::Remove(args) => Box::pin(remove::run(args, &own()?)).await,
    }
}
