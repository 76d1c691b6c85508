//! Scheduled plans: one, those of a user or of content, those that match; creating, changing, deleting, running once.

use serde_json::{Value, json};

use crate::emulator::api::dashboards_and_looks::may;
use crate::emulator::api::schedule_json::schedule_json;
use crate::emulator::api::viewer;
use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::body::{self, Body};
use crate::emulator::http::call::{Call, parse_id};
use crate::emulator::http::listing::{self, Filters};
use crate::emulator::http::operation::{Service, op};
use crate::emulator::switches::BlindSearch;
use crate::emulator::world::content_access::{Thing, Viewer};
use crate::emulator::world::schedules::Schedule;
use crate::emulator::world::{Id, World};

const SEARCHED: &[&str] = &[
    "name",
    "user_first_name",
    "user_last_name",
    "dashboard_id",
    "look_id",
    "lookml_dashboard_id",
    "recipient",
    "destination_type",
    "delivery_format",
];

pub(super) const OPERATIONS: &[Service] = &[
    op("all_scheduled_plans", all),
    op("create_scheduled_plan", create),
    op("search_scheduled_plans", search),
    op("scheduled_plan", one),
    op("update_scheduled_plan", update),
    op("delete_scheduled_plan", remove),
    op("scheduled_plan_run_once", run_once),
    op("scheduled_plan_run_once_by_id", run_once_by_id),
    op("scheduled_plans_for_dashboard", of_dashboard),
    op("scheduled_plans_for_look", of_look),
    op("scheduled_plans_for_lookml_dashboard", of_lookml_dashboard),
];

/// A permission to send content, which non-administrators need.
const SEND: &[&str] = &[
    "schedule_look_emails",
    "schedule_external_look_emails",
    "send_to_s3",
    "send_to_sftp",
    "send_outgoing_webhook",
    "send_to_integration",
];

fn all(call: &Call<'_>, world: &mut World) -> Answer {
    // Whether the list shows disabled and one-time plans is not documented.
    let hides = world.rules.switches.disabled_plans_hidden;
    let shown = |schedule: &Schedule| !hides || schedule.is_enabled() && !schedule.runs_once();
    listed(call, world, shown)
}

fn search(call: &Call<'_>, world: &mut World) -> Answer {
    let filters = Filters::of(call, SEARCHED)?;
    let world: &World = world;
    listed(call, world, |schedule| {
        filters.pass(|name| searched(world, schedule, name))
    })
}

fn of_dashboard(call: &Call<'_>, world: &mut World) -> Answer {
    of_piece(call, world, Thing::Dashboard(call.id("dashboard_id")?))
}

fn of_look(call: &Call<'_>, world: &mut World) -> Answer {
    of_piece(call, world, Thing::Look(call.id("look_id")?))
}

fn of_piece(call: &Call<'_>, world: &World, thing: Thing) -> Answer {
    let seen = world.sees(&viewer(call, world)?, thing);
    seen.then_some(()).ok_or_else(Refusal::not_found)?;
    listed(call, world, |schedule| schedule.thing == Some(thing))
}

/// Dashboards of LookML have names, and are known to schedules by these alone.
fn of_lookml_dashboard(call: &Call<'_>, world: &mut World) -> Answer {
    let name = call.param("lookml_dashboard_id");
    listed(call, world, |schedule| {
        body::text(&schedule.rest, "lookml_dashboard_id") == Some(name)
    })
}

/// The scheduled plans of the caller, of another user or of all; the latter two with a permission only.
fn listed(call: &Call<'_>, world: &World, pass: impl Fn(&Schedule) -> bool) -> Answer {
    let viewer = viewer(call, world)?;
    let everybody = call.flag("all_users")?.unwrap_or(false);
    let user = call.query("user_id").map(parse_id);
    // The schedules of others need a permission.
    if everybody || user.is_some_and(|user| user != Some(viewer.user)) {
        may(world, &viewer, &["see_schedules"])?;
    }
    let owner = match everybody {
        true => None,
        false => Some(user.unwrap_or(Some(viewer.user))),
    };
    let others = owner.is_some_and(|owner| owner != Some(viewer.user));
    // A blind search finds only the caller's own schedules, whatever it asks for.
    if others && world.rules.switches.is_blind_to(BlindSearch::Schedules) {
        return json_answer(json!([]));
    }
    let (enabled, once) = (call.flag("enabled")?, call.flag("run_once")?);
    // Plans never run here.
    let has_run = call.query("last_run_status").is_some();
    let schedules = world
        .content
        .schedules
        .table
        .iter()
        .filter(|(_, schedule)| owner.is_none_or(|owner| owner == Some(schedule.owner)))
        .filter(|(_, schedule)| {
            let (is_enabled, is_once) = (schedule.is_enabled(), schedule.runs_once());
            !has_run
                && enabled.is_none_or(|enabled| enabled == is_enabled)
                && once.is_none_or(|once| once == is_once)
                && pass(schedule)
        });
    listing::answer(call, schedules, |fields, (id, schedule)| {
        schedule_json(fields, world, id, schedule)
    })
}

fn searched(world: &World, schedule: &Schedule, name: &str) -> Option<String> {
    let owner = || world.users.at(schedule.owner);
    let first = |field: &str| {
        let mut texts = schedule
            .destinations
            .iter()
            .filter_map(|destination| body::text(&destination.fields, field));
        texts.next().map(ToOwned::to_owned)
    };
    match name {
        "user_first_name" => owner()?.first_name.as_deref().map(ToOwned::to_owned),
        "user_last_name" => owner()?.last_name.as_deref().map(ToOwned::to_owned),
        "recipient" => first("address"),
        "destination_type" => first("type"),
        "delivery_format" => first("format"),
        other => body::text(&schedule.rest, other).map(ToOwned::to_owned),
    }
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = seen(call, world, &viewer)?;
    show(call, world, id)
}

fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    insert(call, world, body, true)
}

/// A plan that runs now, and not again; nothing is sent anywhere.
fn run_once(call: &Call<'_>, world: &mut World) -> Answer {
    let mut body = call.object()?;
    body.insert("run_once".to_owned(), true.into());
    insert(call, world, body, false)
}

/// The same as a copy of one that there is, with what the body says over it.
fn run_once_by_id(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = seen(call, world, &viewer)?;
    let schedule = world.content.schedules.at(id);
    let mut schedule = schedule.ok_or_else(Refusal::not_found)?.clone();
    let destinations = schedule.destinations.into_iter();
    let destinations = destinations.map(|destination| (None, destination.fields));
    schedule.destinations = world.content.schedules.destinations(destinations);
    change(world, &viewer, &mut schedule, call.object()?)?;
    schedule.rest.insert("run_once".to_owned(), true.into());
    (schedule.created_at, schedule.updated_at) = (world.now, world.now);
    let id = world.content.schedules.table.insert(schedule);
    show(call, world, id)
}

fn insert(call: &Call<'_>, world: &mut World, body: Body, again: bool) -> Answer {
    let viewer = viewer(call, world)?;
    may(world, &viewer, SEND)?;
    body::require(&body, &["name", "scheduled_plan_destination"])?;
    let any = |names: &[&str]| names.iter().any(|name| body::text(&body, name).is_some());
    if !any(&["look_id", "dashboard_id", "lookml_dashboard_id", "query_id"]) {
        return Err(Refusal::missing("dashboard_id"));
    }
    // What runs again must say when.
    if again && !any(&["crontab", "datagroup"]) {
        return Err(Refusal::missing("crontab"));
    }
    // A look needs the conditions for sending; a dashboard has none.
    if body::text(&body, "look_id").is_some() {
        body::require(
            &body,
            &["require_results", "require_no_results", "require_change"],
        )?;
    }
    let mut schedule = Schedule {
        owner: viewer.user,
        thing: None,
        destinations: Vec::new(),
        created_at: world.now,
        updated_at: world.now,
        stopped_with_owner: false,
        rest: Body::new(),
    };
    change(world, &viewer, &mut schedule, body)?;
    let id = world.content.schedules.table.insert(schedule);
    show(call, world, id)
}

/// Destinations that are given replace all that there were; when they are left out, those stay.
fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let viewer = viewer(call, world)?;
    let id = seen(call, world, &viewer)?;
    let schedule = world.content.schedules.at(id);
    let mut schedule = schedule.ok_or_else(Refusal::not_found)?.clone();
    change(world, &viewer, &mut schedule, body)?;
    schedule.updated_at = world.now;
    if let Some(place) = world.content.schedules.table.at_mut(id) {
        *place = schedule;
    }
    show(call, world, id)
}

fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = seen(call, world, &viewer)?;
    world.content.schedules.table.remove(id);
    Ok(Reply::no_content())
}

fn change(
    world: &mut World,
    viewer: &Viewer,
    schedule: &mut Schedule,
    mut body: Body,
) -> Result<(), Refusal> {
    if body.contains_key("scheduled_plan_destination") {
        body::require(&body, &["scheduled_plan_destination"])?;
    }
    if let Some(owner) = body::id(&body, "user_id")? {
        // Only an admin may give a schedule to another user.
        if owner != schedule.owner && !viewer.admin {
            return Err(Refusal::not_found());
        }
        world.users.at(owner).ok_or_else(Refusal::not_found)?;
        // Some Lookers accept the field and ignore it.
        if world.rules.switches.takes_owner(None) {
            schedule.owner = owner;
        }
    }
    for (name, thing) in [
        ("dashboard_id", Thing::Dashboard as fn(Id) -> Thing),
        ("look_id", Thing::Look),
    ] {
        if let Some(id) = body::id(&body, name)? {
            world.piece(thing(id)).ok_or_else(Refusal::not_found)?;
            // A schedule must not send what its editor may not see.
            let seen = world.sees(viewer, thing(id));
            seen.then_some(()).ok_or_else(Refusal::not_found)?;
            schedule.thing = Some(thing(id));
        }
    }
    if let Some(Value::Array(given)) = body.remove("scheduled_plan_destination") {
        let given = given.into_iter().filter_map(|part| match part {
            Value::Object(fields) => Some((None, fields)),
            _ => None,
        });
        schedule.destinations = world.content.schedules.destinations(given);
    }
    // The owner has a field of its own; `user` is computed.
    body.retain(|name, _| !matches!(name.as_str(), "user_id" | "user"));
    schedule.rest.extend(body);
    Ok(())
}

/// The scheduled plan that the path names, if it is the caller's own, or the caller is an administrator.
fn seen(call: &Call<'_>, world: &World, viewer: &Viewer) -> Result<Id, Refusal> {
    let id = call.id("scheduled_plan_id")?;
    let schedule = world.content.schedules.at(id);
    let schedule = schedule.ok_or_else(Refusal::not_found)?;
    let seen = viewer.admin || schedule.owner == viewer.user;
    seen.then_some(id).ok_or_else(Refusal::not_found)
}

fn show(call: &Call<'_>, world: &World, id: Id) -> Answer {
    let schedule = world.content.schedules.at(id);
    let schedule = schedule.ok_or_else(Refusal::not_found)?;
    json_answer(schedule_json(&call.fields, world, id, schedule))
}
