//! The commands, and the way from what was typed to the one that runs.

mod api;
mod apply;
mod ask;
pub(crate) mod completion_values;
mod completions;
mod consent;
mod context;
mod create_user;
mod doctor;
mod embed_secret;
mod emulator;
mod ended;
mod engine;
mod export;
mod files;
mod grant_args;
mod help;
mod impersonate;
mod instance;
mod json_object;
mod kept_lines;
mod key_sink;
mod keys;
mod keys_to;
mod known;
mod ledger;
mod man;
mod minter;
mod plan;
mod profile;
mod progress;
mod results;
mod rotate_id;
mod runs;
mod session;
mod token;
mod url;
mod users;
mod work;

use crate::commands::context::CommandContext;
use crate::config::{ConfigArgs, Settings};
use crate::error::{Error, Exit};
use crate::report::Ui;
use crate::system::System;

pub(crate) use api::jq::{HELPER as JQ, help as jq};
pub(crate) use completions::COMPLETE;

/// The whole tree of commands, for code that describes it.
pub(crate) type Tree = fn(&System) -> clap::Command;

/// A command and its arguments.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    CreateUser(create_user::CreateUserArgs),
    Apply(apply::ApplyArgs),
    Plan(plan::PlanArgs),
    Export(export::ExportArgs),
    RotateId(rotate_id::RotateIdArgs),
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    #[command(subcommand)]
    Runs(runs::RunsCommand),
    Work(work::WorkArgs),
    #[command(subcommand)]
    Ledger(ledger::LedgerCommand),
    #[command(subcommand)]
    Url(url::UrlCommand),
    Doctor(doctor::DoctorArgs),
    Emulator(emulator::EmulatorArgs),
    #[command(subcommand)]
    Profile(profile::ProfileCommand),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    Help(help::HelpArgs),
    Api(api::ApiArgs),
    Token(token::TokenArgs),
    #[command(subcommand)]
    Users(users::UsersCommand),
}

/// Run `command` with the settings of `config`, and report its error, if any.
pub(crate) async fn run(
    command: &Command,
    config: &ConfigArgs,
    tree: Tree,
    system: &System,
) -> Exit {
    let ui = Ui::new(&config.report(), system);
    match dispatch(command, config, tree, &ui, system).await {
        Ok(exit) => exit,
        Err(error) => ui.error(&error),
    }
}

async fn dispatch(
    command: &Command,
    config: &ConfigArgs,
    tree: Tree,
    ui: &Ui,
    system: &System,
) -> Result<Exit, Error> {
    // Boxed: otherwise the state of every command would be part of every future that waits for one.
    let settings = || {
        let settings = Settings::resolve(config, system)?;
        settings.check_consistent()?;
        Ok::<_, Error>(settings)
    };
    let context = || Ok::<_, Error>(CommandContext::new(settings()?, ui, system));
    match command {
        Command::CreateUser(args) => {
            Box::pin(create_user::run(args, settings()?, ui, system)).await
        }
        Command::Keys(command) => Box::pin(keys::run(command, context()?)).await,
        Command::Runs(command) => Box::pin(runs::run(command, context()?)).await,
        Command::Work(args) => Box::pin(work::run(args, context()?)).await,
        Command::Ledger(command) => Box::pin(ledger::run(command, context()?)).await,
        Command::Apply(args) => Box::pin(apply::run(args, settings()?, ui, system)).await,
        Command::RotateId(args) => Box::pin(rotate_id::run(args, context()?)).await,
        Command::Export(args) => Box::pin(export::run(args, context()?)).await,
        Command::Plan(args) => Box::pin(plan::run(args, context()?)).await,
        Command::Url(command) => Box::pin(url::run(command, context()?)).await,
        Command::Doctor(args) => Box::pin(doctor::run(args, context()?)).await,
        Command::Emulator(args) => emulator::run(args, config.embed_host.clone(), ui, system).await,
        Command::Profile(command) => profile::run(command, config, ui, system).await,
        Command::Completions(args) => completions::run(args, ui),
        Command::Help(args) => help::run(args, tree(system), ui, system),
        Command::Man(args) => man::run(args, tree(system), ui, system),
        Command::Api(args) => Box::pin(api::run(args, context()?)).await,
        Command::Token(args) => Box::pin(token::run(args, context()?)).await,
        Command::Users(command) => Box::pin(users::run(command, context()?)).await,
    }
}
