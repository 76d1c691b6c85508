//! What a key is to embedctl, by its tag and by the ledger's record: decided as data, in one place.

use jiff::Timestamp;
use serde::Serialize;

use crate::ledger::{KeyRecord, KeyState};
use crate::looker::Api3Key;
use crate::workflow::tag::{Tag, TagState};

/// What a key is to embedctl.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Standing {
    /// Whose it is.
    pub owner: Owner,
    /// How far it got; `None` for a key with someone else's purpose.
    pub state: Option<Stage>,
    /// When to revoke it.
    pub due: Option<Timestamp>,
}

/// Whose a key is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// It carries our tag, or its id came in an answer of Looker's that the ledger has recorded.
    Ours,
    /// It may belong to anyone.
    Foreign,
}

/// How far a key got.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// A sink has its secret.
    Delivered,
    /// No sink is known to have its secret.
    Undelivered,
    /// A newer key has replaced it, and it is kept until it is due.
    Overlap,
    /// It has no purpose, and no ledger knows it.
    Nameless,
}

impl Standing {
    /// The standing of `key`, by its purpose and by `records`, the ledger's records for its user.
    pub fn of(key: &Api3Key, records: &[KeyRecord]) -> Self {
        let record = record_of(key, records);
        let due = record.and_then(|record| record.revoke_at);
        let purpose = key.purpose.as_deref().unwrap_or_default();
        match (Tag::parse(purpose), record) {
            (Some(tag), record) if tag.state != TagState::Minted => {
                let gone = record.is_some_and(|record| record.state == KeyState::Revoked);
                let stage = match tag.state {
                    // It should be gone: the revocation was not read back, or Looker kept the key.
                    _ if gone => Stage::Undelivered,
                    TagState::Overlap => Stage::Overlap,
                    _ => Stage::Delivered,
                };
                // Tag and ledger may disagree; the key must not outlive either promise.
                let due = [tag.until, due].into_iter().flatten().min();
                Self::ours(stage, due)
            }
            (_, Some(record)) => match record.state {
                // On a Looker without `purpose`, the ledger says what the tag would have said.
                KeyState::Delivered => match Tag::parse(&record.purpose).map(|tag| tag.state) {
                    Some(TagState::Delivered) => Self::ours(Stage::Delivered, due),
                    _ if due.is_some() => Self::ours(Stage::Overlap, due),
                    _ => Self::ours(Stage::Delivered, None),
                },
                KeyState::Minted | KeyState::Revoked => Self::ours(Stage::Undelivered, due),
            },
            (Some(_), None) => Self::ours(Stage::Undelivered, None),
            (None, None) => Self {
                owner: Owner::Foreign,
                state: purpose.trim().is_empty().then_some(Stage::Nameless),
                due: None,
            },
        }
    }

    const fn ours(stage: Stage, due: Option<Timestamp>) -> Self {
        Self {
            owner: Owner::Ours,
            state: Some(stage),
            due,
        }
    }

    /// Whether embedctl made it.
    pub fn is_ours(self) -> bool {
        self.owner == Owner::Ours
    }

    /// Whether the user can count on it at `now`: delivered, not in overlap, not due.
    pub fn serves(self, now: Timestamp) -> bool {
        self.state == Some(Stage::Delivered) && !self.is_due(now)
    }

    /// Whether it must be revoked by `now`.
    pub fn is_due(self, now: Timestamp) -> bool {
        self.due.is_some_and(|due| due <= now)
    }
}

/// The ledger's record of `key`. Another Looker may have a key with the same number, so both ids must match.
pub fn record_of<'a>(key: &Api3Key, records: &'a [KeyRecord]) -> Option<&'a KeyRecord> {
    let mut records = records.iter();
    records.find(|record| record.key_id == key.id && record.client_id == key.client_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELIVERED: &str = "embedctl: delivered, run 0192f7a0-6a3c-0000000001/7";
    const OVERLAP: &str =
        "embedctl: overlap, run 0192f7a0-6a3c-0000000001/7, until 2026-12-01T10:00:00Z";
    const EARLIER: &str = "embedctl:0192f7a0-6a3c-7000-8000-000000000001:7";

    fn key(purpose: &str) -> Api3Key {
        Api3Key {
            id: "7".to_owned(),
            client_id: "client7".to_owned(),
            purpose: (!purpose.is_empty()).then(|| purpose.to_owned()),
            ..Api3Key::default()
        }
    }

    fn record(state: KeyState) -> KeyRecord {
        KeyRecord {
            looker_user_id: "5".to_owned(),
            external_user_id: "acme-42".to_owned(),
            key_id: "7".to_owned(),
            client_id: "client7".to_owned(),
            purpose: String::new(),
            state,
            minted_at: Timestamp::UNIX_EPOCH,
            revoke_at: None,
        }
    }

    fn stage(purpose: &str, records: &[KeyRecord]) -> (bool, Option<Stage>) {
        let standing = Standing::of(&key(purpose), records);
        (standing.is_ours(), standing.state)
    }

    #[test]
    fn a_tag_is_enough_without_a_ledger() {
        assert_eq!(stage(DELIVERED, &[]), (true, Some(Stage::Delivered)));
        assert_eq!(stage(OVERLAP, &[]), (true, Some(Stage::Overlap)));
        assert_eq!(stage("", &[]), (false, Some(Stage::Nameless)));
        assert_eq!(stage("terraform", &[]), (false, None));
        assert_eq!(stage("embedctl: ask Ada", &[]), (false, None));
    }

    #[test]
    fn the_tag_of_earlier_releases_counts_as_delivered_only_if_the_ledger_says_so() {
        let delivered = [record(KeyState::Delivered)];

        assert_eq!(stage(EARLIER, &[]), (true, Some(Stage::Undelivered)));
        assert_eq!(stage(EARLIER, &delivered), (true, Some(Stage::Delivered)));
    }

    #[test]
    fn a_nameless_key_is_ours_only_if_both_its_ids_are_in_the_ledger() {
        let known = [record(KeyState::Delivered)];
        let elsewhere = [KeyRecord {
            client_id: "another".to_owned(),
            ..record(KeyState::Delivered)
        }];

        assert_eq!(stage("", &known), (true, Some(Stage::Delivered)));
        assert_eq!(stage("", &elsewhere), (false, Some(Stage::Nameless)));
        let minted = [record(KeyState::Minted)];
        assert_eq!(stage("", &minted), (true, Some(Stage::Undelivered)));
    }

    #[test]
    fn a_key_that_was_revoked_and_is_alive_does_not_serve() {
        let revoked = [record(KeyState::Revoked)];
        let standing = Standing::of(&key(DELIVERED), &revoked);

        assert!(standing.is_ours() && !standing.serves(Timestamp::UNIX_EPOCH));
    }

    #[test]
    fn a_key_serves_until_it_is_due_and_not_in_an_overlap() {
        let until: Timestamp = "2026-12-01T10:00:00Z".parse().unwrap();
        let limited = format!("{DELIVERED}, until {until}");
        let standing = Standing::of(&key(&limited), &[]);

        assert!(standing.serves(until - std::time::Duration::from_secs(1)));
        assert!(!standing.serves(until) && standing.is_due(until));
        assert!(!Standing::of(&key(OVERLAP), &[]).serves(Timestamp::UNIX_EPOCH));
    }
}
