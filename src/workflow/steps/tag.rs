//! Tags a delivered key.

use serde_json::Value;

use crate::error::{Error, Kind};
use crate::ledger::KeyState;
use crate::looker::LookerError;
use crate::workflow::ATTEMPTS;
use crate::workflow::found::FoundKey;
use crate::workflow::job_context::JobContext;
use crate::workflow::key_error::KeyError;
use crate::workflow::step::{After, Step};
use crate::workflow::steps::allow_keys;

pub(crate) async fn run(work: &mut JobContext) -> Result<After, Error> {
    let Some(key) = work.found.key.clone() else {
        return Ok(After::Next(Value::Null));
    };
    let tagged = work.user_keys().tag(&key.id, &key.purpose).await;
    match tagged {
        Ok(true) => {}
        Ok(false) => no_purpose(work),
        // The right was taken back when the job started to wait, so it is requested again.
        Err(error @ KeyError::NotYet { .. }) if work.untagged > 0 => {
            return allow_keys::refused(work, error);
        }
        Err(error) if is_no(&error) => return told_no(work, &key, error).await,
        Err(error) => return put_off(work, &key, error.into()),
    }
    warn_of_overwritten(work).await?;
    Ok(After::Next(Value::Null))
}

/// Retry after the other jobs of the run. Without a tag the key does not say whose it is, so another machine would take it for
/// someone else's: that is no success.
fn put_off(work: &mut JobContext, key: &FoundKey, error: Error) -> Result<After, Error> {
    work.untagged += 1;
    if work.untagged < ATTEMPTS {
        return Ok(After::Later(work.cx.clock.now()));
    }
    let (id, user, run) = (
        &key.id,
        &work.found.external_user_id,
        work.journal.job().run,
    );
    Err(error
        .context(format!(
            "key {id} of `{user}` was delivered and works, but carries no tag, so only the ledger knows that it is ours"
        ))
        .with_kind(Kind::Incomplete)
        .without_hint()
        .hint(format!("`embedctl runs resume {run}` tags it")))
}

/// Whether Looker refuses to change the key: it is gone, or forbidden, or this release cannot.
const fn is_no(error: &KeyError) -> bool {
    match error {
        KeyError::NotYet { .. } | KeyError::Nobody(_) => true,
        KeyError::Looker(error) => match error {
            LookerError::NotFound { .. } | LookerError::Validation { .. } => true,
            LookerError::Denied { status, .. } => *status == 403,
            LookerError::Status { status, .. } => matches!(*status, 400 | 405),
            // The HTML page that this Looker serves for unknown paths.
            LookerError::Unavailable { status, .. } => *status == 404,
            _ => false,
        },
    }
}

/// If the key is gone, its delivery counts for nothing; if it is there, it stays as it is.
async fn told_no(work: &mut JobContext, key: &FoundKey, refusal: KeyError) -> Result<After, Error> {
    let keys = match work.user_keys().list().await {
        Ok(keys) => keys,
        Err(error) => {
            let error = Error::from(error).context(Error::from(refusal));
            return put_off(work, key, error);
        }
    };
    if keys.iter().any(|there| there.id == key.id) {
        no_purpose(work);
        warn_of_overwritten(work).await?;
        return Ok(After::Next(Value::Null));
    }
    for step in [Step::Mint, Step::Prove, Step::Deliver] {
        work.journal
            .reset(step, "the key was gone when it was to be tagged");
    }
    let record = work.key_record(key, KeyState::Revoked);
    work.journal.note_key(record).await?;
    work.found.key = None;
    work.warn(format!(
        "key {} was revoked by someone else right after its delivery; a new one replaces it",
        key.id
    ));
    let error = Error::from(refusal).context(format!("key {} is gone", key.id));
    Ok(After::Back(Step::Reconcile, error))
}

/// Warn once per run that Looker keeps no `purpose`; older releases do not (it is in the API description since 25.14).
fn no_purpose(work: &mut JobContext) {
    if work.cx.keys.finds_no_purpose() {
        work.warn(
            "this Looker keeps no purpose on keys, so only the ledger knows which ones embedctl created and delivered"
                .to_owned(),
        );
    }
}

/// Name the key whose only copy in the sink was overwritten, unless it will be revoked anyway.
async fn warn_of_overwritten(work: &mut JobContext) -> Result<(), Error> {
    let Some(client_id) = work.overwrites.take() else {
        return Ok(());
    };
    if work.old.iter().any(|old| old.client_id == client_id) {
        return Ok(());
    }
    let keys = work.user_keys().list().await?;
    let Some(key) = keys.into_iter().find(|key| key.client_id == client_id) else {
        return Ok(());
    };
    let (id, sink, user) = (key.id, work.sink().name(), &work.found.external_user_id);
    work.warn(format!(
        "key {id} still works, and its secret in {sink} was overwritten: `embedctl keys revoke {user} {id}` revokes it if no one else has it"
    ));
    Ok(())
}
