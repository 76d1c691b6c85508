//! `embedctl runs list`: the recorded runs.

use crate::commands::context::CommandContext;
use crate::commands::engine::open_ledger;
use crate::commands::runs::{owner, run_json, state, when};
use crate::error::{Error, Exit};
use crate::ledger::Run;

/// List runs, newest first
#[derive(clap::Args, Debug)]
pub(crate) struct RunsListArgs {
    /// How many to list at most
    #[arg(long, default_value_t = 20, value_name = "COUNT")]
    limit: u32,
}

pub(crate) async fn run(args: &RunsListArgs, cx: &CommandContext) -> Result<Exit, Error> {
    let ledger = open_ledger(cx)?;
    let runs = ledger.runs(args.limit).await?;
    let header = [
        "id", "command", "began", "state", "done", "open", "failed", "owner",
    ];
    cx.ui
        .list(&runs, run_json, (&header, row), "There are no runs.")?;
    Ok(Exit::Done)
}

fn row(run: &Run) -> Vec<String> {
    vec![
        run.id.to_string(),
        run.command.clone(),
        when(run.created_at),
        state(run).to_owned(),
        run.done.to_string(),
        run.open.to_string(),
        run.failed.to_string(),
        owner(run),
    ]
}
