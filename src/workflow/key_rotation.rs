//! Which keys a new key replaces, and whether one is needed at all: decided from known data, without requests.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind};
use crate::ledger::KeyRecord;
use crate::looker::Api3Key;
use crate::workflow::key_standing::{Stage, Standing};
use crate::workflow::old_key::OldKey;
use crate::workflow::spec::{IfNone, RotateSpec};

/// The result of the decision.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Choice {
    /// Whether a new key is needed.
    pub mints: bool,
    /// The keys it replaces.
    pub replaced: Vec<OldKey>,
}

/// Choose from `keys`, the user's keys at `now`, by `spec` and by the ledger's `records` of them.
///
/// Keys that are already kept for an overlap are replaced too, but they alone are no reason for another new key, unless
/// they were named.
///
/// A named key does not exist or is not ours; there is no key at all and `spec` requires one; a key's age is unknown and
/// matters.
pub fn choose(
    spec: &RotateSpec,
    keys: &[Api3Key],
    records: &[KeyRecord],
    now: Timestamp,
) -> Result<Choice, Error> {
    let is_named = |key: &&Api3Key| spec.keys.iter().any(|named| names(named, key));
    let standing = |key: &Api3Key| Standing::of(key, records);
    let ours: Vec<_> = keys.iter().filter(|key| standing(key).is_ours()).collect();
    // Before the choice, so that a mistyped key fails although others could be rotated.
    check_named(spec, keys, records)?;
    let mut old = Vec::new();
    for key in ours.iter().copied() {
        if (spec.keys.is_empty() || is_named(&key)) && is_old(key, spec, now)? {
            old.push(key);
        }
    }
    // A key kept for an overlap is already replaced.
    let is_kept = |key: &&Api3Key| standing(key).state == Some(Stage::Overlap);
    let mints = match spec.if_none {
        // A named key is rotated whatever its state.
        _ if !spec.keys.is_empty() => !old.is_empty(),
        IfNone::Mint if ours.is_empty() => true,
        IfNone::Fail if ours.is_empty() => return Err(none(spec)),
        // Keys kept for an overlap are no reason for a new key, unless there is no other.
        _ => !old.is_empty() && (ours.iter().all(is_kept) || !old.iter().all(is_kept)),
    };
    // Without a new key nothing may be replaced.
    let replaced = old.into_iter().filter(|_| mints);
    Ok(Choice {
        mints,
        replaced: replaced.map(|key| old_key(key, now)).collect(),
    })
}

/// Whether `named` is Looker's id of a key, or its client id.
fn names(named: &str, key: &Api3Key) -> bool {
    named == key.id || named == key.client_id
}

/// Whether a key is old enough to be replaced.
///
/// # Errors
/// The age is unknown and matters: that is no reason to revoke a key, nor to leave it.
fn is_old(key: &Api3Key, spec: &RotateSpec, now: Timestamp) -> Result<bool, Error> {
    // Without a limit, the age does not matter.
    let Some(max_age) = spec.max_age_seconds else {
        return Ok(true);
    };
    let Some(created_at) = key.created_at.known() else {
        let id = &key.id;
        let message = format!("Looker does not say in a known form when key {id} was created");
        return Err(Error::new(Kind::Looker, message)
            .hint("nothing was changed; without `--max-age` the key is rotated whatever its age"));
    };
    let max_age = SignedDuration::from_secs(i64::try_from(max_age).unwrap_or(i64::MAX));
    Ok(now.duration_since(created_at) > max_age)
}

fn old_key(key: &Api3Key, now: Timestamp) -> OldKey {
    OldKey {
        id: key.id.clone(),
        client_id: key.client_id.clone(),
        purpose: key.purpose.clone().unwrap_or_default(),
        created_at: key.created_at.known().unwrap_or(now),
    }
}

fn check_named(spec: &RotateSpec, keys: &[Api3Key], records: &[KeyRecord]) -> Result<(), Error> {
    for named in &spec.keys {
        let Some(key) = keys.iter().find(|key| names(named, key)) else {
            let message = format!("the user has no key {named}");
            return Err(Error::new(Kind::NotFound, message)
                .hint("`embedctl keys list` shows the keys there are"));
        };
        if !Standing::of(key, records).is_ours() {
            let message = format!("key {named} was not created by embedctl");
            return Err(Error::new(Kind::NotAllowed, message)
                .hint("embedctl never touches a key it did not create unless you name it; `embedctl keys mint` creates another key beside it"));
        }
    }
    Ok(())
}

fn none(spec: &RotateSpec) -> Error {
    let user = spec.job.user.by_ref();
    Error::new(
        Kind::NotFound,
        format!("{user} has no key created by embedctl, so there is none to rotate"),
    )
    .hint("`embedctl keys mint` creates one")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::KeyState;
    use crate::looker::When;
    use crate::workflow::spec::{KeyJob, UserId};

    const TAG: &str = "embedctl:0192f7a0-6a3c-7000-8000-000000000001:7";
    const DAY: u64 = 86_400;

    fn now() -> Timestamp {
        Timestamp::from_second(1_700_000_000).unwrap()
    }

    fn key(id: &str, purpose: &str, age_days: i64) -> Api3Key {
        Api3Key {
            id: id.to_owned(),
            client_id: format!("client{id}"),
            created_at: When::At(now() - SignedDuration::from_hours(24 * age_days)),
            purpose: (!purpose.is_empty()).then(|| purpose.to_owned()),
            ..Api3Key::default()
        }
    }

    fn spec() -> RotateSpec {
        RotateSpec {
            job: KeyJob {
                user: UserId::External("acme-42".to_owned()),
                purpose: None,
                ttl_seconds: None,
            },
            keys: Vec::new(),
            max_age_seconds: None,
            overlap_seconds: None,
            if_none: IfNone::Fail,
        }
    }

    fn record(id: &str, state: KeyState, due: bool) -> KeyRecord {
        KeyRecord {
            looker_user_id: "5".to_owned(),
            external_user_id: "acme-42".to_owned(),
            key_id: id.to_owned(),
            client_id: format!("client{id}"),
            purpose: String::new(),
            state,
            minted_at: now(),
            revoke_at: due.then(now),
        }
    }

    fn chosen(spec: &RotateSpec, keys: &[Api3Key], records: &[KeyRecord]) -> (bool, Vec<String>) {
        let choice = choose(spec, keys, records, now()).unwrap();
        let ids = choice.replaced.into_iter().map(|key| key.id);
        (choice.mints, ids.collect())
    }

    fn replaces(ids: &[&str]) -> (bool, Vec<String>) {
        (true, ids.iter().map(|id| (*id).to_owned()).collect())
    }

    const NOTHING: (bool, Vec<String>) = (false, Vec::new());

    #[test]
    fn all_of_ours_are_replaced_and_none_of_the_others() {
        let keys = [key("1", TAG, 1), key("2", "", 1), key("3", "terraform", 1)];
        let delivered = [record("2", KeyState::Delivered, false)];

        assert_eq!(chosen(&spec(), &keys, &[]), replaces(&["1"]));
        assert_eq!(chosen(&spec(), &keys, &delivered), replaces(&["1", "2"]));
    }

    #[test]
    fn keys_that_are_young_enough_stay_and_need_no_new_one() {
        let spec = RotateSpec {
            max_age_seconds: Some(90 * DAY),
            ..spec()
        };

        assert_eq!(chosen(&spec, &[key("1", TAG, 89)], &[]), NOTHING);
        let keys = [key("1", TAG, 91), key("2", TAG, 1)];
        assert_eq!(chosen(&spec, &keys, &[]), replaces(&["1"]));
    }

    #[test]
    fn an_age_that_cannot_be_read_stops_a_rotation_by_age_and_no_other() {
        let by_age = RotateSpec {
            max_age_seconds: Some(90 * DAY),
            ..spec()
        };
        for created_at in [When::Unreadable, When::Never] {
            let undated = Api3Key {
                created_at,
                ..key("1", TAG, 0)
            };
            let keys = [undated, key("2", TAG, 91)];

            let error = choose(&by_age, &keys, &[], now()).unwrap_err();
            assert!(error.to_string().contains("key 1"), "{error}");
            assert_eq!(chosen(&spec(), &keys, &[]), replaces(&["1", "2"]));
        }
    }

    #[test]
    fn a_key_that_was_replaced_and_is_kept_for_an_overlap_is_no_reason_for_another_new_one() {
        let keys = [key("1", TAG, 91), key("2", TAG, 1)];
        let kept = [record("1", KeyState::Delivered, true)];
        let by_age = RotateSpec {
            max_age_seconds: Some(90 * DAY),
            ..spec()
        };
        let by_name = RotateSpec {
            keys: vec!["client1".to_owned()],
            ..spec()
        };

        assert_eq!(chosen(&by_age, &keys, &kept), NOTHING);
        assert_eq!(chosen(&spec(), &keys, &kept), replaces(&["1", "2"]));
        assert_eq!(chosen(&by_name, &keys, &kept), replaces(&["1"]));
        // The one that took its place is gone.
        assert_eq!(chosen(&by_age, &keys[..1], &kept), replaces(&["1"]));
    }

    #[test]
    fn a_user_without_a_key_of_ours_gets_one_only_where_that_was_asked_for() {
        let foreign = [key("1", "", 1)];
        // Another Looker's key of the same number.
        let revoked = [KeyRecord {
            client_id: "another".to_owned(),
            ..record("1", KeyState::Delivered, false)
        }];
        let with = |if_none| RotateSpec { if_none, ..spec() };

        assert_eq!(
            chosen(&with(IfNone::Mint), &foreign, &revoked),
            replaces(&[])
        );
        assert_eq!(chosen(&with(IfNone::Skip), &foreign, &revoked), NOTHING);
        let error = choose(&spec(), &foreign, &revoked, now()).unwrap_err();
        assert_eq!(error.kind(), Kind::NotFound);
    }

    #[test]
    fn a_named_key_must_exist_and_be_ours() {
        let kind = |named: &str| {
            let spec = RotateSpec {
                keys: vec![named.to_owned()],
                ..spec()
            };
            choose(&spec, &[key("1", "", 1)], &[], now())
                .unwrap_err()
                .kind()
        };

        assert_eq!(kind("1"), Kind::NotAllowed);
        assert_eq!(kind("2"), Kind::NotFound);
    }
}
