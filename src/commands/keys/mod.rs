//! `embedctl keys`: the API keys of embed users.

mod holders;
mod list;
mod mint;
mod orphans;
mod reap;
mod revoke;
mod rotate;
mod row;
mod users;

use crate::commands::context::CommandContext;
use crate::error::{Error, Exit};

/// List, mint, rotate and revoke API keys of embed users, and find lost ones
#[derive(clap::Subcommand, Debug)]
pub(crate) enum KeysCommand {
    List(list::KeysListArgs),
    Mint(mint::KeysMintArgs),
    Rotate(rotate::KeysRotateArgs),
    Revoke(revoke::KeysRevokeArgs),
    Reap(reap::KeysReapArgs),
    Orphans(orphans::KeysOrphansArgs),
}

pub(crate) async fn run(command: &KeysCommand, cx: CommandContext) -> Result<Exit, Error> {
    match command {
        KeysCommand::List(args) => list::run(args, cx).await,
        KeysCommand::Mint(args) => mint::run(args, cx).await,
        KeysCommand::Rotate(args) => rotate::run(args, cx).await,
        KeysCommand::Revoke(args) => revoke::run(args, cx).await,
        KeysCommand::Reap(args) => reap::run(args, cx).await,
        KeysCommand::Orphans(args) => orphans::run(args, cx).await,
    }
}
