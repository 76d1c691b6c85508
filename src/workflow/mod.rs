//! The loop that runs the steps of a job: it records the intent before the effect and the outcome after it, and continues
//! from there when a job is resumed.

mod admin;
mod authority;
mod dispatch;
mod finder;
mod found;
mod job_context;
mod journal;
mod key_access;
mod key_error;
mod key_rotation;
mod key_standing;
mod mint_log;
mod newest;
mod old_key;
pub(crate) mod parallel;
mod permit;
mod provisioner;
mod read_back;
mod reconcile;
mod rotate_id;
mod run;
mod spec;
mod step;
mod step_sequence;
mod steps;
mod tag;
mod undo;
mod user_spec;
mod value_check;

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize as _;
use serde_json::json;

use crate::error::{Error, Kind};
use crate::ledger::{Job, JobEnd, JobId, JobState, RunId};
use crate::looker::Client;
use crate::workflow::job_context::JobContext;
use crate::workflow::journal::Journal;
use crate::workflow::mint_log::MintLog;
use crate::workflow::step::{After, Before};

pub use admin::{Sight, administers, require_admin, sight};
pub use authority::Authority;
pub(crate) use finder::case_warning;
pub use finder::{Finder, look_up as find_user};
pub use found::{Found, FoundKey, Outcome, Reconciled};
pub use job_context::{Context, Observer};
pub use key_access::{KeyAccess, Revoked, UserKeys};
pub use key_error::KeyError;
pub use key_rotation::{Choice, choose};
pub use key_standing::{Owner, Stage, Standing, record_of};
pub use newest::Newest;
pub use old_key::OldKey;
pub use permit::{SetBack, set_back_left};
pub use provisioner::Provisioner;
pub use read_back::{user_is_disabled, user_is_gone};
pub use rotate_id::{
    Belongings, Ids, Item, ItemKind, Named, NotMoved, OldEnd, Renamed, RotateIdSpec, RotateIdWish,
    RotatedId, Viewpoint, plan_rotate_id,
};
pub use run::{Finished, RunOptions, Totals, run_jobs};
pub use spec::{IfNone, JobSpec, KeyJob, RotateSpec, UserId, UserRef};
pub use step::Step;
pub use steps::retire_old::overlapping;
pub use tag::{Maker, Tag, TagState};
pub use undo::{Inverse, Undo, UndoContext, Undone, plan_undo, undo_job};
pub use user_spec::{AttributeEdit, Extra, KeySpec, UserEdits, UserSpec, Via};

/// How often a job goes back to find out about a request whose answer was lost.
const ATTEMPTS: usize = 3;

/// How a job went.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one for each job that ends, and it is taken apart at once"
)]
pub(crate) enum Ran {
    /// It ended. An error comes with what had been found until then.
    Ended(Result<Found, (Error, Option<Box<Found>>)>),
    /// All that is left is a check of something that can still change.
    Later(Box<Late>),
}

/// A job that is done except for a check that proves something only later.
pub(crate) struct Late {
    /// When the check proves something.
    pub(crate) due: Timestamp,
    work: JobContext,
    at: usize,
}

/// Run a job from where it stands, and record how it ended. If something may have taken effect and is not settled, the job
/// stays open and the error is [`Kind::Incomplete`]; otherwise it is recorded as failed, and nothing is left behind.
pub(crate) async fn run_job(cx: &Arc<Context>, run: RunId, job: &Job, resumed: bool) -> Ran {
    match start(cx, run, job, resumed).await {
        Ok(work) => go_on(work, 0).await,
        Err(error) => Ran::Ended(Err((error, None))),
    }
}

/// Continue a job whose check is due.
pub(crate) async fn run_late(late: Late) -> Ran {
    let mut work = late.work;
    work.has_waited = true;
    go_on(work, late.at).await
}

async fn go_on(mut work: JobContext, from: usize) -> Ran {
    let steps = work.spec.steps();
    let cx = Arc::clone(&work.cx);
    let ended = tokio::select! {
        // The job first: if it ends at the moment of the second Ctrl-C, its outcome counts.
        biased;
        ended = drive(&mut work, &steps, from) => Some(ended),
        () = cx.interrupt.asked(2) => None,
    };
    log_out(&mut work).await;
    let Some(ended) = ended else {
        // The ledger has what a resume needs to settle whatever was in flight.
        let error = Error::new(Kind::Interrupted, "stopped at once");
        return Ran::Ended(Err((error, Some(Box::new(work.found)))));
    };
    let ended = match ended {
        // Written before the wait: if the process dies in between, a resume must find everything but the check.
        Ok(Some((at, due))) => match work.journal.write().await {
            Ok(()) => {
                // The key is delivered by now; its secret need not stay in memory for the whole wait.
                work.secret = None;
                return Ran::Later(Box::new(Late { due, work, at }));
            }
            Err(error) => Err(error.into()),
        },
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    Ran::Ended(end(work, &steps, ended).await)
}

/// Record how a job ended.
async fn end(
    mut work: JobContext,
    steps: &[Step],
    ended: Result<(), Error>,
) -> Result<Found, (Error, Option<Box<Found>>)> {
    match ended {
        Ok(()) => {
            let end = JobEnd {
                state: JobState::Done,
                outcome: json!(work.found),
            };
            match work.journal.settle(end).await {
                Ok(()) => Ok(work.found),
                Err(error) => Err((error.into(), Some(Box::new(work.found)))),
            }
        }
        Err(error) => {
            let error = fail(&mut work, steps, error).await;
            Err((error, Some(Box::new(work.found))))
        }
    }
}

async fn start(
    cx: &Arc<Context>,
    run: RunId,
    job: &Job,
    resumed: bool,
) -> Result<JobContext, Error> {
    let spec = JobSpec::deserialize(&job.spec).map_err(|error| {
        Error::internal(error).context("the ledger holds a job that this embedctl cannot read")
    })?;
    let id = JobId {
        run,
        number: job.number,
    };
    let journal = Journal::open(Arc::clone(&cx.ledger), cx.clock.clone(), id, resumed).await?;
    let reconciled = MintLog::of(journal.events())?.told;
    let rotated = match &spec {
        JobSpec::RotateId(spec) => Some(Box::new(RotatedId::of(spec))),
        JobSpec::CreateUser(_) | JobSpec::MintKey(_) | JobSpec::RotateKey(_) => None,
    };
    Ok(JobContext {
        cx: Arc::clone(cx),
        spec,
        journal,
        found: Found {
            external_user_id: job.subject.clone(),
            rotated,
            reconciled,
            ..Found::default()
        },
        user: None,
        sudo: None,
        old_sudo: None,
        secret: None,
        known_keys: Vec::new(),
        old: Vec::new(),
        has_key: false,
        keys: None,
        wants_allowed: false,
        lost_answers: Vec::new(),
        untagged: 0,
        takes_place: false,
        overwrites: None,
        resumed,
        began: cx.clock.now(),
        has_waited: false,
    })
}

/// The loop: every step in order, each with its intent before and its outcome after. Returns the step that has to wait, and
/// until when, if there is one.
async fn drive(
    work: &mut JobContext,
    steps: &[Step],
    from: usize,
) -> Result<Option<(usize, Timestamp)>, Error> {
    let mut at = from;
    while let Some(step) = steps.get(at).copied() {
        at += 1;
        // Steps that change something are not repeated on resume; steps that only read are, since Looker may have changed.
        if step.lasts() && work.journal.done(step).is_some() {
            dispatch::restore(step, work)?;
            continue;
        }
        if step.may_stop_before() && work.cx.interrupt.count() > 0 {
            return Err(Error::new(Kind::Interrupted, "interrupted"));
        }
        let began = work.cx.clock.elapsed();
        match dispatch::before(step, work) {
            Before::Skip => continue,
            Before::Read => {}
            // Durable before the effect. Without this a crash would leave a key or a user that no ledger knows.
            Before::Effect(intent) => {
                work.journal.start(step, intent).await?;
                work.still_leased().await?;
            }
        }
        match dispatch::run(step, work).await {
            Ok(After::Next(output)) => {
                work.journal.finish(step, output);
                let elapsed = work.cx.clock.elapsed().saturating_sub(began);
                let subject = &work.found.external_user_id;
                work.cx.observer.step(subject, step, &work.found, elapsed);
            }
            // `reconcile` counts its own attempts, because it must have the last word on a lost key.
            Ok(After::Back(to, error)) => {
                if to == Step::Reconcile {
                    work.journal.reset(step, "the answer was lost");
                    work.lost_answers.push(error);
                } else if work.journal.attempts(step) >= ATTEMPTS {
                    return Err(error);
                }
                at = steps.iter().position(|step| *step == to).unwrap_or(at);
            }
            Ok(After::Later(due)) => return Ok(Some((at - 1, due))),
            Err(error) => {
                work.journal.fail(step, &error);
                return Err(error);
            }
        }
    }
    Ok(None)
}

/// Record that the job failed, and say what is left to do.
async fn fail(work: &mut JobContext, steps: &[Step], error: Error) -> Error {
    // Nothing can be recorded any more, and whoever goes on with the job reads what is there.
    if work.cx.ledger.lease().is_some_and(|lease| lease.is_over()) {
        return error;
    }
    // A user that is half moved must be finished or undone, whatever stopped the job.
    let half_way = work.spec.also().is_some() && work.journal.has_begun(steps);
    let lost = MintLog::of(work.journal.events()).is_ok_and(|log| !log.lost.is_empty());
    let in_doubt = work.journal.is_in_doubt(steps) || lost || half_way;
    let interrupted = error.kind() == Kind::Interrupted;
    let end = JobEnd {
        state: if in_doubt || interrupted {
            JobState::Open
        } else {
            JobState::Failed
        },
        outcome: json!({ "error": error.to_string(), "found": work.found }),
    };
    if let Err(unwritten) = work.journal.settle(end).await {
        // The ledger keeps what it had: a resume finds the intent and settles it.
        return error.context(unwritten);
    }
    let run = work.journal.job().run;
    match work.spec.also() {
        _ if interrupted => error,
        // The final comparison has already said so in its own words.
        Some(_) if half_way && error.kind() == Kind::Incomplete => error,
        // The keys in doubt have already been named by their ids.
        None if lost && error.kind() == Kind::Incomplete => error,
        Some(old) if half_way => half_moved(error, old, &work.found.external_user_id, run),
        _ if in_doubt => error
            .context(format!(
                "cannot tell what became of the last request for `{}` in run {run}",
                work.found.external_user_id
            ))
            .with_kind(Kind::Incomplete)
            .hint(format!(
                "`embedctl runs resume {run}` finds out and goes on"
            )),
        _ => error,
    }
}

/// The error for a move that stopped half-way. The same command would be refused now, so a hint to run it again is dropped.
fn half_moved(error: Error, old: &str, new: &str, run: RunId) -> Error {
    let go_on = format!(
        "`embedctl runs resume {run}` goes on; `embedctl runs undo {run}` puts everything back"
    );
    let advice = error.advice().filter(|it| !it.contains("run the command"));
    let advice = match advice {
        Some(first) => format!("{first}; then {go_on}"),
        None => go_on,
    };
    error
        .context(format!(
            "`{old}` is on its way to `{new}`, and not everything has moved"
        ))
        .with_kind(Kind::Incomplete)
        .without_hint()
        .hint(advice)
}

/// Log out: no token of the user outlives the job.
async fn log_out(work: &mut JobContext) {
    if let Some(keys) = work.keys.take() {
        match keys.close().await {
            Ok(true) => {
                work.journal.reset(Step::AllowKeys, "set back");
                // A job that continues later may have to be allowed again.
                work.wants_allowed = false;
            }
            Ok(false) => {}
            Err(error) => work.warn(format!(
                "the user's right to manage API keys, or its access token, could not be taken back: {error}"
            )),
        }
    }
    for sudo in [work.sudo.take(), work.old_sudo.take()] {
        end_token(work, sudo).await;
    }
}

/// End a user's token, if there is one.
async fn end_token(work: &mut JobContext, sudo: Option<Client>) {
    let Some(sudo) = sudo else {
        return;
    };
    if let Err(error) = sudo.logout().await {
        work.warn(format!(
            "the user's access token could not be logged out: {error}"
        ));
    }
}
