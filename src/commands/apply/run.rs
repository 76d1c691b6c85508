//! Applies a manifest: a run with one job per user that changes.

use std::io::{self, BufRead, BufReader, Read, Seek as _};
use std::sync::Arc;
use std::time::Duration;

use tempfile::SpooledTempFile;

use crate::commands::apply::ApplyArgs;
use crate::commands::apply::counts::Counts;
use crate::commands::apply::failed::FailedTo;
use crate::commands::apply::patience::Patience;
use crate::commands::apply::prepare::{CheckedManifest, refuse_stale, sound};
use crate::commands::apply::report::Report;
use crate::commands::apply::results::{Results, Sum};
use crate::commands::apply::source::Source;
use crate::commands::apply::unfinished_run::{self, COMMAND};
use crate::commands::consent::Losses;
use crate::commands::context::until_interrupted;
use crate::commands::ended::{Others, Stopped};
use crate::commands::engine::{self, OwnedRun, Request};
use crate::commands::kept_lines::KeptLines;
use crate::commands::key_sink;
use crate::commands::keys_to::KeysTo;
use crate::commands::progress::Latest;
use crate::commands::session::Session;
use crate::error::{Error, Exit, Kind};
use crate::ledger::{LedgerError, NewJob, RunId};
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
    let keys = sound.may_mint();
    let keys_to = (keys > 0).then(|| KeysTo::choose(&args.planning.sinks, &session.settings));
    let mut results = Results::new(ui, keys_to.clone())?;
    let latest = Latest::default();
    let sink = match &keys_to {
        Some(to) => Some(key_sink::open(to, results.printer(&latest), keys > 1, session).await?),
        None => None,
    };
    let request = Request::of_file(&source.name, keys_to);
    let recorded = recorded(args, &sound, source, &request, &mut results, (session, ui)).await?;
    let Recorded { run, counts } = recorded;
    let over_before = results.over();
    let (mut ended, mut others) = (Ok(()), Others::default());
    if let Some(run) = run {
        let going = going(run, &sound, &counts, sink, latest);
        let went = engine::go(going, session, |it| results.finished(it)).await;
        (ended, others) = match went {
            Ok(went) => (Ok(()), went.others),
            Err(Stopped { error, others }) => (Err(error), others),
        };
    }
    if let Some(failed_to) = &failed_to {
        failed_to.write(&results.failed, source, &sound.checked)?;
    }
    let over = results.over() - over_before + others.over();
    let elapsed = system.clock.elapsed().saturating_sub(began);
    let sum = sum((run, &counts, over), others, source, session, elapsed);
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
    others: Others,
    source: &Source,
    session: &Session,
    elapsed: Duration,
) -> Sum {
    let rows = source.plan.as_ref().map_or(0, |plan| plan.rows);
    Sum {
        run,
        total: rows.max(counts.total()),
        left: counts.changes().saturating_sub(over),
        others,
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
struct Decided<'a> {
    lines: DecidedLines<'a>,
    /// Of those that are not among the lines, since there is nothing to do or to print for them.
    counts: Counts,
    losses: Losses,
}

/// The decisions, which can be read more than once.
enum DecidedLines<'a> {
    /// Those of a plan.
    Plan(&'a Source),
    /// Those that were just made.
    Kept(SpooledTempFile),
}

impl DecidedLines<'_> {
    /// From the first on.
    fn read(&mut self) -> Result<PlanFile<BufReader<Box<dyn Read + Send + '_>>>, Error> {
        Ok(PlanFile(BufReader::new(match self {
            Self::Plan(source) => Box::new(source.plan_lines()?.0),
            Self::Kept(file) => {
                file.rewind().map_err(unreadable)?;
                Box::new(file)
            }
        })))
    }
}

fn unreadable(error: io::Error) -> Error {
    Error::internal(error).context("cannot read the decisions that were kept in a temporary file")
}

/// The run of all changes, recorded once no other run works on any of the users.
async fn recorded(
    args: &ApplyArgs,
    sound: &CheckedManifest,
    source: &Source,
    request: &Request,
    results: &mut Results,
    (session, ui): (&Session, &Ui),
) -> Result<Recorded, Error> {
    let mut patience = Patience::new(args.wait, ui, &session.system);
    loop {
        // An interrupted run is finished first: its users must not get second keys from a new run.
        let patience = &mut patience;
        unfinished_run::finish(&sound.ledger, results, request, (session, ui), patience).await?;
        let attempt = attempt(sound, source, request, results, (session, ui), patience);
        if let Some(recorded) = attempt.await? {
            return Ok(recorded);
        }
    }
}

/// Decide on every user, ask, and record it; `None` if that has to be done anew, because another run worked on one of the
/// users.
async fn attempt(
    sound: &CheckedManifest,
    source: &Source,
    request: &Request,
    results: &mut Results,
    (session, ui): (&Session, &Ui),
    patience: &mut Patience,
) -> Result<Option<Recorded>, Error> {
    let system = &session.system;
    let interrupt = &system.interrupt;
    let deciding = decide(sound, source, results, (session, ui), system);
    let mut decided = until_interrupted(interrupt, deciding).await?;
    let waiting = waited(sound, &mut decided, patience);
    if until_interrupted(interrupt, waiting).await? {
        return Ok(None);
    }
    // Before anything is recorded: whoever says no leaves no unfinished run.
    decided.losses.confirm(session).await?;
    let recording = record(sound, decided, request, results, (patience, system));
    until_interrupted(interrupt, recording).await
}

/// Wait for users that another run works on; whether there were any, so that their decisions may be wrong by now.
async fn waited(
    sound: &CheckedManifest,
    decided: &mut Decided<'_>,
    patience: &mut Patience,
) -> Result<bool, Error> {
    let mut waited = false;
    // Whoever does not wait is told by the ledger while the jobs are recorded.
    if !patience.waits() {
        return Ok(false);
    }
    let mut lines = decided.lines.read()?;
    loop {
        let chunk = next_chunk(&mut lines)?;
        if chunk.is_empty() {
            return Ok(waited);
        }
        let changed = chunk.into_iter().filter(Planned::has_job);
        let ids: Vec<_> = changed.map(|it| it.change.external_user_id).collect();
        while let Err(error) = sound.ledger.check_free(ids.clone()).await {
            patience.pause(error).await?;
            waited = true;
        }
    }
}

/// Decide on every user.
async fn decide<'a>(
    sound: &CheckedManifest,
    source: &'a Source,
    results: &mut Results,
    (session, ui): (&Session, &Ui),
    system: &System,
) -> Result<Decided<'a>, Error> {
    let mut decisions = Box::pin(sound.decisions(source, session, ui, system)).await?;
    let mut counts = Counts::new(sound.options.clone());
    let mut losses = Losses::default();
    if source.plan.is_some() {
        // All of the plan is compared before the first job is recorded, because a stale plan must do nothing.
        refuse_stale(source, &mut decisions, &mut losses).await?;
        return Ok(Decided {
            lines: DecidedLines::Plan(source),
            counts,
            losses,
        });
    }
    let mut kept = KeptLines::new(&system.roomy_dir());
    loop {
        let chunk = decisions.next().await?;
        if chunk.is_empty() {
            decisions.check_max()?;
            return Ok(Decided {
                lines: DecidedLines::Kept(kept.read()?),
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

/// Record a job for each user that changes, then report the others. `None` as for [`attempt`].
async fn record(
    sound: &CheckedManifest,
    decided: Decided<'_>,
    request: &Request,
    results: &mut Results,
    (patience, system): (&mut Patience, &System),
) -> Result<Option<Recorded>, Error> {
    let Decided {
        mut lines,
        mut counts,
        ..
    } = decided;
    let mut run = None;
    let mut recorded = lines.read()?;
    loop {
        let chunk = next_chunk(&mut recorded)?;
        if chunk.is_empty() {
            break;
        }
        let jobs = chunk.iter().filter_map(|planned| counts.job(planned));
        let jobs = jobs.map(|spec| spec.job()).collect();
        match keep(sound, run, jobs, request, system).await? {
            Ok(kept) => run = kept,
            // Another command took one of the users just now.
            Err(error) if patience.waits() => {
                patience.pause(error).await?;
                return Ok(None);
            }
            Err(error) => return Err(in_part(run, error)),
        }
    }
    drop(recorded);
    // Only now: what is decided anew would be reported twice.
    let mut others = lines.read()?;
    while let Some(planned) = others.next()? {
        match &planned.change.refused {
            Some(why) => results.refused(&planned, why.error())?,
            None if !planned.has_job() => results.unchanged(&planned)?,
            None => {}
        }
    }
    Ok(Some(Recorded { run, counts }))
}

/// The refusal of users of whose run a part may be recorded already.
fn in_part(run: Option<RunId>, error: LedgerError) -> Error {
    let error = Error::from(error);
    match run {
        None => error,
        Some(run) => error.with_kind(Kind::Conflict).context(format!(
            "run {run} was recorded in part and not begun; `embedctl apply` finishes it"
        )),
    }
}

/// The next decisions; empty at the end.
fn next_chunk(lines: &mut PlanFile<impl BufRead>) -> Result<Vec<Planned>, Error> {
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

/// Record jobs in `run`, which begins with the first of them; or why the ledger refused them.
async fn keep(
    sound: &CheckedManifest,
    run: Option<RunId>,
    jobs: Vec<NewJob>,
    request: &Request,
    system: &System,
) -> Result<Result<Option<RunId>, LedgerError>, Error> {
    // Without a change there is no run, so repeating `apply` leaves no trace in the ledger.
    if jobs.is_empty() {
        return Ok(Ok(run));
    }
    Ok(match run {
        None => {
            let new = engine::new_run(COMMAND, request, system)?;
            sound.ledger.begin(new, jobs).await.map(Some)
        }
        Some(run) => sound.ledger.add_jobs(run, jobs).await.map(|()| Some(run)),
    })
}
