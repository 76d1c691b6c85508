//! An alert as the API takes and shows it.

use serde_json::{Value, json};

use crate::emulator::http::answer::add;
use crate::emulator::http::answer::lay_over;
use crate::emulator::http::body::{Field, Kind, firm, open};
use crate::emulator::world::alerts::Alert;
use crate::emulator::world::content_access::Viewer;
use crate::emulator::world::{Id, World, id_text};

const COMPARISONS: &[&str] = &[
    "EQUAL_TO",
    "GREATER_THAN",
    "GREATER_THAN_OR_EQUAL_TO",
    "LESS_THAN",
    "LESS_THAN_OR_EQUAL_TO",
    "INCREASES_BY",
    "DECREASES_BY",
    "CHANGES_BY",
];
const ENHANCEMENTS: &[&str] = &["NONE", "STRATEGIC_NARRATIVE"];

/// What may be written of an alert, from Looker's OpenAPI description.
pub(super) const WRITABLE: &[Field] = &[
    open("applied_dashboard_filters", Kind::Parts(FILTER)),
    firm("comparison_type", Kind::OneOf(COMPARISONS)),
    firm("cron", Kind::Text),
    open("query_id", Kind::Text),
    open("custom_url_base", Kind::Text),
    open("custom_url_params", Kind::Text),
    open("custom_url_label", Kind::Text),
    firm("show_custom_url", Kind::Flag),
    open("custom_title", Kind::Text),
    open("dashboard_element_id", Kind::Text),
    open("description", Kind::Text),
    open("enhancements", Kind::OneOf(ENHANCEMENTS)),
    open("destinations", Kind::Parts(DESTINATION)),
    firm("field", Kind::Part(FIELD)),
    firm("is_disabled", Kind::Flag),
    open("disabled_reason", Kind::Text),
    firm("is_public", Kind::Flag),
    open("investigative_content_type", Kind::OneOf(&["dashboard"])),
    open("investigative_content_id", Kind::Text),
    open("lookml_dashboard_id", Kind::Text),
    open("lookml_link_id", Kind::Text),
    firm("owner_id", Kind::Text),
    firm("threshold", Kind::Number),
    open("time_series_condition_state", Kind::Object),
];
const FILTER: &[Field] = &[
    open("filter_title", Kind::Text),
    firm("field_name", Kind::Text),
    firm("filter_value", Kind::Text),
];
const DESTINATION: &[Field] = &[
    firm("destination_type", Kind::OneOf(&["EMAIL", "ACTION_HUB"])),
    open("email_address", Kind::Text),
    open("action_hub_integration_id", Kind::Text),
    open("action_hub_form_params_json", Kind::Text),
];
const FIELD: &[Field] = &[
    firm("title", Kind::Text),
    firm("name", Kind::Text),
    open("filter", Kind::Parts(FIELD_FILTER)),
];
const FIELD_FILTER: &[Field] = &[
    firm("field_name", Kind::Text),
    firm("field_value", Kind::Any),
    open("filter_value", Kind::Text),
];
/// What may be written of it alone.
pub(super) const PATCHABLE: &[Field] = &[
    open("owner_id", Kind::Text),
    open("is_disabled", Kind::Flag),
    open("disabled_reason", Kind::Text),
    open("is_public", Kind::Flag),
    open("threshold", Kind::Number),
    open("enhancements", Kind::OneOf(ENHANCEMENTS)),
];
/// An alert, which the viewer follows or not.
pub(super) fn alert_json(world: &World, viewer: &Viewer, id: Id, alert: &Alert) -> Value {
    let owner = world.users.at(alert.owner);
    let mut shown = json!({
        "applied_dashboard_filters": [],
        "query_id": null,
        "custom_url_base": null,
        "custom_url_params": null,
        "custom_url_label": null,
        "show_custom_url": false,
        "custom_title": null,
        "dashboard_element_id": alert.element.map(id_text),
        "description": null,
        "enhancements": "NONE",
        "is_disabled": false,
        "disabled_reason": null,
        "is_public": false,
        "investigative_content_type": null,
        "investigative_content_id": null,
        "investigative_content_title": null,
        "lookml_dashboard_id": null,
        "lookml_link_id": null,
    });
    lay_over(&mut shown, Value::Object(alert.rest.clone()));
    if world.rules.switches.knows_followed {
        let followed = alert.followers.contains(&viewer.user);
        add(&mut shown, "followed", followed);
    }
    let own = json!({
        "id": id_text(id),
        "followable": alert.owner != viewer.user,
        "owner_id": id_text(alert.owner),
        "owner_display_name": owner.map(|owner| owner.display_name()),
    });
    lay_over(&mut shown, own);
    shown
}
