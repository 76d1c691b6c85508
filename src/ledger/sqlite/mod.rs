//! The ledger in a SQLite file: one thread writes and lets concurrent writes share a sync; another thread reads.

mod append;
mod copy;
mod fault;
mod file;
mod hold;
mod instance;
mod jobs;
mod keys;
mod owner;
mod permits;
mod row;
mod runs;
mod schema;
mod upkeep;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::oneshot;

use self::fault::Fault;
use self::writer::{Batch, Reply, Write, Writer};
use crate::ledger::{
    Answer, Event, Hand, HandedOut, Instance, Job, JobEnd, JobId, JobState, KeyRecord, Ledger,
    LedgerError, NewJob, NewRun, Permit, PermitId, Run, RunId, Worker,
};
use crate::system::Clock;

pub use self::file::default_path;
pub use self::owner::Process;
pub use self::upkeep::version_in;

/// How to open a [`SqliteLedger`].
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// The clock.
    pub clock: Clock,
    /// The process that will own the runs.
    pub owner: Process,
    /// Whether to create the folder of the file if it is missing, as for the default path.
    pub make_folder: bool,
}

impl SqliteOptions {
    /// Owned by this process, in an existing folder.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            owner: Process::current(),
            make_folder: false,
        }
    }
}

/// A ledger in a SQLite file. Dropping it finishes pending writes and releases its runs.
pub struct SqliteLedger {
    path: PathBuf,
    /// `None` once it is being dropped.
    writes: Option<Sender<Write>>,
    /// `None` also if only one connection can see the data.
    reads: Option<Sender<Read>>,
    threads: Vec<JoinHandle<()>>,
}

type Read = Box<dyn FnOnce(&Connection) + Send>;

impl SqliteLedger {
    /// Open or create the ledger in `path`.
    ///
    /// # Errors
    /// Everything that would prevent writing to it: its location, its permissions, a newer version, damage, a full disk.
    pub fn open(path: impl AsRef<Path>, options: &SqliteOptions) -> Result<Self, LedgerError> {
        let path = path.as_ref();
        let writer = file::open_writer(path, options.make_folder)?;
        let reader = file::open_reader(path)?;
        Self::start(path.to_owned(), writer, Some(reader), options)
    }

    /// A ledger in memory, lost when it is dropped.
    ///
    /// # Errors
    /// There is no memory or no thread for it.
    pub fn in_memory(options: &SqliteOptions) -> Result<Self, LedgerError> {
        let writer = file::open_in_memory()?;
        Self::start(PathBuf::from("in memory"), writer, None, options)
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn start(
        path: PathBuf,
        connection: Connection,
        reader: Option<Connection>,
        options: &SqliteOptions,
    ) -> Result<Self, LedgerError> {
        let (clock, owner) = (options.clock.clone(), options.owner.clone());
        let writer = Writer::new(connection, path.clone(), clock, owner);
        let (writes, queue) = mpsc::channel();
        let mut threads = vec![spawn("ledger", move || writer.serve(&queue))?];
        let mut reads = None;
        if let Some(connection) = reader {
            let (sender, queue) = mpsc::channel();
            threads.push(spawn("ledger-read", move || {
                serve_reads(&connection, &queue);
            })?);
            reads = Some(sender);
        }
        Ok(Self {
            path,
            writes: Some(writes),
            reads,
            threads,
        })
    }

    /// Run `work` in the next transaction, and return its result once that is durable.
    fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Batch<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Answer<'_, T> {
        let path = self.path.clone();
        Box::pin(async move {
            let (sender, answer) = oneshot::channel();
            let write: Write = Box::new(move |batch| {
                let result = batch.and_then(|batch| batch.attempt(work, &path));
                let reply: Reply = Box::new(move |committed| {
                    // If the caller is gone, the write stands anyway.
                    let _unheard = sender.send(committed.and(result)).is_err();
                });
                reply
            });
            let sent = self.writes.as_ref().map(|writes| writes.send(write));
            let Some(Ok(())) = sent else {
                return Err(self.stopped());
            };
            answer.await.unwrap_or_else(|_| Err(self.stopped()))
        })
    }

    /// Run `work` on durable data.
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Answer<'_, T> {
        // In memory a second connection would see an empty database.
        let Some(reads) = &self.reads else {
            return self.write(|batch| work(batch.db));
        };
        let path = self.path.clone();
        Box::pin(async move {
            let (sender, answer) = oneshot::channel();
            let read: Read = Box::new(move |db| {
                let result = work(db).map_err(|fault| fault.at(&path));
                let _unheard = sender.send(result).is_err();
            });
            if reads.send(read).is_err() {
                return Err(self.stopped());
            }
            answer.await.unwrap_or_else(|_| Err(self.stopped()))
        })
    }

    fn stopped(&self) -> LedgerError {
        LedgerError::Store {
            what: format!("cannot use the ledger `{}`", self.path.display()),
            source: anyhow::Error::msg("its thread has stopped"),
        }
    }
}

impl Ledger for SqliteLedger {
    fn instance(&self) -> Answer<'_, Option<Instance>> {
        self.read(instance::find)
    }

    fn bind(&self, instance: Instance) -> Answer<'_, ()> {
        self.write(move |batch| instance::put(batch.db, &instance))
    }

    fn follow(&self, instance: Instance) -> Answer<'_, ()> {
        self.write(move |batch| instance::follow(batch.db, &instance))
    }

    fn begin(&self, run: NewRun, jobs: Vec<NewJob>) -> Answer<'_, RunId> {
        self.write(move |batch| runs::begin(batch, &run, &jobs))
    }

    fn check_free(&self, subjects: Vec<String>) -> Answer<'_, ()> {
        self.write(move |batch| runs::check_free(batch, &subjects))
    }

    fn add_jobs(&self, run: RunId, jobs: Vec<NewJob>) -> Answer<'_, ()> {
        self.write(move |batch| jobs::add(batch, run, &jobs))
    }

    fn claim(&self, run: RunId) -> Answer<'_, Run> {
        self.write(move |batch| runs::claim(batch, run))
    }

    /// A file is for one machine, on which one process is as fast as several.
    fn share(&self, run: RunId) -> Answer<'_, ()> {
        self.write(move |batch| batch.held(run).map(drop))
    }

    fn join(&self, run: RunId) -> Answer<'_, Run> {
        self.claim(run)
    }

    fn take(&self, run: RunId, state: JobState, from: u64, limit: u32) -> Answer<'_, Hand> {
        self.read(move |db| {
            if runs::is_stopping(db, run)? {
                return Ok(Hand {
                    stopping: true,
                    ..Hand::default()
                });
            }
            let jobs = jobs::list(db, run, Some(state), from, limit)?;
            // What an earlier process did is known to whoever claims a run.
            let jobs = jobs.into_iter().map(|job| HandedOut { job, again: false });
            Ok(Hand {
                jobs: jobs.collect(),
                ..Hand::default()
            })
        })
    }

    fn stop(&self, run: RunId) -> Answer<'_, ()> {
        self.write(move |batch| runs::stop(batch, run))
    }

    fn workers(&self, run: RunId) -> Answer<'_, Vec<Worker>> {
        self.read(move |db| {
            let owner = runs::find(db, run)?.and_then(|run| run.owner);
            let alone = owner.map(|owner| Worker {
                owner,
                in_hand: None,
                done: None,
                rate: None,
            });
            Ok(alone.into_iter().collect())
        })
    }

    fn release(&self, run: RunId) -> Answer<'_, ()> {
        self.write(move |batch| runs::release(batch, run))
    }

    fn record(&self, job: JobId, events: Vec<Event>, key: Option<KeyRecord>) -> Answer<'_, ()> {
        self.write(move |batch| jobs::record(batch, job, &events, key.as_ref()))
    }

    fn settle(
        &self,
        job: JobId,
        events: Vec<Event>,
        key: Option<KeyRecord>,
        end: JobEnd,
    ) -> Answer<'_, ()> {
        self.write(move |batch| jobs::settle(batch, job, &events, key.as_ref(), &end))
    }

    fn events(&self, job: JobId) -> Answer<'_, Vec<Event>> {
        self.read(move |db| jobs::events(db, job))
    }

    fn jobs(
        &self,
        run: RunId,
        state: Option<JobState>,
        from: u64,
        limit: u32,
    ) -> Answer<'_, Vec<Job>> {
        self.read(move |db| jobs::list(db, run, state, from, limit))
    }

    fn newest_done(&self, subjects: Vec<String>) -> Answer<'_, Vec<Vec<Job>>> {
        self.read(move |db| jobs::newest_done(db, &subjects))
    }

    fn run(&self, run: RunId) -> Answer<'_, Option<Run>> {
        self.read(move |db| runs::find(db, run))
    }

    fn runs(&self, limit: u32) -> Answer<'_, Vec<Run>> {
        self.read(move |db| runs::newest(db, limit))
    }

    fn runs_of(&self, subject: &str, limit: u32) -> Answer<'_, Vec<Run>> {
        let subject = subject.to_owned();
        self.read(move |db| runs::of(db, &subject, limit))
    }

    fn done_since(&self, run: RunId, subject: &str) -> Answer<'_, Option<(RunId, Job)>> {
        let subject = subject.to_owned();
        self.read(move |db| jobs::done_since(db, run, &subject))
    }

    fn pending(&self, subject: &str) -> Answer<'_, Option<Run>> {
        let subject = subject.to_owned();
        self.read(move |db| runs::pending(db, &subject))
    }

    fn keys(&self, looker_user_id: Option<&str>) -> Answer<'_, Vec<KeyRecord>> {
        let user = looker_user_id.map(str::to_owned);
        self.read(move |db| keys::list(db, user.as_deref()))
    }

    fn keys_due(&self, now: Timestamp) -> Answer<'_, Vec<KeyRecord>> {
        self.read(move |db| keys::due(db, now))
    }

    fn keys_elsewhere(&self) -> Answer<'_, Vec<(Instance, KeyRecord)>> {
        self.read(keys::elsewhere)
    }

    fn put_key(&self, key: KeyRecord) -> Answer<'_, ()> {
        self.write(move |batch| keys::put(batch.db, None, &key))
    }

    fn note_permit(&self, looker_user_id: &str) -> Answer<'_, PermitId> {
        let user = looker_user_id.to_owned();
        self.write(move |batch| permits::note(batch.db, batch.me, batch.now, &user))
    }

    fn forget_permit(&self, permit: PermitId) -> Answer<'_, ()> {
        self.write(move |batch| permits::forget(batch.db, permit))
    }

    fn claim_permits(&self) -> Answer<'_, Vec<Permit>> {
        self.write(|batch| permits::claim(batch.db, batch.me, batch.now))
    }
}

impl fmt::Debug for SqliteLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteLedger")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Drop for SqliteLedger {
    fn drop(&mut self) {
        // Closing the queues ends the threads, which finish what is waiting first.
        self.writes = None;
        self.reads = None;
        for thread in self.threads.drain(..) {
            // It panicked, and has reported that itself.
            let _panicked = thread.join().is_err();
        }
    }
}

fn serve_reads(connection: &Connection, queue: &Receiver<Read>) {
    while let Ok(read) = queue.recv() {
        read(connection);
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, LedgerError> {
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(work).map_err(|error| LedgerError::Store {
        what: "cannot start the thread of the ledger".to_owned(),
        source: error.into(),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;
    use uuid::Uuid;

    use crate::ledger::sqlite::{SqliteLedger, SqliteOptions, file};
    use crate::ledger::{Ledger as _, LedgerError, NewJob, NewRun, RunId};
    use crate::system::Clock;

    /// A ledger whose disk has room for `pages` more pages.
    fn on_a_small_disk(path: &Path, pages: i64) -> SqliteLedger {
        let writer = file::open_writer(path, false).unwrap();
        let size = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        let used = writer.pragma_query_value(None, "page_count", size).unwrap();
        let limit = writer.pragma_update_and_check(None, "max_page_count", used + pages, size);
        assert_eq!(limit.unwrap(), used + pages);
        let reader = file::open_reader(path).unwrap();
        let options = SqliteOptions::new(Clock::os());
        SqliteLedger::start(path.to_owned(), writer, Some(reader), &options).unwrap()
    }

    fn run(id: u128) -> NewRun {
        NewRun {
            id: RunId(Uuid::from_u128(id)),
            command: "apply".to_owned(),
            request: json!({}),
            created_at: "2026-03-01T12:00:00Z".parse().unwrap(),
        }
    }

    fn jobs(user: &str, count: usize) -> Vec<NewJob> {
        let job = |number| NewJob {
            subject: format!("{user}{number}"),
            also: None,
            spec: json!({"note": "x".repeat(100)}),
        };
        (0..count).map(job).collect()
    }

    #[tokio::test]
    async fn a_disk_that_is_full_is_told_and_what_was_recorded_before_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.ledger");
        let ledger = on_a_small_disk(&path, 8);
        let kept = ledger.begin(run(1), jobs("a", 10)).await.unwrap();

        let full = ledger.begin(run(2), jobs("b", 1000)).await.unwrap_err();

        assert!(matches!(full, LedgerError::Unusable { .. }), "{full:?}");
        let expected = format!(
            "the ledger `{}` has no room left on its disk",
            path.display()
        );
        assert_eq!(full.to_string(), expected);
        assert_eq!(full.advice(), "make room, then run the same command again");
        assert_eq!(ledger.runs(9).await.unwrap().len(), 1);
        assert_eq!(ledger.run(kept).await.unwrap().unwrap().open, 10);
        ledger.release(kept).await.unwrap();
    }

    #[tokio::test]
    async fn a_write_that_fails_fails_for_all_who_share_its_sync_and_for_nobody_after() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = on_a_small_disk(&folder.path().join("acme.ledger"), 8);

        // All three are sent before the thread answers the first.
        let (big, small, later) = tokio::join!(
            ledger.begin(run(1), jobs("a", 2000)),
            ledger.begin(run(2), jobs("b", 1)),
            async {
                tokio::task::yield_now().await;
                ledger.runs(9).await
            },
        );

        assert!(big.is_err());
        assert!(later.is_ok());
        let again = ledger.begin(run(3), jobs("b", 1)).await;
        assert_eq!(again.is_ok(), small.is_err(), "{small:?} {again:?}");
    }
}
