//! `embedctl ledger copy`: copy a ledger into another one.

use std::sync::Arc;

use serde_json::json;

use crate::commands::context::CommandContext;
use crate::commands::engine::open_ledger_at;
use crate::config::LedgerPlace;
use crate::error::{Error, Exit, Kind};
use crate::ledger::{self, Ledger};
use crate::report::{Format, number_of};

/// Copy a ledger into a new one: all runs, their events, and the keys
///
/// From a file into PostgreSQL, back, or between two of one kind. Afterwards the copy is used as the original was: runs are shown,
/// resumed and undone, and keys reaped from it. Everything is copied, or nothing: a copy that is interrupted leaves the new
/// ledger empty. The new one must be empty, and no process may work on a run of the old one; none can write to it
/// meanwhile. The old one stays as it is, and must not be used any more: what is left to do in it would be done twice.
#[derive(clap::Args, Debug)]
pub(crate) struct LedgerCopyArgs {
    /// The ledger that there is: a path, `sqlite:PATH`, or `postgres://USER@HOST/DATABASE`
    from: String,

    /// The new ledger
    to: String,
}

pub(super) async fn copy(args: &LedgerCopyArgs, cx: &CommandContext) -> Result<Exit, Error> {
    cx.ui.refuse_env()?;
    let from = LedgerPlace::typed(&args.from, "FROM")?;
    let to = LedgerPlace::typed(&args.to, "TO")?;
    if from == to {
        return Err(Error::usage("a ledger cannot be copied into itself"));
    }
    if let LedgerPlace::File(path) = &from
        && !cx.system.path(path).exists()
    {
        let missing = format!("there is no ledger `{path}`");
        return Err(Error::new(Kind::NotFound, missing));
    }
    let (from_shown, to_shown) = (from.to_string(), to.to_string());
    let from = open(from, cx).await?;
    let there = from.contents().await?;
    if there.runs == 0 && there.keys == 0 {
        let empty = format!("there is nothing in the ledger `{from_shown}`");
        return Err(Error::usage(empty));
    }
    let to = open(to, cx).await?;
    ledger::copy(&*from, &*to).await?;
    let copied = to.contents().await?;
    match cx.ui.format() {
        Format::Json | Format::Jsonl => cx.ui.json(&json!({
            "from": from_shown,
            "to": to_shown,
            "runs": copied.runs,
            "keys": copied.keys,
            "events": copied.events,
            "bytes": copied.bytes,
        }))?,
        Format::Table | Format::Env => cx.ui.status(format!(
            "Copied {} with {}, and {}. Use `--ledger {to_shown}` from now on: what is left to do in the old ledger would be \
             done twice.",
            number_of(copied.runs, "run"),
            number_of(copied.events, "event"),
            number_of(copied.keys, "key"),
        )),
    }
    Ok(Exit::Done)
}

async fn open(place: LedgerPlace, cx: &CommandContext) -> Result<Arc<dyn Ledger>, Error> {
    Box::pin(open_ledger_at(Some(place), cx)).await
}
