//! Tiles, filters and layouts of dashboards as the API shows them.

use serde_json::{Value, json};

use crate::emulator::api::look_json::{View, full_look_json};
use crate::emulator::api::query_json::query_json;
use crate::emulator::api::usual::{usual, with_usual};
use crate::emulator::http::answer::{add, lay_over};
use crate::emulator::http::fields::{Fields, Shown};
use crate::emulator::world::dashboard_parts::Element;
use crate::emulator::world::explores::LookmlDashboard;
use crate::emulator::world::roles::Model;
use crate::emulator::world::{Id, World, id_text};

/// A tile with what it shows.
pub(super) fn element_json(fields: &Fields, view: View<'_>, id: Id) -> Option<Value> {
    let world = view.world;
    let element = world.content.elements.at(id)?;
    let mut shown = Shown::new(fields);
    shown.lay(usual("dashboard_element"));
    shown.lay(&element.rest);
    shown.put("id", || id_text(id));
    shown.put("dashboard_id", || id_text(element.dashboard));
    shown.put("dashboard_layout_id", || {
        active_layout(world, element).map(id_text)
    });
    shown.put("title", || element.title.as_str());
    shown.put("query_id", || element.query.map(id_text));
    shown.put("look_id", || element.look.map(id_text));
    shown.put("alert_count", || {
        let alerts = world.content.alerts.iter();
        alerts
            .filter(|(_, alert)| alert.element == Some(id))
            .count()
    });
    let query = element
        .query
        .and_then(|id| Some((id, world.content.queries.at(id)?)));
    if let Some((id, query)) = query {
        shown.put("query", || query_json(id, query));
    }
    let look = element
        .look
        .and_then(|id| Some((id, world.content.looks.at(id)?)));
    if let Some(look) = look {
        let fields = shown.inside("look");
        shown.put("look", || full_look_json(fields, view, look));
    }
    Some(shown.done())
}

/// A dashboard that is written in LookML: without an owner, in the folder that stands for all of them.
pub(super) fn lookml_dashboard_json(
    world: &World,
    model: &Model,
    dashboard: &LookmlDashboard,
) -> Value {
    let id = format!("{}::{}", model.name, dashboard.name);
    let elements = dashboard.elements.iter().zip(1..);
    let elements = elements.map(|((title, query), number)| {
        let own = json!({
            "id": format!("{id}::{number}"),
            "dashboard_id": id,
            "title": title,
            "type": "vis",
            "lookml_link_id": id,
        });
        let mut shown = with_usual("dashboard_element", own);
        if let Some(known) = world.content.queries.at(*query) {
            add(&mut shown, "query_id", id_text(*query));
            add(&mut shown, "query", query_json(*query, known));
        }
        shown
    });
    let own = json!({
        "id": id,
        "title": dashboard.title,
        "model": { "id": model.name, "label": model.label },
        "folder": { "id": "lookml", "name": "LookML Dashboards" },
        "lookml_link_id": id,
        "url": format!("/dashboards/{id}"),
        "dashboard_elements": elements.collect::<Value>(),
        "dashboard_filters": [],
        "dashboard_layouts": [],
    });
    with_usual("dashboard", own)
}

fn active_layout(world: &World, element: &Element) -> Option<Id> {
    let dashboard = world.content.dashboards.at(element.dashboard)?;
    let mut layouts = dashboard.layouts.iter().copied();
    layouts.find(|id| {
        world
            .content
            .parts
            .layouts
            .at(*id)
            .is_some_and(|layout| layout.active)
    })
}

/// A filter.
pub(super) fn filter_json(world: &World, id: Id) -> Option<Value> {
    let filter = world.content.parts.filters.at(id)?;
    let mut shown = with_usual("dashboard_filter", Value::Object(filter.fields.clone()));
    let own = json!({ "id": id_text(id), "dashboard_id": id_text(filter.dashboard) });
    lay_over(&mut shown, own);
    Some(shown)
}

/// A layout with the places of tiles in it.
pub(super) fn layout_json(world: &World, id: Id) -> Option<Value> {
    let layout = world.content.parts.layouts.at(id)?;
    let dashboard = world.content.dashboards.at(layout.dashboard);
    let components = layout.components.iter();
    let components: Value = components
        .filter_map(|id| component_json(world, *id))
        .collect();
    let mut shown = with_usual("dashboard_layout", Value::Object(layout.rest.clone()));
    let own = json!({
        "id": id_text(id),
        "dashboard_id": id_text(layout.dashboard),
        "active": layout.active,
        "dashboard_title": dashboard.map(|dashboard| &dashboard.title),
        "dashboard_layout_components": components,
    });
    lay_over(&mut shown, own);
    Some(shown)
}

/// The place of a tile.
pub(super) fn component_json(world: &World, id: Id) -> Option<Value> {
    let component = world.content.parts.components.at(id)?;
    let element = world.content.elements.at(component.element);
    let mut shown = with_usual(
        "dashboard_layout_component",
        Value::Object(component.fields.clone()),
    );
    let own = json!({
        "id": id_text(id),
        "dashboard_layout_id": id_text(component.layout),
        "dashboard_element_id": id_text(component.element),
        "element_title": element.map(|element| &element.title),
    });
    lay_over(&mut shown, own);
    let hidden = element.and_then(|element| element.rest.get("title_hidden"));
    add(
        &mut shown,
        "element_title_hidden",
        hidden.and_then(Value::as_bool) == Some(true),
    );
    Some(shown)
}
