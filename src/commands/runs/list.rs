//! `embedctl runs list`: the runs there are.

use crate::commands::engine::open_ledger;
use crate::commands::runs::{owner, run_json, state, when};
use crate::config::Settings;
use crate::error::{Error, Exit};
use crate::ledger::Run;
use crate::report::{Format, Ui};
use crate::system::System;

/// List runs, newest first
#[derive(clap::Args, Debug)]
pub(crate) struct RunsListArgs {
    /// How many to list at most
    #[arg(long, default_value_t = 20, value_name = "COUNT")]
    limit: u32,
}

pub(crate) async fn run(
    args: &RunsListArgs,
    settings: &Settings,
    ui: &Ui,
    system: &System,
) -> Result<Exit, Error> {
    let ledger = open_ledger(settings, system)?;
    let runs = ledger.runs(args.limit).await?;
    match ui.format() {
        Format::Json => ui.json(&runs.iter().map(run_json).collect::<Vec<_>>())?,
        Format::Jsonl => runs.iter().try_for_each(|run| ui.json(&run_json(run)))?,
        Format::Table if runs.is_empty() => ui.status("There are no runs."),
        Format::Table => {
            let header = [
                "id", "command", "began", "state", "done", "open", "failed", "owner",
            ];
            ui.table(&header, runs.iter().map(row))?;
        }
        Format::Env => return Err(ui.no_env_form()),
    }
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
