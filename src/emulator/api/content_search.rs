//! Content of all kinds at once: found by words, looked over for errors.

use serde_json::{Value, json};

use crate::emulator::api::usual::usual;
use crate::emulator::api::viewer;
use crate::emulator::http::answer::{Answer, json_answer};
use crate::emulator::http::call::Call;
use crate::emulator::http::fields::{Fields, Shown};
use crate::emulator::http::listing;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::content::Piece;
use crate::emulator::world::kinds::PieceKind;
use crate::emulator::world::{Id, World, id_text};

pub(super) const OPERATIONS: &[Service] = &[
    op("content_validation", validation),
    op("search_content", search),
    op("search_content_views", views),
];

/// The dashboards and looks whose title or description has all the words.
fn search(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let types = call.list("types");
    let wanted = |kind: PieceKind| {
        let types = types.as_ref();
        types.is_none_or(|types| types.iter().any(|one| one == kind.word()))
    };
    let terms = call.param("terms").to_lowercase();
    let words: Vec<&str> = terms.split_whitespace().collect();
    let world: &World = world;
    let kinds = [PieceKind::Dashboard, PieceKind::Look].into_iter();
    let pieces = kinds.filter(|kind| wanted(*kind)).flat_map(|kind| {
        let pieces = world.pieces(kind).iter();
        pieces.map(move |(id, piece)| (kind, id, piece))
    });
    let found = pieces.filter(|(kind, id, piece)| {
        let description = piece.rest.get("description").and_then(Value::as_str);
        let text = format!("{} {}", piece.title, description.unwrap_or_default());
        let text = text.to_lowercase();
        piece.deleted_at.is_none()
            && words.iter().all(|word| text.contains(word))
            && world.sees(&viewer, kind.thing(*id))
    });
    listing::answer(call, found, |fields, one| found_json(fields, world, one))
}

fn found_json(fields: &Fields, world: &World, (kind, id, piece): (PieceKind, Id, &Piece)) -> Value {
    let folder = piece.folder.and_then(|id| world.folders.at(id));
    let parent = folder.and_then(|folder| world.folders.at(folder.parent?));
    let query = piece.query.and_then(|id| world.content.queries.at(id));
    let mut shown = Shown::new(fields);
    shown.lay(usual("content_search"));
    shown.put("content_id", || id_text(id));
    shown.put("type", || kind.word());
    shown.put("title", || piece.title.as_str());
    shown.put("description", || piece.rest.get("description").cloned());
    shown.put("folder_id", || piece.folder.map(id_text));
    shown.put("folder_name", || {
        folder.map(|folder| world.folder_name(folder))
    });
    shown.put("parent_folder_name", || {
        parent.map(|folder| world.folder_name(folder))
    });
    shown.put("model", || query.map(|query| query.model.as_str()));
    shown.put("created_by_id", || piece.owner);
    shown.done()
}

/// Nothing is counted as viewed here.
fn views(call: &Call<'_>, world: &mut World) -> Answer {
    viewer(call, world)?;
    json_answer(json!([]))
}

/// Content has no errors here, as any field of an explore will do.
fn validation(call: &Call<'_>, world: &mut World) -> Answer {
    viewer(call, world)?;
    let content = &world.content;
    let explores = world.roles.models.iter().map(|model| model.explores.len());
    json_answer(json!({
        "content_with_errors": [],
        "computation_time": 0.1,
        "total_looks_validated": content.looks.iter().count(),
        "total_dashboard_elements_validated": content.elements.iter().count(),
        "total_dashboard_filters_validated": content.parts.filters.iter().count(),
        "total_scheduled_plans_validated": content.schedules.table.iter().count(),
        "total_alerts_validated": content.alerts.iter().count(),
        "total_explores_validated": explores.sum::<usize>(),
    }))
}
