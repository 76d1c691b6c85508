//! Scheduled plans: content that is sent somewhere, again and again, as its owner sees it.

use serde_json::{Map, Value};

use crate::emulator::world::content_access::Thing;
use crate::emulator::world::table::{Id, Table};

/// A scheduled plan.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) owner: Id,
    /// What is sent, where it is a dashboard or a look.
    pub(crate) thing: Option<Thing>,
    pub(crate) destinations: Vec<Destination>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    /// The other fields that may be written, as they were written.
    pub(crate) rest: Map<String, Value>,
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

    /// Destinations of these fields, each with a new id.
    pub(crate) fn destinations(&mut self, all: Vec<Map<String, Value>>) -> Vec<Destination> {
        let mut number = |fields| {
            self.last_destination += 1;
            Destination {
                id: self.last_destination,
                fields,
            }
        };
        all.into_iter().map(&mut number).collect()
    }

    /// Delete the scheduled plans that send something which is gone.
    pub(crate) fn remove_of(&mut self, thing: Thing) {
        self.remove_where(|schedule| schedule.thing == Some(thing));
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
