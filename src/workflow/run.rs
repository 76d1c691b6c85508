//! Runs the open jobs of a run concurrently.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::error::{Error, Kind};
use crate::ledger::{Job, JobState, LedgerError, RunId};
use crate::workflow::found::Found;
use crate::workflow::job_context::Context;
use crate::workflow::{Late, Ran, run_job, run_late};

/// How a run processes its jobs.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions {
    /// How many calls may be in flight, which bounds how many jobs can make progress.
    pub concurrency: usize,
    /// Whether an earlier process may have worked on the jobs; failed ones are then retried.
    pub resumed: bool,
}

/// A job that has ended.
#[derive(Debug)]
pub struct Finished {
    /// The run it belongs to.
    pub run: RunId,
    /// The job.
    pub job: Job,
    /// Its result.
    pub result: Result<Found, Error>,
    /// What it had found before it failed.
    pub left: Option<Box<Found>>,
}

/// How many jobs succeeded and failed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Totals {
    /// Jobs that are done.
    pub done: u64,
    /// Jobs that failed.
    pub failed: u64,
}

impl Totals {
    fn count(&mut self, result: &Result<Found, Error>) {
        match result {
            Ok(_) => self.done += 1,
            Err(_) => self.failed += 1,
        }
    }
}

/// Jobs that wait for the time of their check.
type Waiting = VecDeque<(Job, Late)>;

/// Jobs in flight.
type Flying = JoinSet<(Job, Ran)>;

/// Run every open job of `run`, and pass each to `finished` as it ends.
///
/// # Errors
/// [`Kind::Interrupted`] if the operator asked to stop: after the first Ctrl-C once the jobs in flight reach a safe point,
/// after the second at once. Any other error is the ledger's; a failed job is passed to `finished`.
pub async fn run_jobs(
    cx: &Arc<Context>,
    run: RunId,
    options: RunOptions,
    mut finished: impl FnMut(Finished) -> Result<(), Error>,
) -> Result<Totals, Error> {
    let mut queue = Queue::new(run, options.resumed);
    let mut flying = JoinSet::new();
    let mut totals = Totals::default();
    let mut stopped = false;
    let mut late = VecDeque::new();
    let mut due = VecDeque::new();
    loop {
        begin(cx, run, options, (&mut queue, &mut due, &mut flying)).await?;
        let joined = tokio::select! {
            // Results before the interrupt: a job that has ended must be reported.
            biased;
            joined = flying.join_next() => joined,
            () = cx.interrupt.asked(2) => {
                log_out(&mut flying, cx).await;
                return Err(interrupted(cx));
            }
        };
        let Some(joined) = joined else {
            if is_over(cx) {
                return Err(lost(run));
            }
            if late.is_empty() || !wait(cx, &late).await {
                break;
            }
            due = mem::take(&mut late);
            continue;
        };
        let (job, ran) =
            joined.map_err(|error| Error::internal(error).context("a job broke off"))?;
        match ran {
            Ran::Later(waiting) => late.push_back((job, *waiting)),
            Ran::Ended(Err((error, _))) if error.kind() == Kind::Interrupted => stopped = true,
            Ran::Ended(ended) => {
                let (result, left) = match ended {
                    Ok(found) => (Ok(found), None),
                    Err((error, left)) => (Err(error), left),
                };
                totals.count(&result);
                finished(Finished {
                    run,
                    job,
                    result,
                    left,
                })?;
            }
        }
    }
    // An interrupt that comes after everything is done changes nothing: the work is complete.
    if cx.interrupt.count() > 0 && (stopped || !late.is_empty() || queue.next(cx).await?.is_some())
    {
        return Err(interrupted(cx));
    }
    Ok(totals)
}

/// The error of an interrupted run. After the second Ctrl-C all jobs may end before this code runs, so the count decides.
fn interrupted(cx: &Context) -> Error {
    let how = match cx.interrupt.count() {
        1 => "interrupted",
        _ => "stopped at once",
    };
    Error::new(Kind::Interrupted, how)
}

/// Whether the lease of the run is over.
fn is_over(cx: &Context) -> bool {
    cx.ledger.lease().is_some_and(|lease| lease.is_over())
}

/// The error of a run whose lease is over.
fn lost(run: RunId) -> Error {
    Error::from(LedgerError::LeaseOver)
        .context(format!("run {run} was stopped"))
        .without_hint()
        .hint(format!(
            "`embedctl runs show {run}` shows who works on it; `embedctl runs resume {run}` goes on with it"
        ))
}

/// Start as many jobs as may be in flight, first those whose check is due.
async fn begin(
    cx: &Arc<Context>,
    run: RunId,
    options: RunOptions,
    (queue, due, flying): (&mut Queue, &mut Waiting, &mut Flying),
) -> Result<(), Error> {
    while flying.len() < jobs_at_once(options) && cx.interrupt.count() == 0 && !is_over(cx) {
        if let Some((job, late)) = due.pop_front() {
            flying.spawn(async move { (job, run_late(late).await) });
            continue;
        }
        let Some(job) = queue.next(cx).await? else {
            break;
        };
        let cx = Arc::clone(cx);
        // On the heap at once: on its way into a task, a future of ten kilobytes would be copied eight times.
        flying.spawn(Box::pin(async move {
            let ran = run_job(&cx, run, &job, options.resumed).await;
            (job, ran)
        }));
    }
    cx.observer.flying(flying.len());
    Ok(())
}

/// Wait until all remaining checks are due; false if the operator asked to stop first.
async fn wait(cx: &Context, late: &Waiting) -> bool {
    // Until the latest: a single wait settles all of them.
    let due = late.iter().map(|(_, late)| late.due).max();
    let time = due.map(|due| due.duration_since(cx.clock.now()));
    let time = time.and_then(|time| Duration::try_from(time).ok());
    let time = time.unwrap_or_default();
    if time.is_zero() {
        return cx.interrupt.count() == 0;
    }
    cx.observer.waits(late.len(), time);
    tokio::select! {
        () = cx.clock.sleep(time) => cx.interrupt.count() == 0,
        () = cx.interrupt.asked(1) => false,
    }
}

/// Give the jobs that were stopped at once a moment to log their users out.
async fn log_out(flying: &mut Flying, cx: &Context) {
    let logging_out = async { while flying.join_next().await.is_some() {} };
    tokio::select! {
        () = logging_out => {}
        () = cx.interrupt.lost_patience(&cx.clock) => {}
    }
}

/// A job that writes to the ledger or the sink makes no call, so a quarter more jobs than calls are in flight.
fn jobs_at_once(options: RunOptions) -> usize {
    let calls = options.concurrency.max(1);
    calls + calls / 4
}

/// The jobs still to run, read from the ledger in pages.
struct Queue {
    run: RunId,
    passes: VecDeque<JobState>,
    from: u64,
    page: VecDeque<Job>,
}

impl Queue {
    fn new(run: RunId, resumed: bool) -> Self {
        // Jobs that fail in this run would turn up in a later pass over failed ones, so that pass comes first.
        let passes = if resumed {
            VecDeque::from([JobState::Failed, JobState::Open])
        } else {
            VecDeque::from([JobState::Open])
        };
        Self {
            run,
            passes,
            from: 0,
            page: VecDeque::new(),
        }
    }

    async fn next(&mut self, cx: &Context) -> Result<Option<Job>, Error> {
        const PAGE: u32 = 1_000;
        while self.page.is_empty() {
            let Some(state) = self.passes.front().copied() else {
                return Ok(None);
            };
            let jobs = cx
                .ledger
                .jobs(self.run, Some(state), self.from, PAGE)
                .await?;
            match jobs.last() {
                Some(last) => self.from = last.number + 1,
                None => {
                    self.passes.pop_front();
                    self.from = 0;
                }
            }
            self.page = jobs.into();
        }
        Ok(self.page.pop_front())
    }
}
