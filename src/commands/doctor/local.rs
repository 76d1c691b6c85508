//! What this machine must offer: a place for the ledger, a place for keys.

use crate::commands::doctor::findings::Findings;
use crate::config::Settings;
use crate::error::Error;
use crate::ledger::sqlite::{SqliteLedger, SqliteOptions};
use crate::sink;
use crate::system::System;

pub(super) async fn examine(
    settings: &Settings,
    findings: &mut Findings,
    system: &System,
) -> Result<(), Error> {
    match ledger(settings, system) {
        Ok(detail) => findings.pass("ledger", detail)?,
        Err(error) => findings.fail("ledger", &error)?,
    }
    let Some(keys_to) = settings.keys_to().filter(|keys_to| *keys_to != "stdout") else {
        return findings.pass("sink", "keys are printed unless `--keys-to` says otherwise");
    };
    match probe(keys_to, settings, system).await {
        Ok(()) => findings.pass("sink", format!("`{keys_to}` can keep keys")),
        Err(error) => findings.fail("sink", &error),
    }
}

fn ledger(settings: &Settings, system: &System) -> Result<String, Error> {
    let Some(place) = settings.ledger()? else {
        return Ok("runs against a local Looker are recorded in memory".to_owned());
    };
    let mut options = SqliteOptions::new(system.clock.clone());
    options.make_folder = true;
    drop(SqliteLedger::open(system.path(&place), &options)?);
    Ok(format!("`{place}` can be written"))
}

async fn probe(keys_to: &str, settings: &Settings, system: &System) -> Result<(), Error> {
    let sink = sink::open(keys_to, system, settings.secret_variables())?;
    Ok(sink.probe().await?)
}
