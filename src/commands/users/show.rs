//! `embedctl users show`: what one embed user is and can reach, and what prevents more.

use crate::commands::context::CommandContext;
use crate::commands::impersonate;
use crate::commands::session::{Needs, Session};
use crate::commands::users::details::UserDetails;
use crate::error::{Error, Exit};
use crate::report::Format;

/// Show an embed user: its groups and roles, what it can reach, and what prevents more
#[derive(clap::Args, Debug)]
pub(crate) struct UsersShowArgs {
    /// Your own id of the user
    external_user_id: String,
}

pub(crate) async fn run(args: &UsersShowArgs, cx: CommandContext) -> Result<Exit, Error> {
    Session::within(cx, Needs::Api, async |session| {
        let shown = session.until_interrupted(show(&args.external_user_id, session));
        shown.await.map(|()| Exit::Done)
    })
    .await
}

async fn show(external_user_id: &str, session: &Session) -> Result<(), Error> {
    let user = impersonate::find(external_user_id, session).await?;
    let details = UserDetails::of(user, &session.admin).await?;
    let reach = details.reach();
    let problems = details.problems(&reach);
    match session.ui.format() {
        Format::Json | Format::Jsonl => session.ui.json(&details.json(&reach, &problems)),
        Format::Env => Err(session.ui.no_env_form()),
        Format::Table => {
            session.ui.fields(&details.rows(&reach))?;
            for problem in problems {
                session.ui.warning(problem);
            }
            Ok(())
        }
    }
}
