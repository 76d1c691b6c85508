//! Finishes an earlier `apply` that was interrupted, before the manifest is compared with Looker.

use std::sync::Arc;

use crate::commands::apply::results::Results;
use crate::commands::engine::{self, OwnedRun, Request};
use crate::commands::key_sink;
use crate::commands::progress::Latest;
use crate::commands::session::Session;
use crate::error::{Error, Kind};
use crate::ledger::{Ledger, Run};
use crate::report::Ui;

/// The command's name in the ledger.
pub(super) const COMMAND: &str = "apply";

/// How many earlier runs are searched.
const NEWEST: u32 = 200;

/// Finish every earlier run of this command that has jobs left, oldest first.
pub(super) async fn finish(
    ledger: &Arc<dyn Ledger>,
    results: &mut Results,
    keys_to: Option<&str>,
    session: &Session,
    ui: &Ui,
) -> Result<(), Error> {
    let is_command = |recorded: &str| recorded.starts_with("exec:");
    let runs = ledger.runs(NEWEST).await?;
    let here = ledger.instance().await?;
    // Only runs of this Looker: the ledger may have been bound to another.
    let left = |run: &&Run| run.command == COMMAND && run.open > 0 && run.instance == here;
    // Oldest first, in the order in which they were begun.
    for run in runs.iter().filter(left).rev() {
        let request: Request = serde_json::from_value(run.request.clone()).map_err(|error| {
            Error::internal(error).context(format!("cannot read what run {} was to do", run.id))
        })?;
        // Only a command has to be given again; everything else is recorded.
        let given = keys_to.filter(|_| request.keys_to.as_deref().is_some_and(is_command));
        let keys_to = request.keys_to.as_deref();
        let keys_to = keys_to
            .map(|recorded| key_sink::again(recorded, given, session))
            .transpose()?;
        // Fails if its owner is still alive.
        let run = ledger.claim(run.id).await?;
        let id = run.id;
        ui.status(format!(
            "run {id} of an earlier apply stopped half-way with {} users left; finishing it first",
            run.open
        ));
        let latest = Latest::default();
        let sink = match &keys_to {
            Some(keys_to) => {
                let printer = results.printer(&latest);
                Some(key_sink::open(keys_to, printer, session).await?)
            }
            None => None,
        };
        let going = OwnedRun {
            run: id,
            resumed: true,
            many: true,
            total: run.open,
            ledger: Arc::clone(ledger),
            signs: session.signers().is_ok(),
            sink,
            latest,
        };
        engine::go(going, session, |finished| results.finished(finished)).await?;
        // A user with unclear keys has already been reported; the next apply continues with it.
        if let Some(run) = ledger.run(id).await?.filter(|run| run.open > 0) {
            let message = format!(
                "run {id} of an earlier apply still has {} users left",
                run.open
            );
            return Err(Error::new(Kind::Incomplete, message).hint("run the same command again"));
        }
    }
    Ok(())
}
