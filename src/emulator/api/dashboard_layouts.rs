//! The layouts of dashboards, and where tiles stand in them.

use serde_json::Value;

use crate::emulator::api::dashboard_elements::{check_dashboard, looked_at};
use crate::emulator::api::dashboard_parts_json::{component_json, layout_json};
use crate::emulator::api::viewer;
use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::body;
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::content_access::Level;
use crate::emulator::world::{Id, World};

pub(super) const OPERATIONS: &[Service] = &[
    op("create_dashboard_layout", create),
    op("dashboard_dashboard_layouts", of_dashboard),
    op("dashboard_layout", one),
    op("dashboard_layout_component", component),
    op("dashboard_layout_dashboard_layout_components", components),
    op("delete_dashboard_layout", remove),
    op("update_dashboard_layout", update),
    op("update_dashboard_layout_component", update_component),
];

fn of_dashboard(call: &Call<'_>, world: &mut World) -> Answer {
    let (_viewer, dashboard) = looked_at(call, world)?;
    let layouts = dashboard.layouts.iter();
    json_answer(layouts.filter_map(|id| layout_json(world, *id)).collect())
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    let id = reachable(call, world, call.id("dashboard_layout_id")?, Level::View)?;
    show(world, id)
}

fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let mut body = call.object()?;
    body::require(&body, &["dashboard_id"])?;
    let viewer = viewer(call, world)?;
    let dashboard = body::id(&body, "dashboard_id")?.ok_or_else(Refusal::not_found)?;
    check_dashboard(world, &viewer, dashboard, Level::Edit)?;
    body.remove("dashboard_id");
    let active = body.remove("active").and_then(|value| value.as_bool());
    let id = world.add_layout(dashboard, body, active.unwrap_or(false));
    show(world, id)
}

fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let mut body = call.object()?;
    let id = reachable(call, world, call.id("dashboard_layout_id")?, Level::Edit)?;
    body.remove("dashboard_id");
    if body.remove("active").and_then(|value| value.as_bool()) == Some(true) {
        world.use_layout(id);
    }
    if let Some(layout) = world.content.parts.layouts.at_mut(id) {
        layout.rest.extend(body);
    }
    show(world, id)
}

fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    let id = reachable(call, world, call.id("dashboard_layout_id")?, Level::Edit)?;
    world.remove_layout(id);
    Ok(Reply::no_content())
}

fn components(call: &Call<'_>, world: &mut World) -> Answer {
    let id = reachable(call, world, call.id("dashboard_layout_id")?, Level::View)?;
    let layout = world.content.parts.layouts.at(id);
    let components = layout.ok_or_else(Refusal::not_found)?.components.iter();
    let shown: Value = components
        .filter_map(|id| component_json(world, *id))
        .collect();
    json_answer(shown)
}

fn component(call: &Call<'_>, world: &mut World) -> Answer {
    let id = place(call, world, Level::View)?;
    json_answer(component_json(world, id).ok_or_else(Refusal::not_found)?)
}

fn update_component(call: &Call<'_>, world: &mut World) -> Answer {
    let mut body = call.object()?;
    let id = place(call, world, Level::Edit)?;
    // A place stays with its layout and its tile.
    body.retain(|name, _| {
        !matches!(
            name.as_str(),
            "dashboard_layout_id" | "dashboard_element_id"
        )
    });
    if let Some(component) = world.content.parts.components.at_mut(id) {
        component.fields.extend(body);
    }
    json_answer(component_json(world, id).ok_or_else(Refusal::not_found)?)
}

/// The place that the path names, if the caller may go so far with its dashboard.
fn place(call: &Call<'_>, world: &World, level: Level) -> Result<Id, Refusal> {
    let id = call.id("dashboard_layout_component_id")?;
    let component = world.content.parts.components.at(id);
    let layout = component.ok_or_else(Refusal::not_found)?.layout;
    reachable(call, world, layout, level)?;
    Ok(id)
}

fn reachable(call: &Call<'_>, world: &World, id: Id, level: Level) -> Result<Id, Refusal> {
    let viewer = viewer(call, world)?;
    let layout = world.content.parts.layouts.at(id);
    let dashboard = layout.ok_or_else(Refusal::not_found)?.dashboard;
    check_dashboard(world, &viewer, dashboard, level)?;
    Ok(id)
}

fn show(world: &World, id: Id) -> Answer {
    json_answer(layout_json(world, id).ok_or_else(Refusal::not_found)?)
}
