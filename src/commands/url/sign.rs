//! `embedctl url sign`: print signed embed URLs.

use crate::config::Settings;
use crate::error::{Error, Exit};
use crate::report::Ui;
use crate::system::System;

/// Print a signed embed URL
#[derive(clap::Args, Debug)]
pub(crate) struct UrlSignArgs {
    /// The embed path, as in `/embed/dashboards/12`
    path: Option<String>,
}

pub(crate) async fn run(
    args: &UrlSignArgs,
    _settings: &Settings,
    ui: &Ui,
    _system: &mut System,
) -> Result<Exit, Error> {
    ui.status(args.path.as_deref().unwrap_or_default());
    Ok(Exit::Done)
}
