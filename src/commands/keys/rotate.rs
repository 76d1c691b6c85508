//! `embedctl keys rotate`: a new key that replaces older ones.

use std::time::Duration;

use serde_json::json;

use crate::commands::consent::{Loss, Losses};
use crate::commands::context::CommandContext;
use crate::commands::engine::ledger_of;
use crate::commands::key_sink::DeliveryArgs;
use crate::commands::keys::mint;
use crate::commands::keys::users::{self, Users, UsersArgs};
use crate::commands::minter;
use crate::commands::session::{Needs, Session};
use crate::error::{Error, Exit};
use crate::system::duration;
use crate::workflow::{IfNone, JobSpec, KeyJob, RotateSpec, UserId, choose};

/// Replace older keys with a new one
///
/// Mints a key, delivers it, logs in with it, and only then revokes the keys that embedctl created before: a working key exists
/// at every moment. With `--overlap` the old keys keep working until `keys reap` revokes them. Keys that were not created by
/// embedctl are never touched. If the command is interrupted, running it again continues.
#[derive(clap::Args, Debug)]
pub(crate) struct KeysRotateArgs {
    #[command(flatten)]
    users: UsersArgs,

    /// Replace only this key, by its id or client id; may be repeated
    #[arg(long = "key", value_name = "ID", conflicts_with = "all")]
    keys: Vec<String>,

    /// Keep the old keys for this long, such as `24h`; `keys reap` then revokes them
    #[arg(long, value_name = "DURATION", value_parser = duration::seconds)]
    overlap: Option<u64>,

    /// Replace only keys older than this, such as `90d`
    #[arg(long, value_name = "DURATION", value_parser = duration::seconds)]
    max_age: Option<u64>,

    #[command(flatten)]
    delivery: DeliveryArgs,

    /// Print what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(args: &KeysRotateArgs, cx: CommandContext) -> Result<Exit, Error> {
    Session::within(cx, Needs::Api, async |session| rotate(args, session).await).await
}

async fn rotate(args: &KeysRotateArgs, session: &Session) -> Result<Exit, Error> {
    let users = args.users.resolve(&session.finder).await?;
    let specs: Vec<_> = users
        .ids()
        .iter()
        .map(|user| spec(args, &users, user))
        .collect();
    if args.dry_run {
        return dry_run(&specs, session).await;
    }
    let loss = match args.overlap {
        None => Loss::Keys,
        // `keys reap` asks nothing when it is over, so it is asked now.
        Some(_) => Loss::KeysLater,
    };
    let mut losses = Losses::default();
    for user in users.ids() {
        losses.add(&user.by_ref().subject(), [loss]);
    }
    losses.confirm(session).await?;
    // The ages are compared by the jobs, against the keys at that time.
    let specs = specs.into_iter().map(JobSpec::RotateKey).collect();
    mint::deliver("keys rotate", &users, specs, &args.delivery, session).await
}

fn spec(args: &KeysRotateArgs, users: &Users, user: &UserId) -> RotateSpec {
    RotateSpec {
        job: KeyJob {
            user: user.clone(),
            purpose: args.delivery.key_purpose.clone(),
            ttl_seconds: None,
        },
        keys: args.keys.clone(),
        max_age_seconds: args.max_age,
        overlap_seconds: args.overlap,
        // With `--all`, users without a key are not an error.
        if_none: if users.are_many() {
            IfNone::Skip
        } else {
            IfNone::Fail
        },
    }
}

async fn dry_run(specs: &[RotateSpec], session: &Session) -> Result<Exit, Error> {
    let ledger = ledger_of(session).await?;
    session.finder.require_admin().await?;
    for spec in specs {
        let name = spec.job.user.by_ref();
        let user = users::existing(&session.finder, name).await?;
        let records = ledger.keys(Some(&user.id)).await?;
        let mut of_user = session.keys.of(&user.id);
        let keys = of_user.list().await;
        // Closed before the result is looked at, or the user keeps the right that the list needed.
        of_user.close().await?;
        let keys = keys?;
        let choice = choose(spec, &keys, &records, session.system.clock.now())?;
        let replaced: Vec<_> = choice.replaced.iter().map(|key| key.id.as_str()).collect();
        if session.ui.format().is_json() {
            session.ui.json(&json!({
                "dry_run": true,
                "external_user_id": user.external_user_id(),
                "looker_user_id": user.id,
                "mints_key": choice.mints,
                "keys_by": session.keys.minter().word(),
                "replaces": replaced,
                "overlap_seconds": spec.overlap_seconds,
            }))?;
            continue;
        }
        let replaced = replaced.join(", ");
        session
            .ui
            .data(&match (choice.mints, spec.overlap_seconds) {
                (false, _) => format!("Would leave the keys of {name} as they are.\n"),
                (true, None) => format!("Would mint a key for {name}, then revoke {replaced}.\n"),
                (true, Some(overlap)) => {
                    let overlap = duration::exact(Duration::from_secs(overlap));
                    format!("Would mint a key for {name}, and keep {replaced} for {overlap}.\n")
                }
            })?;
    }
    if !session.ui.format().is_json() {
        session.ui.status(minter::sentence(session));
    }
    Ok(Exit::Done)
}
