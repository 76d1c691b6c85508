//! Revokes the keys that the new one replaces, or schedules that.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::Error;
use crate::ledger::{JobId, KeyRecord, KeyState};
use crate::sink::KeyName;
use crate::workflow::job_context::JobContext;
use crate::workflow::old_key::OldKey;
use crate::workflow::step::{After, Before};
use crate::workflow::tag::Tag;

/// The outcome for the replaced keys, by Looker's id.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Retired {
    /// They are gone.
    pub(crate) revoked: Vec<String>,
    /// They are kept until a date that was set now.
    pub(crate) kept: Vec<String>,
}

pub(crate) fn before(work: &mut JobContext) -> Before {
    // Without old keys there is nothing to record.
    if work.old.is_empty() {
        return Before::Skip;
    }
    Before::Effect(json!({ "keys": work.old }))
}

pub(crate) async fn run(work: &mut JobContext) -> Result<After, Error> {
    let overlap = work.spec.rotation().and_then(|spec| spec.overlap());
    let overlap = overlap.and_then(|overlap| SignedDuration::try_from(overlap).ok());
    let later = |overlap| work.cx.clock.now().checked_add(overlap);
    let due = overlap.map(|overlap| later(overlap).unwrap_or(Timestamp::MAX));
    let known = work.cx.ledger.keys(Some(&work.user_id())).await?;
    let mut retired = Retired::default();
    let old = work.old.clone();
    if due.is_none() {
        let ids: Vec<_> = old.iter().map(|old| old.id.clone()).collect();
        work.user_keys().revoke(&ids).await?;
        retired.revoked = ids;
        forget(work, &old).await;
    }
    for mut old in old {
        let earlier = known
            .iter()
            .find(|record| record.key_id == old.id && record.client_id == old.client_id);
        let earlier = earlier.and_then(|record| record.revoke_at);
        let tagged = Tag::parse(&old.purpose).and_then(|tag| tag.until);
        // The ledger and the tag may disagree; the earlier date is the promise.
        let set = [earlier, tagged].into_iter().flatten().min();
        if due.is_some() && set.is_none() {
            retired.kept.push(old.id.clone());
        }
        // A date that was set earlier is a promise and is never postponed.
        let due = due.map(|due| set.map_or(due, |set| set.min(due)));
        if let Some(due) = due {
            old.purpose = say_so(work, &old, due).await;
        }
        let record = record(work, &old, due);
        work.journal.note_key(record).await?;
    }
    work.found.revoked.extend(retired.revoked.iter().cloned());
    Ok(After::Next(json!(retired)))
}

/// Let the sink destroy what it still has of revoked keys. Whoever reads that can do nothing with it, so a failure stops
/// nothing.
async fn forget(work: &mut JobContext, old: &[OldKey]) {
    let sink = work.sink();
    for old in old {
        let key = KeyName {
            id: old.id.clone(),
            client_id: old.client_id.clone(),
            purpose: old.purpose.clone(),
            created_at: old.created_at,
            base_url: work.cx.admin.origin().to_owned(),
            external_user_id: work.found.external_user_id.clone(),
            looker_user_id: work.user_id(),
            job: String::new(),
        };
        if let Err(error) = sink.forget(&key).await {
            work.warn(format!(
                "key {} is revoked, and {} still has an earlier version with it: {error}",
                old.id,
                sink.name()
            ));
        }
    }
}

/// Write on an old key until when it is kept; returns its new purpose. If Looker does not keep the purpose, only the ledger
/// knows.
async fn say_so(work: &mut JobContext, old: &OldKey, due: Timestamp) -> String {
    let purpose = overlapping(&old.purpose, work.journal.job(), due);
    match work.user_keys().tag(&old.id, &purpose).await {
        Ok(_) => {}
        // The key keeps working, and the ledger still knows when it is due.
        Err(error) => {
            let error = Error::from(error);
            work.warn(format!(
                "key {} could not be tagged as kept until {due}, so only the ledger knows: {error}",
                old.id
            ));
        }
    }
    purpose
}

/// The purpose of a key that `job` has replaced and that is kept until `due`, derived from its current purpose.
pub fn overlapping(purpose: &str, job: JobId, due: Timestamp) -> String {
    let words = Some(purpose.trim()).filter(|words| !words.is_empty());
    // A key without a tag of ours gets one, so that every machine sees when it is due.
    let tag = Tag::parse(purpose).unwrap_or_else(|| Tag::delivered(job, None, words));
    tag.overlap(due).to_string()
}

fn record(work: &JobContext, old: &OldKey, due: Option<Timestamp>) -> KeyRecord {
    KeyRecord {
        looker_user_id: work.user_id(),
        external_user_id: work.found.external_user_id.clone(),
        key_id: old.id.clone(),
        client_id: old.client_id.clone(),
        purpose: old.purpose.clone(),
        state: if due.is_some() {
            KeyState::Delivered
        } else {
            KeyState::Revoked
        },
        minted_at: old.created_at,
        revoke_at: due,
    }
}
