//! Runs the open jobs of a run concurrently.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::error::{Error, Kind};
use crate::ledger::{Hand, HandedOut, Job, JobState, LedgerError, RunId};
use crate::workflow::found::Found;
use crate::workflow::job_context::Context;
use crate::workflow::{Late, Ran, run_job, run_late};

/// How long after nothing was left the ledger is asked again, while other processes have jobs that they may leave.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// How a run processes its jobs.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions {
    /// How many calls may be in flight, which bounds how many jobs can make progress.
    pub concurrency: usize,
    /// Whether an earlier process may have worked on the jobs; failed ones are then retried.
    pub resumed: bool,
}

impl RunOptions {
    /// How many jobs are in flight. One that writes to the ledger or the sink, or waits for a look-up that others share, makes
    /// no call, so they are more than calls; but with one call at a time, it is one job after the other.
    pub fn jobs_at_once(self) -> usize {
        match self.concurrency {
            0 | 1 => 1,
            calls => calls.saturating_mul(5) / 2,
        }
    }
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
    /// Count a job that ended.
    pub(crate) fn count(&mut self, result: &Result<Found, Error>) {
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
    let mut queue = Queue::new(run, options);
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
            match idle(cx, run, &queue, (&mut late, &mut due)).await? {
                true => continue,
                false => break,
            }
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
    if queue.stopping {
        return Err(stopped_elsewhere(run));
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

/// The error of a run that the operator stopped from elsewhere.
fn stopped_elsewhere(run: RunId) -> Error {
    Error::new(
        Kind::Interrupted,
        format!("run {run} was stopped by `runs stop`"),
    )
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
    while flying.len() < options.jobs_at_once() && cx.interrupt.count() == 0 && !is_over(cx) {
        if let Some((job, late)) = due.pop_front() {
            flying.spawn(async move { (job, run_late(late).await) });
            continue;
        }
        let Some((job, again)) = queue.next(cx).await? else {
            break;
        };
        let cx = Arc::clone(cx);
        // On the heap at once: on its way into a task, a future of ten kilobytes would be copied eight times.
        flying.spawn(Box::pin(async move {
            let ran = run_job(&cx, run, &job, again).await;
            (job, ran)
        }));
    }
    cx.observer.flying(flying.len());
    Ok(())
}

/// With no job in flight: wait for what may still be to do. False if there is nothing, or the operator asked to stop.
async fn idle(
    cx: &Context,
    run: RunId,
    queue: &Queue,
    (late, due): (&mut Waiting, &mut Waiting),
) -> Result<bool, Error> {
    if is_over(cx) {
        return Err(lost(run));
    }
    if late.is_empty() {
        return Ok(queue.wait(cx).await);
    }
    let is_due = wait(cx, late).await;
    if is_due {
        *due = mem::take(late);
    }
    Ok(is_due)
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

/// The jobs still to run, handed out by the ledger a few at a time.
struct Queue {
    run: RunId,
    /// Whether an earlier process may have worked on any of them.
    resumed: bool,
    /// How many are handed out at once.
    limit: u32,
    passes: VecDeque<JobState>,
    from: u64,
    page: VecDeque<HandedOut>,
    /// How many jobs other processes had when nothing was left for this one, and when that was.
    elsewhere: Option<(u64, Duration)>,
    /// Whether the run was asked to stop.
    stopping: bool,
}

impl Queue {
    fn new(run: RunId, options: RunOptions) -> Self {
        /// More would be taken from processes that have none left near the end of a run.
        const MOST: usize = 50;
        // Jobs that fail in this run would turn up in a later pass over failed ones, so that pass comes first.
        let passes = if options.resumed {
            VecDeque::from([JobState::Failed, JobState::Open])
        } else {
            VecDeque::from([JobState::Open])
        };
        let limit = options.jobs_at_once().div_ceil(4).min(MOST);
        Self {
            run,
            resumed: options.resumed,
            limit: u32::try_from(limit).unwrap_or(u32::MAX),
            passes,
            from: 0,
            page: VecDeque::new(),
            elsewhere: None,
            stopping: false,
        }
    }

    /// The next job, and whether another process may have begun it; none if there is none now.
    async fn next(&mut self, cx: &Context) -> Result<Option<(Job, bool)>, Error> {
        while self.page.is_empty() {
            let Some(state) = self.passes.front().copied().filter(|_| !self.stopping) else {
                return Ok(None);
            };
            let now = cx.clock.elapsed();
            if self.waits_until().is_some_and(|until| now < until) {
                return Ok(None);
            }
            let take = cx.ledger.take(self.run, state, self.from, self.limit);
            let Hand {
                jobs,
                elsewhere,
                held,
                stopping,
            } = take.await?;
            // Another process was told by Looker to wait.
            cx.http.hold(held);
            self.stopping |= stopping;
            self.elsewhere = None;
            match jobs.last() {
                Some(last) => self.from = last.job.number + 1,
                // A process that dies leaves its jobs to the others.
                None if elsewhere > 0 && !stopping => self.elsewhere = Some((elsewhere, now)),
                None => {
                    self.passes.pop_front();
                    self.from = 0;
                }
            }
            self.page = jobs.into();
        }
        let next = self.page.pop_front();
        Ok(next.map(|it| (it.job, it.again || self.resumed)))
    }

    /// Wait until it is worth asking for jobs that other processes have; false if they have none, or the operator asked to stop.
    async fn wait(&self, cx: &Context) -> bool {
        let (Some((jobs, _)), Some(until)) = (self.elsewhere, self.waits_until()) else {
            return false;
        };
        cx.observer.waits_for_others(jobs);
        tokio::select! {
            () = cx.clock.sleep(until.saturating_sub(cx.clock.elapsed())) => cx.interrupt.count() == 0,
            () = cx.interrupt.asked(1) => false,
        }
    }

    /// Until when there is no use in asking for jobs, because other processes have them all.
    fn waits_until(&self) -> Option<Duration> {
        self.elsewhere.map(|(_, asked)| asked + ASK_AGAIN)
    }
}
