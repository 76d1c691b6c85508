//! What this machine must provide: a place for the ledger, a place for keys.

use std::sync::Arc;

use crate::commands::context::CommandContext;
use crate::commands::doctor::findings::Findings;
use crate::commands::engine::open_postgres;
use crate::commands::key_sink;
use crate::commands::keys_to::{KeysTo, SinkArgs};
use crate::commands::session::UiTrace;
use crate::config::LedgerPlace;
use crate::error::Error;
use crate::ledger::sqlite::{SqliteLedger, SqliteOptions};
use crate::sink::{self, Opening};

pub(super) async fn examine(
    cx: &CommandContext,
    sinks: &SinkArgs,
    findings: &mut Findings,
) -> Result<(), Error> {
    match ledger(cx).await {
        Ok(detail) => findings.pass("ledger", detail)?,
        Err(error) => findings.fail("ledger", &error)?,
    }
    let keys_to = KeysTo::choose(sinks, &cx.settings);
    if keys_to.prints() {
        return findings.pass("sink", "keys are printed unless `--keys-to` says otherwise");
    }
    match probe(&keys_to, cx).await {
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

/// As before the first key of a run, without one.
async fn probe(keys_to: &KeysTo, cx: &CommandContext) -> Result<(), Error> {
    keys_to.check()?;
    let opening = Opening {
        system: &cx.system,
        secret_variables: cx.settings.secret_variables(),
        web: key_sink::web_options(cx, Arc::new(UiTrace(cx.ui.clone()))),
        adopt: keys_to.adopt,
    };
    let sink = sink::open(keys_to.sinks(), &opening)?;
    let probed = sink.probe().await;
    // The login ends whatever the probe says.
    let closed = sink.close().await;
    Ok(probed.and(closed)?)
}
