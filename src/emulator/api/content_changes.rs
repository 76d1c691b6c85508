//! Changes of dashboards and looks, and who may make them.

use serde_json::Value;

use crate::emulator::api::folders::check_place;
use crate::emulator::http::answer::Refusal;
use crate::emulator::http::body::{self, Body};
use crate::emulator::switches::Switches;
use crate::emulator::world::content::Piece;
use crate::emulator::world::content_access::{Thing, Viewer};
use crate::emulator::world::kinds::PieceKind;
use crate::emulator::world::{Id, World};

/// The fields of a body that a piece stores unchanged, or that are only present because it was read before.
const NAMED: &[&str] = &[
    "title",
    "user_id",
    "folder_id",
    "slug",
    "query_id",
    "deleted",
];

const READ_ONLY_PARTS: &[&str] = &["folder", "model", "query"];

/// Change the fields of a piece that a body has; all of them, or none if one is refused.
pub(super) fn change(
    world: &mut World,
    viewer: &Viewer,
    thing: Thing,
    mut body: Body,
) -> Result<(), Refusal> {
    let (kind, id) = match thing {
        Thing::Look(id) => (PieceKind::Look, id),
        Thing::Dashboard(id) | Thing::Folder(id) | Thing::Board(id) => (PieceKind::Dashboard, id),
    };
    // Changed in a copy, so that a refusal halfway leaves the piece as it was.
    let mut piece = world.piece(thing).ok_or_else(Refusal::not_found)?.clone();
    let before = piece.folder;
    if let Some(title) = body.get("title") {
        let title = title.as_str().filter(|title| !title.is_empty());
        piece.title = title.ok_or_else(|| Refusal::missing("title"))?.to_owned();
    }
    if let Some(folder) = body::id(&body, "folder_id")? {
        if world.folders.at(folder).is_none() {
            let message = "folder not found for folder_id";
            return Err(Refusal::invalid("folder_id", "missing", message));
        }
        // Naming the present folder is no move, and takes no right to it.
        if Some(folder) != before {
            check_place(world, viewer, folder)?;
        }
        piece.folder = Some(folder);
    }
    if let Some(owner) = body::id(&body, "user_id")? {
        set_owner(world, viewer, (kind, &mut piece), owner)?;
    }
    if let Some(query) = body::id(&body, "query_id")? {
        world
            .content
            .queries
            .at(query)
            .ok_or_else(Refusal::not_found)?;
        piece.query = Some(query);
    }
    if let Some(slug) = body::text(&body, "slug") {
        check_slug(world, kind, id, slug)?;
        slug.clone_into(&mut piece.slug);
    }
    set_deleted(world, viewer, &mut piece, &body)?;
    // A title in the trash takes no name from anyone.
    if let (Some(folder), None) = (piece.folder, piece.deleted_at) {
        check_title(world, kind, folder, &piece.title, Some(id))?;
    }
    // Everything else is stored as sent, except for what Looker computes.
    body.retain(|name, _| {
        !NAMED.contains(&name.as_str()) && !READ_ONLY_PARTS.contains(&name.as_str())
    });
    piece.rest.extend(body);
    piece.updated_at = world.now;
    piece.updater = Some(viewer.user);
    if let Some(place) = world.piece_mut(thing) {
        *place = piece;
    }
    Ok(())
}

/// Only administrators give content to others. If a switch or the release says that Looker does not allow it, Looker
/// silently ignores it, as it does for read-only fields.
fn set_owner(
    world: &World,
    viewer: &Viewer,
    (kind, piece): (PieceKind, &mut Piece),
    owner: Id,
) -> Result<(), Refusal> {
    // Naming the present owner is no change, and takes no admin.
    if piece.owner == Some(owner) {
        return Ok(());
    }
    if !viewer.admin {
        return Err(Refusal::not_found());
    }
    world.users.at(owner).ok_or_else(Refusal::not_found)?;
    let switches = &world.rules.switches;
    let since = (kind == PieceKind::Dashboard).then_some(switches.dashboards_take_owner);
    if switches.owner_can_be_set && switches.takes_owner(since) {
        piece.owner = Some(owner);
    }
    Ok(())
}

fn set_deleted(
    world: &World,
    viewer: &Viewer,
    piece: &mut Piece,
    body: &Body,
) -> Result<(), Refusal> {
    match body.get("deleted").and_then(Value::as_bool) {
        Some(true) if piece.deleted_at.is_none() => {
            piece.deleted_at = Some(world.now);
            piece.deleter = Some(viewer.user);
        }
        Some(false) if piece.deleted_at.is_some() => {
            // Restored content needs a folder; its own may have been deleted meanwhile.
            if piece.folder.is_none() {
                return Err(Refusal::missing("folder_id"));
            }
            piece.deleted_at = None;
            piece.deleter = None;
        }
        _ => {}
    }
    Ok(())
}

/// 422 if another piece of the folder has this title.
pub(super) fn check_title(
    world: &World,
    kind: PieceKind,
    folder: Id,
    title: &str,
    except: Option<Id>,
) -> Result<(), Refusal> {
    match world.title_taken(kind, folder, title, except) {
        true => Err(taken_title(&world.rules.switches, kind)),
        false => Ok(()),
    }
}

/// Recorded of a dashboard: the field is Ruby's print of a list. Of other things a refusal without a message was seen.
fn taken_title(switches: &Switches, kind: PieceKind) -> Refusal {
    let thing = match kind {
        PieceKind::Dashboard => "Dashboard",
        PieceKind::Look => "Look",
    };
    let message = format!("{thing} with this title already exists.");
    let refusal = Refusal::invalid(&switches.taken_title_field, "already_exists", message);
    match switches.taken_title_has_message {
        true => refusal,
        false => refusal.wordless(),
    }
}

fn check_slug(world: &World, kind: PieceKind, id: Id, slug: &str) -> Result<(), Refusal> {
    let mut others = world.pieces(kind).iter();
    // Its own slug is not taken.
    match others.any(|(other, piece)| other != id && piece.slug == slug) {
        true => Err(Refusal::invalid(
            "slug",
            "already_exists",
            "'slug' is taken.",
        )),
        false => Ok(()),
    }
}
