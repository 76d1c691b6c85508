//! `embedctl runs list`: the recorded runs.

use jiff::Timestamp;

use crate::commands::context::CommandContext;
use crate::commands::engine::open_ledger;
use crate::commands::json_object::with;
use crate::commands::runs::{owner, run_json, short_id, state};
use crate::error::{Error, Exit};
use crate::ledger::{Ledger, Run};
use crate::system::duration;

/// List runs, newest first
#[derive(clap::Args, Debug)]
pub(crate) struct RunsListArgs {
    /// Only runs about this user, by your own id of it
    #[arg(long, value_name = "EXTERNAL_USER_ID")]
    user: Option<String>,

    /// How many to list at most
    #[arg(long, default_value_t = 20, value_name = "COUNT")]
    limit: u32,
}

pub(crate) async fn run(args: &RunsListArgs, cx: &CommandContext) -> Result<Exit, Error> {
    let ledger = open_ledger(cx).await?;
    let runs = match &args.user {
        Some(user) => ledger.runs_of(user, args.limit).await?,
        None => ledger.runs(args.limit).await?,
    };
    let mut shown = Vec::new();
    for run in runs {
        let about = about(&*ledger, &run).await?;
        shown.push((run, about));
    }
    let header = [
        "id", "command", "about", "began", "state", "done", "open", "failed", "owner",
    ];
    let now = cx.system.clock.now();
    let json = |(run, about): &(Run, String)| with(run_json(run), "about", about.as_str());
    cx.ui.list(
        &shown,
        json,
        (&header, |listed: &(Run, String)| row(listed, now)),
        "There are no runs.",
    )?;
    Ok(Exit::Done)
}

/// The user that a run is about, or the file that was applied, or how many users there are.
async fn about(ledger: &dyn Ledger, run: &Run) -> Result<String, Error> {
    if let Some(file) = run.request.get("about").and_then(|it| it.as_str()) {
        return Ok(file.to_owned());
    }
    let jobs = run.done + run.open + run.failed + run.undone;
    if jobs != 1 {
        return Ok(format!("{jobs} users"));
    }
    let only = ledger.jobs(run.id, None, 0, 1).await?;
    Ok(only
        .into_iter()
        .next()
        .map(|job| job.subject)
        .unwrap_or_default())
}

fn row((run, about): &(Run, String), now: Timestamp) -> Vec<String> {
    vec![
        short_id(run),
        run.command.clone(),
        about.clone(),
        duration::from_now(run.created_at, now),
        state(run).to_owned(),
        run.done.to_string(),
        run.open.to_string(),
        run.failed.to_string(),
        owner(run),
    ]
}
