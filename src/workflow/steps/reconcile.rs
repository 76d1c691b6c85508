//! Settles what an earlier attempt at a key left behind, so that the next one starts clean.

use serde_json::{Value, json};

use crate::error::{Error, Kind};
use crate::ledger::KeyState;
use crate::looker::Api3Key;
use crate::workflow::reconcile::{MintIntent, Verdict, judge};
use crate::workflow::step::{After, Step};
use crate::workflow::steps::{read, revoke};
use crate::workflow::work::{FoundKey, Work};

pub(crate) async fn run(work: &mut Work) -> Result<After, Error> {
    let Some(intent) = work
        .journal
        .intent(Step::Mint)
        .map(|event| event.data.clone())
    else {
        // A user that was made a moment ago has no key yet.
        work.known_keys = match work.has_just_made_user() {
            true => Vec::new(),
            false => known_keys(work).await?,
        };
        return Ok(After::Next(Value::Null));
    };
    if work.journal.done(Step::Deliver).is_some() && !needs_secret(work) {
        return Ok(After::Next(Value::Null));
    }
    let intent: MintIntent = read(&intent)?;
    let seen: Option<FoundKey> = work.journal.output(Step::Mint).map(read).transpose()?;
    let keys = work.cx.admin.api3_keys(&work.user_id()).await?;
    match judge(
        &keys,
        &intent,
        &work.tag(),
        seen.as_ref().map(|key| key.id.as_str()),
    ) {
        Verdict::CannotTell(keys) => return Err(cannot_tell(work, &keys)),
        Verdict::Ours(ours) => {
            if adopt(work, &ours).await? {
                return Ok(After::Next(Value::Null));
            }
            for key in &ours {
                revoke::undelivered(work, &found(work, key)).await?;
            }
        }
        Verdict::Nothing => {}
    }
    for step in [Step::Mint, Step::Tag, Step::Deliver] {
        work.journal
            .reset(step, "settled by a look at the user's keys");
    }
    work.journal.write().await?;
    work.found.key = None;
    work.known_keys = known_keys(work).await?;
    Ok(After::Next(Value::Null))
}

/// Whether a later step logs in with the key, for which its secret is needed: only a process that mints it has that.
fn needs_secret(work: &Work) -> bool {
    work.spec.steps().contains(&Step::Prove) && work.journal.done(Step::Prove).is_none()
}

/// Take a key that the sink says it keeps as delivered.
async fn adopt(work: &mut Work, ours: &[Api3Key]) -> Result<bool, Error> {
    let ([key], false) = (ours, needs_secret(work)) else {
        return Ok(false);
    };
    let mut key = found(work, key);
    let sink = work.sink();
    if sink.holds(&work.key_name(&key)).await? != Some(true) {
        return Ok(false);
    }
    key.delivered_to = Some(sink.name());
    for step in [Step::Mint, Step::Tag, Step::Deliver] {
        work.journal.finish(step, json!(key));
    }
    let record = work.key_record(&key, KeyState::Delivered);
    work.journal.note_key(record).await?;
    work.found.key = Some(key);
    Ok(true)
}

fn found(work: &Work, key: &Api3Key) -> FoundKey {
    FoundKey {
        id: key.id.clone(),
        client_id: key.client_id.clone(),
        purpose: key.purpose.clone().unwrap_or_default(),
        created_at: key.created_at.unwrap_or_else(|| work.cx.clock.now()),
        delivered_to: None,
    }
}

async fn known_keys(work: &Work) -> Result<Vec<String>, Error> {
    let keys = work.cx.admin.api3_keys(&work.user_id()).await?;
    Ok(keys.into_iter().map(|key| key.id).collect())
}

fn cannot_tell(work: &Work, keys: &[Api3Key]) -> Error {
    let ids: Vec<_> = keys.iter().map(|key| key.id.as_str()).collect();
    let user = &work.found.external_user_id;
    Error::new(
        Kind::Incomplete,
        format!("`{user}` has keys {} that were made while an answer was lost; one of them may be ours", ids.join(", ")),
    )
    .hint(format!(
        "give the keys that are somebody else's a purpose, or revoke the one nobody uses (`embedctl keys list {user}`), then run `embedctl runs resume {}`",
        work.journal.job().run
    ))
}
