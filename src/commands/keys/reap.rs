//! `embedctl keys reap`: revoke the keys whose time is over.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::commands::context::CommandContext;
use crate::commands::engine::ledger_of;
use crate::commands::instance;
use crate::commands::json_object::{text, with};
use crate::commands::key_sink;
use crate::commands::keys::holders::all_keys;
use crate::commands::keys::users::Matcher;
use crate::commands::keys_to::{KeysTo, SinkArgs};
use crate::commands::session::{Needs, Session};
use crate::error::{Error, Exit, Kind};
use crate::ledger::{Instance, KeyRecord, KeyState, Ledger};
use crate::report::{Format, Ui, error_json, number_of};
use crate::sink::{KeyName, Sink};
use crate::system::System;
use crate::workflow::{KeyAccess, Revoked, UserKeys, parallel};

/// Revoke the keys whose overlap or time to live has ended
///
/// The due date is part of the key's tag at Looker, so this works from any machine; on a Looker without `purpose` the ledger has
/// it. Made for cron: it asks nothing, does nothing if nothing is due, and may run as often as you like, even twice at the
/// same time. It exits with 3 if some keys could not be revoked; the next run tries them again.
#[derive(clap::Args, Debug)]
pub(crate) struct KeysReapArgs {
    /// The sink whose earlier versions of these keys are destroyed; default: the profile's; may be repeated
    #[arg(long, value_name = "SINK")]
    keys_to: Vec<String>,

    /// Print what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// The due keys of one user.
type Due = Vec<KeyRecord>;

/// The outcome for the due keys.
#[derive(Debug, Default)]
struct Reaped {
    revoked: u64,
    gone: u64,
    failed: u64,
    keys: Vec<Value>,
}

pub(crate) async fn run(args: &KeysReapArgs, cx: CommandContext) -> Result<Exit, Error> {
    cx.ui.refuse_env()?;
    Session::within(cx, Needs::Api, async |session| reap(args, session).await).await
}

async fn reap(args: &KeysReapArgs, session: &Session) -> Result<Exit, Error> {
    let ledger = ledger_of(session).await?;
    // To a non-admin Looker answers 404, which would make every key look gone.
    session.finder.require_admin().await?;
    let (due, unseen) = due(&*ledger, session).await?;
    let elsewhere = due_elsewhere(&*ledger, &session.system).await?;
    if args.dry_run {
        dry_run(&due.concat(), &session.ui)?;
        instance::no_key_elsewhere(&elsewhere, session).await?;
        return unseen.map_or(Ok(Exit::Done), Err);
    }
    let sink = match due.is_empty() {
        true => None,
        false => sink(args, session)?,
    };
    session.system.interrupt.listen();
    let revoke = |keys: Due| {
        let (access, ledger, sink) = (Arc::clone(&session.keys), Arc::clone(&ledger), sink.clone());
        let base_url = session.admin.origin().to_owned();
        async move {
            let places = (base_url.as_str(), sink.as_deref());
            let revoked = revoke(&access, &*ledger, &keys, places).await;
            (keys, revoked)
        }
    };
    let mut reaped = Reaped::default();
    let width = session.settings.concurrency();
    let ended = parallel::each(
        due,
        width,
        Some(&session.system.interrupt),
        revoke,
        |(keys, revoked), _| reaped.note(&keys, &revoked, &session.ui),
    )
    .await;
    reaped.print(&session.ui)?;
    ended?;
    if reaped.failed == 0 {
        instance::no_key_elsewhere(&elsewhere, session).await?;
    }
    match (reaped.failed, unseen) {
        (0, None) => Ok(Exit::Done),
        (0, Some(unseen)) => Err(unseen),
        (failed, _) => Err(Error::new(
            Kind::Incomplete,
            format!("{} could not be revoked", number_of(failed, "key")),
        )
        .hint("run `embedctl keys reap` again")),
    }
}

/// The due keys, by their tags and by the ledger, user by user; and why only the ledger was used, if the keys of all users
/// cannot be listed.
async fn due(ledger: &dyn Ledger, session: &Session) -> Result<(Vec<Due>, Option<Error>), Error> {
    let now = session.system.clock.now();
    let mut due: BTreeMap<String, Due> = BTreeMap::new();
    for record in ledger.keys_due(now).await? {
        let of = due.entry(record.looker_user_id.clone()).or_default();
        of.push(record);
    }
    let (rows, unseen) = match all_keys(&Matcher::default(), ledger, session).await {
        Ok(rows) => (rows, None),
        Err(error) if error.kind() == Kind::NotAllowed => (Vec::new(), Some(only_ledger(error))),
        Err(error) => return Err(error),
    };
    for row in rows.into_iter().filter(|row| row.standing.is_due(now)) {
        let of = due.entry(row.looker_user_id.clone()).or_default();
        if of.iter().any(|known| known.client_id == row.key.client_id) {
            continue;
        }
        of.push(KeyRecord {
            looker_user_id: row.looker_user_id.clone(),
            external_user_id: row.external_user_id.unwrap_or_default(),
            key_id: row.key.id,
            client_id: row.key.client_id,
            purpose: row.key.purpose.unwrap_or_default(),
            state: KeyState::Delivered,
            minted_at: row.key.created_at.known().unwrap_or(now),
            revoke_at: row.standing.due,
        });
    }
    Ok((due.into_values().collect(), unseen))
}

/// Due keys at Lookers that the ledger was bound to before: their ids mean other keys here.
async fn due_elsewhere(
    ledger: &dyn Ledger,
    system: &System,
) -> Result<Vec<(Instance, KeyRecord)>, Error> {
    let now = system.clock.now();
    let mut keys = ledger.keys_elsewhere().await?;
    keys.retain(|(_, key)| key.revoke_at.is_some_and(|due| due <= now));
    Ok(keys)
}

/// The warning that keys unknown to the ledger may be due, if no one may list the keys of all users.
fn only_ledger(error: Error) -> Error {
    error
        .context("only keys that this ledger knows were looked at, not those of other machines")
        .with_kind(Kind::Incomplete)
}

/// Revoke the keys of a user, and record it.
async fn revoke(
    access: &Arc<KeyAccess>,
    ledger: &dyn Ledger,
    keys: &[KeyRecord],
    (base_url, sink): (&str, Option<&dyn Sink>),
) -> Result<Revoked, Error> {
    let Some(first) = keys.first() else {
        return Ok(Revoked::default());
    };
    let mut of_user = access.of(&first.looker_user_id);
    let done = revoke_known(&mut of_user, keys).await;
    of_user.close().await?;
    let done = done?;
    for key in keys {
        // Before the record, so that what failed is tried again.
        if let Some(sink) = sink {
            sink.forget(&key_name(key, base_url)).await?;
        }
        let revoked = KeyRecord {
            state: KeyState::Revoked,
            ..key.clone()
        };
        ledger.put_key(revoked).await?;
    }
    Ok(done)
}

fn key_name(key: &KeyRecord, base_url: &str) -> KeyName {
    KeyName {
        base_url: base_url.to_owned(),
        external_user_id: key.external_user_id.clone(),
        looker_user_id: key.looker_user_id.clone(),
        id: key.key_id.clone(),
        client_id: key.client_id.clone(),
        purpose: key.purpose.clone(),
        created_at: key.minted_at,
        job: String::new(),
    }
}

/// The sink that may have earlier versions of the keys, if one is named.
fn sink(args: &KeysReapArgs, session: &Session) -> Result<Option<Arc<dyn Sink>>, Error> {
    let keys_to = KeysTo::choose(&SinkArgs::of(&args.keys_to), &session.settings);
    match keys_to.prints() {
        true => Ok(None),
        false => key_sink::stored(&keys_to, session).map(Some),
    }
}

/// Revoke the keys that exist. Another key may have the id of one that is gone, so both ids must match.
async fn revoke_known(of_user: &mut UserKeys, keys: &[KeyRecord]) -> Result<Revoked, Error> {
    let alive = of_user.list_allowing().await?;
    // The id is compared with the client id, because Looker may reuse an id for a newer key.
    let is_alive = |record: &&KeyRecord| {
        let mut alive = alive.iter();
        alive.any(|key| key.id == record.key_id && key.client_id == record.client_id)
    };
    let (there, gone): (Vec<_>, Vec<_>) = keys.iter().partition(is_alive);
    let ids = |keys: Vec<&KeyRecord>| -> Vec<String> {
        keys.into_iter().map(|key| key.key_id.clone()).collect()
    };
    let there = ids(there);
    let mut done = of_user.revoke(&there).await?;
    // A key that is gone counts as done: the same command can be repeated after a failure.
    done.gone.extend(ids(gone));
    Ok(done)
}

impl Reaped {
    fn note(
        &mut self,
        keys: &[KeyRecord],
        done: &Result<Revoked, Error>,
        ui: &Ui,
    ) -> Result<(), Error> {
        let failed = match done {
            Ok(_) => None,
            Err(error) => Some(error_json(error).get("error").cloned()),
        };
        if let Err(error) = done {
            let ids: Vec<_> = keys.iter().map(|key| key.key_id.as_str()).collect();
            let user = keys.first().map(|key| key.external_user_id.as_str());
            let (ids, user) = (ids.join(", "), user.unwrap_or_default());
            let shown = Error::new(error.kind(), error)
                .context(format!("key {ids} of `{user}` could not be revoked"));
            ui.error(&shown);
        }
        for key in keys {
            let (count, outcome) = match done {
                Ok(done) if done.revoked.contains(&key.key_id) => (&mut self.revoked, "revoked"),
                Ok(_) => (&mut self.gone, "gone"),
                Err(_) => (&mut self.failed, "failed"),
            };
            *count += 1;
            let mut row = with(row_json(key), "outcome", outcome);
            if let Some(failed) = &failed {
                row = with(row, "error", failed.clone());
            }
            if ui.format() == Format::Jsonl {
                ui.json(&row)?;
            } else {
                self.keys.push(row);
            }
        }
        Ok(())
    }

    fn print(&self, ui: &Ui) -> Result<(), Error> {
        let summary = json!({
            "type": "summary",
            "revoked": self.revoked,
            "gone": self.gone,
            "failed": self.failed,
        });
        match ui.format() {
            Format::Jsonl => ui.json(&summary),
            Format::Json => ui.json(&with(summary, "keys", self.keys.clone())),
            Format::Table | Format::Env => {
                if !self.keys.is_empty() {
                    table(&self.keys, ui)?;
                }
                let Self {
                    revoked,
                    gone,
                    failed,
                    ..
                } = self;
                ui.status(format!(
                    "{revoked} revoked, {gone} already gone, {failed} failed."
                ));
                Ok(())
            }
        }
    }
}

fn dry_run(due: &[KeyRecord], ui: &Ui) -> Result<(), Error> {
    let row = |key| with(row_json(key), "outcome", "due");
    let rows: Vec<_> = due.iter().map(row).collect();
    match ui.format() {
        Format::Json => ui.json(&json!({ "dry_run": true, "keys": rows }))?,
        Format::Jsonl => rows.iter().try_for_each(|row| ui.json(row))?,
        Format::Table | Format::Env if rows.is_empty() => ui.status("No key is due."),
        Format::Table | Format::Env => table(&rows, ui)?,
    }
    Ok(())
}

const COLUMNS: [&str; 5] = [
    "external_user_id",
    "id",
    "client_id",
    "revoke_at",
    "outcome",
];

fn table(rows: &[Value], ui: &Ui) -> Result<(), Error> {
    let header = ["user", "id", "client id", "due", "outcome"];
    let cells = rows
        .iter()
        .map(|row| COLUMNS.map(|name| text(row, name)).to_vec());
    ui.table(&header, cells)
}

fn row_json(key: &KeyRecord) -> Value {
    json!({
        "external_user_id": key.external_user_id,
        "looker_user_id": key.looker_user_id,
        "key_id": key.key_id,
        "id": key.key_id,
        "client_id": key.client_id,
        "due": key.revoke_at,
        "revoke_at": key.revoke_at,
    })
}
