//! `embedctl users`: find embed users, see what they can reach, end them.

mod action;
mod apply;
mod delete;
mod details;
mod enable;
mod explain;
mod filter;
mod list;
mod reach;
mod read_all;
mod row;
mod rows;
mod show;

use crate::commands::context::CommandContext;
use crate::error::{Error, Exit};

pub(crate) use filter::is_like;

/// Find embed users, see what they can reach, disable, enable or delete them
#[derive(clap::Subcommand, Debug)]
pub(crate) enum UsersCommand {
    List(list::UsersListArgs),
    Show(show::UsersShowArgs),
    Explain(explain::UsersExplainArgs),
    Disable(enable::UsersDisableArgs),
    Enable(enable::UsersEnableArgs),
    Delete(delete::UsersDeleteArgs),
}

pub(crate) async fn run(command: &UsersCommand, cx: CommandContext) -> Result<Exit, Error> {
    match command {
        UsersCommand::List(args) => list::run(args, cx).await,
        UsersCommand::Show(args) => show::run(args, cx).await,
        UsersCommand::Explain(args) => explain::run(args, cx).await,
        UsersCommand::Disable(args) => enable::disable(args, cx).await,
        UsersCommand::Enable(args) => enable::enable(args, cx).await,
        UsersCommand::Delete(args) => delete::run(args, cx).await,
    }
}
