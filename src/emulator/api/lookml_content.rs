//! Content of LookML files, of which there is none here, and dashboards written as LookML.

use serde_json::{Value, json};

use crate::emulator::api::dashboards_and_looks::seen;
use crate::emulator::api::viewer;
use crate::emulator::http::answer::{Answer, Refusal, json_answer};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::content::Piece;
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

/// As much of a dashboard as says what it shows.
fn written(world: &World, dashboard: &Piece) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let name = dashboard.title.to_lowercase().replace(' ', "_");
    let mut lines = vec![
        format!("- dashboard: {name}"),
        format!("  title: {}", quoted(&dashboard.title)),
        "  layout: newspaper".to_owned(),
        "  preferred_viewer: dashboards-next".to_owned(),
        format!("  preferred_slug: {}", dashboard.slug),
        "  elements:".to_owned(),
    ];
    let elements = dashboard.elements.iter();
    for element in elements.filter_map(|id| world.content.elements.at(*id)) {
        lines.push(format!("  - title: {}", quoted(&element.title)));
        let query = element.query.and_then(|id| world.content.queries.at(id));
        if let Some(query) = query {
            lines.push(format!("    model: {}", query.model));
            lines.push(format!("    explore: {}", query.view));
            if let Some(fields) = query.rest.get("fields") {
                lines.push(format!("    fields: {fields}"));
            }
        }
    }
    lines.join("\n") + "\n"
}
