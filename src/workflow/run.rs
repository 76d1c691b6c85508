//! Runs the open jobs of a run, many at a time.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::error::{Error, Kind};
use crate::ledger::{Job, JobState, RunId};
use crate::workflow::found::Found;
use crate::workflow::job_context::Context;
use crate::workflow::{Late, Ran, run_job, run_late};

/// How a run goes about its jobs.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions {
    /// How many calls may be in flight at once, which is how many jobs can go on at once.
    pub concurrency: usize,
    /// Whether an earlier process may have worked on the jobs; failed ones are then tried again.
    pub resumed: bool,
}

/// A job that came to its end.
#[derive(Debug)]
pub struct Finished {
    /// The run it belongs to.
    pub run: RunId,
    /// The job.
    pub job: Job,
    /// What came of it.
    pub result: Result<Found, Error>,
    /// What had come of it when it failed.
    pub left: Option<Box<Found>>,
}

/// How many jobs ended in which way.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Totals {
    /// Jobs that are done.
    pub done: u64,
    /// Jobs that failed.
    pub failed: u64,
}

/// Jobs that wait for the time of their look.
type Waiting = VecDeque<(Job, Late)>;

/// Jobs under way.
type Flying = JoinSet<(Job, Ran)>;

/// Run every open job of `run`, and tell `finished` about each as it ends.
///
/// # Errors
/// [`Kind::Interrupted`] when the user asked to stop: once, after the jobs in flight came to a place where they may
/// stop; twice, at once. Any other error is the ledger's; a job that fails is told to `finished`.
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
    let end = |job, result, left| Finished {
        run,
        job,
        result,
        left,
    };
    loop {
        begin(cx, run, options, (&mut queue, &mut due, &mut flying)).await?;
        let joined = tokio::select! {
            biased;
            joined = flying.join_next() => joined,
            () = cx.interrupt.asked(2) => {
                log_out(&mut flying, cx).await;
                return Err(interrupted(cx));
            }
        };
        let Some(joined) = joined else {
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
            Ran::Ended(Ok(found)) => {
                totals.done += 1;
                finished(end(job, Ok(found), None))?;
            }
            Ran::Ended(Err((error, left))) => {
                totals.failed += 1;
                finished(end(job, Err(error), left))?;
            }
        }
    }
    // Whoever asked to stop when everything was done has what was asked for.
    if cx.interrupt.count() > 0 && (stopped || !late.is_empty() || queue.next(cx).await?.is_some())
    {
        return Err(interrupted(cx));
    }
    Ok(totals)
}

/// What a run ends with that the user asked to stop. Jobs that are stopped at once may all have ended before anybody here
/// wakes up.
fn interrupted(cx: &Context) -> Error {
    let how = match cx.interrupt.count() {
        1 => "interrupted",
        _ => "stopped at once",
    };
    Error::new(Kind::Interrupted, how)
}

/// Begin as many jobs as may be under way, those whose look is due first.
async fn begin(
    cx: &Arc<Context>,
    run: RunId,
    options: RunOptions,
    (queue, due, flying): (&mut Queue, &mut Waiting, &mut Flying),
) -> Result<(), Error> {
    while flying.len() < jobs_at_once(options) && cx.interrupt.count() == 0 {
        if let Some((job, late)) = due.pop_front() {
            flying.spawn(async move { (job, run_late(late).await) });
            continue;
        }
        let Some(job) = queue.next(cx).await? else {
            break;
        };
        let cx = Arc::clone(cx);
        flying.spawn(async move {
            let ran = run_job(&cx, run, &job, options.resumed).await;
            (job, ran)
        });
    }
    cx.observer.flying(flying.len());
    Ok(())
}

/// Wait until all that is left can be looked at: false if the user asked to stop before.
async fn wait(cx: &Context, late: &Waiting) -> bool {
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

/// A job that writes to the ledger or to the sink makes no call, so a quarter more are under way than there can be calls.
fn jobs_at_once(options: RunOptions) -> usize {
    let calls = options.concurrency.max(1);
    calls + calls / 4
}

/// The jobs still to run, read from the ledger a page at a time.
struct Queue {
    run: RunId,
    passes: VecDeque<JobState>,
    from: u64,
    page: VecDeque<Job>,
}

impl Queue {
    fn new(run: RunId, resumed: bool) -> Self {
        // Jobs that fail in this run come to stand behind the first pass, so the failed ones go first.
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
