//! Create Looker embed users before they open a dashboard, and mint API keys for them without losing one.
//!
//! The modules below stand in reading order: data moves down as arguments, and a module may import only modules
//! below it. `emulator` stands beside `looker` and shares nothing with it, so that one mistake cannot hide in both.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::unwrap_in_result,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        reason = "a failed test should stop at once"
    )
)]

// What the user typed.
pub mod cli;

// One file per command.
mod commands;

// What the settings mean, and where each came from.
pub mod config;

// Files of desired users.
mod manifest;

// What would make Looker match a manifest.
mod plan;

// The one loop that runs steps.
pub mod workflow;

// Intents and outcomes.
pub mod ledger;

// The API client.
pub mod looker;

// The local Looker.
pub mod emulator;

// Building, signing and verifying embed URLs.
pub mod signed_url;

// Where the secret of a key goes.
pub mod sink;

// Which permissions embed users may have.
pub mod permissions;

// Connections, to Looker and to stores of secrets.
pub mod net;

// What people and scripts see.
mod report;

// What a Looker said of itself when it was asked.
pub mod answers;

// What Looker is taken to do, and on what evidence.
pub mod beliefs;

// What went wrong, why, and what to do.
pub mod error;

// Clock, randomness, environment and streams.
pub mod system;

// Text that cannot be printed by accident.
pub mod secret;

// Broken inputs, for tests.
#[cfg(test)]
mod fuzz;

use std::ffi::OsString;
use std::pin::Pin;
use std::process::ExitCode;

use crate::error::Exit;
use crate::system::System;

/// Do what embedctl starts itself for: guard a command of the user's, or run a filter. `None` if `args` are a person's.
pub fn assist(args: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut args = args.into_iter().skip(1);
    match args.next()?.to_str()? {
        system::GUARD => Some(system::guard(args)),
        commands::JQ => Some(commands::jq(args, &System::os())),
        _ => None,
    }
}

/// Run the command line `args`, whose first element is the program's name, and report everything through `system`.
pub async fn run<Args, Arg>(args: Args, system: &mut System) -> Exit
where
    Args: IntoIterator<Item = Arg>,
    Arg: Into<OsString> + Clone,
{
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    run_all(&args, system).await
}

/// Not generic, and behind a pointer, so that everything below is compiled once, and with this crate.
fn run_all<'a>(
    args: &'a [OsString],
    system: &'a mut System,
) -> Pin<Box<dyn Future<Output = Exit> + 'a>> {
    Box::pin(async move {
        if let Some(exit) = cli::complete(args, system).await {
            return exit;
        }
        match cli::parse(args, system) {
            Ok(cli) => commands::run(&cli.command, &cli.config, cli::command, system).await,
            Err(refusal) => refusal.print(system),
        }
    })
}
