//! Runs jobs on the workflow engine for a command: the ledger, the run, Ctrl-C, and what a person sees meanwhile.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::{Builder, Uuid};

use crate::commands::session::Session;
use crate::error::{Error, Kind};
use crate::ledger::sqlite::{SqliteLedger, SqliteOptions};
use crate::ledger::{Job, JobState, Ledger, LedgerError, NewJob, NewRun, RunId};
use crate::report::Ui;
use crate::sink::Sink;
use crate::system::System;
use crate::workflow::{
    Context, Finished, Found, JobSpec, Observer, Outcome, RunOptions, Step, Totals, UserRef,
    require_admin, run_jobs,
};

/// What `runs resume` needs to go on with a run of any command.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Request {
    /// The sink the keys go to, as typed.
    pub(crate) keys_to: Option<String>,
}

/// Jobs to run, and where the keys go.
pub(crate) struct Work {
    pub(crate) command: &'static str,
    pub(crate) request: Request,
    pub(crate) specs: Vec<JobSpec>,
    pub(crate) sink: Option<Arc<dyn Sink>>,
    /// The last thing found of the only job, for a sink that prints it.
    pub(crate) latest: Latest,
}

/// What was last found of a job: a sink on standard output prints it together with the secret.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latest(Arc<Mutex<Found>>);

impl Latest {
    pub(crate) fn found(&self) -> Found {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, found: &Found) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(found);
    }
}

/// The ledger that the settings name; a local Looker of one run has one in memory.
pub(crate) fn open_ledger(session: &Session, system: &System) -> Result<Arc<dyn Ledger>, Error> {
    let mut options = SqliteOptions::new(system.clock.clone());
    let ledger = match session.settings.ledger()? {
        Some(path) => {
            options.make_folder = true;
            SqliteLedger::open(system.path(path), &options)?
        }
        None => SqliteLedger::in_memory(&options)?,
    };
    Ok(Arc::new(ledger))
}

/// Run a single job, as [`begin`] does, and give what it found.
pub(crate) async fn begin_one(
    work: Work,
    session: &Session,
    ui: &Ui,
    system: &mut System,
) -> Result<Found, Error> {
    let mut found = None;
    begin(work, session, ui, system, |finished| {
        found = Some(finished.result?);
        Ok(())
    })
    .await?;
    found.ok_or_else(|| Error::internal("the job ended without a word"))
}

/// Record a new run and run its jobs; or, where the same job stopped half-way before, go on with that one.
pub(crate) async fn begin(
    work: Work,
    session: &Session,
    ui: &Ui,
    system: &mut System,
    finished: impl FnMut(Finished) -> Result<(), Error>,
) -> Result<Totals, Error> {
    let ledger = open_ledger(session, system)?;
    require_admin(&session.admin).await?;
    let jobs = work
        .specs
        .iter()
        .map(new_job)
        .collect::<Result<Vec<_>, _>>()?;
    let run = NewRun {
        id: new_run_id(system)?,
        command: work.command.to_owned(),
        request: json!(work.request),
        created_at: system.clock.now(),
    };
    let id = run.id;
    let (id, resumed) = match ledger.begin(run, jobs).await {
        Ok(_) => (id, false),
        Err(LedgerError::Unfinished { subject, run }) => {
            adopt(&*ledger, &work, &subject, run).await?;
            ui.status(format!(
                "an earlier run stopped half-way; going on with run {run}"
            ));
            (run, true)
        }
        Err(error) => return Err(error.into()),
    };
    go(work, id, resumed, ledger, session, ui, system, finished).await
}

/// Go on with a run that was claimed.
#[expect(
    clippy::too_many_arguments,
    reason = "everything a run touches meets here, and only here"
)]
pub(crate) async fn go(
    work: Work,
    run: RunId,
    resumed: bool,
    ledger: Arc<dyn Ledger>,
    session: &Session,
    ui: &Ui,
    system: &mut System,
    finished: impl FnMut(Finished) -> Result<(), Error>,
) -> Result<Totals, Error> {
    system.interrupt.listen();
    let cx = Arc::new(context(&work, Arc::clone(&ledger), session, ui, system)?);
    let options = RunOptions {
        concurrency: session.settings.concurrency(),
        resumed,
    };
    let ended = run_jobs(&cx, run, options, finished).await;
    ledger.release(run).await?;
    ended.map_err(|error| match error.kind() {
        Kind::Interrupted => error.hint(format!("`embedctl runs resume {run}` goes on from here")),
        _ => error,
    })
}

fn context(
    work: &Work,
    ledger: Arc<dyn Ledger>,
    session: &Session,
    ui: &Ui,
    system: &System,
) -> Result<Context, Error> {
    let signs = work.specs.iter().any(JobSpec::signs);
    let (signer, other_signer) = if signs {
        let (signer, other) = session.signers()?;
        (Some(signer), Some(other))
    } else {
        (None, None)
    };
    Ok(Context {
        http: session.http.clone(),
        admin: session.admin.clone(),
        signer,
        other_signer,
        sink: work.sink.clone(),
        ledger,
        clock: system.clock.clone(),
        random: system.random.clone(),
        interrupt: system.interrupt.clone(),
        observer: Arc::new(UiObserver {
            ui: ui.clone(),
            latest: work.latest.clone(),
        }),
        retries: session.settings.retries(),
        timeout: session.settings.timeout(),
    })
}

/// Take over the earlier run, if it was for the same thing.
async fn adopt(ledger: &dyn Ledger, work: &Work, subject: &str, run: RunId) -> Result<(), Error> {
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
    let jobs = ledger.jobs(run, None, 0, 2).await?;
    let same = earlier.command == work.command && is_same(&jobs, &work.specs);
    if same {
        return Ok(());
    }
    ledger.release(run).await?;
    Err(conflict())
}

fn is_same(jobs: &[Job], specs: &[JobSpec]) -> bool {
    match (jobs, specs) {
        ([job], [spec]) => job.state == JobState::Open && job.spec == json!(spec),
        _ => false,
    }
}

fn new_job(spec: &JobSpec) -> Result<NewJob, Error> {
    let (UserRef::External(subject) | UserRef::Looker(subject)) = spec.user();
    Ok(NewJob {
        subject: subject.to_owned(),
        spec: serde_json::to_value(spec).map_err(Error::internal)?,
    })
}

/// A new id, which sorts by time.
fn new_run_id(system: &System) -> Result<RunId, Error> {
    let mut random = [0; 10];
    system.random.fill(&mut random).map_err(|error| {
        Error::internal(error).context("the system has no random bytes to give")
    })?;
    let millis = u64::try_from(system.clock.now().as_millisecond()).unwrap_or_default();
    let id: Uuid = Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
    Ok(RunId(id))
}

/// Shows each step as it is done.
#[derive(Debug)]
struct UiObserver {
    ui: Ui,
    latest: Latest,
}

impl Observer for UiObserver {
    fn step(&self, subject: &str, step: Step, found: &Found, elapsed: Duration) {
        self.latest.set(found);
        if let Some(text) = say(subject, step, found) {
            self.ui.step(&text, elapsed);
        }
    }
}

/// What a person wants to know of a step; `None` where it is of no interest.
fn say(subject: &str, step: Step, found: &Found) -> Option<String> {
    let user = found.looker_user_id.as_deref().unwrap_or_default();
    let key = found.key.as_ref();
    Some(match step {
        Step::Observe if user.is_empty() => format!("looked up `{subject}`: there is none yet"),
        Step::Observe => format!("looked up `{subject}`: Looker user {user}"),
        Step::Create if found.outcome == Some(Outcome::Updated) => {
            format!("gave `{subject}` new grants")
        }
        Step::Create => format!("created `{subject}`"),
        Step::Confirm => format!("confirmed that it is Looker user {user}"),
        Step::Sudo => "acted as the user, and it is the user".to_owned(),
        Step::Mint => format!("minted key {}", key?.id),
        Step::Deliver => format!("delivered its secret to {}", key?.delivered_to.as_ref()?),
        Step::Prove => "logged in with the new key".to_owned(),
        Step::RetireOld if found.revoked.is_empty() => {
            "set the day on which the old keys are revoked".to_owned()
        }
        Step::RetireOld => format!("revoked {}", found.revoked.join(", ")),
        Step::Reconcile | Step::ChooseOld | Step::Tag => return None,
    })
}
