//! `embedctl ledger migrate`: bring the tables of the ledger to the version of this embedctl.

use serde_json::json;

use crate::commands::context::CommandContext;
use crate::commands::engine::open_ledger;
use crate::config::LedgerPlace;
use crate::error::{Error, Exit};
use crate::ledger::sqlite;
use crate::report::Format;

/// Bring the tables of the ledger to the version of this embedctl
///
/// Every command that opens the ledger does so too; this one does nothing else, and says from which version to which. An older
/// embedctl refuses the ledger from then on.
#[derive(clap::Args, Debug)]
pub(crate) struct LedgerMigrateArgs;

pub(super) async fn migrate(cx: &CommandContext) -> Result<Exit, Error> {
    cx.ui.refuse_env()?;
    let from = match cx.settings.ledger_place()? {
        Some(LedgerPlace::File(path)) => Some(sqlite::version_in(&cx.system.path(path))?),
        // So far its tables have had one version only.
        Some(LedgerPlace::Postgres(_)) | None => None,
    };
    let to = open_ledger(cx).await?.contents().await?.schema;
    match cx.ui.format() {
        Format::Json | Format::Jsonl => {
            cx.ui.json(&json!({"from": from.unwrap_or(to), "to": to}))?;
        }
        Format::Table | Format::Env => cx.ui.status(match from.filter(|from| *from != to) {
            Some(0) => format!("A new ledger was created, with schema {to}."),
            Some(from) => format!("The ledger was brought from schema {from} to {to}."),
            None => format!("The ledger has schema {to}."),
        }),
    }
    Ok(Exit::Done)
}
