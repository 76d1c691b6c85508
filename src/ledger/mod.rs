//! Intents and outcomes: runs, their jobs, the events of each job, and the keys that were minted.
//!
//! The ledger holds no secret: nothing here can carry a [`SecretString`](crate::secret::SecretString), which does not
//! serialise:
//!
//! ```compile_fail,E0277
//! let secret = embedctl::secret::SecretString::from("never written down");
//! let spec = serde_json::to_value(secret);
//! ```
//!
//! Every method that writes returns only once the data would survive a power cut.

mod copy;
mod error;
mod number;
pub mod postgres;
pub mod sqlite;
mod upkeep;

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::system::{Clock, Lease, Random, Turns};

pub use self::copy::{Part, Parts, copy};
pub use self::error::LedgerError;
pub use self::upkeep::{Contents, Ended, Upkeep};

/// The future result of a ledger method.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, LedgerError>> + Send + 'a>>;

/// The store of runs. Its methods may be called from many tasks at once; concurrent writes share one sync to disk.
///
/// A run has one owner at a time: the process that began or claimed it. Every write names the run, and is refused once
/// another process has taken the run over. In a ledger that several machines reach, the owner can share the run: then each
/// job is in the hands of one of the processes that joined it.
pub trait Ledger: Upkeep + fmt::Debug + Send + Sync {
    /// The Looker that the ledger belongs to, once one has used it.
    fn instance(&self) -> Answer<'_, Option<Instance>>;

    /// Bind the ledger to this Looker. Runs and keys of an earlier Looker stay with that one; those that belong to none yet
    /// become this one's.
    fn bind(&self, instance: Instance) -> Answer<'_, ()>;

    /// Record that the ledger's Looker has moved to this address, along with all its runs and keys.
    fn follow(&self, instance: Instance) -> Answer<'_, ()>;

    /// Record a new run with its first jobs, owned by this process, and return the run's id.
    ///
    /// # Errors
    /// [`LedgerError::Busy`] or [`LedgerError::Unfinished`] if an unfinished run at the same Looker has an open job for one of
    /// the same users, as its subject or as its second user.
    fn begin(&self, run: NewRun, jobs: Vec<NewJob>) -> Answer<'_, RunId>;

    /// Find out whether a run for `subjects` could be recorded now.
    ///
    /// # Errors
    /// As those of [`begin`](Self::begin).
    fn check_free(&self, subjects: Vec<String>) -> Answer<'_, ()>;

    /// Add jobs to a run of this process. Their numbers continue from the last one.
    fn add_jobs(&self, run: RunId, jobs: Vec<NewJob>) -> Answer<'_, ()>;

    /// Take over an unfinished run whose owner is gone.
    ///
    /// # Errors
    /// [`LedgerError::Busy`] while its owner lives; [`LedgerError::NoSuchRun`].
    fn claim(&self, run: RunId) -> Answer<'_, Run>;

    /// Let other processes join a run of this process, where the ledger can hand out its jobs to several.
    fn share(&self, run: RunId) -> Answer<'_, ()>;

    /// Work on a run along with the processes that share it. One that no living process has is taken over and shared.
    ///
    /// # Errors
    /// [`LedgerError::Busy`] while a process has it alone, or while those that share it were asked to stop;
    /// [`LedgerError::NoSuchRun`].
    fn join(&self, run: RunId) -> Answer<'_, Run>;

    /// Hand out up to `limit` jobs of a run of this process: those in `state` with numbers from `from` on, in ascending
    /// order. If the run is shared: open jobs, whatever their numbers, that no other living process has; none other gets
    /// them until this process releases the run.
    fn take(&self, run: RunId, state: JobState, from: u64, limit: u32) -> Answer<'_, Hand>;

    /// Ask all processes that work on a run to finish the jobs they have and to end. Whoever claims the run afterwards
    /// goes on with it.
    fn stop(&self, run: RunId) -> Answer<'_, ()>;

    /// The processes that work on a run, the first to join first; ones that died without releasing it are still listed.
    fn workers(&self, run: RunId) -> Answer<'_, Vec<Worker>>;

    /// Give up the run, finished or not; another process may claim an unfinished one.
    fn release(&self, run: RunId) -> Answer<'_, ()>;

    /// Record events of a job, in this order, and the state of a key; all or nothing.
    fn record(&self, job: JobId, events: Vec<Event>, key: Option<KeyRecord>) -> Answer<'_, ()>;

    /// Record the last events of a job and how it ended (or that it is open again), with its outcome; all or nothing.
    fn settle(
        &self,
        job: JobId,
        events: Vec<Event>,
        key: Option<KeyRecord>,
        end: JobEnd,
    ) -> Answer<'_, ()>;

    /// The events of a job, oldest first.
    fn events(&self, job: JobId) -> Answer<'_, Vec<Event>>;

    /// Up to `limit` jobs of a run with numbers from `from` on, in ascending order; those in `state`, or all of them.
    fn jobs(
        &self,
        run: RunId,
        state: Option<JobState>,
        from: u64,
        limit: u32,
    ) -> Answer<'_, Vec<Job>>;

    /// For each of `subjects`, its newest finished jobs at the ledger's Looker from any run, newest first; a few, not all.
    fn newest_done(&self, subjects: Vec<String>) -> Answer<'_, Vec<Vec<Job>>>;

    /// One run, at any Looker.
    fn run(&self, run: RunId) -> Answer<'_, Option<Run>>;

    /// The newest `limit` runs at any Looker, newest first.
    fn runs(&self, limit: u32) -> Answer<'_, Vec<Run>>;

    /// The newest `limit` runs at any Looker with a job for `subject`, as its subject or as its second user, newest first.
    fn runs_of(&self, subject: &str, limit: u32) -> Answer<'_, Vec<Run>>;

    /// The newest job for `subject` that is done and belongs to a later run than `run` at the ledger's Looker, with its run.
    fn done_since(&self, run: RunId, subject: &str) -> Answer<'_, Option<(RunId, Job)>>;

    /// The unfinished run at the ledger's Looker with an open job for `subject`, as its subject or as its second user, if any.
    fn pending(&self, subject: &str) -> Answer<'_, Option<Run>>;

    /// The recorded keys of a Looker user, or of all users, at the ledger's Looker.
    fn keys(&self, looker_user_id: Option<&str>) -> Answer<'_, Vec<KeyRecord>>;

    /// The keys at the ledger's Looker that are kept for an overlap which ends at or before `now`.
    fn keys_due(&self, now: Timestamp) -> Answer<'_, Vec<KeyRecord>>;

    /// The keys that are not revoked and belong to other Lookers that the ledger was bound to before, each with its Looker.
    fn keys_elsewhere(&self) -> Answer<'_, Vec<(Instance, KeyRecord)>>;

    /// Record the state of a key outside any job, as `keys reap` does.
    fn put_key(&self, key: KeyRecord) -> Answer<'_, ()>;

    /// Record that this process is about to give a user at the ledger's Looker the right to manage its own keys.
    fn note_permit(&self, looker_user_id: &str) -> Answer<'_, PermitId>;

    /// Delete such a record: the right has been taken back.
    fn forget_permit(&self, permit: PermitId) -> Answer<'_, ()>;

    /// Take over the records that dead processes left at the ledger's Looker, except for users that a living process has
    /// recorded too.
    fn claim_permits(&self) -> Answer<'_, Vec<Permit>>;

    /// The turns at the ledger's Looker that all processes share, if they share any.
    fn turns(&self) -> Option<Arc<dyn Turns>> {
        None
    }

    /// How many calls all processes with this ledger have made this month at its Looker, this process included; `None` if that
    /// is not counted.
    fn calls_this_month(&self) -> Answer<'_, Option<u64>> {
        Box::pin(async { Ok(None) })
    }

    /// The lease that this process holds its runs by, if they are leased; then effects begin only within it.
    fn lease(&self) -> Option<Lease> {
        None
    }
}

/// The identity of a Looker: ids mean nothing without it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Instance {
    /// The origin of its API.
    pub origin: String,
    /// The address of its web pages, as Looker reports it; `None` if it does not.
    pub web_url: Option<String>,
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.web_url {
            Some(web_url) if *web_url != self.origin => {
                write!(f, "{} ({web_url})", self.origin)
            }
            _ => f.write_str(&self.origin),
        }
    }
}

/// The id of a run: sorts by start time, and is used in `runs resume ID`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct RunId(pub Uuid);

impl RunId {
    /// A new id.
    ///
    /// # Errors
    /// There is no randomness.
    pub(crate) fn new(clock: &Clock, random: &Random) -> io::Result<Self> {
        let mut bytes = [0; 10];
        random.fill(&mut bytes)?;
        let millis = u64::try_from(clock.now().as_millisecond()).unwrap_or_default();
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &bytes);
        Ok(Self(id.into_uuid()))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A job: its run, and its number in it, from 0.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct JobId {
    /// The run it belongs to.
    pub run: RunId,
    /// Its position in the run.
    pub number: u64,
}

/// A run to record.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Its id, version 7.
    pub id: RunId,
    /// The command that started it, such as `create-user`.
    pub command: String,
    /// Everything the command needs to continue it later.
    pub request: Value,
    /// When it started.
    pub created_at: Timestamp,
}

/// A recorded run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The Looker that it changes; `None` as long as the ledger is not bound.
    pub instance: Option<Instance>,
    /// The command that started it.
    pub command: String,
    /// What the command needs to continue it.
    pub request: Value,
    /// When it started.
    pub created_at: Timestamp,
    /// The process that works on it; an owner that died without releasing the run is still listed.
    pub owner: Option<Owner>,
    /// Whether its processes were asked to stop.
    pub stopping: bool,
    /// How many of its jobs are open.
    pub open: u64,
    /// How many of its jobs are done.
    pub done: u64,
    /// How many of its jobs failed.
    pub failed: u64,
    /// How many of its jobs were undone.
    pub undone: u64,
}

/// The process that works on a run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Owner {
    /// Its process id.
    pub pid: u32,
    /// The machine it runs on.
    pub host: String,
    /// When it took the run.
    pub since: Timestamp,
    /// How long the run stays with it from now on without a sign of life, if it is held by lease.
    pub held_for: Option<Duration>,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host)
    }
}

/// A process that works on a run, and what it did for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Worker {
    /// The process.
    pub owner: Owner,
    /// How many jobs are in its hands, if jobs are handed out one by one.
    pub in_hand: Option<u64>,
    /// How many jobs it has done in this run, if that is counted.
    pub done: Option<u64>,
    /// How many of them a second.
    pub rate: Option<f64>,
}

/// Jobs handed out to a process.
#[derive(Clone, Debug, Default)]
pub struct Hand {
    /// The jobs.
    pub jobs: Vec<HandedOut>,
    /// How many open jobs of the run other processes have.
    pub elsewhere: u64,
    /// How long all processes are held back at Looker, from now on.
    pub held: Duration,
    /// Whether the run was asked to stop; then no jobs are handed out.
    pub stopping: bool,
}

/// A job handed out to a process.
#[derive(Clone, Debug)]
pub struct HandedOut {
    /// The job.
    pub job: Job,
    /// Whether another process had it before, and may have begun it.
    pub again: bool,
}

/// A job to record.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// The user it is about: an `external_user_id`.
    pub subject: String,
    /// The second user of a job about two users: no other run may work on this one either.
    pub also: Option<String>,
    /// The goal, as data.
    pub spec: Value,
}

/// A recorded job.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its position in the run.
    pub number: u64,
    /// The user it is about.
    pub subject: String,
    /// The second user it is about, if any.
    pub also: Option<String>,
    /// The goal.
    pub spec: Value,
    /// Its state.
    pub state: JobState,
    /// Its outcome; null while it is open.
    pub outcome: Value,
}

/// How a job ended.
#[derive(Clone, Debug)]
pub struct JobEnd {
    /// Its new state.
    pub state: JobState,
    /// Its outcome.
    pub outcome: Value,
}

/// The state of a job.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Not started, or started and not ended.
    Open,
    /// All its steps are done.
    Done,
    /// It ended without success; a resume retries it.
    Failed,
    /// Its steps were undone.
    Undone,
}

/// An event in a step of a job.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Event {
    /// The step's name, as in `mint`.
    pub step: String,
    /// What happened.
    pub what: What,
    /// When.
    pub at: Timestamp,
    /// What the step needs when it runs again, or its output.
    pub data: Value,
}

/// The kind of an event.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It is about to take effect; without an end, its effect is unknown.
    Started,
    /// It took effect.
    Done,
    /// It failed.
    Failed,
    /// It is about to be undone.
    UndoStarted,
    /// It was undone.
    Undone,
}

/// A key of ours: whose it is, and its state.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct KeyRecord {
    /// The Looker user it belongs to.
    pub looker_user_id: String,
    /// The company's id of that user.
    pub external_user_id: String,
    /// Looker's id of the key.
    pub key_id: String,
    /// Its client id.
    pub client_id: String,
    /// Its `purpose` at Looker.
    pub purpose: String,
    /// Its state.
    pub state: KeyState,
    /// When it was minted, by this machine's clock.
    pub minted_at: Timestamp,
    /// When to revoke it, if it is kept for an overlap.
    pub revoke_at: Option<Timestamp>,
}

/// A user who may manage its own keys until a process takes the right back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Permit {
    /// The number of the record.
    pub id: PermitId,
    /// Looker's id of the user.
    pub looker_user_id: String,
}

/// The number of such a record, never reused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PermitId(pub i64);

/// The state of a key.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// It exists at Looker; its secret is not known to be in a sink.
    Minted,
    /// Its secret is in a sink.
    Delivered,
    /// It no longer exists.
    Revoked,
}
