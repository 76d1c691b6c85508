//! What dashboards and looks have in common: who may see one; making, moving, deleting, searching.

use serde_json::Value;

use crate::emulator::api::content_changes::{change, check_title};
use crate::emulator::api::folders::{check_place, visible};
use crate::emulator::api::look_json::{Render, View};
use crate::emulator::api::lookml_folder;
use crate::emulator::api::viewer;
use crate::emulator::http::answer::{Answer, Refusal, Reply};
use crate::emulator::http::body::{self, Body};
use crate::emulator::http::call::{Call, parse_id};
use crate::emulator::http::listing::{self, Filters};
use crate::emulator::world::content::Piece;
use crate::emulator::world::content_access::{Level, Viewer};
use crate::emulator::world::kinds::PieceKind;
use crate::emulator::world::{Id, World};

/// The id of the piece that the first path parameter names, if the caller may see it.
pub(super) fn seen(
    call: &Call<'_>,
    world: &World,
    viewer: &Viewer,
    kind: PieceKind,
) -> Result<Id, Refusal> {
    let text = call.params.first().map_or("", |(_, value)| value);
    let id = parse_id(text).ok_or_else(Refusal::not_found)?;
    let piece = world.piece(kind.thing(id)).ok_or_else(Refusal::not_found)?;
    let level = world.level(viewer, kind.thing(id));
    // A user who cannot change it does not see it in the trash.
    let seen = match piece.deleted_at {
        Some(_) => level == Some(Level::Edit),
        None => level.is_some(),
    };
    seen.then_some(id).ok_or_else(Refusal::not_found)
}

/// The id of the piece that the first path parameter names, if the caller may open it: besides access, that takes a
/// permission, unless a switch says otherwise.
pub(super) fn openable(call: &Call<'_>, world: &World, kind: PieceKind) -> Result<Id, Refusal> {
    let viewer = viewer(call, world)?;
    if world.rules.switches.content_takes_permission {
        may(world, &viewer, &[kind.permission()])?;
    }
    seen(call, world, &viewer, kind)
}

/// The id of the piece that the first path parameter names, if the caller may change it.
pub(super) fn editable(
    call: &Call<'_>,
    world: &World,
    viewer: &Viewer,
    kind: PieceKind,
) -> Result<Id, Refusal> {
    let id = seen(call, world, viewer, kind)?;
    match world.level(viewer, kind.thing(id)) {
        Some(Level::Edit) => Ok(id),
        _ => Err(Refusal::not_found()),
    }
}

/// Show one piece.
pub(super) fn show(
    call: &Call<'_>,
    world: &World,
    kind: PieceKind,
    id: Id,
    render: Render,
) -> Answer {
    let viewer = viewer(call, world)?;
    let piece = world.piece(kind.thing(id)).ok_or_else(Refusal::not_found)?;
    let shown = render(
        &call.fields,
        View {
            world,
            viewer: &viewer,
        },
        (id, piece),
    );
    Ok(Reply::json(shown))
}

/// Create a piece from a parsed body; `permission` is required unless the caller is an administrator.
pub(super) fn create(
    call: &Call<'_>,
    world: &mut World,
    kind: PieceKind,
    body: Body,
    permissions: &[&str],
) -> Result<Id, Refusal> {
    body::require(&body, &["title", "folder_id"])?;
    let viewer = viewer(call, world)?;
    may(world, &viewer, permissions)?;
    let folder = body::id(&body, "folder_id")?.ok_or_else(Refusal::not_found)?;
    check_place(world, &viewer, folder)?;
    let title = body::text(&body, "title").unwrap_or_default();
    check_title(world, kind, folder, title, None)?;
    let piece = Piece {
        title: title.to_owned(),
        folder: Some(folder),
        owner: Some(viewer.user),
        ..Piece::default()
    };
    // Added first, since the shared code changes existing pieces; taken back if a field is refused.
    let id = world.add_piece(kind, piece);
    match change(world, &viewer, kind.thing(id), body) {
        Ok(()) => Ok(id),
        Err(refusal) => {
            world.remove_piece(kind.thing(id));
            Err(refusal)
        }
    }
}

/// Change the fields of a piece that a body has; all of them, or none if one is refused.
pub(super) fn update(
    call: &Call<'_>,
    world: &mut World,
    kind: PieceKind,
    body: Body,
) -> Result<Id, Refusal> {
    let viewer = viewer(call, world)?;
    let id = editable(call, world, &viewer, kind)?;
    change(world, &viewer, kind.thing(id), body)?;
    Ok(id)
}

/// Move a piece to another folder than the one it is in.
pub(super) fn relocate(call: &Call<'_>, world: &mut World, kind: PieceKind) -> Result<Id, Refusal> {
    let viewer = viewer(call, world)?;
    let id = editable(call, world, &viewer, kind)?;
    let folder = target(call)?.ok_or_else(|| Refusal::missing("folder_id"))?;
    let thing = kind.thing(id);
    if world.piece(thing).and_then(|piece| piece.folder) == Some(folder) {
        return Err(same_folder(kind));
    }
    // A move is a change of one field, with the same checks.
    let body = Body::from_iter([("folder_id".to_owned(), folder.to_string().into())]);
    change(world, &viewer, thing, body)?;
    Ok(id)
}

/// 422 for the folder that a piece is in already. Recorded of a look; the code is not only for names that are taken.
pub(super) fn same_folder(kind: PieceKind) -> Refusal {
    let message = format!(
        "folder_id and the folder id of the existing {} must be different",
        kind.word()
    );
    Refusal::invalid("folder_id", "already_exists", message)
}

/// Delete a piece for good.
pub(super) fn remove(call: &Call<'_>, world: &mut World, kind: PieceKind) -> Answer {
    let viewer = viewer(call, world)?;
    let id = editable(call, world, &viewer, kind)?;
    world.remove_piece(kind.thing(id));
    Ok(Reply::no_content())
}

/// All pieces that the caller may see and that are not in the trash.
pub(super) fn all(call: &Call<'_>, world: &World, kind: PieceKind, render: Render) -> Answer {
    let viewer = viewer(call, world)?;
    let view = View {
        world,
        viewer: &viewer,
    };
    let seen = world
        .pieces(kind)
        .iter()
        .filter(|(id, piece)| piece.deleted_at.is_none() && world.sees(&viewer, kind.thing(*id)));
    listing::answer(call, seen, |fields, piece| render(fields, view, piece))
}

/// The pieces in the folder that the path names.
pub(super) fn in_folder(call: &Call<'_>, world: &World, kind: PieceKind, render: Render) -> Answer {
    let viewer = viewer(call, world)?;
    if call.param("folder_id") == lookml_folder::FOLDER {
        return Ok(Reply::json(Value::Array(Vec::new())));
    }
    let view = View {
        world,
        viewer: &viewer,
    };
    let folder = visible(call, world, &viewer)?;
    let held = world.pieces_in(kind, folder);
    let seen = held.filter(|(id, _)| world.sees(&viewer, kind.thing(*id)));
    Ok(Reply::json(
        seen.map(|piece| render(&call.fields, view, piece))
            .collect(),
    ))
}

/// The pieces that match: those in the trash only if `deleted` is asked for.
pub(super) fn search(
    call: &Call<'_>,
    world: &World,
    kind: PieceKind,
    names: &[&'static str],
    render: Render,
) -> Answer {
    let viewer = viewer(call, world)?;
    let view = View {
        world,
        viewer: &viewer,
    };
    let deleted = call.flag("deleted")?.unwrap_or(false);
    let curate = call.flag("curate")?.unwrap_or(false);
    let not_by = match call.flag("not_owned_by")? {
        Some(true) => call.query("user_id").and_then(parse_id),
        _ => None,
    };
    let names: Vec<&str> = names
        .iter()
        .copied()
        // With `not_owned_by`, the user is the one to leave out, so it is no filter.
        .filter(|name| !(not_by.is_some() && *name == "user_id"))
        .collect();
    let filters = Filters::of(call, &names)?;
    let (owner, folder) = (filters.only("user_id"), filters.only("folder_id"));
    // Owner and folder first: they are cheap, and most searches name one.
    let pieces = world.pieces(kind).iter().filter(|(_, piece)| {
        (owner.is_none() || piece.owner == owner) && (folder.is_none() || piece.folder == folder)
    });
    let pieces = pieces.filter(|(id, piece)| {
        let level = world.level(&viewer, kind.thing(*id));
        // Only a user who can edit a piece finds it in the trash.
        let seen = level == Some(Level::Edit) || level.is_some() && !deleted;
        piece.deleted_at.is_some() == deleted
            && seen
            && (not_by.is_none() || piece.owner != not_by)
            && !(curate && world.is_in_personal_folder_of_another(piece, viewer.user))
    });
    listing::search(call, &filters, pieces, |fields, piece| {
        render(fields, view, piece)
    })
}

/// The folder that the query names; 404 if there is none.
pub(super) fn target(call: &Call<'_>) -> Result<Option<Id>, Refusal> {
    let text = call.query("folder_id");
    text.map(|text| parse_id(text).ok_or_else(Refusal::not_found))
        .transpose()
}

/// 404 for a caller who is no administrator and has none of these permissions.
pub(super) fn may(world: &World, viewer: &Viewer, permissions: &[&str]) -> Result<(), Refusal> {
    let user = world.users.at(viewer.user).ok_or_else(Refusal::not_found)?;
    let has = world.permissions_of(user);
    match viewer.admin || permissions.iter().any(|name| has.contains(name)) {
        true => Ok(()),
        false => Err(Refusal::not_found()),
    }
}
