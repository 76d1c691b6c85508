//! `embedctl profile`: where settings come from.

mod add;
mod list;
mod path;
mod show;

use crate::commands::context::CommandContext;
use crate::error::{Error, Exit};

/// Show where settings come from, and add profiles
#[derive(clap::Subcommand, Debug)]
pub(crate) enum ProfileCommand {
    Add(add::ProfileAddArgs),
    List(list::ProfileListArgs),
    Show(show::ProfileShowArgs),
    Path(path::ProfilePathArgs),
}

pub(crate) async fn run(command: &ProfileCommand, cx: &CommandContext) -> Result<Exit, Error> {
    match command {
        ProfileCommand::Add(args) => add::run(args, cx).await,
        ProfileCommand::List(args) => list::run(args, cx),
        ProfileCommand::Show(args) => show::run(args, cx),
        ProfileCommand::Path(args) => path::run(args, cx),
    }
}
