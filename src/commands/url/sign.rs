//! `embedctl url sign`: print signed embed URLs.

use crate::commands::grants::GrantArgs;
use crate::config::Settings;
use crate::error::{Error, Exit};
use crate::report::Ui;
use crate::signed_url::Login;
use crate::system::System;

/// Print a signed embed URL
#[derive(clap::Args, Debug)]
pub(crate) struct UrlSignArgs {
    /// The embed path, as in `/embed/dashboards/12`
    path: Option<String>,

    #[command(flatten)]
    grants: GrantArgs,
}

pub(crate) async fn run(
    args: &UrlSignArgs,
    _settings: &Settings,
    ui: &Ui,
    _system: &mut System,
) -> Result<Exit, Error> {
    let login = args.grants.login(Login::new("to come"));
    ui.detail(1, login.external_user_id);
    ui.status(args.path.as_deref().unwrap_or_default());
    Ok(Exit::Done)
}
