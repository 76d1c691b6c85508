//! Undoes a job, recording intent and outcome as everywhere; every inverse is safe to repeat.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::error::Error;
use crate::ledger::{
    Event, Job, JobEnd, JobId, JobState, KeyRecord, KeyState, Ledger, RunId, What,
};
use crate::looker::{Api3Key, Client, LookerError, User, When};
use crate::system::Clock;
use crate::workflow::finder::Finder;
use crate::workflow::job_context::Observer;
use crate::workflow::key_access::{KeyAccess, UserKeys};
use crate::workflow::key_standing::record_of;
use crate::workflow::read_back::{user_is_disabled, user_is_gone};
use crate::workflow::rotate_id::undo as back;
use crate::workflow::spec::JobSpec;
use crate::workflow::step::Step;
use crate::workflow::steps::confirm;
use crate::workflow::tag::{Tag, TagState};
use crate::workflow::undo::{Inverse, Undo};

/// How much later than the job's own login another one must be to count as someone else's: Looker's clock has seconds only.
const TOLERANCE: Duration = Duration::from_secs(2);

/// The context of an undo.
#[derive(Clone, Debug)]
pub struct UndoContext {
    /// Looker, as the admin.
    pub admin: Client,
    /// Who may manage keys.
    pub keys: Arc<KeyAccess>,
    /// Whether the operator has declared that nothing else creates keys for embed users.
    pub sole_minter: bool,
    /// Records intents and outcomes.
    pub ledger: Arc<dyn Ledger>,
    /// The time.
    pub clock: Clock,
    /// How many requests to send concurrently.
    pub width: usize,
    /// The request timeout, which bounds the time in which a lost request can take effect.
    pub timeout: Duration,
    /// Receives progress.
    pub observer: Arc<dyn Observer>,
}

/// The result.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Undone {
    /// The keys that were revoked, by Looker's id.
    pub revoked: Vec<String>,
    /// Old keys that are kept after all, by Looker's id.
    pub kept: Vec<String>,
    /// Whether a user that was disabled can log in again.
    pub enabled: bool,
    /// The schedules that were started again, by Looker's id.
    pub started: Vec<String>,
    /// The user that was deleted, by Looker's id.
    pub deleted: Option<String>,
    /// How many items went back to their former user.
    pub moved_back: usize,
    /// What is lost for good.
    pub lost: Vec<String>,
    /// What was left as it is, and why.
    pub left: Vec<String>,
}

/// Undo a job by its plan. It counts as undone if nothing was left.
///
/// # Errors
/// What Looker or the ledger says; what was undone until then is recorded, so that another attempt continues from there.
pub async fn undo_job(
    cx: &UndoContext,
    run: RunId,
    job: &Job,
    spec: &JobSpec,
    undo: &Undo,
) -> Result<Undone, Error> {
    let id = JobId {
        run,
        number: job.number,
    };
    let mut undone = Undone::default();
    let user = Finder::new(cx.admin.clone()).find(spec.user()).await?;
    if let Err(error) = take_back(cx, id, spec, user.as_ref(), undo, &mut undone).await {
        return Err(match undone.revoked.join(", ") {
            revoked if revoked.is_empty() => error,
            // Reported now or never: the next attempt will find the keys gone.
            revoked => error.context(format!(
                "key {revoked} was revoked, but the rest is not undone"
            )),
        });
    }
    undone.left.extend(undo.stays.iter().cloned());
    undone.lost.extend(undo.lost.iter().cloned());
    if undone.left.is_empty() {
        let end = JobEnd {
            state: JobState::Undone,
            outcome: job.outcome.clone(),
        };
        cx.ledger.settle(id, Vec::new(), None, end).await?;
    }
    Ok(undone)
}

/// Execute one inverse after another; `undone` collects what was done until one fails.
async fn take_back(
    cx: &UndoContext,
    id: JobId,
    spec: &JobSpec,
    user: Option<&User>,
    undo: &Undo,
    undone: &mut Undone,
) -> Result<(), Error> {
    for (step, inverse) in &undo.inverses {
        // The intent first, as for steps: after a crash the inverse is known to have started.
        record(cx, id, *step, What::UndoStarted, json!(inverse)).await?;
        let left = match (user, spec) {
            (Some(user), _) => invert(cx, id, spec, user, inverse, undone).await?,
            (None, JobSpec::RotateId(spec)) => back::without_user(cx, spec, inverse).await?,
            // A user's keys are gone with the user.
            (None, _) => None,
        };
        match left {
            None => record(cx, id, *step, What::Undone, Value::Null).await?,
            Some(reason) => {
                undone.left.push(reason);
                if !inverse.is_apart() {
                    break;
                }
            }
        }
    }
    Ok(())
}

/// Execute one inverse; returns the reason if it should not be done.
async fn invert(
    cx: &UndoContext,
    id: JobId,
    spec: &JobSpec,
    user: &User,
    inverse: &Inverse,
    undone: &mut Undone,
) -> Result<Option<String>, Error> {
    match inverse {
        Inverse::KeepKeys(keys) => {
            let (kept, left) = keep(cx, user, keys).await?;
            undone.kept = kept;
            Ok(left)
        }
        Inverse::RevokeKey {
            id,
            client_id,
            unless_gone,
        } => {
            if !unless_gone.is_empty() && !any_is_left(cx, user, unless_gone).await? {
                return Ok(Some(format!(
                    "key {id} stays, since the keys it replaced are gone: {}",
                    unless_gone.join(", ")
                )));
            }
            let mut of_user = cx.keys.of(&user.id);
            let done = revoke_one(&mut of_user, id, client_id).await;
            of_user.close().await?;
            if let Some(reason) = done? {
                return Ok(Some(reason));
            }
            set_state(cx, user, id, KeyState::Revoked).await?;
            undone.revoked.push(id.clone());
            Ok(None)
        }
        Inverse::DeleteUser => {
            if let Some(reason) = reason_to_keep(cx, id, spec, user).await? {
                return Ok(Some(reason));
            }
            cx.admin.delete_user(&user.id).await?;
            if !user_is_gone(&cx.admin, &user.id).await? {
                let id = &user.id;
                return Ok(Some(format!(
                    "Looker user {id} still exists although Looker accepted its deletion"
                )));
            }
            undone.deleted = Some(user.id.clone());
            Ok(None)
        }
        Inverse::EnableUser(schedules) => enable(cx, user, schedules, undone).await,
        Inverse::RevokeUndelivered
        | Inverse::EnableOldUser
        | Inverse::MoveBack(_)
        | Inverse::SweepBack
        | Inverse::TakeGrantsBack => match spec {
            JobSpec::RotateId(spec) => back::invert(cx, id, spec, user, inverse, undone).await,
            JobSpec::CreateUser(_) | JobSpec::MintKey(_) | JobSpec::RotateKey(_) => Ok(None),
        },
    }
}

/// Let a user log in again, and start the schedules that ran before it was disabled; returns the reason if that has no effect.
async fn enable(
    cx: &UndoContext,
    user: &User,
    schedules: &[String],
    undone: &mut Undone,
) -> Result<Option<String>, Error> {
    let (admin, id) = (&cx.admin, &user.id);
    if user.is_disabled {
        admin.set_disabled(id, false).await?;
        if user_is_disabled(admin, id).await? {
            return Ok(Some(format!(
                "Looker user {id} is still disabled although Looker accepted the change"
            )));
        }
        undone.enabled = true;
    }
    let mut stopped = Vec::new();
    for schedule in schedules {
        // Each by itself: a list may leave out those that are stopped.
        let now = match admin.scheduled_plan(schedule).await {
            Ok(now) => Some(now),
            Err(LookerError::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        match now.filter(|now| now.user_id.as_ref() == Some(id)) {
            // Someone has deleted it, or given it to another user since.
            None => undone
                .lost
                .push(format!("schedule {schedule} is no longer the user's")),
            // belief: enable-starts-no-schedules
            Some(now) if now.enabled => {}
            Some(_) if admin.start_scheduled_plan(schedule).await?.enabled => {
                undone.started.push(schedule.clone());
            }
            Some(_) => stopped.push(schedule.as_str()),
        }
    }
    Ok((!stopped.is_empty()).then(|| {
        let stopped = stopped.join(", ");
        format!("schedule {stopped} is still stopped although Looker accepted the change")
    }))
}

/// Revoke the key that has both ids; returns the reason if the id now belongs to another key.
async fn revoke_one(
    of_user: &mut UserKeys,
    id: &str,
    client_id: &str,
) -> Result<Option<String>, Error> {
    let alive = of_user.list_allowing().await?;
    let there = alive.into_iter().find(|key| key.id == id);
    if there.is_some_and(|there| there.client_id != client_id) {
        return Ok(Some(format!(
            "key {id} stays: it is not the key that the run created"
        )));
    }
    of_user.revoke(&[id.to_owned()]).await?;
    Ok(None)
}

/// Cancel the scheduled revocation of keys; returns those that still exist, and why some stay as they are.
async fn keep(
    cx: &UndoContext,
    user: &User,
    keys: &[String],
) -> Result<(Vec<String>, Option<String>), Error> {
    let mut records = cx.ledger.keys(Some(&user.id)).await?;
    records.retain(|record| keys.contains(&record.key_id));
    let mut of_user = cx.keys.of(&user.id);
    let done = untag(&mut of_user, &records).await;
    of_user.close().await?;
    let marked = done?;
    let mut kept = Vec::new();
    for mut record in records {
        if record.state != KeyState::Revoked && !marked.contains(&record.key_id) {
            record.revoke_at = None;
            kept.push(record.key_id.clone());
            cx.ledger.put_key(record).await?;
        }
    }
    let left = (!marked.is_empty()).then(|| {
        format!(
            "key {} is still tagged for revocation, because Looker does not let the tag be changed",
            marked.join(", ")
        )
    });
    Ok((kept, left))
}

/// Remove the end of an overlap from keys' tags, which every machine obeys; returns the keys that still have it.
async fn untag(of_user: &mut UserKeys, records: &[KeyRecord]) -> Result<Vec<String>, Error> {
    let mut marked = Vec::new();
    for key in of_user.list().await? {
        let tag = key.purpose.as_deref().and_then(Tag::parse);
        let is_meant = record_of(&key, records).is_some();
        let tag = tag.filter(|tag| is_meant && tag.state == TagState::Overlap);
        let Some(mut tag) = tag else {
            continue;
        };
        (tag.state, tag.until) = (TagState::Delivered, None);
        if !of_user.tag(&key.id, &tag.to_string()).await? {
            marked.push(key.id);
        }
    }
    Ok(marked)
}

async fn keys_of(cx: &UndoContext, user: &User) -> Result<Vec<Api3Key>, Error> {
    let mut of_user = cx.keys.of(&user.id);
    let keys = of_user.list().await;
    of_user.close().await?;
    Ok(keys?)
}

async fn any_is_left(cx: &UndoContext, user: &User, keys: &[String]) -> Result<bool, Error> {
    let mut records = cx.ledger.keys(Some(&user.id)).await?;
    records.retain(|record| keys.contains(&record.key_id));
    let alive = keys_of(cx, user).await?;
    Ok(alive.iter().any(|key| record_of(key, &records).is_some()))
}

/// Record the state of a key.
pub(crate) async fn set_state(
    cx: &UndoContext,
    user: &User,
    key: &str,
    state: KeyState,
) -> Result<(), Error> {
    let records = cx.ledger.keys(Some(&user.id)).await?;
    if let Some(mut record) = records.into_iter().find(|record| record.key_id == key) {
        record.state = state;
        cx.ledger.put_key(record).await?;
    }
    Ok(())
}

/// Why a user that the run created should not be deleted: it may be in use.
async fn reason_to_keep(
    cx: &UndoContext,
    id: JobId,
    spec: &JobSpec,
    user: &User,
) -> Result<Option<String>, Error> {
    let name = spec.user();
    let keys = keys_of(cx, user).await?;
    if !keys.is_empty() {
        let ids: Vec<_> = keys.iter().map(|key| key.id.as_str()).collect();
        let ids = ids.join(", ");
        return Ok(Some(format!(
            "{name} stays, since it has other keys: {ids}"
        )));
    }
    if let JobSpec::RotateId(spec) = spec
        && let Some(reason) = back::reason_to_keep(cx, spec, user).await?
    {
        return Ok(Some(reason));
    }
    let events = cx.ledger.events(id).await?;
    let offset = cx.admin.http().clock_offset().unwrap_or_default();
    let created = events.iter().rfind(|event| {
        event.step == Step::Create.name() && matches!(event.what, What::Started | What::Done)
    });
    let created = created.map(|event| {
        // If the answer to the login was lost, only the time of sending is known.
        let within = match event.what {
            What::Started => cx.timeout,
            _ => Duration::ZERO,
        };
        event.at + offset + TOLERANCE + within
    });
    let logins = user.credentials_embed.iter().map(|it| it.logged_in_at);
    if logins.clone().any(|login| login == When::Unreadable) {
        return Ok(Some(format!(
            "{name} stays, since it cannot be read when it last logged in"
        )));
    }
    let logged_in = logins.filter_map(When::known).max();
    if let (Some(created), Some(logged_in)) = (created, logged_in)
        && logged_in > created
    {
        return Ok(Some(format!(
            "{name} stays, since it logged in at {logged_in}, after the run"
        )));
    }
    let Some(wanted) = spec.embed_user() else {
        return Ok(None);
    };
    let changes = confirm::differences(user, &wanted.grants);
    Ok(changes
        .first()
        .map(|change| format!("{name} stays, since it has been changed: {change}")))
}

async fn record(
    cx: &UndoContext,
    id: JobId,
    step: Step,
    what: What,
    data: Value,
) -> Result<(), Error> {
    let at: Timestamp = cx.clock.now();
    let event = Event {
        step: step.name().to_owned(),
        what,
        at,
        data,
    };
    Ok(cx.ledger.record(id, vec![event], None).await?)
}
