//! Dashboards made of LookML, as `dashboard_lookml` writes it.

use serde_json::{Map, Value};

use crate::emulator::api::content_changes;
use crate::emulator::api::dashboard_elements;
use crate::emulator::api::dashboards::{SAVE, show};
use crate::emulator::api::dashboards_and_looks::{self, may};
use crate::emulator::api::viewer;
use crate::emulator::http::answer::{Answer, Refusal};
use crate::emulator::http::body::{self, Body};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::content_access::{Level, Thing, Viewer};
use crate::emulator::world::dashboard_parts::{DashboardFilter, Element};
use crate::emulator::world::kinds::PieceKind;
use crate::emulator::world::{Id, World, id_text};

pub(super) const OPERATIONS: &[Service] = &[
    op("create_dashboard_from_lookml", import),
    op("import_dashboard_from_lookml", import),
];

/// What a tile asks, under the same names in LookML and in the API.
pub(super) const ASKED: &[&str] = &[
    "fields",
    "pivots",
    "fill_fields",
    "filters",
    "sorts",
    "limit",
    "column_limit",
    "total",
    "row_total",
    "dynamic_fields",
    "query_timezone",
];

/// What a tile says in words.
pub(super) const TOLD: &[&str] = &[
    "title_text",
    "subtitle_text",
    "body_text",
    "note_text",
    "note_state",
    "note_display",
    "title_hidden",
];

/// What a filter is, under its names in LookML and in the API.
pub(super) const FILTER: &[(&str, &str)] = &[
    ("name", "name"),
    ("title", "title"),
    ("type", "type"),
    ("default_value", "default_value"),
    ("allow_multiple_values", "allow_multiple_values"),
    ("required", "required"),
    ("ui_config", "ui_config"),
    ("model", "model"),
    ("explore", "explore"),
    ("listens_to_filters", "listens_to_filters"),
    ("field", "dimension"),
];

/// A dashboard with the slug that the LookML prefers is written anew.
fn import(call: &Call<'_>, world: &mut World) -> Answer {
    let mut body = call.object()?;
    body::require(&body, &["lookml"])?;
    let viewer = viewer(call, world)?;
    may(world, &viewer, SAVE)?;
    let written = read(body::text(&body, "lookml").unwrap_or_default())?;
    body.retain(|name, _| name == "folder_id");
    for (own, name) in [("title", "title"), ("preferred_slug", "slug")] {
        if let Some(value) = written.get(own) {
            body.insert(name.to_owned(), value.clone());
        }
    }
    let elements = listed(&written, "elements").map(|tile| element(world, &viewer, tile));
    let elements: Vec<Element> = elements.collect::<Result<_, _>>()?;
    let id = place(call, world, &viewer, body)?;
    empty(world, id);
    for element in elements {
        world.add_element(Element {
            dashboard: id,
            ..element
        });
    }
    for filter in listed(&written, "filters") {
        let fields = FILTER.iter().filter_map(|(own, name)| {
            let value = filter.get(*own)?;
            Some(((*name).to_owned(), value.clone()))
        });
        world.add_filter(DashboardFilter {
            dashboard: id,
            fields: fields.collect(),
        });
    }
    show(call, world, id)
}

/// The first dashboard of a text in LookML, which is YAML.
fn read(text: &str) -> Result<Map<String, Value>, Refusal> {
    let invalid = |why: String| Refusal::invalid("lookml", "invalid", why);
    let value: Value = serde_saphyr::from_str(text).map_err(|error| invalid(error.to_string()))?;
    let first = match value {
        Value::Array(all) => all.into_iter().next(),
        one => Some(one),
    };
    match first {
        Some(Value::Object(dashboard)) if dashboard.contains_key("dashboard") => Ok(dashboard),
        _ => Err(invalid("There is no dashboard in it.".to_owned())),
    }
}

fn listed<'a>(
    written: &'a Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = &'a Map<String, Value>> {
    let all = written.get(name).and_then(Value::as_array);
    all.into_iter().flatten().filter_map(Value::as_object)
}

/// A tile, not yet on a dashboard. What is neither asked nor told says how it looks.
fn element(
    world: &mut World,
    viewer: &Viewer,
    written: &Map<String, Value>,
) -> Result<Element, Refusal> {
    let mut element = Element::default();
    let mut body = Body::new();
    let mut query = Body::new();
    let mut looks = Body::new();
    for (name, value) in written {
        let place = match name.as_str() {
            "title" => &mut body,
            "model" => &mut query,
            // A name repeats the title, and places are those of a layout.
            "name" | "explore" | "listen" | "row" | "col" | "width" | "height" => continue,
            name if ASKED.contains(&name) => &mut query,
            name if TOLD.contains(&name) => &mut body,
            _ => &mut looks,
        };
        place.insert(name.clone(), value.clone());
    }
    let kind = match written.get("explore") {
        Some(explore) => {
            query.insert("view".to_owned(), explore.clone());
            query.insert("vis_config".to_owned(), Value::Object(looks));
            // The API knows a limit as text.
            if let Some(Value::Number(limit)) = query.get("limit").cloned() {
                query.insert("limit".to_owned(), limit.to_string().into());
            }
            body.insert("query".to_owned(), Value::Object(query));
            "vis"
        }
        None => "text",
    };
    body.insert("type".to_owned(), kind.into());
    dashboard_elements::change(world, viewer, &mut element, body)?;
    Ok(element)
}

/// The dashboard to write: the one with the slug, or a new one, in the folder that is asked for or the caller's own.
fn place(
    call: &Call<'_>,
    world: &mut World,
    viewer: &Viewer,
    mut body: Body,
) -> Result<Id, Refusal> {
    let slug = body::text(&body, "slug");
    let mut all = world.content.dashboards.iter();
    let known = all.find(|(_, piece)| Some(&*piece.slug) == slug);
    let known = known.map(|(id, _)| id);
    drop(all);
    if let Some(id) = known {
        let thing = Thing::Dashboard(id);
        let allowed = world.level(viewer, thing) == Some(Level::Edit);
        allowed.then_some(()).ok_or_else(Refusal::not_found)?;
        // It comes out of the trash.
        body.insert("deleted".to_owned(), false.into());
        content_changes::change(world, viewer, thing, body)?;
        return Ok(id);
    }
    let own = world.users.at(viewer.user);
    let own = own.and_then(|user| user.personal_folder);
    if let (false, Some(own)) = (body.contains_key("folder_id"), own) {
        body.insert("folder_id".to_owned(), id_text(own).into());
    }
    dashboards_and_looks::create(call, world, PieceKind::Dashboard, body, SAVE)
}

/// Take everything off a dashboard.
fn empty(world: &mut World, id: Id) {
    let Some(dashboard) = world.content.dashboards.at(id) else {
        return;
    };
    let (elements, filters) = (dashboard.elements.clone(), dashboard.filters.clone());
    for element in elements {
        world.remove_element(element);
    }
    for filter in filters {
        world.remove_filter(filter);
    }
}
