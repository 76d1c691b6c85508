//! Chooses the keys that the new one replaces: ours, and those that were named, if they are ours.

use std::collections::HashSet;

use jiff::SignedDuration;
use serde_json::json;

use crate::error::{Error, Kind};
use crate::ledger::KeyState;
use crate::looker::Api3Key;
use crate::workflow::spec::{JobSpec, RotateSpec};
use crate::workflow::step::After;
use crate::workflow::work::{OldKey, Work, is_ours};

pub(crate) async fn run(work: &mut Work) -> Result<After, Error> {
    let JobSpec::RotateKey(spec) = work.spec.clone() else {
        unreachable!("only a job that rotates has this step")
    };
    let user_id = work.user_id();
    let recorded = work.cx.ledger.keys(Some(&user_id)).await?;
    let recorded: HashSet<_> = recorded
        .into_iter()
        .filter(|key| key.state != KeyState::Revoked)
        .map(|key| key.key_id)
        .collect();
    let keys = work.cx.admin.api3_keys(&user_id).await?;
    let ours = |key: &&Api3Key| is_ours(key.purpose.as_deref()) || recorded.contains(&key.id);
    check_named(&spec, &keys, ours)?;
    let is_meant = |key: &&Api3Key| spec.keys.is_empty() || spec.keys.contains(&key.id);
    let meant: Vec<_> = keys.iter().filter(ours).filter(is_meant).collect();
    let old: Vec<_> = meant
        .iter()
        .filter(|key| is_old(work, &spec, key))
        .collect();
    // Keys that are young enough stay, and no new one is needed beside them.
    work.nothing_to_rotate = old.is_empty() && !meant.is_empty();
    work.old = old
        .iter()
        .map(|key| OldKey {
            id: key.id.clone(),
            client_id: key.client_id.clone(),
            purpose: key.purpose.clone().unwrap_or_default(),
            created_at: key.created_at.unwrap_or_else(|| work.looker_now()),
        })
        .collect();
    Ok(After::Next(json!(work.old)))
}

fn is_old(work: &Work, spec: &RotateSpec, key: &Api3Key) -> bool {
    let (Some(max_age), Some(created_at)) = (spec.max_age_seconds, key.created_at) else {
        return true;
    };
    let max_age = SignedDuration::from_secs(i64::try_from(max_age).unwrap_or(i64::MAX));
    work.looker_now().duration_since(created_at) > max_age
}

fn check_named(
    spec: &RotateSpec,
    keys: &[Api3Key],
    ours: impl Fn(&&Api3Key) -> bool,
) -> Result<(), Error> {
    for named in &spec.keys {
        let Some(key) = keys.iter().find(|key| key.id == *named) else {
            return Err(Error::new(
                Kind::NotFound,
                format!("the user has no key {named}"),
            ));
        };
        if !ours(&key) {
            return Err(Error::new(
                Kind::NotAllowed,
                format!("key {named} was not made by embedctl"),
            )
            .hint("embedctl never touches somebody else's key; its owner can revoke it"));
        }
    }
    Ok(())
}
