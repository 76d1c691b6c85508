//! The ledger in PostgreSQL, for runners that come and go: runs are held by lease, and another machine goes on with them.
//!
//! One connection writes and lets concurrent records share a commit; another reads and extends the lease. No statement needs
//! anything that a session remembers, so a pooler in transaction mode may stand between.

mod address;
mod claim;
mod connect;
mod copy;
mod fault;
mod instance;
mod jobs;
mod keys;
mod members;
mod operation;
mod pace;
mod password;
mod permits;
mod record;
mod row;
mod runs;
mod schema;
mod server;
mod upkeep;
mod worker;
mod writer;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use jiff::Timestamp;
use rustls::ClientConfig;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_postgres::Client;

use self::connect::{Connector, Link};
use self::fault::Fault;
use self::operation::{Operation, Reply};
use self::pace::{Calls, SharedTurns};
use self::record::Record;
use self::worker::Machine;
use self::writer::{Request, Writer, keep_beating};
use crate::ledger::{
    Answer, Event, Hand, Instance, Job, JobEnd, JobId, JobState, KeyRecord, Ledger, LedgerError,
    NewJob, NewRun, Permit, PermitId, Run, RunId, Worker,
};
use crate::secret::SecretString;
use crate::system::{Lease, Turns};

pub use self::address::PostgresAddress;
pub use self::password::find_password;
pub use self::server::ServerState;
pub use self::worker::LeaseTimes;

/// How to open a [`PostgresLedger`].
#[derive(Clone)]
pub struct PostgresOptions {
    /// Where it is.
    pub address: PostgresAddress,
    /// The password of its user, if it needs one.
    pub password: Option<SecretString>,
    /// Which servers to trust; needed unless the address says that there is no TLS.
    pub tls: Option<ClientConfig>,
    /// How long this process holds its runs without a sign of life.
    pub times: LeaseTimes,
    /// The process id and the machine of whoever will own the runs.
    pub owner: (u32, String),
}

/// A ledger in PostgreSQL. Dropping it finishes pending writes and releases its runs.
pub struct PostgresLedger {
    address: String,
    /// `None` once it is being dropped.
    writes: Option<mpsc::UnboundedSender<Request>>,
    reads: Arc<Link>,
    lease: Lease,
    calls: Arc<Calls>,
    thread: Option<JoinHandle<()>>,
}

impl PostgresLedger {
    /// Open the ledger, and create its tables if there are none.
    ///
    /// # Errors
    /// The database cannot be reached, refuses this user, or holds tables of a newer version.
    pub async fn open(options: PostgresOptions) -> Result<Self, LedgerError> {
        let address = options.address.to_string();
        let times = options.times;
        let lease = Lease::new(times.margin, times.lease + times.grace);
        let (writes, queue) = mpsc::unbounded_channel();
        let (opened, ready) = oneshot::channel();
        let held = lease.clone();
        let calls = Arc::<Calls>::default();
        let made = Arc::clone(&calls);
        let thread = thread::Builder::new().name("ledger".to_owned());
        let thread = thread.spawn(move || serve(options, (&held, made), queue, opened));
        let thread = thread.map_err(|error| thread_error(error.into()))?;
        let stopped = || Err(thread_error(anyhow::Error::msg("it has stopped")));
        let reads = ready.await.unwrap_or_else(|_| stopped())?;
        Ok(Self {
            address,
            writes: Some(writes),
            reads,
            lease,
            calls,
            thread: Some(thread),
        })
    }

    /// What the database says of itself.
    ///
    /// # Errors
    /// It cannot be reached.
    pub async fn server_state(&self) -> Result<ServerState, LedgerError> {
        self.read(|db| async move { server::ask(&db).await }).await
    }

    /// Write something, and return its reply once that is durable.
    async fn write(&self, operation: Operation) -> Result<Reply, LedgerError> {
        let (answer, answered) = oneshot::channel();
        let request = Request { operation, answer };
        let stopped = || Err(thread_error(anyhow::Error::msg("it has stopped")));
        let writes = self.writes.as_ref();
        if writes.is_none_or(|writes| writes.send(request).is_err()) {
            return stopped();
        }
        answered.await.unwrap_or_else(|_| stopped())
    }

    fn done(&self, operation: Operation) -> Answer<'_, ()> {
        Box::pin(async move { self.write(operation).await.map(drop) })
    }

    fn held(&self, run: RunId, operation: Operation) -> Answer<'_, Run> {
        Box::pin(async move {
            match self.write(operation).await? {
                Reply::Held(_, _, Some(found)) => Ok(*found),
                _ => Err(LedgerError::NoSuchRun(run)),
            }
        })
    }

    /// Run `work`, which does no harm if it is done twice.
    fn read<T, F>(&self, work: impl Fn(Arc<Client>) -> F + Send + Sync + 'static) -> Answer<'_, T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        Box::pin(async move {
            let read = self.reads.persist(&self.lease, work).await;
            read.map_err(|fault| fault.at(&self.address))
        })
    }
}

/// The thread: its own runtime, so that nothing the program does keeps the lease from being extended.
fn serve(
    options: PostgresOptions,
    (lease, calls): (&Lease, Arc<Calls>),
    queue: mpsc::UnboundedReceiver<Request>,
    opened: oneshot::Sender<Result<Arc<Link>, LedgerError>>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let _unheard = opened.send(Err(thread_error(error.into()))).is_err();
            return;
        }
    };
    runtime.block_on(async {
        let address = options.address.to_string();
        let connector = Arc::new(Connector {
            address: options.address,
            password: options.password,
            tls: options.tls,
        });
        let link = || Arc::new(Link::new(Arc::clone(&connector), Handle::current()));
        let (reads, writes) = (link(), link());
        let ready = async { schema::migrate(&*writes.client().await?).await };
        if let Err(fault) = ready.await {
            let _unheard = opened.send(Err(fault.at(&address))).is_err();
            return;
        }
        if opened.send(Ok(Arc::clone(&reads))).is_err() {
            return;
        }
        let (pid, host) = options.owner;
        let (me, known) = watch::channel(None);
        let mut writer = Writer {
            link: writes,
            address,
            machine: Machine { pid, host },
            times: options.times,
            lease: lease.clone(),
            me,
            batch: 0,
            holds: HashMap::new(),
            in_hand: HashMap::new(),
            together: 1,
            calls: Arc::clone(&calls),
        };
        tokio::select! {
            () = writer.serve(queue) => {}
            () = keep_beating(reads, options.times, lease.clone(), (known, calls)) => {}
        }
    });
}

fn another_answer() -> LedgerError {
    thread_error(anyhow::Error::msg("it gave another answer"))
}

fn thread_error(source: anyhow::Error) -> LedgerError {
    LedgerError::Store {
        what: "cannot use the thread of the ledger".to_owned(),
        source,
    }
}

impl Ledger for PostgresLedger {
    fn instance(&self) -> Answer<'_, Option<Instance>> {
        self.read(|db| async move { instance::find(&db).await })
    }

    fn bind(&self, instance: Instance) -> Answer<'_, ()> {
        self.done(Operation::Bind(instance))
    }

    fn follow(&self, instance: Instance) -> Answer<'_, ()> {
        self.done(Operation::Follow(instance))
    }

    fn begin(&self, run: NewRun, jobs: Vec<NewJob>) -> Answer<'_, RunId> {
        let id = run.id;
        Box::pin(async move { self.write(Operation::Begin(run, jobs)).await.map(|_| id) })
    }

    fn check_free(&self, subjects: Vec<String>) -> Answer<'_, ()> {
        let subjects = Arc::new(subjects);
        self.read(move |db| {
            let subjects = Arc::clone(&subjects);
            async move { runs::check_free(&db, &subjects).await }
        })
    }

    fn add_jobs(&self, run: RunId, jobs: Vec<NewJob>) -> Answer<'_, ()> {
        self.done(Operation::AddJobs(run, jobs))
    }

    fn claim(&self, run: RunId) -> Answer<'_, Run> {
        self.held(run, Operation::Claim(run))
    }

    fn share(&self, run: RunId) -> Answer<'_, ()> {
        self.done(Operation::Share(run))
    }

    fn join(&self, run: RunId) -> Answer<'_, Run> {
        self.held(run, Operation::Join(run))
    }

    fn take(&self, run: RunId, state: JobState, from: u64, limit: u32) -> Answer<'_, Hand> {
        Box::pin(async move {
            match self.write(Operation::Take(run, state, from, limit)).await? {
                Reply::Given(_, (hand, _)) => Ok(hand),
                _ => Err(another_answer()),
            }
        })
    }

    fn stop(&self, run: RunId) -> Answer<'_, ()> {
        self.done(Operation::Stop(run))
    }

    fn workers(&self, run: RunId) -> Answer<'_, Vec<Worker>> {
        self.read(move |db| async move { members::list(&db, run).await })
    }

    fn release(&self, run: RunId) -> Answer<'_, ()> {
        self.done(Operation::Release(run))
    }

    fn record(&self, job: JobId, events: Vec<Event>, key: Option<KeyRecord>) -> Answer<'_, ()> {
        self.done(Operation::Record(Record {
            job,
            events,
            key,
            end: None,
        }))
    }

    fn settle(
        &self,
        job: JobId,
        events: Vec<Event>,
        key: Option<KeyRecord>,
        end: JobEnd,
    ) -> Answer<'_, ()> {
        self.done(Operation::Record(Record {
            job,
            events,
            key,
            end: Some(end),
        }))
    }

    fn events(&self, job: JobId) -> Answer<'_, Vec<Event>> {
        self.read(move |db| async move { jobs::events(&db, job).await })
    }

    fn jobs(
        &self,
        run: RunId,
        state: Option<JobState>,
        from: u64,
        limit: u32,
    ) -> Answer<'_, Vec<Job>> {
        self.read(move |db| async move { jobs::list(&db, run, state, from, limit).await })
    }

    fn newest_done(&self, subjects: Vec<String>) -> Answer<'_, Vec<Vec<Job>>> {
        let subjects = Arc::new(subjects);
        self.read(move |db| {
            let subjects = Arc::clone(&subjects);
            async move { jobs::newest_done(&db, &subjects).await }
        })
    }

    fn run(&self, run: RunId) -> Answer<'_, Option<Run>> {
        self.read(move |db| async move { runs::find(&db, run).await })
    }

    fn runs(&self, limit: u32) -> Answer<'_, Vec<Run>> {
        self.read(move |db| async move { runs::newest(&db, limit).await })
    }

    fn runs_of(&self, subject: &str, limit: u32) -> Answer<'_, Vec<Run>> {
        let subject: Arc<str> = subject.into();
        self.read(move |db| {
            let subject = Arc::clone(&subject);
            async move { runs::of(&db, &subject, limit).await }
        })
    }

    fn done_since(&self, run: RunId, subject: &str) -> Answer<'_, Option<(RunId, Job)>> {
        let subject: Arc<str> = subject.into();
        self.read(move |db| {
            let subject = Arc::clone(&subject);
            async move { jobs::done_since(&db, run, &subject).await }
        })
    }

    fn pending(&self, subject: &str) -> Answer<'_, Option<Run>> {
        let subject: Arc<str> = subject.into();
        self.read(move |db| {
            let subject = Arc::clone(&subject);
            async move { runs::pending(&db, &subject).await }
        })
    }

    fn keys(&self, looker_user_id: Option<&str>) -> Answer<'_, Vec<KeyRecord>> {
        let user: Option<Arc<str>> = looker_user_id.map(Into::into);
        self.read(move |db| {
            let user = user.clone();
            async move { keys::list(&db, user.as_deref()).await }
        })
    }

    fn keys_due(&self, now: Timestamp) -> Answer<'_, Vec<KeyRecord>> {
        self.read(move |db| async move { keys::due(&db, now).await })
    }

    fn keys_elsewhere(&self) -> Answer<'_, Vec<(Instance, KeyRecord)>> {
        self.read(|db| async move { keys::elsewhere(&db).await })
    }

    fn put_key(&self, key: KeyRecord) -> Answer<'_, ()> {
        let key = Arc::new(key);
        self.read(move |db| {
            let key = Arc::clone(&key);
            async move { keys::put(&db, &key).await }
        })
    }

    fn note_permit(&self, looker_user_id: &str) -> Answer<'_, PermitId> {
        let user = looker_user_id.to_owned();
        Box::pin(async move {
            match self.write(Operation::NotePermit(user)).await? {
                Reply::Permit(permit) => Ok(permit),
                _ => Err(another_answer()),
            }
        })
    }

    fn forget_permit(&self, permit: PermitId) -> Answer<'_, ()> {
        self.read(move |db| async move { permits::forget(&db, permit).await })
    }

    fn claim_permits(&self) -> Answer<'_, Vec<Permit>> {
        Box::pin(async move {
            // Most commands find none, and need not become workers.
            let any = self
                .read(|db| async move { permits::any(&db).await })
                .await?;
            match any {
                false => Ok(Vec::new()),
                true => match self.write(Operation::ClaimPermits).await? {
                    Reply::Permits(permits) => Ok(permits),
                    _ => Ok(Vec::new()),
                },
            }
        })
    }

    fn lease(&self) -> Option<Lease> {
        Some(self.lease.clone())
    }

    fn turns(&self) -> Option<Arc<dyn Turns>> {
        Some(Arc::new(SharedTurns {
            link: Arc::clone(&self.reads),
            lease: self.lease.clone(),
            calls: Arc::clone(&self.calls),
        }))
    }

    fn calls_this_month(&self) -> Answer<'_, Option<u64>> {
        let calls = Arc::clone(&self.calls);
        self.read(move |db| {
            let calls = Arc::clone(&calls);
            async move {
                calls.write(&db).await?;
                pace::calls_this_month(&db).await.map(Some)
            }
        })
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PostgresLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresLedger")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Drop for PostgresLedger {
    fn drop(&mut self) {
        // Closing the queue ends the thread, which finishes what is waiting first.
        self.writes = None;
        if let Some(thread) = self.thread.take() {
            // It panicked, and has reported that itself.
            let _panicked = thread.join().is_err();
        }
    }
}
