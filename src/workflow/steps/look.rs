//! Examines a user's keys after a lost answer: which are the job's, what to do about them, and what to report.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::error::{Error, Kind};
use crate::ledger::KeyState;
use crate::looker::Api3Key;
use crate::workflow::found::{FoundKey, Reconciled};
use crate::workflow::job_context::JobContext;
use crate::workflow::mint_log::MintLog;
use crate::workflow::reconcile::{Known, Verdict, judge};
use crate::workflow::step::Step;
use crate::workflow::tag::{Tag, TagState};

/// The result of examining a user's keys.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) verdict: Verdict,
    /// The keys whose secrets the sink holds.
    held: BTreeSet<String>,
}

/// Judge the user's current keys.
pub(super) async fn judge_now(
    work: &mut JobContext,
    keys: &[Api3Key],
    log: &MintLog,
) -> Result<Look, Error> {
    let access = &work.cx.keys;
    if let (None, Some(ahead)) = (access.ahead(), log.ahead) {
        access.learn(ahead);
    }
    let first = log.lost.first();
    let mut held = BTreeSet::new();
    for key in keys {
        // Keys that existed before are not the job's, so the sink is not asked about them.
        let is_new = first.is_some_and(|first| !first.known.contains(&key.id));
        if (is_new || log.answered.contains(&key.id)) && is_held(work, key).await? {
            held.insert(key.id.clone());
        }
    }
    let known = Known {
        lost: &log.lost,
        answered: &log.answered,
        held: &held,
        maker: &work.maker(),
        ahead: work.cx.keys.ahead(),
        sole_minter: work.cx.sole_minter,
    };
    let verdict = judge(keys, &known);
    Ok(Look { verdict, held })
}

impl Look {
    /// The job's keys that were delivered.
    pub(super) fn delivered(&self) -> impl DoubleEndedIterator<Item = &Api3Key> {
        self.verdict
            .ours
            .iter()
            .filter(|key| self.is_delivered(key))
    }

    fn is_delivered(&self, key: &Api3Key) -> bool {
        let tag = key.purpose.as_deref().and_then(Tag::parse);
        // Either proof is enough: the tag, or the sink.
        let says_so = tag.is_some_and(|tag| tag.state != TagState::Minted);
        says_so || self.held.contains(&key.id)
    }

    /// The job's keys that were never received, and why each is revoked.
    pub(super) fn orphans(&self) -> Vec<(Api3Key, &'static str)> {
        let ours = self.verdict.ours.iter();
        let ours = ours.filter(|key| !self.is_delivered(key));
        let ours = ours.map(|key| {
            (
                key.clone(),
                "embedctl created it, and it was never received",
            )
        });
        let taken = self.verdict.taken.iter().map(|key| {
            let why = "it was created by a request whose answer was lost, since nothing else creates keys here";
            (key.clone(), why)
        });
        ours.chain(taken).collect()
    }

    /// The unclear keys that have not been reported yet.
    pub(super) fn left(&self, log: &MintLog) -> Vec<Reconciled> {
        let unclear = self.verdict.unclear.iter();
        // Each is reported once, although the keys may be judged several times.
        let new = unclear.filter(|key| !log.left().any(|told| told == key.id));
        new.map(|key| Reconciled {
            key_id: key.id.clone(),
            revoked: false,
            reason:
                "it was created around a request whose answer was lost, and may belong to someone else"
                    .to_owned(),
        })
        .collect()
    }
}

/// Whether the sink says that it holds a key's secret.
pub(super) async fn is_held(work: &JobContext, key: &Api3Key) -> Result<bool, Error> {
    // Without a sink nothing was delivered.
    let Some(sink) = &work.cx.sink else {
        return Ok(false);
    };
    let name = work.key_name(&found(work, key));
    Ok(sink.holds(&name).await? == Some(true))
}

/// A key in the form that jobs store.
pub(super) fn found(work: &JobContext, key: &Api3Key) -> FoundKey {
    let purpose = key.purpose.clone().unwrap_or_default();
    FoundKey {
        id: key.id.clone(),
        client_id: key.client_id.clone(),
        due: Tag::parse(&purpose).and_then(|tag| tag.until),
        purpose,
        created_at: key
            .created_at
            .known()
            .unwrap_or_else(|| work.cx.clock.now()),
        delivered_to: Vec::new(),
    }
}

/// Revoke keys of the job; the log records this before it happens.
pub(super) async fn revoke(
    work: &mut JobContext,
    step: Step,
    orphans: Vec<(Api3Key, &'static str)>,
) -> Result<Vec<Reconciled>, Error> {
    // Nothing to revoke needs no record.
    if orphans.is_empty() {
        return Ok(Vec::new());
    }
    let told = orphans.iter().map(|(key, why)| Reconciled {
        key_id: key.id.clone(),
        revoked: true,
        reason: (*why).to_owned(),
    });
    let told: Vec<_> = told.collect();
    let intent = json!({ "reconciled": told });
    // Recorded first: after a crash, the next process knows what was about to be revoked, and why.
    work.journal.start(step, intent).await?;
    let ids: Vec<_> = told.iter().map(|told| told.key_id.clone()).collect();
    work.user_keys().revoke(&ids).await.map_err(|error| {
        let user = &work.found.external_user_id;
        let keys = ids.join(", ");
        error
            .context(format!(
                "key {keys} of `{user}` was never received and could not be revoked; it may still work"
            ))
            .with_kind(Kind::Incomplete)
    })?;
    // Recorded per key only now, since the revocation has succeeded for all.
    for (key, _) in &orphans {
        let record = work.key_record(&found(work, key), KeyState::Revoked);
        work.journal.note_key(record).await?;
    }
    work.found.revoked.extend(ids);
    Ok(told)
}

/// Note what was done and reported about keys; returns what the log keeps.
pub(super) fn tell(
    work: &mut JobContext,
    revoked: &[Reconciled],
    left: &[Reconciled],
    settled: bool,
) -> Value {
    let told = [revoked, left].concat();
    for one in &told {
        let known = work.found.reconciled.iter();
        // A resumed job reads its own reports again.
        if !known.clone().any(|known| known == one) {
            work.found.reconciled.push(one.clone());
        }
    }
    json!({ "reconciled": told, "settled": settled })
}

/// The error that names keys which may be the job's or someone else's.
pub(super) fn unclear(work: &JobContext, left: &[Reconciled]) -> Error {
    let ids: Vec<_> = left.iter().map(|left| left.key_id.as_str()).collect();
    let (ids, user) = (ids.join(", "), &work.found.external_user_id);
    let new = match &work.found.key {
        Some(key) => format!("; the new key {} was delivered", key.id),
        None => String::new(),
    };
    Error::new(
        Kind::Incomplete,
        format!("key {ids} of `{user}` was created around a request whose answer was lost: it may be ours, or belong to someone else{new}"),
    )
    .hint(format!(
        "`embedctl keys orphans --match {user}` shows it; run the same command again to end the run, with `--sole-minter` if nothing else creates keys on this Looker"
    ))
}
