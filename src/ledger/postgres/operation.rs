//! What a process asks to be written, apart from what jobs record: each in a transaction of its own.

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::ledger::number::Numbered as _;
use crate::ledger::postgres::fault::Fault;
use crate::ledger::postgres::members::{self, Given};
use crate::ledger::postgres::record::{self, Record, Written};
use crate::ledger::postgres::row::{get, number};
use crate::ledger::postgres::runs::{self, Hold, OPENING};
use crate::ledger::postgres::{claim, instance, permits, worker};
use crate::ledger::{
    Instance, JobState, LedgerError, NewJob, NewRun, Permit, PermitId, Run, RunId,
};

/// Something to write.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Bind(Instance),
    Follow(Instance),
    Begin(NewRun, Vec<NewJob>),
    AddJobs(RunId, Vec<NewJob>),
    Claim(RunId),
    Share(RunId),
    Join(RunId),
    /// Up to so many jobs of a run; the others say which, if this process holds it alone.
    Take(RunId, JobState, u64, u32),
    Stop(RunId),
    Release(RunId),
    /// Records go together; only one that may open a job again has a transaction of its own.
    Record(Record),
    NotePermit(String),
    ClaimPermits,
}

/// The answer to an operation.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    Done,
    /// The run is held from now on.
    Held(RunId, Hold, Option<Box<Run>>),
    /// Jobs of a shared run, with the fence of each.
    Given(RunId, Given),
    /// The run is not held any more.
    Released(RunId),
    Permit(PermitId),
    Permits(Vec<Permit>),
}

/// Who writes: a worker, the number of this write, and its hold on the run that it is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writing {
    pub(super) me: i64,
    pub(super) batch: i64,
    pub(super) hold: Option<Hold>,
}

impl Operation {
    /// The run that must be held, or will be.
    pub(super) const fn run(&self) -> Option<RunId> {
        match self {
            Self::AddJobs(run, _)
            | Self::Take(run, ..)
            | Self::Claim(run)
            | Self::Share(run)
            | Self::Join(run)
            | Self::Release(run) => Some(*run),
            Self::Record(record) => Some(record.job.run),
            Self::Bind(_)
            | Self::Follow(_)
            | Self::Begin(..)
            | Self::Stop(_)
            | Self::NotePermit(_)
            | Self::ClaimPermits => None,
        }
    }

    /// Write it, all or nothing.
    pub(super) async fn write(&self, db: &Client, writing: Writing) -> Result<Reply, Fault> {
        // A client that is stopped in the middle must not keep what it has locked.
        let begin = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '10s'";
        db.batch_execute(begin).await?;
        let written = self.write_marked(db, writing).await;
        let end = match &written {
            Ok(_) => "COMMIT",
            Err(_) => "ROLLBACK",
        };
        let ended = db.batch_execute(end).await;
        let reply = written?;
        ended?;
        Ok(reply)
    }

    async fn write_marked(&self, db: &Client, writing: Writing) -> Result<Reply, Fault> {
        let reply = self.apply(db, writing).await?;
        // Last, so that the worker's row is not locked for long: its beat needs it. A record has done so itself.
        let is_marked =
            matches!(self, Self::Record(_)) || worker::mark(db, writing.me, writing.batch).await?;
        match is_marked {
            true => Ok(reply),
            false => Err(Fault::LeaseOver),
        }
    }

    async fn apply(&self, db: &Client, writing: Writing) -> Result<Reply, Fault> {
        let Writing { me, hold, .. } = writing;
        Ok(match self {
            Self::Bind(instance) => {
                instance::put(db, instance).await?;
                Reply::Done
            }
            Self::Follow(instance) => {
                instance::follow(db, instance).await?;
                Reply::Done
            }
            Self::Begin(run, jobs) => {
                Reply::Held(run.id, runs::begin(db, me, run, jobs).await?, None)
            }
            Self::AddJobs(run, jobs) => {
                runs::add_jobs(db, me, *run, hold, jobs).await?;
                Reply::Done
            }
            Self::Claim(run) => {
                let hold = claim::claim(db, me, *run, hold).await?;
                let found = runs::find(db, *run).await?.map(Box::new);
                Reply::Held(*run, hold, found)
            }
            Self::Share(run) => Reply::Held(*run, members::share(db, me, *run, hold).await?, None),
            Self::Join(run) => {
                let hold = members::join(db, me, *run, hold).await?;
                let found = runs::find(db, *run).await?.map(Box::new);
                Reply::Held(*run, hold, found)
            }
            Self::Take(run, state, from, limit) => {
                let hold = hold.ok_or(LedgerError::TakenOver(*run))?;
                let given = match hold.shared {
                    true => members::take(db, me, hold, *limit).await?,
                    false => members::next(db, *run, hold, (*state, *from, *limit)).await?,
                };
                Reply::Given(*run, given)
            }
            Self::Stop(run) => {
                members::stop(db, *run).await?;
                Reply::Done
            }
            Self::Release(run) => {
                claim::release(db, me, *run, hold).await?;
                Reply::Released(*run)
            }
            Self::Record(record) => {
                open_again(db, writing, record).await?;
                Reply::Done
            }
            Self::NotePermit(user) => Reply::Permit(permits::note(db, me, user).await?),
            Self::ClaimPermits => Reply::Permits(permits::claim(db, me).await?),
        })
    }

    /// The reply, if an earlier try was committed and its answer lost.
    pub(super) async fn recall(&self, db: &Client, writing: Writing) -> Result<Reply, Fault> {
        let Writing { me, hold, .. } = writing;
        let held = async |run: RunId| {
            let hold = runs::held_by(db, me, run).await?;
            let found = runs::find(db, run).await?.map(Box::new);
            Ok::<_, Fault>(Reply::Held(run, hold, found))
        };
        match self {
            Self::Begin(run, _) => held(run.id).await,
            Self::Claim(run) | Self::Share(run) | Self::Join(run) => held(*run).await,
            Self::Take(run, ..) => {
                let hold = hold.ok_or(LedgerError::TakenOver(*run))?;
                Ok(Reply::Given(*run, members::in_hand(db, me, hold).await?))
            }
            Self::Release(run) => Ok(Reply::Released(*run)),
            Self::NotePermit(user) => Ok(Reply::Permit(permits::noted(db, me, user).await?)),
            Self::ClaimPermits => Ok(Reply::Permits(permits::of(db, me).await?)),
            Self::Bind(_)
            | Self::Follow(_)
            | Self::AddJobs(..)
            | Self::Stop(_)
            | Self::Record(_) => Ok(Reply::Done),
        }
    }
}

/// Write a record after which its job is open.
async fn open_again(db: &Client, writing: Writing, record: &Record) -> Result<(), Fault> {
    let Writing { me, batch, hold } = writing;
    let run = record.job.run;
    db.batch_execute(OPENING).await?;
    // In a shared run it is the job that is held, as the write itself verifies.
    let hold = match hold {
        Some(hold) if hold.shared => hold,
        alone => runs::still_held(db, me, run, alone).await?,
    };
    let sql = "SELECT state, subject, also FROM embedctl.job WHERE run = $1 AND number = $2";
    let job = number(record.job.number);
    let found = db
        .query_typed_opt(sql, &[(&hold.row, Type::INT8), (&job, Type::INT8)])
        .await?;
    let found = found.ok_or_else(|| no_such_job(record))?;
    // Two runs must not work on one user; the check at the beginning of another run saw this job as closed.
    if JobState::of(get(&found, "state")?)? != JobState::Open {
        let subject: &str = get(&found, "subject")?;
        let also: Option<&str> = get(&found, "also")?;
        let both: Vec<&str> = [Some(subject), also].into_iter().flatten().collect();
        runs::refuse_pending(db, &both, hold.row).await?;
    }
    match record::write(db, me, batch, &[(record, hold)]).await? {
        Written::These(places) if places.is_empty() => Err(no_such_job(record).into()),
        Written::These(_) | Written::Before => Ok(()),
    }
}

/// The error for a job that is not there.
pub(super) fn no_such_job(record: &Record) -> LedgerError {
    LedgerError::Unusable {
        what: format!("run {} has no job {}", record.job.run, record.job.number),
        hint: "report this as a bug in embedctl".to_owned(),
    }
}
