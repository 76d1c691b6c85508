//! A plan in short: users of whom the same changes, together.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::plan::{Action, Change};

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
    count: u64,
    named: Vec<String>,
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
            count: 0,
            named: Vec::new(),
        });
        group.count += 1;
        if group.named.len() < NAMED {
            group.named.push(change.external_user_id.clone());
        }
    }

    /// Each group: the change of its first user, and whom it is about.
    pub(super) fn each(&self) -> impl Iterator<Item = (&Change, String)> {
        self.by.values().map(|group| (&group.change, group.users()))
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
                "users": group.count,
                "external_user_ids": group.named,
                "changes": change.differences,
                "carried": change.carried,
                "ends_sessions": change.ends_sessions,
                "key": change.key,
                "refused": change.refused,
            })
        })
    }
}

impl Group {
    fn users(&self) -> String {
        let named = self.named.join(", ");
        match self.count - self.named.len() as u64 {
            0 if self.count == 1 => named,
            0 => format!("{} users ({named})", self.count),
            more => format!("{} users ({named} and {more} more)", self.count),
        }
    }
}
