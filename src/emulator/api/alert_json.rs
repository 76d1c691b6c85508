//! An alert as the API takes and shows it.

use serde_json::{Value, json};

use crate::emulator::api::usual::with_usual;
use crate::emulator::http::answer::add;
use crate::emulator::http::answer::lay_over;
use crate::emulator::world::alerts::Alert;
use crate::emulator::world::content_access::Viewer;
use crate::emulator::world::{Id, World, id_text};

/// An alert, which the viewer follows or not.
pub(super) fn alert_json(world: &World, viewer: &Viewer, id: Id, alert: &Alert) -> Value {
    let owner = world.users.at(alert.owner);
    let element = json!({ "dashboard_element_id": alert.element.map(id_text) });
    let mut shown = with_usual("alert", element);
    // First the stored fields, then the computed ones, which a request cannot override.
    lay_over(&mut shown, Value::Object(alert.rest.clone()));
    // A switch takes the field away, for a Looker that does not have it.
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
