//! A plan in short: users of whom the same changes, together.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::plan::{Action, Change};
use crate::report::Few;

/// How many users of a group are named.
const NAMED: usize = 3;

/// How many groups are told apart; a plan in which everyone changes in another way has no short form.
const MOST: usize = 10_000;

/// The groups of a plan.
#[derive(Default)]
pub(super) struct Groups {
    by: BTreeMap<(Action, String), Group>,
    /// The users that are in none, since there are too many groups.
    others: u64,
}

struct Group {
    /// The change of its first user.
    change: Change,
    users: Few,
}

impl Groups {
    /// Add the change of a user.
    pub(super) fn add(&mut self, change: &Change) {
        let key = (change.action, change.details());
        if self.by.len() >= MOST && !self.by.contains_key(&key) {
            self.others += 1;
            return;
        }
        let group = self.by.entry(key).or_insert_with(|| Group {
            change: change.clone(),
            users: Few::new(NAMED),
        });
        group.users.add(|| change.external_user_id.clone());
    }

    /// Each group: the change of its first user, and whom it is about.
    pub(super) fn each(&self) -> impl Iterator<Item = (&Change, String)> {
        self.by
            .values()
            .map(|group| (&group.change, group.users.users()))
    }

    /// How many users are in no group.
    pub(super) const fn others(&self) -> u64 {
        self.others
    }

    /// Each group as an object: what a change has, without what differs from user to user.
    pub(super) fn objects(&self) -> impl Iterator<Item = Value> {
        self.by.values().map(|group| {
            let change = &group.change;
            json!({
                "action": change.action,
                "users": group.users.count(),
                "external_user_ids": group.users.named(),
                "changes": change.differences,
                "carried": change.carried,
                "ends_sessions": change.ends_sessions,
                "key": change.key,
                "refused": change.refused,
            })
        })
    }
}
