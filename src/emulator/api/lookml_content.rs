//! Content of LookML files, of which there is none here, and dashboards written as LookML.

use serde_json::{Value, json};

use crate::emulator::api::dashboards_and_looks::seen;
use crate::emulator::api::lookml_import::{ASKED, FILTER, TOLD};
use crate::emulator::api::viewer;
use crate::emulator::http::answer::{Answer, Refusal, json_answer};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::content::Piece;
use crate::emulator::world::dashboard_parts::Element;
use crate::emulator::world::kinds::PieceKind;
use crate::emulator::world::{World, id_text};

pub(super) const OPERATIONS: &[Service] = &[
    op("dashboard_lookml", lookml),
    op("search_lookml_dashboards", search),
];

fn search(call: &Call<'_>, world: &mut World) -> Answer {
    viewer(call, world)?;
    json_answer(json!([]))
}

fn lookml(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = seen(call, world, &viewer, PieceKind::Dashboard)?;
    let dashboard = world.content.dashboards.at(id);
    let dashboard = dashboard.ok_or_else(Refusal::not_found)?;
    json_answer(json!({
        "dashboard_id": id_text(id),
        "folder_id": dashboard.folder.map(id_text),
        "lookml": written(world, dashboard),
    }))
}

/// As much of a dashboard as makes one that shows the same.
fn written(world: &World, dashboard: &Piece) -> String {
    let name = dashboard.title.to_lowercase();
    let name = name.replace(|letter: char| !letter.is_alphanumeric(), "_");
    let mut lines = vec![
        format!("- dashboard: {name}"),
        format!("  title: {}", Value::from(&*dashboard.title)),
        "  layout: newspaper".to_owned(),
        "  preferred_viewer: dashboards-next".to_owned(),
        format!("  preferred_slug: {}", Value::from(&*dashboard.slug)),
    ];
    let elements = dashboard.elements.iter();
    let elements = elements.filter_map(|id| world.content.elements.at(*id));
    let elements = elements.map(|element| written_element(world, element));
    list(&mut lines, "elements", elements);
    let filters = dashboard.filters.iter();
    let filters = filters.filter_map(|id| world.content.parts.filters.at(*id));
    let filters = filters.map(|filter| {
        let named = FILTER.iter();
        named
            .filter_map(|(own, name)| Some((*own, filter.fields.get(*name)?.clone())))
            .collect()
    });
    list(&mut lines, "filters", filters);
    lines.join("\n") + "\n"
}

/// What LookML says of one thing: names and values.
type Said<'a> = Vec<(&'a str, Value)>;

fn list<'a>(lines: &mut Vec<String>, name: &str, all: impl Iterator<Item = Said<'a>>) {
    let mut all = all.peekable();
    if all.peek().is_none() {
        return;
    }
    lines.push(format!("  {name}:"));
    for said in all {
        let said = said.into_iter().filter(|(_, value)| !value.is_null());
        for (place, (name, value)) in said.enumerate() {
            let dash = if place == 0 { '-' } else { ' ' };
            // JSON is YAML too.
            lines.push(format!("  {dash} {name}: {value}"));
        }
    }
}

fn written_element<'a>(world: &'a World, element: &'a Element) -> Said<'a> {
    let title = Value::from(&*element.title);
    let mut said = vec![("title", title.clone()), ("name", title)];
    let look = element.look.and_then(|id| world.content.looks.at(id));
    let query = element.query.or_else(|| look?.query);
    let query = query.and_then(|id| world.content.queries.at(id));
    if let Some(query) = query {
        said.push(("model", query.model.clone().into()));
        said.push(("explore", query.view.clone().into()));
        let asked = ASKED.iter().copied();
        said.extend(asked.filter_map(|name| Some((name, query.rest.get(name)?.clone()))));
        let looks = query.rest.get("vis_config").and_then(Value::as_object);
        // A name stands once in LookML.
        let named = |name: &str| matches!(name, "title" | "name" | "model" | "explore");
        let looks = looks.into_iter().flatten().filter(|(name, _)| {
            !named(name) && !ASKED.contains(&name.as_str()) && !TOLD.contains(&name.as_str())
        });
        said.extend(looks.map(|(name, value)| (&**name, value.clone())));
    } else {
        said.push(("type", "text".into()));
    }
    let told = TOLD.iter().copied();
    said.extend(told.filter_map(|name| Some((name, element.rest.get(name)?.clone()))));
    said
}
