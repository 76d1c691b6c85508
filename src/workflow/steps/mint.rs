//! Mints a key.

use serde_json::json;

use crate::error::{Error, Kind};
use crate::looker::{Api3Key, LookerError, NewApi3Key};
use crate::workflow::found::FoundKey;
use crate::workflow::job_context::JobContext;
use crate::workflow::key_error::KeyError;
use crate::workflow::key_standing::{Stage, Standing};
use crate::workflow::reconcile::MintIntent;
use crate::workflow::step::{After, Before, Step};
use crate::workflow::steps::allow_keys;

pub(crate) fn before(work: &mut JobContext) -> Before {
    if work.has_key {
        return Before::Skip;
    }
    // Everything needed to recognize the key if its answer is lost.
    let intent = MintIntent {
        known: work.known_keys.clone(),
        at: work.cx.clock.now(),
        within_seconds: (work.cx.timeout + work.cx.grace).as_secs_f64(),
        grace_seconds: work.cx.grace.as_secs_f64(),
        ahead: work.cx.keys.ahead(),
    };
    Before::Effect(json!(intent))
}

pub(crate) async fn run(work: &mut JobContext) -> Result<After, Error> {
    // From here on, a key that another runner puts into the sink for this user must not be overwritten.
    let (origin, user) = (work.cx.admin.origin(), &work.found.external_user_id);
    work.takes_place = work.sink().held(origin, user).await?.is_some();
    let minted = match work.user_keys().mint().await {
        Ok(minted) => minted,
        Err(KeyError::Looker(error)) if is_lost(&error) => {
            return Ok(After::Back(Step::Reconcile, error.into()));
        }
        Err(KeyError::Looker(error)) if is_limit(&error) => return Err(limit(work, error).await),
        Err(error) => {
            let refused = allow_keys::refused(work, error)?;
            work.journal.refuse(Step::Mint, "not allowed yet");
            return Ok(refused);
        }
    };
    // belief: new-key-is-named
    if let Err(error) = check(work, &minted) {
        return Err(name_new(work, error).await);
    }
    let tag = work.tag();
    let created_at = minted.key.created_at.known();
    let key = FoundKey {
        id: minted.key.id,
        client_id: minted.key.client_id,
        purpose: tag.to_string(),
        created_at: created_at.unwrap_or_else(|| work.cx.clock.now()),
        delivered_to: Vec::new(),
        due: tag.until,
    };
    work.secret = Some(minted.client_secret);
    work.found.key = Some(key.clone());
    let mut output = json!(key);
    if let Some(output) = output.as_object_mut() {
        output.insert("dated".to_owned(), json!(created_at.is_some()));
    }
    Ok(After::Next(output))
}

/// Whether a key may exist anyway. A 401 may come after the work was done.
fn is_lost(error: &LookerError) -> bool {
    error.took_effect_unknown() || error.http_status() == Some(401)
}

/// Believe Looker's answer only as far as it fits what was seen a moment ago.
fn check(work: &mut JobContext, minted: &NewApi3Key) -> Result<(), Error> {
    let (id, user) = (&minted.key.id, &work.found.external_user_id);
    let message = if work.known_keys.contains(id) {
        format!(
            "Looker answered the request for a new key of `{user}` with key {id}, which already existed"
        )
    } else if minted.key.client_id.is_empty() {
        format!("Looker answered the request for a new key of `{user}` without a client id")
    } else {
        return Ok(());
    };
    // Whatever was created is found when the job is resumed.
    work.journal.reset(Step::Mint, "the answer cannot be right");
    Err(Error::new(Kind::Incomplete, message)
        .hint("nothing was revoked; `embedctl keys list` shows the keys there are"))
}

/// Name the keys that appeared since the user was examined: one of them was just created, and its secret is unknown.
async fn name_new(work: &mut JobContext, error: Error) -> Error {
    let Ok(keys) = work.user_keys().list().await else {
        return error;
    };
    let new = keys.into_iter().map(|key| key.id);
    let new: Vec<_> = new.filter(|id| !work.known_keys.contains(id)).collect();
    if new.is_empty() {
        return error;
    }
    let (new, user) = (new.join(", "), &work.found.external_user_id);
    error.context(format!(
        "key {new} of `{user}` is new: it may be an orphan of ours or belong to someone else"
    ))
}

/// Whether Looker may mean that the user has reached its limit of keys (its API description declares both statuses).
fn is_limit(error: &LookerError) -> bool {
    matches!(error.http_status(), Some(409 | 422))
}

/// Suggest a key to revoke, if the user has keys.
async fn limit(work: &mut JobContext, refusal: LookerError) -> Error {
    let error = Error::from(refusal);
    let Ok(keys) = work.user_keys().list().await else {
        return error;
    };
    let user = work.found.external_user_id.clone();
    let records = work.cx.ledger.keys(Some(&work.user_id())).await;
    let records = records.unwrap_or_default();
    let Some(key) = dispensable(&keys, |key| Standing::of(key, &records)) else {
        return error;
    };
    let count = keys.len();
    let plural = if count == 1 { "key" } else { "keys" };
    let foreign = match Standing::of(key, &records).is_ours() {
        true => "",
        false => " --foreign",
    };
    error
        .context(format!(
            "Looker allows `{user}` no more than the {count} {plural} it has"
        ))
        .without_hint()
        .hint(format!(
            "revoke one that is not needed, perhaps `embedctl keys revoke {user} {}{foreign}`",
            key.id
        ))
}

/// The key that is most likely dispensable: ours before others', undelivered before replaced before in use, old before
/// young.
fn dispensable(keys: &[Api3Key], standing: impl Fn(&Api3Key) -> Standing) -> Option<&Api3Key> {
    keys.iter().min_by_key(|key| {
        let standing = standing(key);
        let need = match standing.state {
            Some(Stage::Undelivered) => 0,
            Some(Stage::Overlap) => 1,
            Some(Stage::Delivered) => 2,
            Some(Stage::Nameless) | None => 3,
        };
        // A key of unknown age is not taken for an old one.
        let created_at = key.created_at.known();
        (need, created_at.is_none(), created_at)
    })
}
