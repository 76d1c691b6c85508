//! Puts the key's secret in the sink; a key that no sink accepts is revoked.

use serde_json::{Value, json};

use crate::error::{Error, Kind};
use crate::ledger::KeyState;
use crate::sink::{Key, SinkError};
use crate::system::Lease;
use crate::workflow::found::FoundKey;
use crate::workflow::job_context::JobContext;
use crate::workflow::step::{After, Step};
use crate::workflow::steps::revoke;

pub(crate) async fn run(work: &mut JobContext) -> Result<After, Error> {
    let Some(mut key) = work.found.key.clone() else {
        return Ok(After::Next(Value::Null));
    };
    let record = work.key_record(&key, KeyState::Minted);
    // The key's id is recorded before its secret leaves the process. This also stops a run that another process took over.
    let written = match work.journal.note_key(record).await {
        Ok(()) => work.journal.write().await,
        Err(error) => Err(error),
    };
    // A delivery is an effect too. From here on the record says that this process had the key in hand.
    let written = match written {
        Ok(()) => work.still_leased().await,
        Err(error) => Err(error),
    };
    if let Err(error) = written {
        return Err(take_back(work, &key, error.into()).await);
    }
    if let Err(error) = deliver(work, &key).await {
        return Err(take_back(work, &key, error).await);
    }
    key.delivered_to = work.sink().names();
    let record = work.key_record(&key, KeyState::Delivered);
    work.journal.note_key(record).await?;
    work.found.key = Some(key.clone());
    Ok(After::Next(json!(key)))
}

async fn deliver(work: &mut JobContext, key: &FoundKey) -> Result<(), Error> {
    let secret = work.secret.clone();
    let secret = secret.expect("a key that was just minted has its secret");
    let sink = work.sink();
    let to_keep = Key {
        name: work.key_name(key),
        client_secret: secret,
    };
    let replaced = sink.deliver(&to_keep).await?;
    let replaced = replaced.map(|replaced| replaced.client_id);
    work.overwrites = replaced.filter(|client_id| *client_id != key.client_id);
    // The old keys are revoked next, so the new one is read back from the sink first.
    if work.spec.replaces_keys() && sink.holds(&to_keep.name).await? == Some(false) {
        let name = sink.name();
        return Err(SinkError::new(format!("{name} accepted the key but does not hold it")).into());
    }
    Ok(())
}

/// Revoke a key that is not delivered; a key that cannot be revoked is named.
pub(super) async fn take_back(work: &mut JobContext, key: &FoundKey, why: Error) -> Error {
    let user = work.found.external_user_id.clone();
    work.found.key = None;
    // No other process has seen its secret, so it is taken back even if the lease on the run is over.
    match Lease::taking_back(revoke::undelivered(work, key)).await {
        Ok(()) => {
            for step in [Step::Mint, Step::Prove] {
                work.journal.reset(step, "not delivered, so revoked");
            }
            why.context(format!(
                "the key of `{user}` could not be delivered, so it was revoked"
            ))
        }
        Err(unrevoked) => why
            .context(unrevoked)
            .context(format!(
                "key {} of `{user}` could be neither delivered nor revoked",
                key.id
            ))
            .with_kind(Kind::Incomplete),
    }
}
