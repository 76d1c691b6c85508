//! `embedctl users show`: what one embed user is and can reach, and what prevents more.

use crate::commands::context::CommandContext;
use crate::commands::engine;
use crate::commands::impersonate;
use crate::commands::session::{Needs, Session};
use crate::commands::users::details::UserDetails;
use crate::error::{Error, Exit};
use crate::looker::User;
use crate::plan::{Difference, GrantReader, drift};
use crate::report::Format;

/// Show an embed user: its groups and roles, what it can reach, and what prevents more
///
/// If the ledger knows what embedctl applied to the user last, what differs from that is shown too: someone else changed it.
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
    let differs = differs(&user, external_user_id, session).await;
    let details = Box::pin(UserDetails::of(user, differs, &session.admin)).await?;
    let reach = details.reach();
    let problems = details.problems(&reach);
    match session.ui.format() {
        Format::Json | Format::Jsonl => session.ui.json(&details.json(&reach, &problems)),
        Format::Env => Err(session.ui.no_env_form()),
        Format::Table => {
            session
                .ui
                .fields(&details.rows(&reach, session.system.clock.now()))?;
            for problem in problems {
                session.ui.warning(problem);
            }
            Ok(())
        }
    }
}

/// What differs from what was applied last; `None` if that is not known. The rest is shown in any case.
async fn differs(
    user: &User,
    external_user_id: &str,
    session: &Session,
) -> Option<Vec<Difference>> {
    let compared = async {
        let ledger = engine::ledger_of(session).await?;
        let reader = GrantReader::new(session.admin.clone(), false);
        let now = session.system.clock.now();
        // On the heap: what a plan reads of a user is large, and every caller's future would hold it.
        Box::pin(drift(user.clone(), external_user_id, (reader, ledger), now)).await
    };
    match Box::pin(compared).await {
        Ok(differs) => differs,
        Err(error) => {
            session.ui.warning(format!(
                "not compared with what embedctl applied last: {error}"
            ));
            None
        }
    }
}
