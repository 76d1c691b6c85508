//! Applies a manifest: a run with one job per user that changes.

use std::io::BufReader;
use std::sync::Arc;
use std::time::Duration;

use crate::commands::apply::ApplyArgs;
use crate::commands::apply::counts::Counts;
use crate::commands::apply::failed::FailedTo;
use crate::commands::apply::prepare::{CheckedManifest, refuse_stale, sound};
use crate::commands::apply::report::Report;
use crate::commands::apply::results::{Results, Sum};
use crate::commands::apply::source::{Lines, Source};
use crate::commands::apply::unfinished_run::{self, COMMAND};
use crate::commands::consent::Losses;
use crate::commands::context::until_interrupted;
use crate::commands::engine::{self, OwnedRun, Request};
use crate::commands::kept_lines::KeptLines;
use crate::commands::key_sink;
use crate::commands::progress::Latest;
use crate::commands::session::Session;
use crate::error::{Error, Exit, Kind};
use crate::ledger::{NewJob, RunId};
use crate::plan::{Action, PlanFile, Planned, plan_line};
use crate::report::Ui;
use crate::sink::Sink;
use crate::system::System;

/// Apply the manifest in `source`.
pub(super) async fn apply(
    args: &ApplyArgs,
    source: &Source,
    session: &Session,
    ui: &Ui,
    system: &System,
) -> Result<Exit, Error> {
    let began = system.clock.elapsed();
    // Before cloning: each clone that starts listening would count every signal.
    system.interrupt.listen();
    let interrupt = system.interrupt.clone();
    let (failed_to, report) = outputs(args, source, began, ui, system)?;
    let sound = until_interrupted(
        &interrupt,
        sound(source, &args.planning, session, ui, system),
    )
    .await?;
    let keys_to = sound
        .may_mint()
        .then(|| key_sink::choose(args.planning.keys_to.as_deref(), &session.settings));
    let mut results = Results::new(ui, keys_to.clone())?;
    let latest = Latest::default();
    let sink = match &keys_to {
        Some(to) => Some(key_sink::open(to, results.printer(&latest), session).await?),
        None => None,
    };
    // An interrupted run is finished first: its users must not get second keys from a new run.
    unfinished_run::finish(&sound.ledger, &mut results, keys_to.as_deref(), session, ui).await?;

    let request = Request::of_file(&source.name, keys_to);
    let deciding = decide(&sound, source, &mut results, (session, ui), system);
    let decided = until_interrupted(&interrupt, deciding).await?;
    // Before anything is recorded: whoever says no leaves no unfinished run.
    decided.losses.confirm(session).await?;
    let recording = record(&sound, decided, &request, &mut results, system);
    let recorded = until_interrupted(&interrupt, recording).await?;
    let Recorded { run, counts } = recorded;
    let over_before = results.over();
    let mut ended = Ok(());
    if let Some(run) = run {
        let going = going(run, &sound, &counts, sink, latest);
        let went = engine::go(going, session, |it| results.finished(it));
        ended = went.await.map(drop);
    }
    if let Some(failed_to) = &failed_to {
        failed_to.write(&results.failed, source, &sound.checked)?;
    }
    let over = results.over() - over_before;
    let elapsed = system.clock.elapsed().saturating_sub(began);
    let sum = sum((run, &counts, over), source, session, elapsed);
    if let Some(report) = report {
        let stopped = ended.as_ref().err();
        report.write(&results, &sum, stopped, (source, session), system)?;
    }
    if let Err(error) = ended {
        results.stopped(&sum);
        return Err(error);
    }
    results.end(&sum)
}

/// The output files, opened before anything is done, so that an unwritable name costs nothing.
fn outputs(
    args: &ApplyArgs,
    source: &Source,
    began: Duration,
    ui: &Ui,
    system: &System,
) -> Result<(Option<FailedTo>, Option<Report>), Error> {
    let failed_to = args.failed_to.as_deref();
    let failed_to = failed_to.map(|name| FailedTo::open(name, source, system));
    let failed_to = failed_to.transpose()?;
    let report = args.report.as_deref();
    let report = report.map(|name| Report::create(name, began, ui, system));
    Ok((failed_to, report.transpose()?))
}

/// The totals, with `over` jobs ended.
fn sum(
    (run, counts, over): (Option<RunId>, &Counts, u64),
    source: &Source,
    session: &Session,
    elapsed: Duration,
) -> Sum {
    let rows = source.plan.as_ref().map_or(0, |plan| plan.rows);
    Sum {
        run,
        total: rows.max(counts.total()),
        left: counts.changes().saturating_sub(over),
        api_calls: session.http.calls(),
        elapsed,
    }
}

/// The run of all changes.
fn going(
    run: RunId,
    sound: &CheckedManifest,
    counts: &Counts,
    sink: Option<Arc<dyn Sink>>,
    latest: Latest,
) -> OwnedRun {
    OwnedRun {
        run,
        resumed: false,
        many: true,
        total: counts.changes(),
        ledger: Arc::clone(&sound.ledger),
        signs: counts.logs_in(),
        sink,
        latest,
    }
}

/// A run in the ledger, if one is needed.
struct Recorded {
    run: Option<RunId>,
    counts: Counts,
}

/// What is done for all users, read one by one.
struct Decided {
    lines: PlanFile<Lines>,
    /// Of those that are not among the lines, since there is nothing to do or to print for them.
    counts: Counts,
    losses: Losses,
}

/// Decide on every user.
async fn decide(
    sound: &CheckedManifest,
    source: &Source,
    results: &mut Results,
    (session, ui): (&Session, &Ui),
    system: &System,
) -> Result<Decided, Error> {
    let mut decisions = Box::pin(sound.decisions(source, session, ui, system)).await?;
    let mut counts = Counts::new(sound.options.clone());
    let mut losses = Losses::default();
    if source.plan.is_some() {
        // All of the plan is compared before the first job is recorded, because a stale plan must do nothing.
        refuse_stale(source, &mut decisions, &mut losses).await?;
        return Ok(Decided {
            lines: source.plan_lines()?,
            counts,
            losses,
        });
    }
    let mut kept = KeptLines::new(&system.roomy_dir());
    loop {
        let chunk = decisions.next().await?;
        if chunk.is_empty() {
            decisions.check_max()?;
            let lines: Lines = BufReader::new(Box::new(kept.read()?));
            return Ok(Decided {
                lines: PlanFile(lines),
                counts,
                losses,
            });
        }
        for planned in chunk {
            // Most manifests change few users; the others need no room.
            if planned.change.action == Action::Unchanged && !results.tells_unchanged() {
                let _no_job = counts.job(&planned).is_none();
                results.unchanged(&planned)?;
                continue;
            }
            losses.add_change(&planned.change, planned.desired.from_cells);
            kept.add(&plan_line(&planned).map_err(Error::internal)?)?;
        }
    }
}

/// Record a job for each user that changes.
async fn record(
    sound: &CheckedManifest,
    mut decided: Decided,
    request: &Request,
    results: &mut Results,
    system: &System,
) -> Result<Recorded, Error> {
    let mut run = None;
    loop {
        let chunk = next_chunk(&mut decided.lines)?;
        if chunk.is_empty() {
            let counts = decided.counts;
            return Ok(Recorded { run, counts });
        }
        let mut jobs = Vec::new();
        for planned in &chunk {
            match (decided.counts.job(planned), &planned.change.refused) {
                (Some(spec), _) => jobs.push(engine::new_job(&spec)?),
                (None, Some(why)) => results.refused(planned, why.error())?,
                (None, None) => results.unchanged(planned)?,
            }
        }
        run = keep(sound, run, jobs, request, system).await?;
    }
}

/// The next decisions; empty at the end.
fn next_chunk(lines: &mut PlanFile<Lines>) -> Result<Vec<Planned>, Error> {
    // Large enough for few transactions, small enough for memory.
    const CHUNK: usize = 500;
    let mut chunk = Vec::new();
    while chunk.len() < CHUNK {
        match lines.next()? {
            Some(planned) => chunk.push(planned),
            None => break,
        }
    }
    Ok(chunk)
}

async fn keep(
    sound: &CheckedManifest,
    run: Option<RunId>,
    jobs: Vec<NewJob>,
    request: &Request,
    system: &System,
) -> Result<Option<RunId>, Error> {
    // Without a change there is no run, so repeating `apply` leaves no trace in the ledger.
    if jobs.is_empty() {
        return Ok(run);
    }
    let Some(run) = run else {
        let new = engine::new_run(COMMAND, request, system)?;
        return Ok(Some(sound.ledger.begin(new, jobs).await?));
    };
    if let Err(error) = sound.ledger.add_jobs(run, jobs).await {
        // Another command claimed one of the users in the meantime.
        let error = Error::from(error).with_kind(Kind::Conflict);
        return Err(error.context(format!(
            "run {run} was recorded in part and not begun; `embedctl apply` finishes it"
        )));
    }
    Ok(Some(run))
}
