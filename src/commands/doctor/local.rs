//! What this machine must provide: a place for the ledger, a place for keys.

use crate::commands::context::CommandContext;
use crate::commands::doctor::findings::Findings;
use crate::commands::engine::open_postgres;
use crate::config::LedgerPlace;
use crate::error::Error;
use crate::ledger::sqlite::{SqliteLedger, SqliteOptions};
use crate::sink;

pub(super) async fn examine(cx: &CommandContext, findings: &mut Findings) -> Result<(), Error> {
    match ledger(cx).await {
        Ok(detail) => findings.pass("ledger", detail)?,
        Err(error) => findings.fail("ledger", &error)?,
    }
    let Some(keys_to) = cx.settings.keys_to().filter(|keys_to| *keys_to != "stdout") else {
        return findings.pass("sink", "keys are printed unless `--keys-to` says otherwise");
    };
    match probe(keys_to, cx).await {
        Ok(()) => findings.pass("sink", format!("`{keys_to}` can keep keys")),
        Err(error) => findings.fail("sink", &error),
    }
}

async fn ledger(cx: &CommandContext) -> Result<String, Error> {
    match cx.settings.ledger_place()? {
        None => Ok("runs against a local Looker are recorded in memory".to_owned()),
        Some(LedgerPlace::File(place)) => {
            let mut options = SqliteOptions::new(cx.system.clock.clone());
            options.make_folder = true;
            drop(SqliteLedger::open(cx.system.path(&place), &options)?);
            Ok(format!("`{place}` can be written"))
        }
        Some(LedgerPlace::Postgres(address)) => {
            let shown = address.to_string();
            let ledger = Box::pin(open_postgres(*address, cx)).await?;
            let state = ledger.server_state().await?;
            Ok(format!("`{shown}`: {}", state.told(cx.system.clock.now())))
        }
    }
}

async fn probe(keys_to: &str, cx: &CommandContext) -> Result<(), Error> {
    let sink = sink::open(keys_to, &cx.system, cx.settings.secret_variables())?;
    Ok(sink.probe().await?)
}
