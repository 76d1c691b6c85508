//! Scheduled plans: content that is sent somewhere, again and again, as its owner sees it.

use serde_json::{Map, Value};

use crate::emulator::world::content_access::Thing;
use crate::emulator::world::table::{Id, Table};

/// A scheduled plan.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) owner: Id,
    /// What is sent, if it is a dashboard or a look.
    pub(crate) thing: Option<Thing>,
    pub(crate) destinations: Vec<Destination>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    /// It was disabled with its owner.
    pub(crate) stopped_with_owner: bool,
    /// The other fields that may be written, as they were written.
    pub(crate) rest: Map<String, Value>,
}

impl Schedule {
    /// Whether it runs at all; so does one that does not say.
    pub(crate) fn is_enabled(&self) -> bool {
        self.rest.get("enabled").and_then(Value::as_bool) != Some(false)
    }

    /// Whether it runs once only.
    pub(crate) fn runs_once(&self) -> bool {
        self.rest.get("run_once").and_then(Value::as_bool) == Some(true)
    }
}

/// Where a scheduled plan sends things.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    pub(crate) id: Id,
    pub(crate) fields: Map<String, Value>,
}

/// All scheduled plans.
#[derive(Debug, Default)]
pub(crate) struct Schedules {
    pub(crate) table: Table<Schedule>,
    last_destination: Id,
}

impl Schedules {
    /// The scheduled plan with this id.
    pub(crate) fn at(&self, id: Id) -> Option<&Schedule> {
        self.table.at(id)
    }

    /// Destinations of these fields, each with its id, or with a new one.
    pub(crate) fn destinations(
        &mut self,
        all: impl Iterator<Item = (Option<Id>, Map<String, Value>)>,
    ) -> Vec<Destination> {
        let mut number = |(id, fields): (Option<Id>, _)| {
            let id = id.unwrap_or(self.last_destination + 1);
            // Ids of destinations are never used again.
            self.last_destination = self.last_destination.max(id);
            Destination { id, fields }
        };
        all.map(&mut number).collect()
    }

    /// Delete the scheduled plans that send something which was deleted.
    pub(crate) fn remove_of(&mut self, thing: Thing) {
        self.remove_where(|schedule| schedule.thing == Some(thing));
    }

    /// Disable the scheduled plans of a user that is disabled.
    pub(crate) fn stop_of(&mut self, owner: Id) {
        self.change_of(owner, |schedule| {
            // Noted, so that enabling the owner starts only what was stopped with it.
            if schedule.is_enabled() {
                schedule.stopped_with_owner = true;
                schedule.rest.insert("enabled".to_owned(), false.into());
            }
        });
    }

    /// Enable the scheduled plans that were disabled with their owner.
    pub(crate) fn start_of(&mut self, owner: Id) {
        self.change_of(owner, |schedule| {
            if std::mem::take(&mut schedule.stopped_with_owner) {
                schedule.rest.insert("enabled".to_owned(), true.into());
            }
        });
    }

    fn change_of(&mut self, owner: Id, change: impl Fn(&mut Schedule)) {
        let owned = self
            .table
            .iter()
            .filter(|(_, schedule)| schedule.owner == owner);
        let owned: Vec<Id> = owned.map(|(id, _)| id).collect();
        for id in owned {
            if let Some(schedule) = self.table.at_mut(id) {
                change(schedule);
            }
        }
    }

    /// Delete the scheduled plans that `gone` says.
    pub(crate) fn remove_where(&mut self, gone: impl Fn(&Schedule) -> bool) {
        let all = self.table.iter();
        let gone: Vec<Id> = all
            .filter(|(_, schedule)| gone(schedule))
            .map(|(id, _)| id)
            .collect();
        for id in gone {
            self.table.remove(id);
        }
    }
}
