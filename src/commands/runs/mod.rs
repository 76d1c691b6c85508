//! `embedctl runs`: what was done, according to the ledger, and how to continue or undo it.

mod find;
mod list;
mod overtaken;
mod resume;
mod show;
mod stop;
mod undo;

use serde_json::{Value, json};

use crate::commands::context::CommandContext;
use crate::error::{Error, Exit};
use crate::ledger::Run;

pub(crate) use find::find;
pub(crate) use resume::{Entry, go_on};

/// List, show, resume, stop and undo runs
#[derive(clap::Subcommand, Debug)]
pub(crate) enum RunsCommand {
    List(list::RunsListArgs),
    Show(show::RunsShowArgs),
    Resume(resume::RunsResumeArgs),
    Stop(stop::RunsStopArgs),
    Undo(undo::RunsUndoArgs),
}

pub(crate) async fn run(command: &RunsCommand, cx: CommandContext) -> Result<Exit, Error> {
    match command {
        RunsCommand::List(args) => list::run(args, &cx).await,
        RunsCommand::Show(args) => show::run(args, &cx).await,
        RunsCommand::Resume(args) => resume::run(args, cx).await,
        RunsCommand::Stop(args) => stop::run(args, &cx).await,
        RunsCommand::Undo(args) => undo::run(args, cx).await,
    }
}

/// The state of a run, in one word.
const fn state(run: &Run) -> &'static str {
    if run.stopping && run.open > 0 && run.owner.is_some() {
        return "stopping";
    }
    match (run.open, run.failed, run.undone) {
        (1.., _, _) => "unfinished",
        (_, 1.., _) => "failed",
        (_, _, 1..) => "undone",
        _ => "done",
    }
}

/// The last part of a run's id, which is random: enough for people, since runs of the same minute begin alike.
fn short_id(run: &Run) -> String {
    let id = run.id.to_string();
    id.rsplit('-').next().unwrap_or(&id).to_owned()
}

fn run_json(run: &Run) -> Value {
    let owner = run
        .owner
        .as_ref()
        .map(|owner| json!({ "pid": owner.pid, "host": owner.host, "since": owner.since }));
    json!({
        "id": run.id,
        "command": run.command,
        "base_url": run.instance.as_ref().map(|instance| &instance.origin),
        "created_at": run.created_at,
        "state": state(run),
        "open": run.open,
        "done": run.done,
        "failed": run.failed,
        "undone": run.undone,
        "owner": owner,
    })
}

/// Who works on it; an owner that died may be shown until another process takes the run over.
fn owner(run: &Run) -> String {
    let owner = run.owner.as_ref();
    owner.map(ToString::to_string).unwrap_or_default()
}

/// A time for people, to the second.
fn when(at: jiff::Timestamp) -> String {
    let seconds = jiff::Timestamp::from_second(at.as_second());
    seconds.unwrap_or(at).to_string()
}
