//! `embedctl users show`: what one embed user is and can reach, and why not more.

use crate::commands::impersonate;
use crate::commands::session::{Needs, Session};
use crate::commands::users::details::UserDetails;
use crate::config::Settings;
use crate::error::{Error, Exit};
use crate::report::{Format, Ui};
use crate::system::System;

/// Show an embed user: its groups and roles, what it can reach, and why not more
#[derive(clap::Args, Debug)]
pub(crate) struct UsersShowArgs {
    /// Your own id of the user
    external_user_id: String,
}

pub(crate) async fn run(
    args: &UsersShowArgs,
    settings: Settings,
    ui: &Ui,
    system: &mut System,
) -> Result<Exit, Error> {
    let session = Session::open(settings, Needs::Api, ui, system).await?;
    let work = show(&args.external_user_id, &session, ui);
    let ended = impersonate::until_interrupted(&mut system.interrupt, work).await;
    session.close(ui).await;
    ended.map(|()| Exit::Done)
}

async fn show(external_user_id: &str, session: &Session, ui: &Ui) -> Result<(), Error> {
    let user = impersonate::find(external_user_id, session).await?;
    let details = UserDetails::of(user, &session.admin).await?;
    let reach = details.reach();
    let problems = details.problems(&reach);
    match ui.format() {
        Format::Json | Format::Jsonl => ui.json(&details.json(&reach, &problems)),
        Format::Env => Err(ui.no_env_form()),
        Format::Table => {
            ui.fields(&details.rows(&reach))?;
            for problem in problems {
                ui.warning(problem);
            }
            Ok(())
        }
    }
}
