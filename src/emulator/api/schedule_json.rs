//! A scheduled plan as the API takes and shows it.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::emulator::api::user_json::public_json;
use crate::emulator::http::answer::lay_over;
use crate::emulator::http::body::{Field, Kind, firm, open};
use crate::emulator::http::fields::{Fields, Shown};
use crate::emulator::world::schedules::{Destination, Schedule};
use crate::emulator::world::{Id, World, id_text};

/// What may be written of a scheduled plan, from Looker's OpenAPI description.
pub(super) const WRITABLE: &[Field] = &[
    open("name", Kind::Text),
    open("user_id", Kind::Text),
    firm("run_as_recipient", Kind::Flag),
    firm("enabled", Kind::Flag),
    open("look_id", Kind::Text),
    open("dashboard_id", Kind::Text),
    open("lookml_dashboard_id", Kind::Text),
    open("filters_string", Kind::Text),
    open("dashboard_filters", Kind::Text),
    firm("require_results", Kind::Flag),
    firm("require_no_results", Kind::Flag),
    firm("require_change", Kind::Flag),
    firm("send_all_results", Kind::Flag),
    open("crontab", Kind::Text),
    open("datagroup", Kind::Text),
    open("timezone", Kind::Text),
    open("scheduled_plan_destination", Kind::Parts(DESTINATION)),
    firm("run_once", Kind::Flag),
    firm("include_links", Kind::Flag),
    firm("include_dashboard_summary", Kind::Flag),
    open("custom_url_base", Kind::Text),
    open("custom_url_params", Kind::Text),
    open("custom_url_label", Kind::Text),
    firm("show_custom_url", Kind::Flag),
    open("pdf_paper_size", Kind::Text),
    firm("pdf_landscape", Kind::Flag),
    firm("embed", Kind::Flag),
    open("color_theme", Kind::Text),
    firm("long_tables", Kind::Flag),
    firm("pdf_page_breaks", Kind::Flag),
    open("tab_ids", Kind::Texts),
    open("inline_table_width", Kind::Whole),
    open("query_id", Kind::Text),
    open("user", Kind::Object),
];

const DESTINATION: &[Field] = &[
    open("scheduled_plan_id", Kind::Text),
    open("format", Kind::Text),
    firm("apply_formatting", Kind::Flag),
    firm("apply_vis", Kind::Flag),
    open("address", Kind::Text),
    open("type", Kind::Text),
    open("parameters", Kind::Text),
    open("secret_parameters", Kind::Text),
    open("message", Kind::Text),
];

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
