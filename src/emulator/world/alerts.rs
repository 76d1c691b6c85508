//! Alerts: conditions on the tiles of dashboards, with owners and followers.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::emulator::world::table::{Id, Table};

/// An alert.
#[derive(Clone, Debug)]
pub(crate) struct Alert {
    pub(crate) owner: Id,
    /// The tile it looks at.
    pub(crate) element: Option<Id>,
    pub(crate) followers: BTreeSet<Id>,
    /// Its owner has been deleted: it keeps running, invisible and unchangeable.
    pub(crate) is_orphan: bool,
    /// The other fields that may be written, as they were written.
    pub(crate) rest: Map<String, Value>,
}

impl Alert {
    /// A truth value among the written fields.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.rest.get(name).and_then(Value::as_bool) == Some(true)
    }
}

/// All alerts.
#[derive(Debug, Default)]
pub(crate) struct Alerts(pub(crate) Table<Alert>);

impl Alerts {
    /// The alert with this id, unless its owner has been deleted.
    pub(crate) fn at(&self, id: Id) -> Option<&Alert> {
        // Looker keeps such alerts but no longer finds them.
        self.0.at(id).filter(|alert| !alert.is_orphan)
    }

    /// The alert with this id, mutable.
    pub(crate) fn at_mut(&mut self, id: Id) -> Option<&mut Alert> {
        self.0.at_mut(id).filter(|alert| !alert.is_orphan)
    }

    /// All alerts but those whose owner has been deleted.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Id, &Alert)> {
        self.0.iter().filter(|(_, alert)| !alert.is_orphan)
    }

    /// Delete the alerts on a tile that was deleted.
    pub(crate) fn remove_of_element(&mut self, element: Id) {
        self.remove_where(|alert| alert.element == Some(element));
    }

    /// Delete the alerts of an owner that was deleted.
    pub(crate) fn remove_of_user(&mut self, user: Id) {
        self.remove_where(|alert| alert.owner == user);
    }

    fn remove_where(&mut self, gone: impl Fn(&Alert) -> bool) {
        let all = self.0.iter();
        // Collected first, since the table cannot change while it is read.
        let gone: Vec<Id> = all
            .filter(|(_, alert)| gone(alert))
            .map(|(id, _)| id)
            .collect();
        for id in gone {
            self.0.remove(id);
        }
    }

    /// Let the alerts of a user that was deleted go on unseen, and take it from those it followed.
    pub(crate) fn forget_user(&mut self, user: Id) {
        let all: Vec<Id> = self.0.iter().map(|(id, _)| id).collect();
        for id in all {
            if let Some(alert) = self.0.at_mut(id) {
                alert.is_orphan |= alert.owner == user;
                alert.followers.remove(&user);
            }
        }
    }
}
