//! Settles what an earlier request for a key left behind, so that the next one starts clean.

use serde_json::{Value, json};

use crate::error::{Error, Kind};
use crate::ledger::KeyState;
use crate::looker::Api3Key;
use crate::workflow::ATTEMPTS;
use crate::workflow::job_context::JobContext;
use crate::workflow::key_standing::{Stage, Standing};
use crate::workflow::mint_log::MintLog;
use crate::workflow::step::{After, Step};
use crate::workflow::steps::allow_keys;
use crate::workflow::steps::look::{self, Look, is_held};
use crate::workflow::tag::{Tag, TagState};

/// The steps that make up a request for a key.
const ATTEMPT: [Step; 4] = [Step::Mint, Step::Prove, Step::Deliver, Step::Tag];

pub(crate) async fn run(work: &mut JobContext) -> Result<After, Error> {
    if work.journal.intent(Step::Mint).is_none() {
        return first(work).await;
    }
    if work.journal.done(Step::Deliver).is_some() && !needs_secret(work) {
        return Ok(After::Next(Value::Null));
    }
    let keys = match work.user_keys().list().await {
        Ok(keys) => keys,
        Err(error) => return allow_keys::refused(work, error),
    };
    let log = MintLog::of(work.journal.events())?;
    let look = look::judge_now(work, &keys, &log).await?;
    if adopt(work, &look).await? {
        return Ok(After::Next(Value::Null));
    }
    let is_last = work.lost_answers.len() >= ATTEMPTS;
    // Without Looker's clock, which the next mint reveals, unclear keys can be judged better at the end.
    let waits = work.cx.sole_minter && work.cx.keys.ahead().is_none() && !is_last;
    // If someone else keeps creating keys, the run must still end: new ones are reported at the end.
    let has_told = log.left().next().is_some();
    let left = match waits || has_told {
        true => Vec::new(),
        false => look.left(&log),
    };
    let settled = log.lost.is_empty() || log.lost.len() == look.verdict.taken.len();
    let revoked = look::revoke(work, Step::Reconcile, look.orphans()).await?;
    for step in ATTEMPT {
        work.journal
            .reset(step, "settled by a look at the user's keys");
    }
    (work.found.key, work.secret) = (None, None);
    let alive = keys.into_iter().map(|key| key.id);
    let alive = alive.filter(|id| !revoked.iter().any(|revoked| revoked.key_id == *id));
    work.known_keys = alive.collect();
    let output = look::tell(work, &revoked, &left, settled);
    let error = match left.is_empty() {
        false => Some(look::unclear(work, &left)),
        true if is_last => work.lost_answers.pop(),
        true => None,
    };
    match error {
        None => Ok(After::Next(output)),
        Some(error) => {
            work.journal.finish(Step::Reconcile, output);
            Err(error)
        }
    }
}

/// The first request: what the user has, and whether that is enough.
async fn first(work: &mut JobContext) -> Result<After, Error> {
    // A user that was created a moment ago has no keys yet, which saves a call.
    if work.has_just_made_user() {
        work.known_keys = Vec::new();
        return Ok(After::Next(Value::Null));
    }
    let keys = match work.user_keys().list().await {
        Ok(keys) => keys,
        Err(error) => return allow_keys::refused(work, error),
    };
    if work.spec.ensures_key() {
        work.has_key = has_key(work, &keys).await?;
    }
    work.known_keys = keys.into_iter().map(|key| key.id).collect();
    Ok(After::Next(Value::Null))
}

/// Whether the user has a delivered key of ours.
///
/// # Errors
/// It is unknown: a key carries the tag of an earlier release, which was written before the secret was delivered.
async fn has_key(work: &mut JobContext, keys: &[Api3Key]) -> Result<bool, Error> {
    let records = work.cx.ledger.keys(Some(&work.user_id())).await?;
    let now = work.cx.clock.now();
    let usable = || keys.iter().filter(|key| !key.is_disabled);
    let serving = usable().find(|key| Standing::of(key, &records).serves(now));
    if let Some(key) = serving {
        work.warn(format!(
            "key {} was delivered before, so none was created (key policy `ensure`)",
            key.id
        ));
        return Ok(true);
    }
    let mut unknown = Vec::new();
    for key in usable() {
        let standing = Standing::of(key, &records);
        if !standing.is_ours() || standing.state != Some(Stage::Undelivered) {
            continue;
        }
        if is_held(work, key).await? {
            work.warn(format!(
                "the sink holds key {}, so none was created",
                key.id
            ));
            return Ok(true);
        }
        let tag = key.purpose.as_deref().and_then(Tag::parse);
        if tag.is_some_and(|tag| tag.state == TagState::Minted) {
            unknown.push(key.id.clone());
        }
    }
    if unknown.is_empty() {
        return Ok(false);
    }
    let (user, keys) = (&work.found.external_user_id, unknown.join(", "));
    Err(Error::new(
        Kind::Incomplete,
        format!("embedctl cannot tell whether key {keys} of `{user}` was delivered: an earlier release created it, and neither the ledger nor the sink knows it"),
    )
    .hint(format!(
        "`embedctl keys rotate {user}` replaces it; `embedctl keys revoke {user} {}` revokes it",
        unknown.join(" ")
    )))
}

/// Whether a later step logs in with the key and thus needs its secret, which only the minting process has.
fn needs_secret(work: &JobContext) -> bool {
    work.spec.replaces_keys() && work.journal.done(Step::Prove).is_none()
}

/// Count a key as delivered if the sink says it holds it, or if it carries the job's own tag, which is written only after
/// delivery. If the job proves keys by a login, only the tag counts, since it is written after the proof. This also covers an
/// undo that was interrupted before it reached the key.
async fn adopt(work: &mut JobContext, look: &Look) -> Result<bool, Error> {
    let is_tagged = |key: &&Api3Key| {
        let tag = key.purpose.as_deref().and_then(Tag::parse);
        tag.is_some_and(|tag| tag.state == TagState::Delivered)
    };
    let delivered = look.delivered().next_back();
    let Some(key) = delivered.filter(|key| !needs_secret(work) || is_tagged(key)) else {
        return Ok(false);
    };
    let mut key = look::found(work, key);
    key.delivered_to = work.sink().names();
    for step in [Step::Mint, Step::Deliver] {
        work.journal.finish(step, json!(key));
    }
    let record = work.key_record(&key, KeyState::Delivered);
    work.journal.note_key(record).await?;
    work.found.key = Some(key);
    Ok(true)
}
