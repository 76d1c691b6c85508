//! `embedctl runs stop`: ask the processes that work on a run to end it where it is.

use serde_json::json;

use crate::commands::context::CommandContext;
use crate::commands::engine::open_ledger;
use crate::commands::json_object::with;
use crate::commands::runs::find::find;
use crate::commands::runs::{run_json, state};
use crate::error::{Error, Exit};

/// Let all processes that work on a run finish the users they have, and end
///
/// The command does not wait for them: `embedctl runs show` tells who is still at work. They exit with 130, as after Ctrl-C.
/// `embedctl runs resume` goes on with the run.
#[derive(clap::Args, Debug)]
pub(crate) struct RunsStopArgs {
    /// The run's id, or the start of it or of its last part
    run: String,
}

pub(super) async fn run(args: &RunsStopArgs, cx: &CommandContext) -> Result<Exit, Error> {
    let ledger = open_ledger(cx).await?;
    let run = find(&*ledger, &args.run).await?;
    let id = run.id;
    let workers = ledger.workers(id).await?;
    if run.open == 0 || workers.is_empty() {
        let what = match run.open {
            0 => format!("every job of run {id} is {}", state(&run)),
            _ => format!("no process works on run {id}"),
        };
        cx.ui.status(format!("There is nothing to stop: {what}."));
    } else {
        ledger.stop(id).await?;
        let who: Vec<_> = workers.iter().map(|it| it.owner.to_string()).collect();
        let who = who.join(", ");
        cx.ui.status(format!(
            "Asked to stop run {id} after the users in hand: {who}."
        ));
    }
    if cx.ui.format().is_json() {
        let run = ledger.run(id).await?.unwrap_or(run);
        cx.ui
            .json(&with(run_json(&run), "workers", json!(workers.len())))?;
    }
    Ok(Exit::Done)
}
