//! Scheduled plans and alerts in a document.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::emulator::state::StateError;
use crate::emulator::world::alerts::Alert;
use crate::emulator::world::content_access::Thing;
use crate::emulator::world::schedules::{Destination, Schedule};
use crate::emulator::world::{Id, World};

/// A scheduled plan.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScheduleState {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Id>,
    owner: Id,
    /// What is sent, such as `dashboard: 7`.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<Thing>,
    destinations: Vec<DestinationState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<i64>,
    /// Other fields that the API lets be written.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    fields: Map<String, Value>,
}

/// Where a scheduled plan sends things; what is secret in it is read, never given.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct DestinationState {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Id>,
    fields: Map<String, Value>,
}

impl ScheduleState {
    /// All scheduled plans of `world`.
    pub(super) fn all(world: &World) -> impl Iterator<Item = Self> {
        let schedules = world.content.schedules.table.iter();
        schedules.map(|(id, schedule)| Self {
            id: Some(id),
            owner: schedule.owner,
            of: schedule.thing,
            destinations: schedule
                .destinations
                .iter()
                .map(DestinationState::of)
                .collect(),
            created_at: Some(schedule.created_at),
            updated_at: Some(schedule.updated_at),
            fields: schedule.rest.clone(),
        })
    }

    /// Put this scheduled plan into `world`.
    pub(super) fn put(self, world: &mut World) -> Result<(), StateError> {
        let mut fields = self.fields;
        if let Some(thing) = self.of {
            world.meta_of(thing).ok_or_else(|| {
                StateError::new(format!("a schedule is of {thing:?}, which there is not"))
            })?;
            let (name, id) = match thing {
                Thing::Look(id) => ("look_id", id),
                Thing::Dashboard(id) | Thing::Folder(id) | Thing::Board(id) => ("dashboard_id", id),
            };
            // Looker shows the thing as a field of the schedule too.
            fields.insert(name.to_owned(), id.to_string().into());
        }
        let schedules = &mut world.content.schedules;
        let destinations = self.destinations.into_iter();
        let destinations = destinations.map(|destination| (destination.id, destination.fields));
        let schedule = Schedule {
            owner: self.owner,
            thing: self.of,
            destinations: schedules.destinations(destinations),
            created_at: self.created_at.unwrap_or(world.now),
            updated_at: self.updated_at.unwrap_or(world.now),
            stopped_with_owner: false,
            rest: fields,
        };
        let id = self.id.unwrap_or_else(|| schedules.table.next_id());
        schedules.table.put(id, schedule).map_err(StateError::new)
    }
}

impl DestinationState {
    fn of(destination: &Destination) -> Self {
        let mut fields = destination.fields.clone();
        // Set by Looker, never by a caller.
        fields.remove("secret_parameters");
        Self {
            id: Some(destination.id),
            fields,
        }
    }
}

/// An alert.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertState {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Id>,
    owner: Id,
    /// The tile it looks at.
    #[serde(skip_serializing_if = "Option::is_none")]
    element: Option<Id>,
    #[serde(default)]
    followers: BTreeSet<Id>,
    /// Its owner has been deleted: it goes on unseen.
    #[serde(default)]
    is_orphan: bool,
    /// Other fields that the API lets be written.
    fields: Map<String, Value>,
}

impl AlertState {
    /// All alerts of `world`.
    pub(super) fn all(world: &World) -> impl Iterator<Item = Self> {
        let alerts = world.content.alerts.0.iter();
        alerts.map(|(id, alert)| Self {
            id: Some(id),
            owner: alert.owner,
            element: alert.element,
            followers: alert.followers.clone(),
            is_orphan: alert.is_orphan,
            fields: alert.rest.clone(),
        })
    }

    /// Put this alert into `world`.
    pub(super) fn put(self, world: &mut World) -> Result<(), StateError> {
        if let Some(element) = self.element {
            let found = world.content.elements.at(element);
            found.ok_or_else(|| {
                StateError::new(format!(
                    "an alert is on the tile {element}, which there is not"
                ))
            })?;
        }
        let alerts = &mut world.content.alerts.0;
        let id = self.id.unwrap_or_else(|| alerts.next_id());
        let alert = Alert {
            owner: self.owner,
            element: self.element,
            followers: self.followers,
            is_orphan: self.is_orphan,
            rest: self.fields,
        };
        alerts.put(id, alert).map_err(StateError::new)
    }
}
