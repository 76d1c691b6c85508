//! The tiles of dashboards: one, those of a dashboard, those that match; creating, changing, deleting.

use serde_json::{Value, json};

use crate::emulator::api::dashboard_parts_json::element_json;
use crate::emulator::api::dashboards_and_looks::seen;
use crate::emulator::api::look_json::View;
use crate::emulator::api::queries::save;
use crate::emulator::api::viewer;
use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::body::{self, Body};
use crate::emulator::http::call::Call;
use crate::emulator::http::listing::{self, Filters};
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::content::Piece;
use crate::emulator::world::content_access::{Level, Thing, Viewer};
use crate::emulator::world::dashboard_parts::Element;
use crate::emulator::world::kinds::PieceKind;
use crate::emulator::world::{Id, World};

pub(super) const OPERATIONS: &[Service] = &[
    op("create_dashboard_element", create),
    op("dashboard_dashboard_elements", of_dashboard),
    op("dashboard_element", one),
    op("delete_dashboard_element", remove),
    op("search_dashboard_elements", search),
    op("update_dashboard_element", update),
];

/// The dashboard that the path names, and who looks at it.
pub(super) fn looked_at<'a>(
    call: &Call<'_>,
    world: &'a World,
) -> Result<(Viewer, &'a Piece), Refusal> {
    let viewer = viewer(call, world)?;
    let id = seen(call, world, &viewer, PieceKind::Dashboard)?;
    let dashboard = world.content.dashboards.at(id);
    Ok((viewer, dashboard.ok_or_else(Refusal::not_found)?))
}

/// 404 for a caller who may not go so far with a dashboard.
pub(super) fn check_dashboard(
    world: &World,
    viewer: &Viewer,
    dashboard: Id,
    level: Level,
) -> Result<(), Refusal> {
    let allowed = world.level(viewer, Thing::Dashboard(dashboard)) >= Some(level);
    allowed.then_some(()).ok_or_else(Refusal::not_found)
}

fn of_dashboard(call: &Call<'_>, world: &mut World) -> Answer {
    let (viewer, dashboard) = looked_at(call, world)?;
    let view = View {
        world,
        viewer: &viewer,
    };
    let elements = dashboard.elements.iter();
    let shown = elements.filter_map(|id| element_json(&call.fields, view, *id));
    json_answer(shown.collect())
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    let id = reachable(call, world, Level::View)?;
    show(call, world, id)
}

fn search(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let filters = Filters::of(call, &["dashboard_id", "look_id", "title"])?;
    let deleted = call.flag("deleted")?.unwrap_or(false);
    let world: &World = world;
    let view = View {
        world,
        viewer: &viewer,
    };
    let dashboard = filters.only("dashboard_id");
    let found = world.content.elements.iter().filter(|(_, element)| {
        let holder = world.content.dashboards.at(element.dashboard);
        // The dashboard first: it is cheap, and most searches name one.
        dashboard.is_none_or(|id| id == element.dashboard)
            && holder.is_some_and(|holder| holder.deleted_at.is_some() == deleted)
            && world.sees(&viewer, Thing::Dashboard(element.dashboard))
            && filters.pass(|name| match name {
                "dashboard_id" => Some(element.dashboard.to_string()),
                "look_id" => element.look.map(|id| id.to_string()),
                _ => Some(element.title.clone()),
            })
    });
    listing::answer(call, found, |fields, (id, _)| {
        element_json(fields, view, id).unwrap_or_default()
    })
}

fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    call.flag("apply_filters")?;
    body::require(&body, &["dashboard_id"])?;
    let viewer = viewer(call, world)?;
    let dashboard = body::id(&body, "dashboard_id")?.ok_or_else(Refusal::not_found)?;
    check_dashboard(world, &viewer, dashboard, Level::Edit)?;
    let mut element = Element {
        dashboard,
        ..Element::default()
    };
    let names = |names: &[&str]| {
        names
            .iter()
            .any(|name| body.get(*name).is_some_and(|v| !v.is_null()))
    };
    if !names(&[
        "type",
        "query",
        "query_id",
        "look_id",
        "result_maker",
        "merge_result_id",
    ]) {
        // What shows nothing but a text is one.
        element.rest.insert("type".to_owned(), "text".into());
    }
    change(world, &viewer, &mut element, body)?;
    let id = world.add_element(element);
    touch(world, dashboard, &viewer);
    show(call, world, id)
}

fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let viewer = viewer(call, world)?;
    let id = reachable(call, world, Level::Edit)?;
    let element = world.content.elements.at(id);
    // Changed in a copy, so that a refusal halfway leaves the tile as it was.
    let mut element = element.ok_or_else(Refusal::not_found)?.clone();
    let before = element.dashboard;
    change(world, &viewer, &mut element, body)?;
    // A tile stays with its dashboard.
    element.dashboard = before;
    if let Some(place) = world.content.elements.at_mut(id) {
        *place = element;
    }
    touch(world, before, &viewer);
    show(call, world, id)
}

fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    let id = reachable(call, world, Level::Edit)?;
    world.remove_element(id);
    Ok(Reply::no_content())
}

/// Write what a body says of a tile.
pub(super) fn change(
    world: &mut World,
    viewer: &Viewer,
    element: &mut Element,
    mut body: Body,
) -> Result<(), Refusal> {
    if let Some(title) = body.remove("title") {
        element.title = title.as_str().unwrap_or_default().to_owned();
    }
    if let Some(query) = body::id(&body, "query_id")? {
        let known = world.content.queries.at(query);
        known.ok_or_else(Refusal::not_found)?;
        element.query = Some(query);
    }
    let maker = body
        .get("result_maker")
        .and_then(|maker| maker.get("query"));
    let written = body
        .get("query")
        .filter(|query| query.is_object())
        .or(maker);
    if let (Some(Value::Object(query)), None) = (written.cloned(), body::id(&body, "query_id")?) {
        element.query = Some(save(world, query)?);
    }
    if let Some(look) = body::id(&body, "look_id")? {
        let seen = world.sees(viewer, Thing::Look(look));
        seen.then_some(()).ok_or_else(Refusal::not_found)?;
        element.look = Some(look);
    }
    for name in ["query_id", "look_id"] {
        // `null` takes away what the tile showed.
        match (body.remove(name), name) {
            (Some(Value::Null), "query_id") => element.query = None,
            (Some(Value::Null), _) => element.look = None,
            _ => {}
        }
    }
    // What has a field of its own, or is computed, is not kept twice.
    body.retain(|name, _| {
        !matches!(
            name.as_str(),
            "dashboard_id" | "dashboard_layout_id" | "query" | "look"
        )
    });
    element.rest.extend(body);
    Ok(())
}

/// A dashboard changes with its parts.
pub(super) fn touch(world: &mut World, dashboard: Id, viewer: &Viewer) {
    let now = world.now;
    if let Some(dashboard) = world.content.dashboards.at_mut(dashboard) {
        dashboard.updated_at = now;
        dashboard.updater = Some(viewer.user);
    }
}

/// The tile that the path names, if the caller may go so far with its dashboard.
fn reachable(call: &Call<'_>, world: &World, level: Level) -> Result<Id, Refusal> {
    let viewer = viewer(call, world)?;
    let id = call.id("dashboard_element_id")?;
    let element = world.content.elements.at(id);
    let element = element.ok_or_else(Refusal::not_found)?;
    check_dashboard(world, &viewer, element.dashboard, level)?;
    Ok(id)
}

fn show(call: &Call<'_>, world: &World, id: Id) -> Answer {
    let viewer = viewer(call, world)?;
    let view = View {
        world,
        viewer: &viewer,
    };
    json_answer(element_json(&call.fields, view, id).unwrap_or_else(|| json!({})))
}
