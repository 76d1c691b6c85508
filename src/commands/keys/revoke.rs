//! `embedctl keys revoke`: revoke keys.

use serde_json::{Value, json};

use crate::commands::consent::{Loss, Losses};
use crate::commands::context::CommandContext;
use crate::commands::engine::ledger_of;
use crate::commands::instance;
use crate::commands::json_object::with;
use crate::commands::keys::users::{self, UserArgs};
use crate::commands::session::{Needs, Session};
use crate::error::{Error, Exit, Kind};
use crate::ledger::{KeyRecord, KeyState, Ledger};
use crate::looker::{Api3Key, User};
use crate::report::{Format, Ui};
use crate::system::System;
use crate::workflow::{Standing, record_of as known_of};

/// Revoke keys, which stop working at once
///
/// Keys that were not created by embedctl are refused, unless you pass `--foreign`. A key that is already gone counts as
/// revoked.
#[derive(clap::Args, Debug)]
#[command(
    override_usage = "embedctl keys revoke [OPTIONS] <EXTERNAL_USER_ID> <KEY_ID>...\n       \
                            embedctl keys revoke [OPTIONS] --looker-user-id <ID> <KEY_ID>..."
)]
pub(crate) struct KeysRevokeArgs {
    /// Your own id of the user
    #[arg(required = true)]
    external_user_id: String,

    /// The keys to revoke, by id or client id
    #[arg(value_name = "KEY_ID")]
    keys: Vec<String>,

    /// Looker's id of the user, instead of yours
    #[arg(long, value_name = "ID")]
    looker_user_id: Option<String>,

    /// Also revoke keys that embedctl did not create
    #[arg(long)]
    foreign: bool,

    /// Print what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// A key to revoke.
#[derive(Debug)]
struct Target {
    record: KeyRecord,
    ours: bool,
    /// Whether it exists. The id of one that is gone may now be another key's.
    is_there: bool,
}

pub(crate) async fn run(args: &KeysRevokeArgs, cx: CommandContext) -> Result<Exit, Error> {
    // Arguments are checked before the session, so that a typo costs no login.
    let (user, keys) = named(args)?;
    if cx.ui.format() == Format::Env {
        return Err(cx.ui.no_env_form());
    }
    Session::within(cx, Needs::Api, async |session| {
        revoke(args, &user, &keys, session).await
    })
    .await
}

/// The user and the keys: if the user is given by Looker's id, every other argument is a key.
fn named(args: &KeysRevokeArgs) -> Result<(UserArgs, Vec<String>), Error> {
    let first = args.external_user_id.clone();
    let looker_user_id = args.looker_user_id.clone();
    let (external_user_id, keys) = match looker_user_id {
        Some(_) => (None, [&[first], &args.keys[..]].concat()),
        None => (Some(first), args.keys.clone()),
    };
    if keys.is_empty() {
        return Err(
            Error::usage("no key is named").hint("`embedctl keys list` shows the keys of a user")
        );
    }
    let user = UserArgs {
        external_user_id,
        looker_user_id,
    };
    Ok((user, keys))
}

async fn revoke(
    args: &KeysRevokeArgs,
    user: &UserArgs,
    keys: &[String],
    session: &Session,
) -> Result<Exit, Error> {
    let ledger = ledger_of(session).await?;
    // A 404 for the keys of another user would otherwise read as "gone".
    session.finder.require_admin().await?;
    let id = user.id()?;
    let name = id.by_ref().to_string();
    let user = users::existing(&session.finder, id.by_ref()).await?;
    let targets = targets(args, &user, keys, session, &*ledger).await?;
    if args.dry_run {
        return dry_run(&name, &user, &targets, &session.ui);
    }
    // After the keys are looked up, so that the question names what really goes.
    ask(&user, &targets, session).await?;
    // A gone key's id may be another key's by now, so it is only recorded, not sent.
    let there = targets.iter().filter(|target| target.is_there);
    let ids: Vec<_> = there.map(|target| target.record.key_id.clone()).collect();
    let mut of_user = session.keys.of(&user.id);
    let done = of_user.revoke(&ids).await;
    // Closed before the error is reported, or the user keeps the right that was lent.
    of_user.close().await?;
    done?;
    for target in &targets {
        ledger.put_key(target.record.clone()).await?;
        session
            .ui
            .status(format!("Revoked key {}", target.record.key_id));
    }
    if session.ui.format().is_json() {
        session.ui.json(&result_json(&user, &targets))?;
    }
    Ok(Exit::Done)
}

/// Ask, if any of the keys may still be used.
async fn ask(user: &User, targets: &[Target], session: &Session) -> Result<(), Error> {
    let there = targets.iter().filter(|target| target.is_there);
    let ids: Vec<_> = there
        .map(|target| match target.ours {
            true => target.record.key_id.clone(),
            false => format!("{} (not created by embedctl)", target.record.key_id),
        })
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let ids = ids.join(", ");
    session.ui.status(format!(
        "To be revoked: key {ids}. Anything that uses it stops working."
    ));
    let mut losses = Losses::default();
    losses.add(user.external_user_id().unwrap_or(&user.id), [Loss::Keys]);
    losses.confirm(session).await
}

/// The keys to revoke, all of them allowed.
async fn targets(
    args: &KeysRevokeArgs,
    user: &User,
    named: &[String],
    session: &Session,
    ledger: &dyn Ledger,
) -> Result<Vec<Target>, Error> {
    let records = ledger.keys(Some(&user.id)).await?;
    let mut of_user = session.keys.of(&user.id);
    let keys = of_user.list_allowing().await;
    of_user.close().await?;
    let keys = keys?;
    // Revoking the key of this session would leave the command unable to finish.
    let own = session.settings.looker()?.client_id;
    let mut targets = Vec::new();
    for name in named {
        let is_named = |id: &str, client_id: &str| name == id || name == client_id;
        let found = keys.iter().find(|key| is_named(&key.id, &key.client_id));
        let record = records
            .iter()
            .find(|key| is_named(&key.key_id, &key.client_id));
        let is_there = found.is_some();
        let target = match (found, record) {
            (Some(key), _) => {
                let ours = Standing::of(key, &records).is_ours();
                let record = record_of(user, key, known_of(key, &records), &session.system);
                Target {
                    record,
                    ours,
                    is_there,
                }
            }
            (None, Some(record)) => Target {
                record: record.clone(),
                ours: true,
                is_there,
            },
            // It may be known under another Looker, where revoking the same id would hit someone else.
            (None, None) => {
                let mut elsewhere = ledger.keys_elsewhere().await?;
                elsewhere.retain(|(_, key)| {
                    let is_users = Some(&*key.external_user_id) == user.external_user_id();
                    is_users && is_named(&key.key_id, &key.client_id)
                });
                instance::no_key_elsewhere(&elsewhere, session).await?;
                let message = format!("the user has no key {name}");
                return Err(Error::new(Kind::NotFound, message)
                    .hint("`embedctl keys list` shows the keys there are"));
            }
        };
        check(&target, args.foreign, &own)?;
        targets.push(target);
    }
    // Recorded as revoked only in memory so far; the ledger is written once Looker has done it.
    for target in &mut targets {
        target.record.state = KeyState::Revoked;
        target.record.revoke_at = None;
    }
    Ok(targets)
}

fn check(target: &Target, foreign: bool, own: &str) -> Result<(), Error> {
    let id = &target.record.key_id;
    if target.record.client_id == own {
        let message = format!("key {id} is the one embedctl logs in with");
        return Err(Error::usage(message).hint("log in with another key to revoke this one"));
    }
    if !target.ours && !foreign {
        let message = format!("key {id} was not created by embedctl");
        return Err(Error::new(Kind::NotAllowed, message)
            .hint("pass `--foreign` if you are sure that it is not needed"));
    }
    Ok(())
}

fn record_of(user: &User, key: &Api3Key, known: Option<&KeyRecord>, system: &System) -> KeyRecord {
    known.cloned().unwrap_or_else(|| KeyRecord {
        looker_user_id: user.id.clone(),
        external_user_id: user.external_user_id().unwrap_or_default().to_owned(),
        key_id: key.id.clone(),
        client_id: key.client_id.clone(),
        purpose: key.purpose.clone().unwrap_or_default(),
        state: KeyState::Delivered,
        minted_at: key.created_at.known().unwrap_or_else(|| system.clock.now()),
        revoke_at: None,
    })
}

fn result_json(user: &User, targets: &[Target]) -> Value {
    let key = |target: &Target| {
        json!({
            "id": target.record.key_id,
            "client_id": target.record.client_id,
            "owner": if target.ours { "ours" } else { "foreign" },
        })
    };
    json!({
        "external_user_id": user.external_user_id(),
        "looker_user_id": user.id,
        "revoked": targets.iter().map(key).collect::<Vec<_>>(),
    })
}

fn dry_run(name: &str, user: &User, targets: &[Target], ui: &Ui) -> Result<Exit, Error> {
    if ui.format().is_json() {
        ui.json(&with(result_json(user, targets), "dry_run", true))?;
        return Ok(Exit::Done);
    }
    for target in targets {
        let id = &target.record.key_id;
        ui.data(&format!("Would revoke key {id} of {name}.\n"))?;
    }
    Ok(Exit::Done)
}
