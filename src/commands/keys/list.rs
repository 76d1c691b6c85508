//! `embedctl keys list`: the keys users have.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::commands::engine::open_ledger;
use crate::commands::keys::users::{self, UsersArgs};
use crate::commands::session::{Needs, Session};
use crate::commands::{parallel, span};
use crate::config::Settings;
use crate::error::{Error, Exit};
use crate::ledger::{KeyRecord, KeyState, Ledger};
use crate::looker::{Api3Key, Client};
use crate::report::{Format, Ui};
use crate::system::System;
use crate::workflow::{UserId, is_our_key, require_admin};

/// List keys: whose they are, what for, how old, and when they are to be revoked
///
/// A key is ours if it carries the tag that embedctl writes, or if the ledger knows it; every other one is foreign.
#[derive(clap::Args, Debug)]
pub(crate) struct KeysListArgs {
    #[command(flatten)]
    users: UsersArgs,
}

/// A key, and what is known of it here.
#[derive(Debug)]
struct Row {
    external_user_id: Option<String>,
    looker_user_id: String,
    key: Api3Key,
    ours: bool,
    record: Option<KeyRecord>,
}

pub(crate) async fn run(
    args: &KeysListArgs,
    settings: Settings,
    ui: &Ui,
    system: &mut System,
) -> Result<Exit, Error> {
    let session = Session::open(settings, Needs::Api, ui, system).await?;
    let ended = list(args, &session, ui, system).await;
    session.close(ui).await;
    ended
}

async fn list(
    args: &KeysListArgs,
    session: &Session,
    ui: &Ui,
    system: &mut System,
) -> Result<Exit, Error> {
    if ui.format() == Format::Env {
        return Err(ui.no_env_form());
    }
    let ledger = open_ledger(&session.settings, system)?;
    require_admin(&session.admin).await?;
    let users = args.users.resolve(&session.admin).await?;
    let mut rows = Vec::new();
    let look_up = |(at, user): (usize, UserId)| {
        let (admin, ledger) = (session.admin.clone(), Arc::clone(&ledger));
        async move { (at, keys_of(&admin, &*ledger, &user).await) }
    };
    let ids = users.ids().iter().cloned().enumerate().collect();
    let width = session.settings.concurrency();
    parallel::each(ids, width, &system.interrupt, look_up, |(at, keys)| {
        rows.push((at, keys?));
        Ok(())
    })
    .await?;
    rows.sort_by_key(|(at, _)| *at);
    let rows: Vec<_> = rows.into_iter().flat_map(|(_, keys)| keys).collect();
    let offset = session.http.clock_offset().unwrap_or_default();
    print(&rows, system.clock.now() + offset, ui)?;
    Ok(Exit::Done)
}

async fn keys_of(admin: &Client, ledger: &dyn Ledger, user: &UserId) -> Result<Vec<Row>, Error> {
    let user = users::existing(admin, user.by_ref()).await?;
    let records = ledger.keys(Some(&user.id)).await?;
    let keys = admin.api3_keys(&user.id).await?;
    let row = |key: Api3Key| Row {
        external_user_id: user.external_user_id().map(str::to_owned),
        looker_user_id: user.id.clone(),
        ours: is_our_key(&key, &records),
        record: records
            .iter()
            .find(|record| record.key_id == key.id)
            .cloned(),
        key,
    };
    Ok(keys.into_iter().map(row).collect())
}

fn print(rows: &[Row], now: Timestamp, ui: &Ui) -> Result<(), Error> {
    let objects = || rows.iter().map(|row| row_json(row, now));
    match ui.format() {
        Format::Json => ui.json(&objects().collect::<Vec<_>>()),
        Format::Jsonl => objects().try_for_each(|object| ui.json(&object)),
        Format::Table | Format::Env if rows.is_empty() => {
            ui.status("There are no keys.");
            Ok(())
        }
        Format::Table | Format::Env => {
            let header = [
                "user",
                "id",
                "client id",
                "owner",
                "age",
                "revoked on",
                "purpose",
            ];
            ui.table(&header, rows.iter().map(|row| row_text(row, now)))
        }
    }
}

fn age(key: &Api3Key, now: Timestamp) -> Option<i64> {
    let created_at = key.created_at?;
    Some(now.duration_since(created_at).as_secs().max(0))
}

fn row_json(row: &Row, now: Timestamp) -> Value {
    let Row {
        external_user_id,
        looker_user_id,
        key,
        ours,
        record,
    } = row;
    let state = record.as_ref().map(|record| record.state);
    json!({
        "external_user_id": external_user_id,
        "looker_user_id": looker_user_id,
        "id": key.id,
        "client_id": key.client_id,
        "purpose": key.purpose,
        "owner": owner(*ours),
        "created_at": key.created_at,
        "age_seconds": age(key, now),
        "is_disabled": key.is_disabled,
        "delivered": state.map(|state| state == KeyState::Delivered),
        "revoke_at": record.as_ref().and_then(|record| record.revoke_at),
    })
}

fn row_text(row: &Row, now: Timestamp) -> Vec<String> {
    let due = row.record.as_ref().and_then(|record| record.revoke_at);
    vec![
        row.external_user_id
            .clone()
            .unwrap_or_else(|| row.looker_user_id.clone()),
        row.key.id.clone(),
        row.key.client_id.clone(),
        owner(row.ours).to_owned(),
        age(&row.key, now).map(span::words).unwrap_or_default(),
        due.map(|due| due.to_string()).unwrap_or_default(),
        row.key.purpose.clone().unwrap_or_default(),
    ]
}

const fn owner(ours: bool) -> &'static str {
    if ours { "ours" } else { "foreign" }
}
