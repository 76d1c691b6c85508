//! Puts the key's secret in the sink; a key that no sink takes is revoked.

use serde_json::{Value, json};

use crate::error::{Error, Kind};
use crate::ledger::KeyState;
use crate::sink::{Key, SinkError};
use crate::workflow::step::{After, Step};
use crate::workflow::steps::revoke;
use crate::workflow::work::{FoundKey, Work};

pub(crate) async fn run(work: &mut Work) -> Result<After, Error> {
    let Some(mut key) = work.found.key.clone() else {
        return Ok(After::Next(Value::Null));
    };
    let secret = work
        .secret
        .clone()
        .expect("a key that was just minted has its secret");
    let sink = work.sink();
    let to_keep = Key {
        name: work.key_name(&key),
        client_secret: secret,
    };
    let _replaced = match sink.deliver(&to_keep).await {
        Ok(replaced) => replaced,
        Err(error) => return Err(take_back(work, &key, error).await),
    };
    key.delivered_to = Some(sink.name());
    let record = work.key_record(&key, KeyState::Delivered);
    work.journal.note_key(record).await?;
    work.found.key = Some(key.clone());
    Ok(After::Next(json!(key)))
}

async fn take_back(work: &mut Work, key: &FoundKey, error: SinkError) -> Error {
    let undelivered = Error::from(error);
    let user = work.found.external_user_id.clone();
    work.found.key = None;
    match revoke::undelivered(work, key).await {
        Ok(()) => {
            work.journal.reset(Step::Mint, "not delivered, so revoked");
            work.journal.reset(Step::Tag, "not delivered, so revoked");
            undelivered.context(format!(
                "the key of `{user}` could not be delivered, so it was revoked"
            ))
        }
        Err(unrevoked) => undelivered
            .context(unrevoked)
            .context(format!(
                "key {} of `{user}` could be neither delivered nor revoked",
                key.id
            ))
            .with_kind(Kind::Incomplete),
    }
}
