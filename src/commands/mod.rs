//! The commands: the list, and the way from what was typed to the one that runs.

mod create_user;
mod emulator;
mod url;

use crate::cli::Cli;
use crate::config::Settings;
use crate::error::{Error, Exit};
use crate::report::Ui;
use crate::system::System;

/// A command and its arguments.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    CreateUser(create_user::CreateUserArgs),
    #[command(subcommand)]
    Url(url::UrlCommand),
    Emulator(emulator::EmulatorArgs),
}

/// Run the command of `cli`, and report an error it ends with.
pub(crate) async fn run(cli: &Cli, system: &mut System) -> Exit {
    let ui = Ui::new(&cli.config.report(system), system);
    match dispatch(cli, &ui, system).await {
        Ok(exit) => exit,
        Err(error) => ui.error(&error),
    }
}

async fn dispatch(cli: &Cli, ui: &Ui, system: &mut System) -> Result<Exit, Error> {
    let settings = Settings::resolve(&cli.config, system)?;
    match &cli.command {
        Command::CreateUser(args) => create_user::run(args, settings, ui, system).await,
        Command::Url(url::UrlCommand::Sign(args)) => {
            url::sign::run(args, &settings, ui, system).await
        }
        Command::Emulator(args) => emulator::run(args, ui, system).await,
    }
}
