//! `embedctl emulator`: serve the local Looker.

use crate::error::{Error, Exit};
use crate::report::Ui;
use crate::system::System;

/// Serve a local Looker to try things on
#[derive(clap::Args, Debug)]
pub(crate) struct EmulatorArgs {
    /// The port to listen on; 0 picks one
    #[arg(long, default_value_t = 0)]
    port: u16,
}

pub(crate) async fn run(args: &EmulatorArgs, ui: &Ui, _system: &mut System) -> Result<Exit, Error> {
    ui.status(&args.port.to_string());
    Ok(Exit::Done)
}
