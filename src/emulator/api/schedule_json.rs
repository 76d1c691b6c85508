//! A scheduled plan as the API takes and shows it.

use serde_json::{Value, json};

use crate::emulator::api::user_json::public_json;
use crate::emulator::api::usual::{usual, with_usual};
use crate::emulator::http::answer::lay_over;
use crate::emulator::http::fields::{Fields, Shown};
use crate::emulator::world::schedules::{Destination, Schedule};
use crate::emulator::world::{Id, World, id_text};

/// A scheduled plan with its destinations, but without what is secret in them.
pub(super) fn schedule_json(fields: &Fields, world: &World, id: Id, schedule: &Schedule) -> Value {
    let mut shown = Shown::new(fields);
    shown.lay(usual("scheduled_plan"));
    shown.lay(&schedule.rest);
    shown.put("id", || id_text(id));
    shown.put("user_id", || id_text(schedule.owner));
    shown.put("title", || -> Option<String> {
        Some(world.piece(schedule.thing?)?.title.clone())
    });
    shown.put("scheduled_plan_destination", || -> Value {
        let destinations = schedule.destinations.iter();
        destinations
            .map(|destination| destination_json(id, destination))
            .collect()
    });
    shown.put("created_at", || world.time(schedule.created_at));
    shown.put("updated_at", || world.time(schedule.updated_at));
    if let Some(owner) = world.users.at(schedule.owner) {
        shown.put("user", || public_json(schedule.owner, owner));
    }
    shown.done()
}

fn destination_json(schedule: Id, destination: &Destination) -> Value {
    let fields = Value::Object(destination.fields.clone());
    let mut shown = with_usual("scheduled_plan_destination", fields);
    let own = json!({
        "id": id_text(destination.id),
        "scheduled_plan_id": id_text(schedule),
        "secret_parameters": null,
    });
    lay_over(&mut shown, own);
    shown
}
