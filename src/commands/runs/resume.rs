//! `embedctl runs resume`: continue a run where it stopped.

use std::sync::Arc;

use crate::commands::context::CommandContext;
use crate::commands::engine::{self, OwnedRun, Request, open_ledger, use_ledger};
use crate::commands::keys_to::{ResumeSinkArgs, SinkArgs};
use crate::commands::progress::Latest;
use crate::commands::results::Results;
use crate::commands::runs::find::find;
use crate::commands::runs::{overtaken, run_json, state};
use crate::commands::session::{Needs, Session};
use crate::commands::{instance, key_sink};
use crate::error::{Error, Exit, Kind};
use crate::ledger::{Job, JobState, Ledger, Run, RunId};
use crate::workflow::JobSpec;

/// Continue a run that stopped
///
/// What is done stays done; failed jobs are retried, but for users that got their key from a later run since. Keys go where the run
/// was told to deliver them. A finished run is left as it is.
#[derive(clap::Args, Debug)]
pub(crate) struct RunsResumeArgs {
    /// The run's id, or the start of it or of its last part
    run: String,

    #[command(flatten)]
    sinks: ResumeSinkArgs,
}

pub(crate) async fn run(args: &RunsResumeArgs, cx: CommandContext) -> Result<Exit, Error> {
    let ledger = open_ledger(&cx).await?;
    let run = find(&*ledger, &args.run).await?;
    // Without open or failed jobs no session is needed.
    if run.open + run.failed == 0 {
        let (id, state) = (run.id, state(&run));
        cx.ui.status(format!(
            "There is nothing to resume: every job of run {id} is {state}."
        ));
        if cx.ui.format().is_json() {
            cx.ui.json(&run_json(&run))?;
        }
        return Ok(Exit::Done);
    }
    let given = args.sinks.given();
    Session::within(cx, Needs::Api, async |session| {
        go_on(&run, &given, Entry::Alone, ledger, session).await
    })
    .await
}

/// How a process gets to work on a run that it did not begin.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Entry {
    /// As its owner, once no other process works on it; failed jobs are tried again.
    Alone,
    /// Along with the processes that work on it.
    Along,
}

/// Work on `run` until it is done. `given` is the sink that was typed, if any.
pub(crate) async fn go_on(
    run: &Run,
    given: &SinkArgs,
    entry: Entry,
    ledger: Arc<dyn Ledger>,
    session: &Session,
) -> Result<Exit, Error> {
    let request = request(run)?;
    let many = run.open + run.failed > 1 || entry == Entry::Along;
    // A run that signs no URLs needs no embed secret.
    let signs = signs(&*ledger, run.id).await?;
    let keys_to = request.keys_to;
    let keys_to = keys_to
        .map(|recorded| recorded.again(given, session))
        .transpose()?;
    let base_url = session.admin.base_url().as_str();
    let mut results = Results::new(&session.ui, base_url, keys_to.clone(), many)?;
    let latest = Latest::default();
    let sink = match &keys_to {
        Some(to) => Some(key_sink::open(to, results.printer(&latest), many, session).await?),
        None => None,
    };
    // Before the claim: with the ledger of another Looker nothing must be claimed.
    use_ledger(&ledger, session).await?;
    // The ledger may have been bound to another Looker since.
    instance::is_run_of(run, session).await?;
    session.finder.require_admin().await?;
    let overtaken = match entry {
        Entry::Alone => {
            ledger.claim(run.id).await?;
            overtaken::settle(&*ledger, run.id, session).await?
        }
        Entry::Along => {
            ledger.join(run.id).await?;
            0
        }
    };
    let began = session.system.clock.elapsed();
    let going = OwnedRun {
        run: run.id,
        // A process that joins others is told by the ledger which jobs another has begun.
        resumed: entry == Entry::Alone,
        many,
        total: (run.open + run.failed).saturating_sub(overtaken),
        ledger,
        signs,
        sink,
        latest,
    };
    let ended = engine::go(going, session, |end| results.finished(end)).await;
    let ended = ended.inspect_err(|_| results.break_off())?;
    let elapsed = session.system.clock.elapsed().saturating_sub(began);
    results.end(ended, session.http.calls(), elapsed)
}

/// What the command that started the run recorded for resuming it.
fn request(run: &Run) -> Result<Request, Error> {
    serde_json::from_value(run.request.clone()).map_err(|error| {
        Error::caused(Kind::Internal, error)
            .context(format!(
                "run {} was begun by another version of embedctl",
                run.id
            ))
            .hint("resume it with that version")
    })
}

/// Whether any job that is left signs URLs.
async fn signs(ledger: &dyn Ledger, run: RunId) -> Result<bool, Error> {
    const PAGE: u32 = 1_000;
    let job_signs = |job: &Job| {
        let spec = serde_json::from_value::<JobSpec>(job.spec.clone());
        spec.is_ok_and(|spec| spec.signs())
    };
    for state in [JobState::Failed, JobState::Open] {
        let mut from = 0;
        loop {
            let jobs = ledger.jobs(run, Some(state), from, PAGE).await?;
            if jobs.iter().any(job_signs) {
                return Ok(true);
            }
            let Some(last) = jobs.last() else {
                break;
            };
            from = last.number + 1;
        }
    }
    Ok(false)
}
