//! `embedctl profile`: where settings come from.

mod list;
mod path;
mod show;

use crate::config::Settings;
use crate::error::{Error, Exit};
use crate::report::Ui;

/// Show where settings come from
#[derive(clap::Subcommand, Debug)]
pub(crate) enum ProfileCommand {
    List(list::ProfileListArgs),
    Show(show::ProfileShowArgs),
    Path(path::ProfilePathArgs),
}

pub(crate) fn run(command: &ProfileCommand, settings: &Settings, ui: &Ui) -> Result<Exit, Error> {
    match command {
        ProfileCommand::List(args) => list::run(args, settings, ui),
        ProfileCommand::Show(args) => show::run(args, settings, ui),
        ProfileCommand::Path(args) => path::run(args, settings, ui),
    }
}
