//! `embedctl runs show`: what a run did, job by job and step by step.

use std::time::Duration;

use serde_json::{Value, json};

use crate::commands::context::CommandContext;
use crate::commands::engine::open_ledger;
use crate::commands::json_object::{text, with};
use crate::commands::runs::find::find;
use crate::commands::runs::{owner, run_json, state, when};
use crate::error::{Error, Exit};
use crate::ledger::{Event, Job, JobId, JobState, Owner, Run, What, Worker};
use crate::report::{Format, Ui};
use crate::system::duration;
use crate::workflow::Reconciled;

/// Show a run: every step of every job, and when it was done
#[derive(clap::Args, Debug)]
pub(crate) struct RunsShowArgs {
    /// The run's id, or the start of it or of its last part
    run: String,

    /// Only jobs in this state
    #[arg(long, value_enum, value_name = "STATE")]
    state: Option<State>,

    /// How many jobs to show at most
    #[arg(long, default_value_t = 100, value_name = "COUNT")]
    limit: u32,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum State {
    Open,
    Done,
    Failed,
    Undone,
}

impl From<State> for JobState {
    fn from(state: State) -> Self {
        match state {
            State::Open => Self::Open,
            State::Done => Self::Done,
            State::Failed => Self::Failed,
            State::Undone => Self::Undone,
        }
    }
}

pub(crate) async fn run(args: &RunsShowArgs, cx: &CommandContext) -> Result<Exit, Error> {
    let ledger = open_ledger(cx).await?;
    let run = find(&*ledger, &args.run).await?;
    let jobs = ledger
        .jobs(run.id, args.state.map(Into::into), 0, args.limit)
        .await?;
    let mut shown = Vec::new();
    for job in jobs {
        let number = job.number;
        let events = ledger
            .events(JobId {
                run: run.id,
                number,
            })
            .await?;
        shown.push((job, events));
    }
    let workers = ledger.workers(run.id).await?;
    let pruned_at = ledger.pruned_at(run.id).await?;
    match cx.ui.format() {
        Format::Json => {
            let jobs: Vec<_> = shown.iter().map(job_json).collect();
            let workers: Vec<_> = workers.iter().map(worker_json).collect();
            let mut run = with(run_json(&run), "workers", workers);
            if let Some(at) = pruned_at {
                run = with(run, "events_pruned_at", at.to_string());
            }
            cx.ui.json(&with(run, "jobs", jobs))?;
        }
        Format::Jsonl => shown
            .iter()
            .try_for_each(|job| cx.ui.json(&job_json(job)))?,
        Format::Table => print(&run, &workers, &shown, &cx.ui)?,
        Format::Env => return Err(cx.ui.no_env_form()),
    }
    if let Some(at) = pruned_at {
        let at = when(at);
        cx.ui
            .status(format!("The events of this run were pruned at {at}."));
    }
    let all = run.open + run.done + run.failed + run.undone;
    if args.state.is_none() && all > u64::from(args.limit) {
        let limit = args.limit;
        cx.ui.status(format!(
            "These are the first {limit} of {all} jobs; `--limit` shows more."
        ));
    }
    Ok(Exit::Done)
}

fn print(run: &Run, workers: &[Worker], jobs: &[(Job, Vec<Event>)], ui: &Ui) -> Result<(), Error> {
    ui.fields(&[
        ("run", run.id.to_string()),
        ("command", run.command.clone()),
        ("began", when(run.created_at)),
        ("state", state(run).to_owned()),
        ("owner", owner(run)),
    ])?;
    // One that works alone is the owner.
    if workers.iter().any(|worker| worker.done.is_some()) {
        let header = ["worker", "since", "lease", "in hand", "done", "per second"];
        ui.data("\n")?;
        ui.table(&header, workers.iter().map(worker_row))?;
    }
    let header = ["job", "user", "step", "what", "at", "took", "note"];
    ui.data("\n")?;
    ui.table(&header, jobs.iter().flat_map(rows))
}

fn worker_row(worker: &Worker) -> Vec<String> {
    let count = |count: Option<u64>| count.map(|it| it.to_string()).unwrap_or_default();
    vec![
        worker.owner.to_string(),
        when(worker.owner.since),
        lease(&worker.owner),
        count(worker.in_hand),
        count(worker.done),
        worker
            .rate
            .map(|rate| format!("{rate:.1}"))
            .unwrap_or_default(),
    ]
}

/// How long what it has stays with it, if it gives no sign of life.
fn lease(owner: &Owner) -> String {
    match owner.held_for {
        Some(Duration::ZERO) => "over".to_owned(),
        Some(left) => format!("{} left", duration::rough(left)),
        None => String::new(),
    }
}

fn worker_json(worker: &Worker) -> Value {
    let Owner {
        pid,
        host,
        since,
        held_for,
    } = &worker.owner;
    json!({
        "pid": pid,
        "host": host,
        "since": since,
        "held_for_seconds": held_for.map(|it| it.as_secs()),
        "in_hand": worker.in_hand,
        "done": worker.done,
        "per_second": worker.rate,
    })
}

/// A row for each event of a job, and one for the job itself.
fn rows((job, events): &(Job, Vec<Event>)) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let earlier = events.get(..at).unwrap_or_default();
        rows.push(vec![
            job.number.to_string(),
            job.subject.clone(),
            event.step.clone(),
            word(event.what).to_owned(),
            when(event.at),
            took(earlier, event).unwrap_or_default(),
            note(event),
        ]);
    }
    let mut end = vec![job.number.to_string(), job.subject.clone(), String::new()];
    end.extend([
        format!("{:?}", job.state).to_ascii_lowercase(),
        String::new(),
        String::new(),
    ]);
    end.push(text(&job.outcome, "error"));
    rows.push(end);
    rows
}

/// How long a step took that was started in one of the `earlier` events.
fn took(earlier: &[Event], event: &Event) -> Option<String> {
    let begun = earlier.iter().rfind(|begun| begun.step == event.step)?;
    let is_begin = matches!(begun.what, What::Started | What::UndoStarted);
    let is_end = !matches!(event.what, What::Started | What::UndoStarted);
    let time = Duration::try_from(event.at.duration_since(begun.at)).unwrap_or_default();
    (is_begin && is_end).then(|| duration::measured(time))
}

/// What else is of interest about an event.
fn note(event: &Event) -> String {
    let data = &event.data;
    let text = |name: &str| data.get(name).and_then(Value::as_str);
    let key = text("id")
        .map(|id| format!("key {id}"))
        .or_else(|| reconciled(data));
    let noted = text("error")
        .or_else(|| text("reset"))
        .or_else(|| data.as_str());
    key.or_else(|| noted.map(str::to_owned)).unwrap_or_default()
}

/// What was done about keys after a lost answer.
fn reconciled(data: &Value) -> Option<String> {
    let told: Vec<Reconciled> = serde_json::from_value(data.get("reconciled")?.clone()).ok()?;
    let told: Vec<_> = told.iter().map(ToString::to_string).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

const fn word(what: What) -> &'static str {
    match what {
        What::Started => "begun",
        What::Done => "done",
        What::Failed => "failed",
        What::UndoStarted => "undo begun",
        What::Undone => "undone",
    }
}

fn job_json((job, events): &(Job, Vec<Event>)) -> Value {
    json!({
        "number": job.number,
        "external_user_id": job.subject,
        "kind": job.spec.get("kind"),
        "state": job.state,
        "outcome": job.outcome,
        "steps": events,
    })
}
