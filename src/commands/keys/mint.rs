//! `embedctl keys mint`: one more key.

use serde_json::json;

use crate::commands::context::CommandContext;
use crate::commands::key_sink::DeliveryArgs;
use crate::commands::keys::users::{self, Users, UsersArgs};
use crate::commands::keys_to::KeysTo;
use crate::commands::minter;
use crate::commands::results::Results;
use crate::commands::session::{Needs, Session};
use crate::error::{Error, Exit};
use crate::system::duration;
use crate::workflow::{JobSpec, KeyJob};

/// Mint one more key, in addition to those the user has
///
/// The key is either delivered or revoked, never lost: if the command is interrupted, running it again continues. The
/// keys of many users go to standard output only with `-o jsonl`.
#[derive(clap::Args, Debug)]
pub(crate) struct KeysMintArgs {
    #[command(flatten)]
    users: UsersArgs,

    /// Let `keys reap` revoke the key after this time, such as `90d`
    #[arg(long, value_name = "DURATION", value_parser = duration::seconds)]
    ttl: Option<u64>,

    #[command(flatten)]
    delivery: DeliveryArgs,

    /// Print what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(args: &KeysMintArgs, cx: CommandContext) -> Result<Exit, Error> {
    Session::within(cx, Needs::Api, async |session| mint(args, session).await).await
}

async fn mint(args: &KeysMintArgs, session: &Session) -> Result<Exit, Error> {
    let users = args.users.resolve(&session.finder).await?;
    if args.dry_run {
        return dry_run(&users, session).await;
    }
    let job = |user: &_| {
        JobSpec::MintKey(KeyJob {
            user: Clone::clone(user),
            purpose: args.delivery.key_purpose.clone(),
            ttl_seconds: args.ttl,
        })
    };
    let specs = users.ids().iter().map(job).collect();
    deliver("keys mint", &users, specs, &args.delivery, session).await
}

/// Run jobs that mint keys, and print their results.
pub(crate) async fn deliver(
    command: &'static str,
    users: &Users,
    specs: Vec<JobSpec>,
    delivery: &DeliveryArgs,
    session: &Session,
) -> Result<Exit, Error> {
    if specs.is_empty() {
        session.ui.status("There is no such embed user.");
    }
    let keys_to = Some(KeysTo::choose(&delivery.sinks, &session.settings));
    let base_url = session.admin.origin();
    let results = Results::new(&session.ui, base_url, keys_to, users.are_many())?;
    results.run(command, specs, true, session).await
}

async fn dry_run(users: &Users, session: &Session) -> Result<Exit, Error> {
    session.finder.require_admin().await?;
    for user in users.ids() {
        let found = users::existing(&session.finder, user.by_ref()).await?;
        let name = user.by_ref();
        match session.ui.format().is_json() {
            true => session.ui.json(&json!({
                "dry_run": true,
                "external_user_id": found.external_user_id(),
                "looker_user_id": found.id,
                "mints_key": true,
                "keys_by": session.keys.minter().word(),
                "replaces": [],
            }))?,
            false => session.ui.data(&format!(
                "Would mint a key for {name} and deliver its secret.\n"
            ))?,
        }
    }
    if !session.ui.format().is_json() {
        session.ui.status(minter::sentence(session));
    }
    Ok(Exit::Done)
}
