//! A scheduled plan as the API takes and shows it.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::emulator::api::user_json::public_json;
use crate::emulator::http::answer::lay_over;
use crate::emulator::http::fields::{Fields, Shown};
use crate::emulator::world::schedules::{Destination, Schedule};
use crate::emulator::world::{Id, World, id_text};

/// What a scheduled plan shows that nobody has written.
static USUAL: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "can": {},
        "name": null,
        "run_as_recipient": false,
        "enabled": true,
        "look_id": null,
        "dashboard_id": null,
        "lookml_dashboard_id": null,
        "filters_string": null,
        "dashboard_filters": null,
        "require_results": false,
        "require_no_results": false,
        "require_change": false,
        "send_all_results": false,
        "crontab": null,
        "datagroup": null,
        "timezone": null,
        "query_id": null,
        "run_once": false,
        "include_links": true,
        "custom_url_base": null,
        "custom_url_params": null,
        "custom_url_label": null,
        "show_custom_url": false,
        "pdf_paper_size": null,
        "pdf_landscape": false,
        "embed": false,
        "color_theme": null,
        "long_tables": false,
        "inline_table_width": null,
        "next_run_at": null,
        "last_run_at": null,
    })
});

/// A scheduled plan with its destinations, but without what is secret in them.
pub(super) fn schedule_json(fields: &Fields, world: &World, id: Id, schedule: &Schedule) -> Value {
    let mut shown = Shown::new(fields);
    shown.lay_object(&USUAL);
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
    let mut shown = json!({
        "format": null,
        "apply_formatting": false,
        "apply_vis": false,
        "address": null,
        "looker_recipient": false,
        "type": null,
        "parameters": null,
        "message": null,
    });
    lay_over(&mut shown, Value::Object(destination.fields.clone()));
    let own = json!({
        "id": id_text(destination.id),
        "scheduled_plan_id": id_text(schedule),
        "secret_parameters": null,
    });
    lay_over(&mut shown, own);
    shown
}
