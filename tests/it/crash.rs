//! The crash matrix: every workflow is stopped at every write and at every request, then resumed.
//!
//! A request is stopped before it takes effect and after. A new step is covered by being in the list of its workflow.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use embedctl::emulator::{Effect, Emulator, Fault, Options, State};
use embedctl::error::Kind;
use embedctl::ledger::postgres::LeaseTimes;
use embedctl::ledger::sqlite::{Process, SqliteLedger, SqliteOptions};
use embedctl::ledger::{
    Answer, Contents, Ended, Event, Hand, Instance, Job, JobEnd, JobId, JobState, KeyRecord,
    Ledger, LedgerError, NewJob, NewRun, Part, Parts, Permit, PermitId, Run, RunId, Upkeep, Worker,
};
use embedctl::looker::{ApiKey, Client, Http, HttpOptions, NoTrace, Trace};
use embedctl::secret::SecretString;
use embedctl::signed_url::{Grants, Signer};
use embedctl::sink::{self, Opening};
use embedctl::system::{Clock, Interrupt, Random};
use embedctl::workflow::{
    self, Context, Finder, Found, IfNone, JobSpec, KeyAccess, KeyJob, KeySpec, Observer,
    RotateSpec, RunOptions, Step, UserId, UserRef, UserSpec, Via,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::database::Database;
use crate::support::Sandbox;

const USER: &str = "acme-42";

/// Where a run is stopped.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stop {
    /// At the write to the ledger with this number: nothing of it is kept, and the process is gone.
    Write(i64),
    /// Before the request with this number takes effect; the process is gone.
    Before(u32),
    /// After the request with this number took effect; its answer is lost, and the process is gone.
    After(u32),
    /// After the request with this number took effect; its answer is lost, and the process lives.
    Lost(u32),
}

/// A world in which a workflow runs and is stopped.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) emulator: Arc<Emulator>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) clock: Clock,
    pub(crate) spec: JobSpec,
    /// How many writes were kept.
    pub(crate) writes: Arc<AtomicI64>,
    /// The id of a key that somebody else made before.
    pub(crate) foreign: String,
    /// Sees every request of a run.
    pub(crate) trace: Arc<dyn Trace>,
    /// The sink of the run, as typed.
    sink: String,
    /// Whether nothing else creates keys.
    pub(crate) sole_minter: bool,
}

impl World {
    pub(crate) async fn new(workflow: Workflow, (sole_minter, ahead): (bool, i64)) -> Self {
        let world = Self::ahead(State::default(), user_spec(), ahead).await;
        world.for_workflow(workflow, sole_minter).await
    }

    /// The same, recorded in `ledger`, which other worlds may have used before.
    async fn recorded_in(
        ledger: &Arc<dyn Ledger>,
        workflow: Workflow,
        (sole_minter, ahead): (bool, i64),
    ) -> Self {
        let mut world = Self::ahead(State::default(), user_spec(), ahead).await;
        // Each world has a Looker of its own, in which the same ids are others.
        let origin = format!("https://{}.looker.com", uuid::Uuid::new_v4());
        let web_url = None;
        ledger.bind(Instance { origin, web_url }).await.unwrap();
        world.ledger = Arc::clone(ledger);
        world.for_workflow(workflow, sole_minter).await
    }

    async fn for_workflow(mut self, workflow: Workflow, sole_minter: bool) -> Self {
        let world = &mut self;
        world.set_up(workflow).await;
        world.sole_minter = sole_minter;
        self
    }

    /// A Looker that holds `state`, and a job that is to do `spec`.
    pub(crate) async fn start(state: State, spec: JobSpec) -> Self {
        Self::ahead(state, spec, 0).await
    }

    /// The same where Looker's clock is `ahead` of what its answers say, in seconds.
    async fn ahead(state: State, spec: JobSpec, ahead: i64) -> Self {
        let sandbox = Sandbox::offline();
        let clock = Clock::manual(Timestamp::from_second(1_700_000_000).unwrap());
        let mut options = Options {
            clock: clock.clone(),
            state,
            strict: true,
            ..Options::default()
        };
        options.switches.created_at_offset = ahead;
        let emulator = Arc::new(Emulator::start(options).await.unwrap());
        let ledger = SqliteLedger::in_memory(&SqliteOptions::new(clock.clone())).unwrap();
        let sink = format!("file:{}", sandbox.path("keys.jsonl").display());
        Self {
            sandbox,
            emulator,
            ledger: Arc::new(ledger),
            clock,
            spec,
            writes: Arc::default(),
            foreign: String::new(),
            trace: Arc::new(NoTrace),
            sink,
            sole_minter: true,
        }
    }

    /// Another machine with the same job at the same Looker: a ledger and a sink of its own.
    pub(crate) fn another_machine(&self) -> Self {
        let sandbox = Sandbox::offline();
        let ledger = SqliteLedger::in_memory(&SqliteOptions::new(self.clock.clone())).unwrap();
        Self {
            emulator: Arc::clone(&self.emulator),
            ledger: Arc::new(ledger),
            clock: self.clock.clone(),
            spec: self.spec.clone(),
            writes: Arc::default(),
            foreign: self.foreign.clone(),
            trace: Arc::new(NoTrace),
            sink: format!("file:{}", sandbox.path("keys.jsonl").display()),
            sole_minter: self.sole_minter,
            sandbox,
        }
    }

    /// Bring about what the workflow starts from.
    async fn set_up(&mut self, workflow: Workflow) {
        match workflow {
            Workflow::CreateUser => {}
            Workflow::MintKey | Workflow::RotateKey => {
                let run = self.begin().await;
                self.go(run, None).await.unwrap();
            }
        }
        let job = KeyJob {
            user: UserId::External(USER.to_owned()),
            purpose: None,
            ttl_seconds: None,
        };
        self.spec = match workflow {
            Workflow::CreateUser => user_spec(),
            Workflow::MintKey => JobSpec::MintKey(job),
            Workflow::RotateKey => JobSpec::RotateKey(RotateSpec {
                job,
                keys: Vec::new(),
                max_age_seconds: None,
                overlap_seconds: None,
                if_none: IfNone::Fail,
            }),
        };
        if workflow != Workflow::CreateUser {
            let admin = self.admin();
            let id = self.looker_user_id().await.unwrap();
            self.foreign = admin.create_api3_key(&id).await.unwrap().key.id;
            admin.logout().await.unwrap();
            // Long enough that the foreign key is not taken for one of the run's.
            self.clock.sleep(Duration::from_secs(3600)).await;
        }
    }

    pub(crate) fn http(&self) -> Http {
        self.traced(Arc::new(NoTrace))
    }

    fn traced(&self, trace: Arc<dyn Trace>) -> Http {
        Http::new(HttpOptions {
            timeout: Duration::from_secs(20),
            retries: 0,
            clock: self.clock.clone(),
            trace,
            ..HttpOptions::default()
        })
        .unwrap()
    }

    pub(crate) fn admin(&self) -> Client {
        self.client(self.emulator.client_id(), self.emulator.client_secret())
    }

    fn client(&self, client_id: &str, client_secret: SecretString) -> Client {
        let key = ApiKey {
            client_id: client_id.to_owned(),
            client_secret,
        };
        Client::new(self.http(), self.emulator.base_url().parse().unwrap(), key)
    }

    pub(crate) async fn begin(&self) -> RunId {
        let id = RunId(uuid::Uuid::new_v4());
        let run = NewRun {
            id,
            command: "test".to_owned(),
            request: Value::Null,
            created_at: self.clock.now(),
        };
        let job = NewJob {
            subject: self.subject().to_owned(),
            also: self.spec.also().map(str::to_owned),
            spec: json!(self.spec),
        };
        self.ledger.begin(run, vec![job]).await.unwrap()
    }

    /// The company's id of the user that the job is about.
    fn subject(&self) -> &str {
        match self.spec.user() {
            UserRef::External(id) => id,
            UserRef::Known { .. } | UserRef::Looker(_) => USER,
        }
    }

    /// Run what is open until `stop`; `Err` says that the job did not come to its end.
    pub(crate) async fn go(
        &self,
        run: RunId,
        stop: Option<Stop>,
    ) -> Result<Found, embedctl::error::Error> {
        let resumed = !self
            .ledger
            .events(JobId { run, number: 0 })
            .await
            .unwrap()
            .is_empty();
        let ledger = self.mortal(stop);
        let http = self.traced(Arc::clone(&self.trace));
        let key = ApiKey {
            client_id: self.emulator.client_id().to_owned(),
            client_secret: self.emulator.client_secret(),
        };
        let admin = Client::new(http.clone(), self.emulator.base_url().parse().unwrap(), key);
        let algorithm = self.emulator.algorithm();
        let signer = Signer::new(
            self.emulator.host(),
            &self.emulator.embed_secret(),
            algorithm,
        );
        let (system, _) = self.sandbox.system(embedctl::system::Input::empty());
        let cx = Arc::new(Context {
            http,
            finder: Finder::new(admin.clone()),
            admin: admin.clone(),
            newest: None,
            keys: KeyAccess::new(admin.clone()),
            sole_minter: self.sole_minter,
            signer: Some(signer.unwrap().with_scheme("http")),
            other_signer: None,
            sink: Some(
                sink::open(std::slice::from_ref(&self.sink), &Opening::new(&system)).unwrap(),
            ),
            ledger: Arc::new(ledger),
            clock: self.clock.clone(),
            random: Random::os(),
            interrupt: Interrupt::never(),
            observer: Arc::new(Silent),
            width: 1,
            timeout: Duration::from_secs(20),
            grace: Duration::from_secs(30),
        });
        let options = RunOptions {
            concurrency: 1,
            resumed,
        };
        let mut result = None;
        let totals = workflow::run_jobs(&cx, run, options, |finished| {
            result = Some(finished.result);
            Ok(())
        })
        .await;
        let _gone = admin.logout().await;
        totals?;
        result.unwrap_or_else(|| Err(embedctl::error::Error::new(Kind::Internal, "no job ran")))
    }

    /// The ledger as the process has it that is stopped there. The process is gone at the same time to the ledger as to
    /// Looker.
    pub(crate) fn mortal(&self, stop: Option<Stop>) -> Mortal {
        let writes = match stop {
            Some(Stop::Write(number)) => number,
            _ => i64::MAX,
        };
        let gone = stop.filter(|stop| matches!(stop, Stop::Before(_) | Stop::After(_)));
        for fault in stop.map(faults).unwrap_or_default() {
            self.emulator.inject(fault);
        }
        Mortal {
            inner: Arc::clone(&self.ledger),
            writes_left: AtomicI64::new(writes),
            writes: Arc::clone(&self.writes),
            gone: gone.map(|stop| (stop, Arc::clone(&self.emulator))),
        }
    }

    pub(crate) async fn looker_user_id(&self) -> Option<String> {
        let admin = self.admin();
        let user = admin.user_for_credential_embed(self.subject()).await;
        let user = user.unwrap();
        admin.logout().await.unwrap();
        user.map(|user| user.id)
    }

    /// The ids of the user's keys at Looker.
    pub(crate) async fn alive(&self) -> BTreeSet<String> {
        let Some(id) = self.looker_user_id().await else {
            return BTreeSet::new();
        };
        let admin = self.admin();
        let keys = admin.api3_keys(&id).await.unwrap();
        admin.logout().await.unwrap();
        keys.into_iter().map(|key| key.id).collect()
    }

    /// The keys in the sink: id, client id and secret.
    pub(crate) fn kept(&self) -> Vec<(String, String, String)> {
        let Ok(text) = std::fs::read_to_string(self.sandbox.path("keys.jsonl")) else {
            return Vec::new();
        };
        let field = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
        text.lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .map(|key| {
                (
                    field(&key, "key_id"),
                    field(&key, "client_id"),
                    field(&key, "client_secret"),
                )
            })
            .collect()
    }

    /// How many keys of the sink log in as the user.
    pub(crate) async fn working(&self) -> usize {
        let mut working = 0;
        for (_, client_id, secret) in self.kept() {
            let client = self.client(&client_id, secret.into());
            if client.login().await.is_ok() {
                working += 1;
                client.logout().await.unwrap();
            }
        }
        working
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Workflow {
    CreateUser,
    MintKey,
    RotateKey,
}

fn user_spec() -> JobSpec {
    JobSpec::CreateUser(UserSpec {
        external_user_id: USER.to_owned(),
        grants: Grants {
            permissions: Some(vec!["access_data".to_owned()]),
            models: Some(vec!["demo".to_owned()]),
            session_length: Some(300),
            ..Grants::default()
        },
        via: Via::SignedUrl,
        target: "/embed/dashboards/1".to_owned(),
        update: false,
        verify: true,
        key: Some(KeySpec::default()),
        planned: Box::default(),
    })
}

#[derive(Debug)]
pub(crate) struct Silent;

impl Observer for Silent {
    fn step(&self, _: &str, _: Step, _: &Found, _: Duration) {}
}

/// A ledger that belongs to a process which dies at a certain write: that write and all later ones are not kept.
#[derive(Debug)]
pub(crate) struct Mortal {
    inner: Arc<dyn Ledger>,
    writes_left: AtomicI64,
    writes: Arc<AtomicI64>,
    /// The request at which the process dies, if it dies at one, and the Looker that knows whether it was made.
    gone: Option<(Stop, Arc<Emulator>)>,
}

impl Mortal {
    fn write<'a, T>(&'a self, write: impl FnOnce() -> Answer<'a, T>) -> Answer<'a, T>
    where
        T: Send + 'a,
    {
        let gone = self.gone.as_ref();
        let gone = gone.is_some_and(|(stop, emulator)| is_reached(*stop, emulator));
        if !gone && self.writes_left.fetch_sub(1, Ordering::SeqCst) > 0 {
            self.writes.fetch_add(1, Ordering::SeqCst);
            return write();
        }
        Box::pin(async {
            Err(LedgerError::Store {
                what: "the process is gone".to_owned(),
                source: anyhow::anyhow!("stopped by the test"),
            })
        })
    }
}

impl Upkeep for Mortal {
    fn contents(&self) -> Answer<'_, Contents> {
        self.inner.contents()
    }

    fn ended(&self, before: Timestamp, now: Timestamp) -> Answer<'_, Vec<Ended>> {
        self.inner.ended(before, now)
    }

    fn mark_pruned(&self, run: RunId, now: Timestamp) -> Answer<'_, bool> {
        self.write(|| self.inner.mark_pruned(run, now))
    }

    fn delete_events(&self, run: RunId) -> Answer<'_, u64> {
        self.write(|| self.inner.delete_events(run))
    }

    fn pruned_at(&self, run: RunId) -> Answer<'_, Option<Timestamp>> {
        self.inner.pruned_at(run)
    }

    fn compact(&self) -> Answer<'_, bool> {
        self.write(|| self.inner.compact())
    }

    fn send_all(&self, parts: Parts) -> Answer<'_, ()> {
        self.inner.send_all(parts)
    }

    fn store_all(&self, parts: mpsc::Receiver<Part>) -> Answer<'_, ()> {
        self.write(|| self.inner.store_all(parts))
    }
}

impl Ledger for Mortal {
    fn instance(&self) -> Answer<'_, Option<Instance>> {
        self.inner.instance()
    }

    fn bind(&self, instance: Instance) -> Answer<'_, ()> {
        self.inner.bind(instance)
    }

    fn follow(&self, instance: Instance) -> Answer<'_, ()> {
        self.inner.follow(instance)
    }

    fn begin(&self, run: NewRun, jobs: Vec<NewJob>) -> Answer<'_, RunId> {
        self.write(|| self.inner.begin(run, jobs))
    }

    fn check_free(&self, subjects: Vec<String>) -> Answer<'_, ()> {
        self.inner.check_free(subjects)
    }

    fn add_jobs(&self, run: RunId, jobs: Vec<NewJob>) -> Answer<'_, ()> {
        self.write(|| self.inner.add_jobs(run, jobs))
    }

    fn claim(&self, run: RunId) -> Answer<'_, Run> {
        self.inner.claim(run)
    }

    fn share(&self, run: RunId) -> Answer<'_, ()> {
        self.inner.share(run)
    }

    fn join(&self, run: RunId) -> Answer<'_, Run> {
        self.inner.join(run)
    }

    fn take(&self, run: RunId, state: JobState, from: u64, limit: u32) -> Answer<'_, Hand> {
        self.inner.take(run, state, from, limit)
    }

    fn stop(&self, run: RunId) -> Answer<'_, ()> {
        self.inner.stop(run)
    }

    fn workers(&self, run: RunId) -> Answer<'_, Vec<Worker>> {
        self.inner.workers(run)
    }

    fn release(&self, run: RunId) -> Answer<'_, ()> {
        self.inner.release(run)
    }

    fn record(&self, job: JobId, events: Vec<Event>, key: Option<KeyRecord>) -> Answer<'_, ()> {
        self.write(|| self.inner.record(job, events, key))
    }

    fn settle(
        &self,
        job: JobId,
        events: Vec<Event>,
        key: Option<KeyRecord>,
        end: JobEnd,
    ) -> Answer<'_, ()> {
        self.write(|| self.inner.settle(job, events, key, end))
    }

    fn newest_done(&self, subjects: Vec<String>) -> Answer<'_, Vec<Vec<Job>>> {
        self.inner.newest_done(subjects)
    }

    fn events(&self, job: JobId) -> Answer<'_, Vec<Event>> {
        self.inner.events(job)
    }

    fn jobs(
        &self,
        run: RunId,
        state: Option<JobState>,
        from: u64,
        limit: u32,
    ) -> Answer<'_, Vec<Job>> {
        self.inner.jobs(run, state, from, limit)
    }

    fn run(&self, run: RunId) -> Answer<'_, Option<Run>> {
        self.inner.run(run)
    }

    fn runs(&self, limit: u32) -> Answer<'_, Vec<Run>> {
        self.inner.runs(limit)
    }

    fn runs_of(&self, subject: &str, limit: u32) -> Answer<'_, Vec<Run>> {
        self.inner.runs_of(subject, limit)
    }

    fn done_since(&self, run: RunId, subject: &str) -> Answer<'_, Option<(RunId, Job)>> {
        self.inner.done_since(run, subject)
    }

    fn pending(&self, subject: &str) -> Answer<'_, Option<Run>> {
        self.inner.pending(subject)
    }

    fn keys(&self, looker_user_id: Option<&str>) -> Answer<'_, Vec<KeyRecord>> {
        self.inner.keys(looker_user_id)
    }

    fn note_permit(&self, looker_user_id: &str) -> Answer<'_, PermitId> {
        self.write(|| self.inner.note_permit(looker_user_id))
    }

    fn forget_permit(&self, permit: PermitId) -> Answer<'_, ()> {
        self.write(|| self.inner.forget_permit(permit))
    }

    fn claim_permits(&self) -> Answer<'_, Vec<Permit>> {
        self.inner.claim_permits()
    }

    fn keys_due(&self, now: Timestamp) -> Answer<'_, Vec<KeyRecord>> {
        self.inner.keys_due(now)
    }

    fn keys_elsewhere(&self) -> Answer<'_, Vec<(Instance, KeyRecord)>> {
        self.inner.keys_elsewhere()
    }

    fn put_key(&self, key: KeyRecord) -> Answer<'_, ()> {
        self.write(|| self.inner.put_key(key))
    }
}

/// Stop `workflow` there, look at what is left, resume it, and look again. Gives whether the stop was reached at all.
async fn stop_and_resume(
    workflow: Workflow,
    stop: Stop,
    how: (bool, i64),
    ledger: Option<&Arc<dyn Ledger>>,
) -> bool {
    let world = match ledger {
        Some(ledger) => World::recorded_in(ledger, workflow, how).await,
        None => World::new(workflow, how).await,
    };
    let before = world.alive().await;
    let run = world.begin().await;

    let stopped = world.go(run, Some(stop)).await;
    let reached = match stop {
        Stop::Write(_) => stopped.is_err(),
        _ => is_reached(stop, &world.emulator),
    };
    world.emulator.clear_faults();

    let context = format!("{workflow:?} {stop:?} {how:?}: {stopped:?}");
    if workflow == Workflow::RotateKey {
        assert!(world.working().await >= 1, "no key works after {context}");
    }
    let foreign =
        |alive: &BTreeSet<String>| world.foreign.is_empty() || alive.contains(&world.foreign);
    assert!(
        foreign(&world.alive().await),
        "a foreign key is gone after {context}"
    );

    // What is unclear is said once, and the next run ends.
    let mut told = match &stopped {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    let mut ended = stopped.is_ok();
    for _ in 0..2 {
        if !ended {
            match world.go(run, None).await {
                Ok(_) => ended = true,
                Err(error) => {
                    assert_eq!(error.kind(), Kind::Incomplete, "{error} after {context}");
                    assert!(!world.sole_minter, "{error} after {context}");
                    told.push_str(&error.to_string());
                }
            }
        }
    }
    assert!(ended, "cannot resume after {context}: {told}");

    check_end(workflow, &world, &before, &told, &context).await;
    assert_eq!(world.emulator.violations(), [], "after {context}");
    reached
}

/// Whether the request was made at which a run is to stop; no request is where it stops at a write.
pub(crate) fn is_reached(stop: Stop, emulator: &Emulator) -> bool {
    let unconsumed = emulator.unconsumed_faults();
    match stop {
        Stop::Write(_) => false,
        Stop::Before(_) | Stop::Lost(_) => unconsumed.is_empty(),
        // The connection that is refused from then on may never be asked for.
        Stop::After(_) => unconsumed.iter().all(|fault| fault.times == 0),
    }
}

/// A gone process sends nothing more, which a connection that is always refused stands for.
fn faults(stop: Stop) -> Vec<Fault> {
    let gone = |number| Fault::new(Effect::ResetBefore).after(number).times(0);
    match stop {
        Stop::Write(_) => Vec::new(),
        Stop::Before(number) => vec![gone(number)],
        Stop::After(number) => vec![Fault::new(Effect::ResetAfter).after(number), gone(0)],
        Stop::Lost(number) => vec![Fault::new(Effect::ResetAfter).after(number)],
    }
}

/// Every key of ours is delivered and logs in, no other is left that was not `told` by its id, and what is not ours is as it
/// was. Where nothing else creates keys, none is left.
async fn check_end(
    workflow: Workflow,
    world: &World,
    before: &BTreeSet<String>,
    told: &str,
    context: &str,
) {
    let mut alive = world.alive().await;
    if !world.foreign.is_empty() {
        assert!(
            alive.remove(&world.foreign),
            "the foreign key is gone after {context}"
        );
    }
    let kept: BTreeSet<String> = world.kept().into_iter().map(|(id, ..)| id).collect();
    let orphans: Vec<_> = alive.difference(&kept).cloned().collect();
    for orphan in &orphans {
        let named = told.contains(&format!("key {orphan} of"));
        assert!(
            named && !world.sole_minter,
            "key {orphan} is in no sink, and this was told: {told}; after {context}"
        );
    }
    alive.retain(|key| kept.contains(key));

    let wanted = match workflow {
        Workflow::CreateUser | Workflow::RotateKey => 1,
        Workflow::MintKey => 2,
    };
    assert_eq!(alive.len(), wanted, "keys {alive:?} after {context}");
    assert_eq!(
        world.working().await,
        wanted,
        "keys that log in after {context}"
    );
    if workflow == Workflow::RotateKey {
        assert!(
            alive.is_disjoint(before),
            "an old key is left after {context}"
        );
    }
}

async fn everywhere(
    workflow: Workflow,
    stop: impl Fn(u32) -> Stop,
    sole_minter: bool,
    ledger: Option<&Arc<dyn Ledger>>,
) {
    let mut stops = 0;
    // Looker's own clock and the one that its answers tell differ, as behind a balancer.
    let ahead = |stops: u32| [0, 10, -10][stops as usize % 3];
    while stop_and_resume(workflow, stop(stops), (sole_minter, ahead(stops)), ledger).await {
        stops += 1;
        assert!(stops < 100, "the run has no end");
    }
    assert!(
        stops > 2,
        "only {stops} stops: the matrix does not reach the run"
    );
}

/// Stop the creation of a user there, and do it again on a machine that has never seen the ledger. Gives whether the stop
/// was reached.
async fn go_on_elsewhere(stop: Stop) -> bool {
    let mut world = World::new(Workflow::CreateUser, (false, 0)).await;
    let run = world.begin().await;
    let stopped = world.go(run, Some(stop)).await;
    let reached = match stop {
        Stop::Write(_) => stopped.is_err(),
        _ => is_reached(stop, &world.emulator),
    };
    world.emulator.clear_faults();
    let ledger = SqliteLedger::in_memory(&SqliteOptions::new(world.clock.clone()));
    world.ledger = Arc::new(ledger.unwrap());
    if let JobSpec::CreateUser(spec) = &mut world.spec {
        let ensure = true;
        spec.key = Some(KeySpec {
            ensure,
            ..KeySpec::default()
        });
    }

    let run = world.begin().await;
    let ensured = world.go(run, None).await;

    assert!(ensured.is_ok(), "{ensured:?} after {stop:?}: {stopped:?}");
    assert!(world.working().await >= 1, "no key works after {stop:?}");
    let kept: BTreeSet<String> = world.kept().into_iter().map(|(id, ..)| id).collect();
    let lost: BTreeSet<String> = world.alive().await.difference(&kept).cloned().collect();
    assert_eq!(orphans(&mut world).await, lost, "after {stop:?}");
    reached
}

/// The keys that `keys orphans` lists on a machine without the ledger.
async fn orphans(world: &mut World) -> BTreeSet<String> {
    world.sandbox.points_at(&world.emulator);
    world
        .sandbox
        .var("EMBEDCTL_KEYS_TO", "file:keys.jsonl")
        .clock(world.clock.clone());
    let orphans = ["keys", "orphans", "-o", "json"];
    let listed = world.sandbox.run(&orphans).await.done().json();
    let listed = listed.as_array().unwrap().iter();
    listed
        .map(|key| key["key_id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_fresh_machine_ends_with_a_key_that_works_and_finds_what_nobody_received() {
    let write = |number: u32| Stop::Write(number.into());
    for stop in [Stop::After as fn(u32) -> Stop, write] {
        let mut stops = 0;
        while go_on_elsewhere(stop(stops)).await {
            stops += 1;
            assert!(stops < 100, "the run has no end");
        }
        assert!(stops > 2, "only {stops} stops");
    }
}

#[tokio::test]
async fn a_ledger_that_fails_leaves_no_key_that_is_neither_delivered_nor_named() {
    for revokes in [true, false] {
        let mut named = 0;
        for write in 0.. {
            let world = World::new(Workflow::MintKey, (false, 0)).await;
            let before = world.alive().await;
            if !revokes {
                let fault = Fault::status(500).on("delete_user_credentials_api3");
                world.emulator.inject(fault.times(0));
            }
            let run = world.begin().await;
            let stopped = world.go(run, Some(Stop::Write(write))).await;
            let Err(error) = stopped else {
                break;
            };
            let mut lost = world.alive().await;
            let kept = world.kept();
            lost.retain(|id| !before.contains(id) && kept.iter().all(|key| key.0 != *id));
            assert!(!revokes || lost.is_empty(), "{lost:?} after write {write}");
            for id in lost {
                let said = error.to_string();
                assert!(said.contains(&format!("key {id} ")), "{id}: {said}");
                named += 1;
            }
        }
        assert!(revokes || named > 0, "no write fails with a key in hand");
    }
}

macro_rules! matrix {
    ($($name:ident: $workflow:expr, $stop:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            for sole_minter in [true, false] {
                everywhere($workflow, $stop, sole_minter, None).await;
            }
        }
    )*};
}

/// The same with runs in PostgreSQL. How Looker's own clock differs is a matter of the workflow, not of the ledger.
macro_rules! matrix_in_postgres {
    ($($name:ident: $workflow:expr, $stop:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let Some(database) = Database::fresh().await else { return };
            let second = Duration::from_secs(1);
            let times = LeaseTimes::new(second * 20, second, second * 5);
            let ledger = database.ledger(times, &Process::current()).await;
            let ledger: Arc<dyn Ledger> = Arc::new(ledger);
            everywhere($workflow, $stop, true, Some(&ledger)).await;
        }
    )*};
}

matrix_in_postgres! {
    in_postgres_create_user_resumes_from_every_write: Workflow::CreateUser, |n| Stop::Write(n.into());
    in_postgres_create_user_resumes_from_after_every_request: Workflow::CreateUser, Stop::After;
    in_postgres_keys_mint_resumes_from_every_write: Workflow::MintKey, |n| Stop::Write(n.into());
    in_postgres_keys_rotate_resumes_from_every_write: Workflow::RotateKey, |n| Stop::Write(n.into());
    in_postgres_keys_rotate_resumes_from_after_every_request: Workflow::RotateKey, Stop::After;
}

matrix! {
    create_user_resumes_from_every_write: Workflow::CreateUser, |n| Stop::Write(n.into());
    create_user_resumes_from_before_every_request: Workflow::CreateUser, Stop::Before;
    create_user_resumes_from_after_every_request: Workflow::CreateUser, Stop::After;
    create_user_survives_every_lost_answer: Workflow::CreateUser, Stop::Lost;
    keys_mint_resumes_from_every_write: Workflow::MintKey, |n| Stop::Write(n.into());
    keys_mint_resumes_from_before_every_request: Workflow::MintKey, Stop::Before;
    keys_mint_resumes_from_after_every_request: Workflow::MintKey, Stop::After;
    keys_mint_survives_every_lost_answer: Workflow::MintKey, Stop::Lost;
    keys_rotate_resumes_from_every_write: Workflow::RotateKey, |n| Stop::Write(n.into());
    keys_rotate_resumes_from_before_every_request: Workflow::RotateKey, Stop::Before;
    keys_rotate_resumes_from_after_every_request: Workflow::RotateKey, Stop::After;
    keys_rotate_survives_every_lost_answer: Workflow::RotateKey, Stop::Lost;
}
