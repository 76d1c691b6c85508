//! `embedctl keys list`: the keys of users.

use std::sync::Arc;

use crate::commands::context::CommandContext;
use crate::commands::engine::ledger_of;
use crate::commands::keys::row::{HEADER, Row};
use crate::commands::keys::users::{self, UsersArgs};
use crate::commands::session::{Needs, Session};
use crate::error::{Error, Exit};
use crate::ledger::Ledger;
use crate::workflow::{Finder, KeyAccess, Standing, UserId, parallel};

/// List keys: their users, whether they were delivered, how old they are, and when they are revoked
///
/// A key is ours if it has the tag that embedctl writes, or if the ledger knows it; any other key is foreign. The tag is written
/// once the secret is delivered, so a key of ours without it is `undelivered`. A foreign key without a purpose is
/// `nameless`.
#[derive(clap::Args, Debug)]
pub(crate) struct KeysListArgs {
    #[command(flatten)]
    users: UsersArgs,
}

pub(crate) async fn run(args: &KeysListArgs, cx: CommandContext) -> Result<Exit, Error> {
    Session::within(cx, Needs::Api, async |session| list(args, session).await).await
}

async fn list(args: &KeysListArgs, session: &Session) -> Result<Exit, Error> {
    session.ui.refuse_env()?;
    let ledger = ledger_of(session).await?;
    session.finder.require_admin().await?;
    let users = args.users.resolve(&session.finder).await?;
    let look_up = |user: UserId| {
        let (finder, ledger) = (session.finder.clone(), Arc::clone(&ledger));
        let keys = Arc::clone(&session.keys);
        async move { keys_of(&finder, &keys, &*ledger, &user).await }
    };
    let (width, interrupt) = (session.settings.concurrency(), &session.system.interrupt);
    let ids = users.ids().iter().cloned();
    let rows = parallel::map(ids, width, Some(interrupt), look_up, |_| {}).await?;
    let rows = rows.concat();
    let now = session.system.clock.now();
    let (object, cells) = (|row: &Row| row.json(now), |row: &Row| row.cells(now));
    session
        .ui
        .list(&rows, object, (&HEADER, cells), "There are no keys.")?;
    Ok(Exit::Done)
}

async fn keys_of(
    finder: &Finder,
    access: &Arc<KeyAccess>,
    ledger: &dyn Ledger,
    user: &UserId,
) -> Result<Vec<Row>, Error> {
    let user = users::existing(finder, user.by_ref()).await?;
    let records = ledger.keys(Some(&user.id)).await?;
    let mut keys = access.of(&user.id);
    let listed = keys.list().await;
    keys.close().await?;
    let row = |key| Row {
        external_user_id: user.external_user_id().map(str::to_owned),
        looker_user_id: user.id.clone(),
        standing: Standing::of(&key, &records),
        key,
    };
    Ok(listed?.into_iter().map(row).collect())
}
