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

use crate::config::Settings;
use crate::error::{Error, Exit};
use crate::report::Ui;
use crate::system::System;

/// List, mint, rotate and revoke the API keys of embed users, and find those that were never received
#[derive(clap::Subcommand, Debug)]
pub(crate) enum KeysCommand {
    List(list::KeysListArgs),
    Mint(mint::KeysMintArgs),
    Rotate(rotate::KeysRotateArgs),
    Revoke(revoke::KeysRevokeArgs),
    Reap(reap::KeysReapArgs),
    Orphans(orphans::KeysOrphansArgs),
}

pub(crate) async fn run(
    command: &KeysCommand,
    settings: Settings,
    ui: &Ui,
    system: &mut System,
) -> Result<Exit, Error> {
    match command {
        KeysCommand::List(args) => list::run(args, settings, ui, system).await,
        KeysCommand::Mint(args) => mint::run(args, settings, ui, system).await,
        KeysCommand::Rotate(args) => rotate::run(args, settings, ui, system).await,
        KeysCommand::Revoke(args) => revoke::run(args, settings, ui, system).await,
        KeysCommand::Reap(args) => reap::run(args, settings, ui, system).await,
        KeysCommand::Orphans(args) => orphans::run(args, settings, ui, system).await,
    }
}
