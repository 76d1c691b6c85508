//! Revokes the keys that the new one replaces, or sets the day for it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::Error;
use crate::ledger::{KeyRecord, KeyState};
use crate::workflow::step::{After, Before};
use crate::workflow::steps::revoke;
use crate::workflow::work::{OldKey, Work};

/// What became of the keys that were replaced, by Looker's id.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Retired {
    /// They are gone.
    pub(crate) revoked: Vec<String>,
    /// They are kept until a day that was set now.
    pub(crate) kept: Vec<String>,
}

pub(crate) fn before(work: &mut Work) -> Before {
    if work.old.is_empty() {
        return Before::Skip;
    }
    Before::Effect(json!({ "keys": work.old }))
}

pub(crate) async fn run(work: &mut Work) -> Result<After, Error> {
    let overlap = work.spec.rotation().and_then(|spec| spec.overlap());
    let overlap = overlap.and_then(|overlap| SignedDuration::try_from(overlap).ok());
    let later = |overlap| work.cx.clock.now().checked_add(overlap);
    let due = overlap.map(|overlap| later(overlap).unwrap_or(Timestamp::MAX));
    let known = work.cx.ledger.keys(Some(&work.user_id())).await?;
    let mut retired = Retired::default();
    for old in work.old.clone() {
        if due.is_none() {
            revoke::revoke(work, &old.id).await?;
            retired.revoked.push(old.id.clone());
        }
        let earlier = known.iter().find(|record| record.key_id == old.id);
        let earlier = earlier.and_then(|record| record.revoke_at);
        if due.is_some() && earlier.is_none() {
            retired.kept.push(old.id.clone());
        }
        // A day that is set already is a promise: it is never put off.
        let due = due.map(|due| earlier.map_or(due, |earlier| earlier.min(due)));
        let record = record(work, &old, due);
        work.journal.note_key(record).await?;
    }
    work.found.revoked.extend(retired.revoked.iter().cloned());
    Ok(After::Next(json!(retired)))
}

fn record(work: &Work, old: &OldKey, due: Option<Timestamp>) -> KeyRecord {
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
