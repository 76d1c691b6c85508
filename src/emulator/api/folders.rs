//! Folders: one, all, those that match, those around one; creating, changing, deleting.

use serde_json::{Value, json};

use crate::emulator::api::content_json::full_folder_json;
use crate::emulator::api::look_json::{View, folder_json};
use crate::emulator::api::lookml_folder;
use crate::emulator::api::viewer;
use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::body;
use crate::emulator::http::call::{Call, parse_id};
use crate::emulator::http::listing::{self, Filters};
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::content_access::{Level, Thing, Viewer};
use crate::emulator::world::folders::Folder;
use crate::emulator::world::kinds::{FolderKind, PieceKind};
use crate::emulator::world::{Id, World};

pub(super) const OPERATIONS: &[Service] = &[
    op("all_folders", all),
    op("create_folder", create),
    op("search_folders", search),
    op("folder", one),
    op("update_folder", update),
    op("delete_folder", remove),
    op("folder_children", children),
    op("folder_children_search", search_children),
    op("folder_parent", parent),
    op("folder_ancestors", ancestors),
];

/// All folders the caller may see, but no empty personal folders of others, from Looker's OpenAPI description.
fn all(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let world: &World = world;
    let listed = seen(world, &viewer).filter(|(id, folder)| {
        let empty = || {
            let kinds = [PieceKind::Dashboard, PieceKind::Look].into_iter();
            let mut held = kinds.flat_map(|kind| world.pieces_in(kind, *id));
            held.next().is_none() && world.folders.children(*id).next().is_none()
        };
        // Empty personal folders of other users are left out.
        let others = folder.kind == FolderKind::Personal && folder.creator != Some(viewer.user);
        !(others && empty())
    });
    json_answer(
        listed
            .map(|(id, folder)| folder_json(&call.fields, world, id, folder))
            .collect(),
    )
}

fn search(call: &Call<'_>, world: &mut World) -> Answer {
    const TEXTS: &[&str] = &["id", "name", "parent_id", "creator_id"];
    let viewer = viewer(call, world)?;
    let texts = Filters::of(call, TEXTS)?;
    let flags = [
        (call.flag("is_shared_root")?, FolderKind::SharedRoot),
        (call.flag("is_users_root")?, FolderKind::UsersRoot),
    ];
    let world: &World = world;
    let (parent, creator) = (texts.only("parent_id"), texts.only("creator_id"));
    let found = world.folders.table.iter().filter(|(_, folder)| {
        // Parent and creator first: they are cheap, and most searches name one.
        (parent.is_none() || folder.parent == parent)
            && (creator.is_none() || folder.creator == creator)
    });
    let found = found.filter(|(id, folder)| {
        let is = |(wanted, kind): &(Option<bool>, FolderKind)| {
            wanted.is_none_or(|wanted| wanted == (folder.kind == *kind))
        };
        flags.iter().all(is)
            && world.sees(&viewer, Thing::Folder(*id))
            && texts.pass(|name| match name {
                "id" => Some(id.to_string()),
                "name" => Some(world.folder_name(folder)),
                "parent_id" => folder.parent.map(|id| id.to_string()),
                _ => folder.creator.map(|id| id.to_string()),
            })
    });
    listing::answer(call, found, |fields, (id, folder)| {
        folder_json(fields, world, id, folder)
    })
}

fn seen<'a>(world: &'a World, viewer: &'a Viewer) -> impl Iterator<Item = (Id, &'a Folder)> {
    let folders = world.folders.table.iter();
    folders.filter(|(id, _)| world.sees(viewer, Thing::Folder(*id)))
}

fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    body::require(&body, &["name", "parent_id"])?;
    let viewer = viewer(call, world)?;
    let parent = body::id(&body, "parent_id")?.ok_or_else(Refusal::not_found)?;
    let name = body::text(&body, "name").unwrap_or_default();
    check_place(world, &viewer, parent)?;
    check_name(world, parent, name, None)?;
    let id = world.add_folder(name, parent, Some(viewer.user));
    show(call, world, &viewer, id)
}

/// A new name, a new place, or both.
fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let viewer = viewer(call, world)?;
    let id = editable(call, world, &viewer)?;
    let folder = world.folders.at(id).ok_or_else(Refusal::not_found)?;
    // A root folder has no parent and cannot be changed.
    let before = folder.parent.ok_or_else(Refusal::not_found)?;
    let parent = body::id(&body, "parent_id")?.unwrap_or(before);
    let name = body::text(&body, "name").unwrap_or(&folder.name);
    if parent != before {
        check_place(world, &viewer, parent)?;
        // A folder inside itself would be unreachable.
        if world.folders.tree(id).contains(&parent) {
            return Err(Refusal::invalid(
                "parent_id",
                "invalid",
                "'parent_id' is inside the folder.",
            ));
        }
    }
    // The name is checked in the new place.
    check_name(world, parent, name, Some(id))?;
    let name = name.into();
    if let Some(folder) = world.folders.table.at_mut(id) {
        folder.name = name;
    }
    world.folders.hang(id, parent);
    show(call, world, &viewer, id)
}

/// The folder, all below it, and what they hold.
fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = editable(call, world, &viewer)?;
    world.remove_folder(id, Some(viewer.user));
    Ok(Reply::no_content())
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    if call.param("folder_id") == lookml_folder::FOLDER {
        return json_answer(lookml_folder::folder_json());
    }
    let viewer = viewer(call, world)?;
    let id = visible(call, world, &viewer)?;
    show(call, world, &viewer, id)
}

fn children(call: &Call<'_>, world: &mut World) -> Answer {
    if call.param("folder_id") == lookml_folder::FOLDER {
        return json_answer(json!([]));
    }
    let viewer = viewer(call, world)?;
    let id = visible(call, world, &viewer)?;
    let world: &World = world;
    let children = world.folders.children(id);
    let seen = children.filter(|id| world.sees(&viewer, Thing::Folder(*id)));
    let seen = seen.filter_map(|id| Some((id, world.folders.at(id)?)));
    listing::answer(call, seen, |fields, (id, folder)| {
        folder_json(fields, world, id, folder)
    })
}

fn search_children(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = visible(call, world, &viewer)?;
    let texts = Filters::of(call, &["name"])?;
    let world: &World = world;
    let children = world.folders.children(id);
    let seen = children.filter(|id| world.sees(&viewer, Thing::Folder(*id)));
    let seen = seen.filter_map(|id| Some((id, world.folders.at(id)?)));
    let found = seen.filter(|(_, folder)| texts.pass(|_name| Some(world.folder_name(folder))));
    listing::answer(call, found, |fields, (id, folder)| {
        folder_json(fields, world, id, folder)
    })
}

fn parent(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = visible(call, world, &viewer)?;
    let parent = world.folders.at(id).and_then(|folder| folder.parent);
    let parent = parent.filter(|id| world.sees(&viewer, Thing::Folder(*id)));
    show(call, world, &viewer, parent.ok_or_else(Refusal::not_found)?)
}

fn ancestors(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = visible(call, world, &viewer)?;
    let above = world.folders.ancestors(id).into_iter();
    let seen = above.filter(|id| world.sees(&viewer, Thing::Folder(*id)));
    let shown: Vec<Value> = seen
        .filter_map(|id| Some(folder_json(&call.fields, world, id, world.folders.at(id)?)))
        .collect();
    json_answer(shown.into())
}

/// The folder that the path names, if the caller may see it; a user's own is also called by a word.
pub(super) fn visible(call: &Call<'_>, world: &World, viewer: &Viewer) -> Result<Id, Refusal> {
    let id = parse_id(call.param("folder_id")).ok_or_else(Refusal::not_found)?;
    world.folders.at(id).ok_or_else(Refusal::not_found)?;
    let seen = world.sees(viewer, Thing::Folder(id));
    seen.then_some(id).ok_or_else(Refusal::not_found)
}

/// The folder that the path names, if the caller may change it; the roots, personal folders and group folders stay
/// as they are.
fn editable(call: &Call<'_>, world: &World, viewer: &Viewer) -> Result<Id, Refusal> {
    let id = visible(call, world, viewer)?;
    check_editable(world, viewer, id)?;
    let plain = |folder: &Folder| folder.kind == FolderKind::Plain;
    // Looker's own folders, such as the personal ones, stay as they are.
    if world.folders.at(id).is_some_and(plain) {
        return Ok(id);
    }
    Err(Refusal::invalid(
        "id",
        "invalid",
        "This folder cannot be renamed, moved or deleted.",
    ))
}

/// Whether the caller may put something into a folder: 404 otherwise, as Looker's OpenAPI description says.
pub(super) fn check_place(world: &World, viewer: &Viewer, id: Id) -> Result<(), Refusal> {
    check_editable(world, viewer, id)?;
    let folder = world.folders.at(id).ok_or_else(Refusal::not_found)?;
    match folder.kind {
        // These roots hold only the folders that Looker creates in them.
        FolderKind::UsersRoot | FolderKind::EmbedUsersRoot | FolderKind::EmbedSharedRoot => {
            Err(Refusal::not_found())
        }
        _ => Ok(()),
    }
}

fn check_editable(world: &World, viewer: &Viewer, id: Id) -> Result<(), Refusal> {
    match world.level(viewer, Thing::Folder(id)) {
        Some(Level::Edit) => Ok(()),
        _ => Err(Refusal::not_found()),
    }
}

fn check_name(world: &World, parent: Id, name: &str, except: Option<Id>) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err(Refusal::missing("name"));
    }
    match world.folder_name_taken(parent, name, except) {
        true => Err(Refusal::invalid(
            "name",
            "already_exists",
            "'name' is taken in this folder.",
        )),
        false => Ok(()),
    }
}

fn show(call: &Call<'_>, world: &World, viewer: &Viewer, id: Id) -> Answer {
    let folder = world.folders.at(id).ok_or_else(Refusal::not_found)?;
    json_answer(full_folder_json(
        &call.fields,
        View { world, viewer },
        id,
        folder,
    ))
}
