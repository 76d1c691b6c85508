//! Alerts: one, those that match; creating, changing, following, deleting.

use serde_json::json;

use crate::emulator::api::alert_json::alert_json;
use crate::emulator::api::dashboards_and_looks::may;
use crate::emulator::api::viewer;
use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::body::{self, Body};
use crate::emulator::http::call::Call;
use crate::emulator::http::listing;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::switches::BlindSearch;
use crate::emulator::world::alerts::Alert;
use crate::emulator::world::content_access::{Thing, Viewer};
use crate::emulator::world::{Id, World};

pub(super) const OPERATIONS: &[Service] = &[
    op("search_alerts", search),
    op("get_alert", one),
    op("create_alert", create),
    op("update_alert", replace),
    op("update_alert_field", update),
    op("follow_alert", follow),
    op("unfollow_alert", unfollow),
    op("delete_alert", remove),
    op("enqueue_alert", enqueue),
    op("alert_notifications", notifications),
    op("read_alert_notification", read_notification),
];

const REQUIRED: &[&str] = &[
    "field",
    "destinations",
    "comparison_type",
    "threshold",
    "cron",
];

/// The alerts that the caller owns or follows; with `all_owners`, all alerts (administrators only).
fn search(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    // An admin sees the alerts of others only on request.
    let everybody = call.flag("all_owners")?.unwrap_or(false);
    if everybody && !viewer.admin {
        return Err(Refusal::new(
            403,
            "Forbidden: 'all_owners' is for administrators",
        ));
    }
    let disabled = call.flag("disabled")?;
    // Alerts never run here, so no alert has met its condition.
    let has_run = call.flag("condition_met")? == Some(true)
        || call.query("last_run_start").is_some()
        || call.query("last_run_end").is_some();
    let followed = world.rules.switches.followed_alerts_are_found;
    let blind = world.rules.switches.is_blind_to(BlindSearch::Alerts);
    let alerts = world.content.alerts.iter().filter(|(_, alert)| {
        let follows = followed && alert.followers.contains(&viewer.user);
        let own = alert.owner == viewer.user || follows;
        // A blind search shows only the caller's own alerts, whatever it asks for.
        (everybody && !blind || own)
            && disabled.is_none_or(|disabled| alert.flag("is_disabled") == disabled)
            && !has_run
    });
    let mut alerts: Vec<(Id, &Alert)> = alerts.collect();
    match call.query("group_by") {
        Some("owner") => alerts.sort_by_key(|(_, alert)| alert.owner),
        Some("dashboard") => alerts.sort_by_key(|(_, alert)| alert.element),
        _ => {}
    }
    listing::answer(call, alerts.into_iter(), |_fields, (id, alert)| {
        alert_json(world, &viewer, id, alert)
    })
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = seen(call, world, &viewer)?;
    show(world, &viewer, id)
}

/// Administrators may create one for another user.
fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let viewer = viewer(call, world)?;
    may(world, &viewer, &["create_alerts"])?;
    body::require(&body, REQUIRED)?;
    let mut alert = Alert {
        owner: viewer.user,
        element: None,
        followers: [].into(),
        is_orphan: false,
        rest: Body::new(),
    };
    // The new alert is checked like a changed one, before it is stored.
    change(world, &viewer, &mut alert, body)?;
    let id = world.content.alerts.0.insert(alert);
    show(world, &viewer, id)
}

/// Replaces the whole alert; fields missing in the body are removed.
fn replace(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let viewer = viewer(call, world)?;
    let id = editable(call, world, &viewer)?;
    // A replacement must name its owner, and everything that it omits is removed.
    body::require(&body, &["owner_id"])?;
    body::require(&body, REQUIRED)?;
    let alert = world.content.alerts.at(id).ok_or_else(Refusal::not_found)?;
    let mut alert = alert.clone();
    alert.rest.clear();
    alert.element = None;
    change(world, &viewer, &mut alert, body)?;
    put_back(world, &viewer, id, alert)
}

fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let mut body = call.object()?;
    let viewer = viewer(call, world)?;
    let id = editable(call, world, &viewer)?;
    let alert = world.content.alerts.at(id).ok_or_else(Refusal::not_found)?;
    let mut alert = alert.clone();
    // `null` means "unchanged", except for the one text that can be removed.
    body.retain(|name, value| name == "disabled_reason" || !value.is_null());
    change(world, &viewer, &mut alert, body)?;
    put_back(world, &viewer, id, alert)
}

fn change(
    world: &World,
    viewer: &Viewer,
    alert: &mut Alert,
    mut body: Body,
) -> Result<(), Refusal> {
    // Only an admin may give an alert to another user.
    if let Some(owner) = body::id(&body, "owner_id")? {
        if owner != alert.owner && !viewer.admin {
            return Err(Refusal::not_found());
        }
        world.users.at(owner).ok_or_else(Refusal::not_found)?;
        // Some Lookers accept the field and ignore it.
        if world.rules.switches.takes_owner(None) {
            alert.owner = owner;
        }
    }
    if let Some(element) = body::id(&body, "dashboard_element_id")? {
        let element_of = world.content.elements.at(element);
        let dashboard = element_of.ok_or_else(Refusal::not_found)?.dashboard;
        let seen = world.sees(viewer, Thing::Dashboard(dashboard));
        seen.then_some(()).ok_or_else(Refusal::not_found)?;
        alert.element = Some(element);
    }
    // The owner has a field of its own; the rest is stored as sent.
    body.remove("owner_id");
    alert.rest.extend(body);
    Ok(())
}

fn put_back(world: &mut World, viewer: &Viewer, id: Id, alert: Alert) -> Answer {
    if let Some(place) = world.content.alerts.at_mut(id) {
        *place = alert;
    }
    show(world, viewer, id)
}

/// The caller follows the alert from now on; a user cannot do this for another one.
fn follow(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = seen(call, world, &viewer)?;
    let alert = world.content.alerts.at_mut(id);
    let alert = alert.ok_or_else(Refusal::not_found)?;
    alert.followers.insert(viewer.user);
    Ok(Reply::no_content())
}

fn unfollow(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = seen(call, world, &viewer)?;
    let alert = world.content.alerts.at_mut(id);
    let alert = alert.ok_or_else(Refusal::not_found)?;
    alert.followers.remove(&viewer.user);
    Ok(Reply::no_content())
}

fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = editable(call, world, &viewer)?;
    world.content.alerts.0.remove(id);
    Ok(Reply::no_content())
}

/// An alert can be asked to run; none has anything to say.
fn enqueue(call: &Call<'_>, world: &mut World) -> Answer {
    call.flag("force")?;
    editable(call, world, &viewer(call, world)?)?;
    Ok(Reply::no_content())
}

fn notifications(_call: &Call<'_>, _world: &mut World) -> Answer {
    json_answer(json!([]))
}

fn read_notification(_call: &Call<'_>, _world: &mut World) -> Answer {
    Err(Refusal::not_found())
}

/// The alert that the path names, if it is the caller's own, followed, or public on a dashboard the caller sees.
fn seen(call: &Call<'_>, world: &World, viewer: &Viewer) -> Result<Id, Refusal> {
    let id = call.id("alert_id")?;
    let alert = world.content.alerts.at(id).ok_or_else(Refusal::not_found)?;
    let related = viewer.admin
        || alert.owner == viewer.user
        || alert.followers.contains(&viewer.user)
        || is_open(world, viewer, alert);
    related.then_some(id).ok_or_else(Refusal::not_found)
}

fn is_open(world: &World, viewer: &Viewer, alert: &Alert) -> bool {
    let element = alert.element.and_then(|id| world.content.elements.at(id));
    // A public alert is visible to everyone who sees its dashboard.
    alert.flag("is_public")
        && element.is_none_or(|element| world.sees(viewer, Thing::Dashboard(element.dashboard)))
}

fn editable(call: &Call<'_>, world: &World, viewer: &Viewer) -> Result<Id, Refusal> {
    let id = seen(call, world, viewer)?;
    let alert = world.content.alerts.at(id).ok_or_else(Refusal::not_found)?;
    let own = viewer.admin || alert.owner == viewer.user;
    own.then_some(id).ok_or_else(Refusal::not_found)
}

fn show(world: &World, viewer: &Viewer, id: Id) -> Answer {
    let alert = world.content.alerts.at(id).ok_or_else(Refusal::not_found)?;
    json_answer(alert_json(world, viewer, id, alert))
}
