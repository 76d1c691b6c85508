//! The writing task: it puts all waiting records into one statement, and answers them all once that is durable.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use crate::ledger::postgres::connect::Link;
use crate::ledger::postgres::fault::Fault;
use crate::ledger::postgres::operation::{Operation, Reply, Writing, no_such_job};
use crate::ledger::postgres::pace::Calls;
use crate::ledger::postgres::record::{self, Record, Written};
use crate::ledger::postgres::runs::{self, Hold};
use crate::ledger::postgres::worker::{self, LeaseTimes, Machine};
use crate::ledger::{Hand, JobId, JobState, LedgerError, RunId};
use crate::system::{Clock, Lease};

/// The most records in one statement, so that none waits long.
const BATCH: usize = 512;

/// How long a statement waits for the writers of the previous one: they have just been answered and come back at once if
/// they have more to write.
const GATHERING: Duration = Duration::from_micros(500);

/// How long a process that ends tries to give up its runs. After that its lease runs out.
const FAREWELL: Duration = Duration::from_secs(5);

/// Something to write, and whom to tell.
pub(super) struct Request {
    pub(super) operation: Operation,
    pub(super) answer: oneshot::Sender<Result<Reply, LedgerError>>,
}

/// A record in a batch, and whom to tell.
type Waiting = (Record, oneshot::Sender<Result<Reply, LedgerError>>);

/// The task's own state.
pub(super) struct Writer {
    pub(super) link: Arc<Link>,
    pub(super) address: String,
    pub(super) machine: Machine,
    pub(super) times: LeaseTimes,
    pub(super) lease: Lease,
    /// This process as a worker, once it is one.
    pub(super) me: watch::Sender<Option<i64>>,
    pub(super) batch: i64,
    pub(super) holds: HashMap<RunId, Hold>,
    /// The fences of the jobs in hand of shared runs.
    pub(super) in_hand: HashMap<JobId, i64>,
    /// The number of records in the last statement.
    pub(super) together: usize,
    pub(super) calls: Arc<Calls>,
}

impl Writer {
    /// Serve `queue` until no sender is left, then give up all runs.
    pub(super) async fn serve(&mut self, mut queue: mpsc::UnboundedReceiver<Request>) {
        let mut next = queue.recv().await;
        while let Some(Request { operation, answer }) = next.take() {
            match operation {
                Operation::Record(record) if record.is_shared() => {
                    let mut batch = vec![(record, answer)];
                    next = self.gather(&mut batch, &mut queue).await;
                    self.together = batch.len();
                    self.write_together(batch).await;
                }
                operation => {
                    let reply = self.write(&operation).await;
                    self.tell(answer, reply);
                }
            }
            if next.is_none() {
                next = queue.recv().await;
            }
        }
        self.leave().await;
    }

    /// Add to `batch` what is waiting. Returns a request that cannot go with it.
    async fn gather(
        &self,
        batch: &mut Vec<Waiting>,
        queue: &mut mpsc::UnboundedReceiver<Request>,
    ) -> Option<Request> {
        while batch.len() < BATCH {
            let next = match queue.try_recv() {
                Ok(next) => next,
                Err(_) if batch.len() < self.together => {
                    let gathered = tokio::time::timeout(GATHERING, queue.recv()).await;
                    gathered.ok().flatten()?
                }
                Err(_) => return None,
            };
            let clashes = |record: &Record| batch.iter().any(|(other, _)| record.clashes(other));
            match next {
                Request {
                    operation: Operation::Record(record),
                    answer,
                } if record.is_shared() && !clashes(&record) => batch.push((record, answer)),
                other => return Some(other),
            }
        }
        None
    }

    async fn write_together(&mut self, batch: Vec<Waiting>) {
        let (mut held, mut answers) = (Vec::new(), Vec::new());
        for (record, answer) in batch {
            match self.hold_on(record.job) {
                Some(hold) => {
                    held.push((record, hold));
                    answers.push(answer);
                }
                None => {
                    let refused = self.not_held(record.job.run).await;
                    self.tell(answer, Err(refused));
                }
            }
        }
        if held.is_empty() {
            return;
        }
        let written = self.write_records(&held).await;
        for (record, _) in &held {
            let end = record.end.as_ref();
            // One that is still open stays in hand, so that this process is not given it again.
            if end.is_some_and(|end| end.state != JobState::Open) {
                self.in_hand.remove(&record.job);
            }
        }
        let mut failed = match written {
            Ok(Written::Before) => return self.tell_all(answers, |_| Ok(Reply::Done)),
            Ok(Written::These(places)) => {
                let places =
                    |place: usize| i64::try_from(place).is_ok_and(|it| places.contains(&(it + 1)));
                return self.tell_all(answers, |place| match (places(place), held.get(place)) {
                    (false, Some((record, hold))) if hold.shared => {
                        Err(LedgerError::TakenOver(record.job.run).into())
                    }
                    (false, Some((record, _))) => Err(no_such_job(record).into()),
                    _ => Ok(Reply::Done),
                });
            }
            Err(fault) => Some(fault),
        };
        // All share what went wrong.
        let words = failed.as_ref().map(Fault::again);
        self.tell_all(answers, |_| {
            let fault = failed.take().or_else(|| words.as_ref().map(Fault::again));
            Err(fault.unwrap_or(Fault::LeaseOver))
        });
    }

    async fn write_records(&mut self, held: &[(Record, Hold)]) -> Result<Written, Fault> {
        let me = self.worker().await?;
        let batch = self.next_batch();
        let records: Vec<_> = held.iter().map(|(record, hold)| (record, *hold)).collect();
        let records = &records[..];
        self.link
            .persist(&self.lease, |db| async move {
                record::write(&db, me, batch, records).await
            })
            .await
    }

    async fn write(&mut self, operation: &Operation) -> Result<Reply, Fault> {
        let me = self.worker().await?;
        let writing = Writing {
            me,
            batch: self.next_batch(),
            hold: match operation {
                Operation::Record(record) => self.hold_on(record.job),
                _ => operation
                    .run()
                    .and_then(|run| self.holds.get(&run).copied()),
            },
        };
        let tried = Cell::new(false);
        let tried = &tried;
        let mut reply = self
            .link
            .persist(&self.lease, |db| async move {
                // The answer to an earlier try may be all that was lost.
                if tried.replace(true) && worker::was_written(&db, me, writing.batch).await? {
                    return operation.recall(&db, writing).await;
                }
                operation.write(&db, writing).await
            })
            .await?;
        match &mut reply {
            Reply::Held(run, hold, _) => drop(self.holds.insert(*run, *hold)),
            Reply::Given(run, (hand, fences)) => self.take_in_hand(*run, hand, fences),
            Reply::Released(run) => {
                self.holds.remove(run);
                self.in_hand.retain(|job, _| job.run != *run);
            }
            Reply::Done | Reply::Permit(_) | Reply::Permits(_) => {}
        }
        Ok(reply)
    }

    /// The hold that a write about a job needs: on its run, or on the job itself if the run is shared.
    fn hold_on(&self, job: JobId) -> Option<Hold> {
        let run = *self.holds.get(&job.run)?;
        match run.shared {
            true => {
                let fence = *self.in_hand.get(&job)?;
                Some(Hold { fence, ..run })
            }
            false => Some(run),
        }
    }

    /// Note what was handed out, and leave only that in `hand`: after a lost answer it holds all that this process has.
    fn take_in_hand(&mut self, run: RunId, hand: &mut Hand, fences: &[(u64, i64)]) {
        for (number, fence) in fences {
            let job = JobId {
                run,
                number: *number,
            };
            if self.in_hand.insert(job, *fence) == Some(*fence) {
                hand.jobs.retain(|it| it.job.number != *number);
            }
        }
    }

    /// This process as a worker, which it becomes when it first writes.
    async fn worker(&self) -> Result<i64, Fault> {
        // Once its lease is over, whatever it began may belong to another.
        if self.lease.is_over() {
            return Err(Fault::LeaseOver);
        }
        if let Some(me) = *self.me.borrow() {
            return Ok(me);
        }
        let (machine, times, lease) = (&self.machine, &self.times, &self.lease);
        let me = self
            .link
            .persist(lease, |db| async move {
                worker::register(&db, machine, times, lease).await
            })
            .await?;
        self.me.send_replace(Some(me));
        Ok(me)
    }

    /// A new number for a batch. Never used again, whatever becomes of the batch: an answer that was given up may yet come.
    fn next_batch(&mut self) -> i64 {
        self.batch += 1;
        self.batch
    }

    /// Why a run that this process does not hold cannot be written to.
    async fn not_held(&self, run: RunId) -> Fault {
        let look = self.link.persist(&self.lease, |db| async move {
            runs::still_held(&db, 0, run, None).await
        });
        match look.await {
            Err(fault) => fault,
            Ok(_) => LedgerError::TakenOver(run).into(),
        }
    }

    fn tell_all(
        &self,
        answers: Vec<oneshot::Sender<Result<Reply, LedgerError>>>,
        mut what: impl FnMut(usize) -> Result<Reply, Fault>,
    ) {
        for (place, answer) in answers.into_iter().enumerate() {
            self.tell(answer, what(place));
        }
    }

    fn tell(
        &self,
        answer: oneshot::Sender<Result<Reply, LedgerError>>,
        reply: Result<Reply, Fault>,
    ) {
        if matches!(reply, Err(Fault::LeaseOver)) {
            self.lease.lose();
        }
        // If the caller is gone, the write stands anyway.
        let reply = reply.map_err(|fault| fault.at(&self.address));
        let _unheard = answer.send(reply).is_err();
    }

    async fn leave(&self) {
        let me = *self.me.borrow();
        let leaving = async {
            let client = self.link.client().await?;
            self.calls.write(&client).await?;
            match me {
                Some(me) => worker::leave(&client, me).await,
                None => Ok(()),
            }
        };
        // If it does not work, the lease runs out.
        let _unheard = tokio::time::timeout(FAREWELL, leaving).await.is_err();
    }
}

/// Extend the lease of this process for as long as it lives.
pub(super) async fn keep_beating(
    link: Arc<Link>,
    times: LeaseTimes,
    lease: Lease,
    (me, calls): (watch::Receiver<Option<i64>>, Arc<Calls>),
) {
    let clock = Clock::os();
    let mut pause = times.beat;
    loop {
        clock.sleep(pause).await;
        pause = times.beat;
        let Some(me) = *me.borrow() else { continue };
        let beat = async {
            let client = link.client().await?;
            worker::beat(&client, me, &times, &lease).await?;
            calls.write(&client).await
        };
        // One that gets no answer must not take the time of the next.
        let beaten = tokio::time::timeout(times.beat, beat).await;
        if !matches!(beaten, Ok(Ok(()))) {
            link.forget().await;
            pause = times.beat / 4;
        }
    }
}
