//! `embedctl keys reap`: revoke the keys whose overlap has ended.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::commands::engine::open_ledger;
use crate::commands::object::{text, with};
use crate::commands::parallel;
use crate::commands::session::{Needs, Session};
use crate::config::Settings;
use crate::error::{Error, Exit, Kind};
use crate::ledger::{KeyRecord, KeyState, Ledger};
use crate::looker::Client;
use crate::report::{Format, Ui, error_json};
use crate::system::System;
use crate::workflow::{require_admin, revoke_key};

/// Revoke the keys whose overlap has ended
///
/// Made for cron: it asks nothing, does nothing where nothing is due, and may run as often as you like, also twice at
/// once. It exits with 3 if some keys could not be revoked; the next run tries them again.
#[derive(clap::Args, Debug)]
pub(crate) struct KeysReapArgs {
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// What became of the keys that were due.
#[derive(Debug, Default)]
struct Reaped {
    revoked: u64,
    gone: u64,
    failed: u64,
    keys: Vec<Value>,
}

pub(crate) async fn run(
    args: &KeysReapArgs,
    settings: Settings,
    ui: &Ui,
    system: &mut System,
) -> Result<Exit, Error> {
    if ui.format() == Format::Env {
        return Err(ui.no_env_form());
    }
    let session = Session::open(settings, Needs::Api, ui, system).await?;
    let ended = reap(args, &session, ui, system).await;
    session.close(ui).await;
    ended
}

async fn reap(
    args: &KeysReapArgs,
    session: &Session,
    ui: &Ui,
    system: &mut System,
) -> Result<Exit, Error> {
    let ledger = open_ledger(&session.settings, system)?;
    let due = ledger.keys_due(system.clock.now()).await?;
    let mut reaped = Reaped::default();
    if args.dry_run {
        return dry_run(&due, ui);
    }
    if !due.is_empty() {
        // To somebody who is no admin, Looker would call every key gone.
        require_admin(&session.admin).await?;
    }
    system.interrupt.listen();
    let revoke = |key: KeyRecord| {
        let (admin, ledger) = (session.admin.clone(), Arc::clone(&ledger));
        async move {
            let revoked = revoke(&admin, &*ledger, &key).await;
            (key, revoked)
        }
    };
    let width = session.settings.concurrency();
    let ended = parallel::each(due, width, &system.interrupt, revoke, |(key, revoked)| {
        reaped.note(&key, revoked, ui)
    })
    .await;
    reaped.print(ui)?;
    ended?;
    match reaped.failed {
        0 => Ok(Exit::Done),
        failed => Err(Error::new(
            Kind::Incomplete,
            format!("{failed} keys could not be revoked"),
        )
        .hint("run `embedctl keys reap` again")),
    }
}

/// Revoke a key, and write that down: false where it was gone already.
async fn revoke(admin: &Client, ledger: &dyn Ledger, key: &KeyRecord) -> Result<bool, Error> {
    let existed = revoke_key(admin, &key.looker_user_id, &key.key_id).await?;
    let revoked = KeyRecord {
        state: KeyState::Revoked,
        ..key.clone()
    };
    ledger.put_key(revoked).await?;
    Ok(existed)
}

impl Reaped {
    fn note(
        &mut self,
        key: &KeyRecord,
        revoked: Result<bool, Error>,
        ui: &Ui,
    ) -> Result<(), Error> {
        let (count, outcome) = match &revoked {
            Ok(true) => (&mut self.revoked, "revoked"),
            Ok(false) => (&mut self.gone, "gone"),
            Err(_) => (&mut self.failed, "failed"),
        };
        *count += 1;
        let mut row = with(row_json(key), "outcome", outcome);
        if let Err(error) = revoked {
            let (id, user) = (&key.key_id, &key.external_user_id);
            let error = error.context(format!("key {id} of `{user}` could not be revoked"));
            ui.error(&error);
            row = with(row, "error", error_json(&error).get("error").cloned());
        }
        if ui.format() == Format::Jsonl {
            return ui.json(&row);
        }
        self.keys.push(row);
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
                    "{revoked} revoked, {gone} gone already, {failed} failed."
                ));
                Ok(())
            }
        }
    }
}

fn dry_run(due: &[KeyRecord], ui: &Ui) -> Result<Exit, Error> {
    let row = |key| with(row_json(key), "outcome", "due");
    let rows: Vec<_> = due.iter().map(row).collect();
    match ui.format() {
        Format::Json => ui.json(&json!({ "dry_run": true, "keys": rows }))?,
        Format::Jsonl => rows.iter().try_for_each(|row| ui.json(row))?,
        Format::Table | Format::Env if rows.is_empty() => ui.status("No key is due."),
        Format::Table | Format::Env => table(&rows, ui)?,
    }
    Ok(Exit::Done)
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
        "id": key.key_id,
        "client_id": key.client_id,
        "revoke_at": key.revoke_at,
    })
}
