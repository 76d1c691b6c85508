//! Chooses the keys that the new one replaces.

use serde_json::json;

use crate::error::Error;
use crate::workflow::job_context::JobContext;
use crate::workflow::key_rotation::{Choice, choose};
use crate::workflow::step::After;
use crate::workflow::steps::allow_keys;

pub(crate) async fn run(work: &mut JobContext) -> Result<After, Error> {
    let spec = work.spec.rotation();
    let spec = spec.expect("only a job that rotates has this step");
    // The ledger knows keys whose tags say nothing, so both are needed.
    let records = work.cx.ledger.keys(Some(&work.user_id())).await?;
    let keys = match work.user_keys().list().await {
        Ok(keys) => keys,
        Err(error) => return allow_keys::refused(work, error),
    };
    let choice = choose(&spec, &keys, &records, work.cx.clock.now())?;
    // Recorded, so that a resumed job replaces the same keys, even if others have been created since.
    let output = json!(choice);
    restore(work, choice);
    Ok(After::Next(output))
}

/// Restore the choice of an earlier process.
pub(crate) fn restore(work: &mut JobContext, choice: Choice) {
    let replaced = choice.replaced.iter().map(|key| key.id.clone());
    work.found.replaced = replaced.collect();
    work.has_key = !choice.mints;
    work.old = choice.replaced;
}
