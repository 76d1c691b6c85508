//! What was intended and what came of it: runs, their jobs, the events of each job, and the keys that came of them.
//!
//! The ledger holds no secret: nothing here can carry a [`SecretString`](crate::secret::SecretString), which does not
//! serialise:
//!
//! ```compile_fail,E0277
//! let secret = embedctl::secret::SecretString::from("never written down");
//! let spec = serde_json::to_value(secret);
//! ```
//!
//! Every method that writes returns only when what it wrote survives a power cut.

mod error;
pub mod sqlite;

use std::fmt;
use std::pin::Pin;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

pub use self::error::LedgerError;

/// What a ledger's method gives, later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, LedgerError>> + Send + 'a>>;

/// The store of runs. Its methods may be called from many tasks at once; those that write at the same time share one
/// sync of the disk.
///
/// A run has one owner at a time: the process that began or claimed it. Every write names the run and is refused once
/// another process has taken the run over.
pub trait Ledger: fmt::Debug + Send + Sync {
    /// The Looker that it belongs to, once one has used it.
    fn instance(&self) -> Answer<'_, Option<Instance>>;

    /// Let it belong to this Looker from now on. The runs and keys of the one before stay with that one; those that
    /// belong to none yet are its own.
    fn bind(&self, instance: Instance) -> Answer<'_, ()>;

    /// Know its Looker by this from now on: it has moved, and all its runs and keys with it.
    fn follow(&self, instance: Instance) -> Answer<'_, ()>;

    /// Record a new run with its first jobs, owned by this process, and give the run's id.
    ///
    /// # Errors
    /// [`LedgerError::Busy`] or [`LedgerError::Unfinished`] where an unfinished run at the same Looker has an open job for
    /// one of the same users, be it as its subject or as its second user.
    fn begin(&self, run: NewRun, jobs: Vec<NewJob>) -> Answer<'_, RunId>;

    /// Add jobs to a run of this process. They are numbered on from the last.
    fn add_jobs(&self, run: RunId, jobs: Vec<NewJob>) -> Answer<'_, ()>;

    /// Take over an unfinished run whose owner is gone.
    ///
    /// # Errors
    /// [`LedgerError::Busy`] while its owner lives; [`LedgerError::NoSuchRun`].
    fn claim(&self, run: RunId) -> Answer<'_, Run>;

    /// Give the run up, finished or not; somebody else may claim an unfinished one.
    fn release(&self, run: RunId) -> Answer<'_, ()>;

    /// Record events of a job, in this order, and what they say of a key; all or nothing.
    fn record(&self, job: JobId, events: Vec<Event>, key: Option<KeyRecord>) -> Answer<'_, ()>;

    /// Record the last events of a job and how it ended (or that it is open again), with what came of it; all or
    /// nothing.
    fn settle(
        &self,
        job: JobId,
        events: Vec<Event>,
        key: Option<KeyRecord>,
        end: JobEnd,
    ) -> Answer<'_, ()>;

    /// The events of a job, oldest first.
    fn events(&self, job: JobId) -> Answer<'_, Vec<Event>>;

    /// Up to `limit` jobs of a run, those in `state` or all of them, with numbers from `from` on, by number.
    fn jobs(
        &self,
        run: RunId,
        state: Option<JobState>,
        from: u64,
        limit: u32,
    ) -> Answer<'_, Vec<Job>>;

    /// For each of `subjects` its newest jobs that are done at the ledger's Looker, of whatever runs, newest first; a few,
    /// not all.
    fn newest_done(&self, subjects: Vec<String>) -> Answer<'_, Vec<Vec<Job>>>;

    /// One run, of whatever Looker.
    fn run(&self, run: RunId) -> Answer<'_, Option<Run>>;

    /// The newest `limit` runs of whatever Looker, newest first.
    fn runs(&self, limit: u32) -> Answer<'_, Vec<Run>>;

    /// The unfinished run at the ledger's Looker with an open job for `subject`, as its subject or as its second user, if
    /// there is one.
    fn pending(&self, subject: &str) -> Answer<'_, Option<Run>>;

    /// What is known of the keys of a Looker user, or of every user, at the ledger's Looker.
    fn keys(&self, looker_user_id: Option<&str>) -> Answer<'_, Vec<KeyRecord>>;

    /// The keys at the ledger's Looker that are kept for an overlap which ends at or before `now`.
    fn keys_due(&self, now: Timestamp) -> Answer<'_, Vec<KeyRecord>>;

    /// The keys that are not revoked and belong to other Lookers, which the ledger has left, each with its Looker.
    fn keys_elsewhere(&self) -> Answer<'_, Vec<(Instance, KeyRecord)>>;

    /// Set what is known of a key outside of any job, as `keys reap` does.
    fn put_key(&self, key: KeyRecord) -> Answer<'_, ()>;

    /// Note that this process is about to give a user at the ledger's Looker the right to manage its own keys.
    fn note_permit(&self, looker_user_id: &str) -> Answer<'_, PermitId>;

    /// Remove such a note: the right has been taken back.
    fn forget_permit(&self, permit: PermitId) -> Answer<'_, ()>;

    /// Take over the notes that dead processes left at the ledger's Looker, except those about users whom a living process
    /// has noted too.
    fn claim_permits(&self) -> Answer<'_, Vec<Permit>>;
}

/// What tells one Looker from another: ids mean nothing without it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Instance {
    /// The origin that its API is reached at.
    pub origin: String,
    /// The address of its web pages, as it tells it itself; `None` if it does not.
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

/// The id of a run: sorts by the time it began, and stands in `runs resume ID`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct RunId(pub Uuid);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A job: its run, and its number there, from 0.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct JobId {
    /// The run it belongs to.
    pub run: RunId,
    /// Its place in the run.
    pub number: u64,
}

/// A run to be recorded.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Its id, version 7.
    pub id: RunId,
    /// The command that began it, as in `create-user`.
    pub command: String,
    /// Everything the command needs to go on with it later.
    pub request: Value,
    /// When it began.
    pub created_at: Timestamp,
}

/// A run as recorded.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The Looker that it changes; `None` as long as the ledger belongs to none.
    pub instance: Option<Instance>,
    /// The command that began it.
    pub command: String,
    /// What the command needs to go on with it.
    pub request: Value,
    /// When it began.
    pub created_at: Timestamp,
    /// Who works on it now; an owner that died without releasing it still stands here.
    pub owner: Option<Owner>,
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
    /// Since when it works on the run.
    pub since: Timestamp,
}

/// A job to be recorded.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Whom it is about: an `external_user_id`.
    pub subject: String,
    /// The second user of a job that is about two: no other run may work on this one either.
    pub also: Option<String>,
    /// What is to be done, as data.
    pub spec: Value,
}

/// A job as recorded.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its place in the run.
    pub number: u64,
    /// Whom it is about.
    pub subject: String,
    /// The second user it is about, where there is one.
    pub also: Option<String>,
    /// What is to be done.
    pub spec: Value,
    /// How it stands.
    pub state: JobState,
    /// What came of it; null while it is open.
    pub outcome: Value,
}

/// How a job ended.
#[derive(Clone, Debug)]
pub struct JobEnd {
    /// How it stands now.
    pub state: JobState,
    /// What came of it.
    pub outcome: Value,
}

/// How a job stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Not begun, or begun and not ended.
    Open,
    /// All its steps are done.
    Done,
    /// It ended without being done; a resume tries again.
    Failed,
    /// Its steps were undone.
    Undone,
}

/// Something that happened to a step of a job.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Event {
    /// The step's name, as in `mint`.
    pub step: String,
    /// What happened.
    pub what: What,
    /// When.
    pub at: Timestamp,
    /// What the step needs to know when it is run again, or what came of it.
    pub data: Value,
}

/// What can happen to a step.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It is about to take effect; alone, without an end, it means that nobody knows.
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

/// A key of ours: where it belongs, and what became of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct KeyRecord {
    /// The Looker user it belongs to.
    pub looker_user_id: String,
    /// The company's id of that user.
    pub external_user_id: String,
    /// Looker's id of the key.
    pub key_id: String,
    /// Its public half.
    pub client_id: String,
    /// The tag it carries at Looker.
    pub purpose: String,
    /// What became of it.
    pub state: KeyState,
    /// When it was minted, as this machine saw it.
    pub minted_at: Timestamp,
    /// When it is to be revoked, where it is kept for an overlap.
    pub revoke_at: Option<Timestamp>,
}

/// A user who has the right to manage its own keys until a process takes it back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Permit {
    /// The note's own number.
    pub id: PermitId,
    /// Looker's id of the user.
    pub looker_user_id: String,
}

/// The number of such a note, which no other ever has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PermitId(pub i64);

/// What became of a key.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// It exists at Looker; its secret is not known to be in the sink.
    Minted,
    /// Its secret is in the sink.
    Delivered,
    /// It no longer exists.
    Revoked,
}
