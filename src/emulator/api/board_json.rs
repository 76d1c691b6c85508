//! Boards as the API shows them.

use serde_json::{Value, json};

use crate::emulator::api::usual::with_usual;
use crate::emulator::http::answer::lay_over;
use crate::emulator::http::fields::{Fields, Shown};
use crate::emulator::world::boards::{Board, BoardItem, BoardSection};
use crate::emulator::world::content_access::{Thing, Viewer};
use crate::emulator::world::{Id, World, id_text, id_texts};

/// A board with the sections and links that the viewer may see.
pub(super) fn board_json(
    fields: &Fields,
    world: &World,
    viewer: &Viewer,
    id: Id,
    board: &Board,
) -> Value {
    let sections = || -> Value {
        let sections = board.sections.iter();
        sections
            .filter_map(|section| {
                let found = world.content.sections.at(*section);
                let found = found.filter(|section| section.deleted_at.is_none())?;
                Some(section_json(world, viewer, *section, found))
            })
            .collect()
    };
    let mut shown = Shown::new(fields);
    shown.put("can", || json!({}));
    shown.put("id", || id_text(id));
    shown.put("content_metadata_id", || id_text(board.meta));
    shown.put("created_at", || world.time(board.created_at));
    shown.put("updated_at", || world.time(board.updated_at));
    shown.put("deleted_at", || board.deleted_at.map(|at| world.time(at)));
    shown.put("title", || board.title.as_deref());
    shown.put("description", || board.description.as_deref());
    shown.put("board_sections", sections);
    shown.put("section_order", || json!(board.section_order));
    shown.put("user_id", || board.owner.map(id_text));
    shown.put("primary_homepage", || false);
    shown.done()
}

/// A section with the links to what the viewer may see.
pub(super) fn section_json(
    world: &World,
    viewer: &Viewer,
    id: Id,
    section: &BoardSection,
) -> Value {
    let items = section.items.iter().copied();
    let all = |id: Id| world.content.board_items.at(id);
    let seen: Vec<(Id, &BoardItem)> = items
        .filter_map(|id| Some((id, all(id)?)))
        .filter(|(_, item)| world.sees(viewer, item.thing))
        .collect();
    let shown: Vec<Id> = seen.iter().map(|(id, _)| *id).collect();
    let items: Value = seen
        .into_iter()
        .filter_map(|(id, item)| item_json(world, viewer, id, item))
        .collect();
    json!({
        "can": {},
        "id": id_text(id),
        "board_id": id_text(section.board),
        "created_at": world.time(section.created_at),
        "updated_at": world.time(section.updated_at),
        "deleted_at": section.deleted_at.map(|at| world.time(at)),
        "title": section.title,
        "description": section.description,
        "board_items": items,
        "item_order": id_texts(&section.items),
        "visible_item_order": id_texts(&shown),
    })
}

/// A link, as far as there is what it leads to.
pub(super) fn item_json(world: &World, viewer: &Viewer, id: Id, item: &BoardItem) -> Option<Value> {
    let piece = world.piece(item.thing)?;
    let (dashboard, look) = match item.thing {
        Thing::Dashboard(id) => (Some(id), None),
        Thing::Look(id) => (None, Some(id)),
        Thing::Folder(_) | Thing::Board(_) => (None, None),
    };
    let url = match (dashboard, look) {
        (Some(id), _) => format!("/dashboards/{id}"),
        (None, Some(id)) => format!("/looks/{id}"),
        (None, None) => String::new(),
    };
    let favorites = &world.content.favorites;
    let section = world.content.sections.at(item.section);
    let order = section.and_then(|section| section.items.iter().position(|known| *known == id));
    let custom = item.rest.get("custom_title").and_then(Value::as_str);
    let custom = custom.filter(|_| item.rest.get("use_custom_title") == Some(&json!(true)));
    let own = json!({
        "id": id_text(id),
        "board_section_id": id_text(item.section),
        "content_metadata_id": id_text(piece.meta),
        "content_favorite_id": favorites.of(viewer.user, piece.meta).map(id_text),
        "content_created_by": piece.owner.and_then(|id| Some(world.users.at(id)?.display_name())),
        "content_updated_at": world.time(piece.updated_at),
        "dashboard_id": dashboard.map(id_text),
        "look_id": look.map(id_text),
        "favorite_count": favorites.count(piece.meta),
        "description": piece.rest.get("description"),
        "order": order,
        "title": custom.unwrap_or(&piece.title),
        "url": url,
    });
    let mut shown = with_usual("board_item", Value::Object(item.rest.clone()));
    lay_over(&mut shown, own);
    Some(shown)
}
