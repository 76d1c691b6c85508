//! `embedctl profile`: where settings come from.

mod add;
mod list;
mod path;
mod show;

use crate::config::Settings;
use crate::error::{Error, Exit};
use crate::report::Ui;
use crate::system::System;

/// Show where settings come from, and add profiles
#[derive(clap::Subcommand, Debug)]
pub(crate) enum ProfileCommand {
    Add(add::ProfileAddArgs),
    List(list::ProfileListArgs),
    Show(show::ProfileShowArgs),
    Path(path::ProfilePathArgs),
}

pub(crate) async fn run(
    command: &ProfileCommand,
    settings: &Settings,
    ui: &Ui,
    system: &mut System,
) -> Result<Exit, Error> {
    match command {
        ProfileCommand::Add(args) => add::run(args, settings, ui, system).await,
        ProfileCommand::List(args) => list::run(args, settings, ui),
        ProfileCommand::Show(args) => show::run(args, settings, ui),
        ProfileCommand::Path(args) => path::run(args, settings, ui),
    }
}
