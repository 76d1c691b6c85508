//! Looks: one, all, those that match or are in a folder; creating, changing, moving, copying, deleting.

use serde_json::json;

use crate::emulator::api::content_changes::check_title;
use crate::emulator::api::dashboards_and_looks::{self, may, same_folder, target};
use crate::emulator::api::folders::check_place;
use crate::emulator::api::look_json::{full_look_json, look_json};
use crate::emulator::api::queries::save;
use crate::emulator::api::viewer;
use crate::emulator::http::answer::{Answer, Refusal};
use crate::emulator::http::body::Body;
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::content::Piece;
use crate::emulator::world::kinds::PieceKind;
use crate::emulator::world::{Id, World};

const SEARCHED: &[&str] = &[
    "id",
    "title",
    "description",
    "content_favorite_id",
    "folder_id",
    "user_id",
    "view_count",
    "query_id",
    "last_viewed_at",
];

pub(super) const OPERATIONS: &[Service] = &[
    op("all_looks", all),
    op("create_look", create),
    op("search_looks", search),
    op("look", one),
    op("update_look", update),
    op("delete_look", remove),
    op("move_look", relocate),
    op("copy_look", copy),
    op("folder_looks", in_folder),
];

const SAVE: &[&str] = &["save_content", "save_looks"];

fn all(call: &Call<'_>, world: &mut World) -> Answer {
    dashboards_and_looks::all(call, world, PieceKind::Look, look_json)
}

fn search(call: &Call<'_>, world: &mut World) -> Answer {
    dashboards_and_looks::search(call, world, PieceKind::Look, SEARCHED, look_json)
}

fn in_folder(call: &Call<'_>, world: &mut World) -> Answer {
    dashboards_and_looks::in_folder(call, world, PieceKind::Look, full_look_json)
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    let id = dashboards_and_looks::openable(call, world, PieceKind::Look)?;
    show(call, world, id)
}

fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let body = read(call, world)?;
    // A look without a query shows nothing.
    if !body.contains_key("query_id") {
        return Err(Refusal::missing("query_id"));
    }
    let id = dashboards_and_looks::create(call, world, PieceKind::Look, body, SAVE)?;
    show(call, world, id)
}

fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let body = read(call, world)?;
    let id = dashboards_and_looks::update(call, world, PieceKind::Look, body)?;
    show(call, world, id)
}

/// The body; a query in it is saved, and its id put in its place.
fn read(call: &Call<'_>, world: &mut World) -> Result<Body, Refusal> {
    let mut body = call.object()?;
    if let Some(query) = body.remove("query") {
        let query = query.as_object().cloned().unwrap_or_default();
        let id = save(world, query)?;
        // An explicit `query_id` wins.
        body.entry("query_id").or_insert(json!(id.to_string()));
    }
    Ok(body)
}

fn relocate(call: &Call<'_>, world: &mut World) -> Answer {
    let id = dashboards_and_looks::relocate(call, world, PieceKind::Look)?;
    show(call, world, id)
}

/// A copy belongs to the caller, and lies in another folder than the original.
fn copy(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = dashboards_and_looks::seen(call, world, &viewer, PieceKind::Look)?;
    may(world, &viewer, SAVE)?;
    let original = world.content.looks.at(id);
    let original = original.ok_or_else(Refusal::not_found)?.clone();
    let folder = target(call)?.ok_or_else(|| Refusal::missing("folder_id"))?;
    if original.folder == Some(folder) {
        return Err(same_folder(PieceKind::Look));
    }
    check_place(world, &viewer, folder)?;
    check_title(world, PieceKind::Look, folder, &original.title, None)?;
    let copy = Piece {
        folder: Some(folder),
        owner: Some(viewer.user),
        slug: String::new(),
        deleted_at: None,
        deleter: None,
        ..original
    };
    let id = world.add_piece(PieceKind::Look, copy);
    show(call, world, id)
}

fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    dashboards_and_looks::remove(call, world, PieceKind::Look)
}

fn show(call: &Call<'_>, world: &World, id: Id) -> Answer {
    dashboards_and_looks::show(call, world, PieceKind::Look, id, full_look_json)
}
