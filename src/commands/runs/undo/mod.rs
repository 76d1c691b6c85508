//! `embedctl runs undo`: undo a run, as far as possible.

mod report;

use std::sync::Arc;

use serde_json::json;

use crate::commands::consent::{Loss, Losses};
use crate::commands::context::CommandContext;
use crate::commands::engine::{open_ledger, use_ledger};
use crate::commands::instance;
use crate::commands::json_object::with;
use crate::commands::progress::{Latest, UiObserver};
use crate::commands::runs::find::find;
use crate::commands::runs::undo::report::{
    dry_run, nothing_undone, say, say_what_stays, undone_json,
};
use crate::commands::runs::when;
use crate::commands::session::{Needs, Session};
use crate::error::{Error, Exit, Kind};
use crate::ledger::{Event, Job, JobId, JobState, Ledger, Run, What};
use crate::report::{Format, Ui, error_json, number_of};
use crate::system::System;
use crate::workflow::{Inverse, JobSpec, Undo, UndoContext, plan_undo, undo_job};

/// Undo a run, as far as possible
///
/// From the last job to the first: keys that the run delivered are revoked (the sink keeps their secrets, which no longer work);
/// keys that were to be revoked after an overlap are kept; users that the run created are deleted with everything they own,
/// after a separate confirmation. A user that has other keys, has logged in since, or was changed is left alone. Revoked keys and
/// replaced grants do not come back: if the keys that a new key replaced are gone, the new key stays, so that no user is left
/// without one. An interrupted undo continues when it is run again.
#[derive(clap::Args, Debug)]
pub(crate) struct RunsUndoArgs {
    /// The run's id, or the start of it or of its last part
    run: String,

    /// Do not delete users
    #[arg(long)]
    keep_users: bool,

    /// Print what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// A job to undo.
#[derive(Debug)]
struct Planned {
    job: Job,
    spec: JobSpec,
    undo: Undo,
    /// Whether an earlier undo has started on it.
    begun: bool,
}

impl Planned {
    /// Whether the job's end is still to be recorded, even if nothing else is left: an undo may have been killed between its last
    /// effect and that record.
    fn is_pending(&self) -> bool {
        self.begun || self.job.state == JobState::Open
    }
}

pub(crate) async fn run(args: &RunsUndoArgs, cx: CommandContext) -> Result<Exit, Error> {
    // Variables cannot hold the results of many users.
    cx.ui.refuse_env()?;
    let ledger = open_ledger(&cx).await?;
    let run = find(&*ledger, &args.run).await?;
    refuse_pruned(&*ledger, &run).await?;
    let planned = plan(&*ledger, &run, args.keep_users).await?;
    // A half-moved person can go back as well as forward.
    let unfinished = planned
        .iter()
        .filter(|planned| planned.job.state == JobState::Open);
    if unfinished
        .clone()
        .any(|planned| planned.spec.also().is_none())
    {
        let message = format!("run {} is unfinished", run.id);
        return Err(Error::new(Kind::Conflict, message).hint(format!(
            "finish it with `embedctl runs resume {}`, then undo it",
            run.id
        )));
    }
    if args.dry_run {
        return dry_run(&planned, &cx.ui);
    }
    if planned
        .iter()
        .all(|planned| planned.undo.inverses.is_empty() && !planned.is_pending())
    {
        say_what_stays(&planned, &cx.ui);
        cx.ui.status(format!("Nothing to undo in run {}.", run.id));
        nothing_undone(&run, &planned, &cx.ui)?;
        return Ok(Exit::Done);
    }
    let work = async |session: &Session| undo(&run, planned, ledger, session).await;
    Session::within(cx, Needs::Api, work).await
}

/// Without its events, an undo would take for unchanged what the run has changed.
async fn refuse_pruned(ledger: &dyn Ledger, run: &Run) -> Result<(), Error> {
    let Some(at) = ledger.pruned_at(run.id).await? else {
        return Ok(());
    };
    let message = format!(
        "the events of run {} were pruned at {}, so it cannot be undone",
        run.id,
        when(at)
    );
    Err(Error::new(Kind::Conflict, message).hint(format!(
        "`embedctl runs show {}` shows its users; `embedctl keys revoke` and `embedctl users delete` take back what it did",
        run.id
    )))
}

/// What to undo, last job first.
async fn plan(ledger: &dyn Ledger, run: &Run, keep_users: bool) -> Result<Vec<Planned>, Error> {
    const PAGE: u32 = 1_000;
    let (mut planned, mut from) = (Vec::new(), 0);
    loop {
        let jobs = ledger.jobs(run.id, None, from, PAGE).await?;
        let Some(last) = jobs.last() else {
            break;
        };
        from = last.number + 1;
        for job in jobs {
            // An undo that was interrupted continues with the rest.
            if job.state == JobState::Undone {
                continue;
            }
            let spec = serde_json::from_value(job.spec.clone()).map_err(|error| {
                Error::internal(error)
                    .context("the ledger holds a job that this embedctl cannot read")
            })?;
            let number = job.number;
            let events = ledger
                .events(JobId {
                    run: run.id,
                    number,
                })
                .await?;
            let mut undo = plan_undo(&spec, &events)?;
            undo.inverses
                .retain(|(_, inverse)| !keep_users || *inverse != Inverse::DeleteUser);
            let begun = |event: &Event| matches!(event.what, What::UndoStarted | What::Undone);
            planned.push(Planned {
                begun: events.iter().any(begun),
                job,
                spec,
                undo,
            });
        }
    }
    // In reverse: a later job may rest on an earlier one.
    planned.reverse();
    Ok(planned)
}

async fn undo(
    run: &Run,
    planned: Vec<Planned>,
    ledger: Arc<dyn Ledger>,
    session: &Session,
) -> Result<Exit, Error> {
    use_ledger(&ledger, session).await?;
    // The ledger may have been bound to another Looker since.
    instance::is_run_of(run, session).await?;
    session.finder.require_admin().await?;
    say_what_stays(&planned, &session.ui);
    let asked = losses(&planned).confirm(session).await;
    asked.map_err(|error| {
        error.hint("`--keep-users` deletes no user; `--dry-run` shows what would be undone")
    })?;
    ledger.claim(run.id).await?;
    // They may have been pruned before the run was taken; from now on they are not.
    if let Err(pruned) = refuse_pruned(&*ledger, run).await {
        ledger.release(run.id).await?;
        return Err(pruned);
    }
    // From here on Ctrl-C lets the job in hand be finished.
    session.system.interrupt.listen();
    let cx = UndoContext {
        admin: session.admin.clone(),
        keys: Arc::clone(&session.keys),
        sole_minter: session.settings.sole_minter(),
        ledger: Arc::clone(&ledger),
        clock: session.system.clock.clone(),
        width: session.settings.concurrency(),
        timeout: session.settings.timeout(),
        observer: Arc::new(UiObserver::new(
            &session.ui,
            Latest::default(),
            planned.len() > 1,
            &session.system.clock,
        )),
    };
    let ended = each(&cx, run, &planned, &session.ui, &session.system).await;
    // Released whatever the result, so that the undo can be repeated.
    ledger.release(run.id).await?;
    ended
}

/// What is taken away: keys that work, users, and what people got with their new ids.
fn losses(planned: &[Planned]) -> Losses {
    let mut losses = Losses::default();
    for Planned {
        job, spec, undo, ..
    } in planned
    {
        let inverses = || undo.inverses.iter().map(|(_, inverse)| inverse);
        let deletes = inverses().any(|inverse| *inverse == Inverse::DeleteUser);
        let revokes = inverses().any(|inverse| matches!(inverse, Inverse::RevokeKey { .. }));
        let moves = spec.also().is_some() && !undo.inverses.is_empty();
        let lost = [
            (Loss::User, deletes),
            (Loss::Content, moves),
            (Loss::Keys, revokes),
        ];
        let lost = lost.into_iter().filter(|(_, is)| *is);
        losses.add(&job.subject, lost.map(|(loss, _)| loss));
    }
    losses
}

async fn each(
    cx: &UndoContext,
    run: &Run,
    planned: &[Planned],
    ui: &Ui,
    system: &System,
) -> Result<Exit, Error> {
    let (mut left, mut failed, mut results) = (0, 0, Vec::new());
    for Planned {
        job, spec, undo, ..
    } in planned
    {
        if system.interrupt.count() > 0 {
            let hint = format!("`embedctl runs undo {}` continues from here", run.id);
            return Err(Error::new(Kind::Interrupted, "interrupted").hint(hint));
        }
        let result = match undo_job(cx, run.id, job, spec, undo).await {
            Ok(undone) => {
                left += u64::from(!undone.left.is_empty());
                say(spec, &undone, ui);
                undone_json(&undone)
            }
            Err(error) => {
                failed += 1;
                let error = error.context(format!("{} could not be undone", spec.user()));
                ui.error(&error);
                error_json(&error)
            }
        };
        let result = with(result, "external_user_id", job.subject.as_str());
        match ui.format() {
            Format::Jsonl => ui.json(&result)?,
            _ => results.push(result),
        }
    }
    let summary = json!({
        "type": "summary",
        "run_id": run.id,
        "jobs": planned.len(),
        "left": left,
        "failed": failed,
    });
    match ui.format() {
        Format::Jsonl => ui.json(&summary)?,
        Format::Json => ui.json(&with(summary, "results", results))?,
        Format::Table | Format::Env => {}
    }
    match (failed, left) {
        (0, 0) => Ok(Exit::Done),
        (0, _) => Err(Error::new(
            Kind::Incomplete,
            format!("not taken back as a whole: {}", number_of(left, "job")),
        )),
        _ => Err(Error::new(
            Kind::Incomplete,
            format!("{} could not be taken back", number_of(failed, "job")),
        )
        .hint(format!("`embedctl runs undo {}` tries them again", run.id))),
    }
}
