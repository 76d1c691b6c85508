//! `embedctl create-user`: ensure one embed user exists, prove sudo, mint and deliver a key.

use crate::config::Settings;
use crate::error::{Error, Exit};
use crate::report::Ui;
use crate::system::System;

/// Ensure an embed user exists, prove sudo, mint and deliver a key
#[derive(clap::Args, Debug)]
pub(crate) struct CreateUserArgs {
    /// Your own id of the user
    external_user_id: String,
}

pub(crate) async fn run(
    args: &CreateUserArgs,
    _settings: Settings,
    ui: &Ui,
    _system: &mut System,
) -> Result<Exit, Error> {
    ui.status(&args.external_user_id);
    Ok(Exit::Done)
}
