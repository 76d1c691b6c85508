//! Runs jobs on the workflow engine for a command: the ledger, the run, and Ctrl-C.

use std::pin::pin;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::commands::context::CommandContext;
use crate::commands::ended::{Ended, Others, Stopped};
use crate::commands::instance;
use crate::commands::keys_to::KeysTo;
use crate::commands::progress::{Latest, UiObserver};
use crate::commands::session::Session;
use crate::config::LedgerPlace;
use crate::error::{Error, Kind};
use crate::ledger::postgres::{
    LeaseTimes, PostgresAddress, PostgresLedger, PostgresOptions, find_password,
};
use crate::ledger::sqlite::{Process, SqliteLedger, SqliteOptions};
use crate::ledger::{Job, Ledger, LedgerError, NewRun, Run, RunId};
use crate::net::trusting;
use crate::report::{Meter, Ui};
use crate::sink::Sink;
use crate::system::{Interrupt, System};
use crate::workflow::{
    Context, Finished, JobSpec, Newest, RunOptions, SetBack, Totals, run_jobs, set_back_left,
};

/// What `runs resume` needs to go on with a run of any command.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Request {
    /// The sinks for keys, as typed; when recorded, of a command only its program.
    pub(crate) keys_to: Option<KeysTo>,
    /// What was asked for, if the jobs also depend on what was there at that moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) asked: Option<Value>,
    /// What the run is about, for people: a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) about: Option<String>,
}

impl Request {
    /// A request whose jobs say all that a file asks for, besides where keys go.
    pub(crate) fn of_file(name: &str, keys_to: Option<KeysTo>) -> Self {
        Self {
            keys_to,
            asked: None,
            about: Some(name.to_owned()),
        }
    }

    /// The form that is recorded.
    fn recorded(&self, system: &System) -> Self {
        let keys_to = self.keys_to.as_ref();
        Self {
            keys_to: keys_to.map(|keys_to| keys_to.recorded(system)),
            ..self.clone()
        }
    }
}

/// Jobs to run, and the sink for their keys.
pub(crate) struct JobBatch {
    pub(crate) command: &'static str,
    pub(crate) request: Request,
    pub(crate) specs: Vec<JobSpec>,
    pub(crate) sink: Option<Arc<dyn Sink>>,
    /// The latest findings of each job, for a sink that prints them.
    pub(crate) latest: Latest,
}

/// A run that this process owns, and the needs of its jobs.
pub(crate) struct OwnedRun {
    pub(crate) run: RunId,
    /// Whether an earlier process may have worked on it.
    pub(crate) resumed: bool,
    /// Whether progress is reported as a total instead of step by step.
    pub(crate) many: bool,
    /// How many jobs to run.
    pub(crate) total: u64,
    pub(crate) ledger: Arc<dyn Ledger>,
    /// Whether any of its jobs signs URLs.
    pub(crate) signs: bool,
    pub(crate) sink: Option<Arc<dyn Sink>>,
    pub(crate) latest: Latest,
}

/// The ledger that the settings name; in memory for a local Looker that lives for one run.
pub(crate) async fn open_ledger(cx: &CommandContext) -> Result<Arc<dyn Ledger>, Error> {
    open_ledger_at(cx.settings.ledger_place()?, cx).await
}

/// The ledger in this place, or in memory.
pub(crate) async fn open_ledger_at(
    place: Option<LedgerPlace>,
    cx: &CommandContext,
) -> Result<Arc<dyn Ledger>, Error> {
    let mut options = SqliteOptions::new(cx.system.clock.clone());
    Ok(match place {
        Some(LedgerPlace::Postgres(address)) => {
            Arc::new(Box::pin(open_postgres(*address, cx)).await?)
        }
        Some(LedgerPlace::File(path)) => {
            // At the first run there may be no folder for it yet.
            options.make_folder = true;
            Arc::new(SqliteLedger::open(cx.system.path(path), &options)?)
        }
        None => Arc::new(SqliteLedger::in_memory(&options)?),
    })
}

/// The ledger in the database at `address`.
pub(crate) async fn open_postgres(
    address: PostgresAddress,
    cx: &CommandContext,
) -> Result<PostgresLedger, Error> {
    let (settings, system) = (&cx.settings, &cx.system);
    let password = match settings.ledger_password(&address)? {
        Some(password) => Some(password),
        None => find_password(&address, system)?,
    };
    let tls = match address.root_certificates() {
        Some(root) => {
            let mut files = settings.ca_files();
            files.extend(root.map(|path| system.path(path)));
            Some(trusting(&files)?)
        }
        None => None,
    };
    let Process { pid, host, .. } = Process::current();
    let options = PostgresOptions {
        address,
        password,
        tls,
        times: LeaseTimes::new(settings.timeout(), system.server_grace, system.lease_beat),
        owner: (pid, host),
    };
    Ok(PostgresLedger::open(options).await?)
}

/// The same, bound to the Looker of this session.
pub(crate) async fn ledger_of(session: &Session) -> Result<Arc<dyn Ledger>, Error> {
    let ledger = open_ledger(session).await?;
    use_ledger(&ledger, session).await?;
    Ok(ledger)
}

/// Verify that the ledger belongs to the Looker of this session, let it record users who are temporarily allowed to manage
/// keys, and take that right back from users whom killed commands left with it.
pub(crate) async fn use_ledger(ledger: &Arc<dyn Ledger>, session: &Session) -> Result<(), Error> {
    // First of all: with the ledger of another Looker, the ids below would be those of other users
    // there.
    instance::belongs(&**ledger, session).await?;
    if let Some(lease) = ledger.lease() {
        session.http.keep_within(lease);
    }
    if let Some(turns) = ledger.turns() {
        session.http.take_turns(turns);
    }
    warn_of_short_life(&**ledger, session).await?;
    session.keys.note_in(ledger);
    // Before the command's own work: a user left with this right could create keys that no run knows.
    let SetBack { users, failed } = set_back_left(&**ledger, &session.admin).await?;
    if !users.is_empty() {
        let users = users.join(", ");
        session.ui.warning(format!(
            "a command that was killed had let users manage their own API keys; set back now, by Looker's id: {users}"
        ));
    }
    for (user, error) in failed {
        session.ui.warning(format!(
            "Looker user {user} may still manage its own API keys, since a command was killed; it could not be set back: {error}"
        ));
    }
    Ok(())
}

/// Say so if what is recorded would go away with the machine: a new file on a runner that has not kept one.
async fn warn_of_short_life(ledger: &dyn Ledger, session: &Session) -> Result<(), Error> {
    let is_ci = session
        .system
        .var("CI")
        .is_some_and(|ci| !matches!(&*ci, "false" | "0"));
    let Some(LedgerPlace::File(path)) = session.settings.ledger_place()?.filter(|_| is_ci) else {
        return Ok(());
    };
    // One with runs in it has been brought along.
    if ledger.runs(1).await?.is_empty() {
        session.ui.warning(format!(
            "the ledger `{path}` is new, and `CI` is set: if it goes away with this machine, so does the record of its \
             keys; use `--ledger postgres://…`, or keep the file (`embedctl help ci`)"
        ));
    }
    Ok(())
}

/// Record a new run and run its jobs, or continue a run with the same jobs that was interrupted.
pub(crate) async fn begin(
    work: JobBatch,
    session: &Session,
    finished: impl FnMut(Finished) -> Result<(), Error>,
) -> Result<Ended, Error> {
    // The ledger opens before Looker is asked for anything, so that nothing can be done without a
    // record of it.
    let ledger = ledger_of(session).await?;
    session.finder.require_admin().await?;
    let jobs = work.specs.iter().map(JobSpec::job).collect();
    let run = new_run(work.command, &work.request, &session.system)?;
    let id = run.id;
    let (run, resumed) = match ledger.begin(run, jobs).await {
        Ok(_) => (id, false),
        // The same command after a crash: continuing finds keys of the lost run, where a new run would
        // mint second ones.
        Err(LedgerError::Unfinished { subject, run }) => {
            adopt(&*ledger, &work, (&subject, run), &session.system).await?;
            session.ui.status(format!(
                "an earlier run stopped half-way; going on with run {run}"
            ));
            (run, true)
        }
        Err(error) => return Err(error.into()),
    };
    let going = OwnedRun {
        run,
        resumed,
        many: work.specs.len() > 1,
        total: work.specs.len() as u64,
        ledger,
        signs: work.specs.iter().any(JobSpec::signs),
        sink: work.sink,
        latest: work.latest,
    };
    Ok(go(going, session, finished).await?)
}

/// Continue a run that was just recorded, claimed or joined. Where the ledger can, others may join it.
pub(crate) async fn go(
    going: OwnedRun,
    session: &Session,
    mut finished: impl FnMut(Finished) -> Result<(), Error>,
) -> Result<Ended, Stopped> {
    // From here on Ctrl-C lets the requests in flight finish, so that their results are recorded.
    session.system.interrupt.listen();
    let (run, ledger, latest) = (going.run, Arc::clone(&going.ledger), going.latest.clone());
    let options = RunOptions {
        concurrency: session.settings.concurrency(),
        resumed: going.resumed,
    };
    let (many, total) = (going.many, going.total);
    let before = share(&*ledger, &going).await?;
    let cx = Arc::new(context(going, session, options)?);
    let meter = many.then(|| Meter::new(&session.ui, &session.system.clock, "users", Some(total)));
    let mut sofar = Totals::default();
    let jobs = run_jobs(&cx, run, options, |end| {
        if let Some(meter) = &meter {
            meter.one(end.result.is_err());
        }
        sofar.count(&end.result);
        // A run of 100,000 users must not keep the findings of all of them in memory.
        if let Ok(found) = &end.result {
            latest.forget(found);
        }
        finished(end)
    });
    let ended = told_of_stop(jobs, &session.ui, &session.system.interrupt).await;
    if let Some(meter) = meter {
        meter.end();
    }
    // Released whatever the result, so that `runs resume` need not wait for this process to be found
    // dead.
    ledger.release(run).await?;
    let totals = match ended {
        Ok(totals) => totals,
        Err(error) => return Err(stopped(&*ledger, run, before, (sofar, error)).await),
    };
    let others = match before {
        Some(before) => others(&*ledger, &before, totals).await?,
        None => Others::default(),
    };
    Ok(Ended {
        run,
        totals,
        others,
    })
}

/// Let other machines join a run of many jobs; gives the run as it is now, if they can.
async fn share(ledger: &dyn Ledger, going: &OwnedRun) -> Result<Option<Run>, Error> {
    // A file is for one machine.
    if ledger.lease().is_none() || !going.many {
        return Ok(None);
    }
    let run = ledger.run(going.run).await?;
    // Whoever resumes a run tries its failed jobs again, once; several would try them several times.
    let Some(run) = run.filter(|run| run.failed == 0) else {
        return Ok(None);
    };
    ledger.share(going.run).await?;
    Ok(Some(run))
}

/// A run in which this process got so far until `error` stopped it.
async fn stopped(
    ledger: &dyn Ledger,
    run: RunId,
    before: Option<Run>,
    (sofar, error): (Totals, Error),
) -> Stopped {
    let others = match before {
        // What is not known is not told; the error is.
        Some(before) => others(ledger, &before, sofar).await.unwrap_or_default(),
        None => Others::default(),
    };
    let error = match error.kind() {
        Kind::Interrupted => {
            error.hint(format!("`embedctl runs resume {run}` continues from here"))
        }
        _ => error,
    };
    Stopped { error, others }
}

/// What others did of the run `before` was, in which this process brought about `totals`.
async fn others(ledger: &dyn Ledger, before: &Run, totals: Totals) -> Result<Others, Error> {
    let Some(after) = ledger.run(before.id).await? else {
        return Ok(Others::default());
    };
    let done = after.done.saturating_sub(before.done + totals.done);
    // Of those that failed here, some are left open, because something is not settled.
    let left = (after.failed + after.open).saturating_sub(totals.failed);
    Ok(Others {
        done,
        failed: left.min(after.failed),
        open: left.saturating_sub(after.failed),
    })
}

/// Run `jobs`, and tell the operator what happens after a request to stop.
async fn told_of_stop<T>(jobs: impl Future<Output = T>, ui: &Ui, interrupt: &Interrupt) -> T {
    let mut jobs = pin!(jobs);
    tokio::select! {
        biased;
        ended = &mut jobs => return ended,
        () = interrupt.asked(1) => {}
    }
    // The meter stops redrawing, so the message stays readable.
    ui.set_stopping();
    ui.status("Stopping after the work in flight is finished; press Ctrl-C again to stop at once.");
    jobs.await
}

fn context(going: OwnedRun, session: &Session, options: RunOptions) -> Result<Context, Error> {
    // With many jobs in flight, each sends its own requests one by one; otherwise the limit would be exceeded.
    let width = match going.many {
        true => 1,
        false => session.settings.concurrency(),
    };
    // Without signing, the embed secret is not needed, and a profile without one must work.
    let (signer, other_signer) = if going.signs {
        let (signer, other) = session.signers()?;
        (Some(signer), Some(other))
    } else {
        (None, None)
    };
    Ok(Context {
        http: session.http.clone(),
        admin: session.admin.clone(),
        finder: session.finder.clone(),
        newest: (options.jobs_at_once() > 1 && going.many).then(|| {
            let clock = session.system.clock.clone();
            Newest::new(session.admin.clone(), clock, options.jobs_at_once())
        }),
        keys: Arc::clone(&session.keys),
        sole_minter: session.settings.sole_minter(),
        signer,
        other_signer,
        sink: going.sink,
        ledger: going.ledger,
        clock: session.system.clock.clone(),
        random: session.system.random.clone(),
        interrupt: session.system.interrupt.clone(),
        observer: Arc::new(UiObserver::new(
            &session.ui,
            going.latest,
            going.many,
            &session.system.clock,
        )),
        timeout: session.settings.timeout(),
        grace: session.system.server_grace,
        width,
    })
}

/// Take over the earlier run, if it has the same goal.
async fn adopt(
    ledger: &dyn Ledger,
    work: &JobBatch,
    (subject, run): (&str, RunId),
    system: &System,
) -> Result<(), Error> {
    let conflict = || {
        Error::new(
            Kind::Conflict,
            format!("run {run} for `{subject}` stopped half-way, and asked for something else"),
        )
        .hint(format!(
            "`embedctl runs resume {run}` finishes it; `embedctl runs show {run}` shows it"
        ))
    };
    let earlier = ledger.claim(run).await?;
    // One more than expected shows that there are too many.
    let limit = u32::try_from(work.specs.len() + 1).unwrap_or(u32::MAX);
    let jobs = ledger.jobs(run, None, 0, limit).await?;
    // A single job may continue with another sink: its key is in neither, or it is settled. Of many, some are delivered.
    let same_sink = jobs.len() == 1 || earlier.request == json!(work.request.recorded(system));
    // A job that was decided on by what was there is another one once it has begun, though the same is asked for.
    let asked = &work.request.asked;
    let same_job = match asked {
        Some(asked) => earlier.request.get("asked") == Some(asked),
        None => is_same(&jobs, &work.specs),
    };
    if earlier.command == work.command && same_sink && same_job {
        return Ok(());
    }
    // Given back, because this process will not work on it.
    ledger.release(run).await?;
    Err(conflict())
}

fn is_same(jobs: &[Job], specs: &[JobSpec]) -> bool {
    let mut pairs = jobs.iter().zip(specs);
    jobs.len() == specs.len() && pairs.all(|(job, spec)| job.spec == json!(spec))
}

/// A run as the ledger stores it.
pub(crate) fn new_run(command: &str, request: &Request, system: &System) -> Result<NewRun, Error> {
    Ok(NewRun {
        id: RunId::new(&system.clock, &system.random).map_err(|error| {
            Error::internal(error).context("the system has no randomness available")
        })?,
        command: command.to_owned(),
        request: json!(request.recorded(system)),
        created_at: system.clock.now(),
    })
}
