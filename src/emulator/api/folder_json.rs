//! A folder as the API shows it.

use serde_json::{Value, json};

use crate::emulator::answer::add;
use crate::emulator::api::content_json::{dashboard_base_json, look_json};
use crate::emulator::world::content::PieceKind;
use crate::emulator::world::content_access::Viewer;
use crate::emulator::world::folders::{Folder, FolderKind};
use crate::emulator::world::{Id, World, id_text};

/// A folder without what is in it.
pub(super) fn folder_json(world: &World, id: Id, folder: &Folder) -> Value {
    let kind = folder.kind;
    let within = |kind| world.folders.is_within(id, kind);
    let is_embed = within(FolderKind::EmbedUsersRoot) || within(FolderKind::EmbedSharedRoot);
    json!({
        "can": can(kind),
        "id": id_text(id),
        "name": world.folder_name(folder),
        "parent_id": folder.parent.map(id_text),
        "content_metadata_id": id_text(folder.meta),
        "created_at": world.time(folder.created_at),
        "creator_id": folder.creator.map(id_text),
        "child_count": world.folders.children(id).count(),
        "external_id": folder.external_id.as_deref(),
        "is_embed": is_embed,
        "is_embed_shared_root": kind == FolderKind::EmbedSharedRoot,
        "is_embed_users_root": kind == FolderKind::EmbedUsersRoot,
        "is_personal": kind == FolderKind::Personal,
        "is_personal_descendant": kind != FolderKind::Personal && within(FolderKind::Personal),
        "is_shared_root": kind == FolderKind::SharedRoot,
        "is_users_root": kind == FolderKind::UsersRoot,
    })
}

/// What can be done with a folder. Recorded of administrators, and taken for everybody who sees it: nobody changes or
/// deletes the root folders and those of people.
fn can(kind: FolderKind) -> Value {
    let plain = kind == FolderKind::Plain;
    json!({
        "create": true,
        "destroy": plain,
        "edit_content": true,
        "index": true,
        "move_content": true,
        "save_shared_space_as_embed_user": true,
        "see_admin_spaces": true,
        "show": true,
        "update": plain,
    })
}

/// A folder with the dashboards and looks in it that the viewer may see.
pub(super) fn full_json(world: &World, viewer: &Viewer, id: Id, folder: &Folder) -> Value {
    let seen = |kind: PieceKind| {
        let pieces = world.pieces_in(kind, id);
        pieces.filter(move |(id, _)| world.sees(viewer, kind.thing(*id)))
    };
    let dashboards = seen(PieceKind::Dashboard);
    let dashboards: Value = dashboards
        .map(|(id, piece)| dashboard_base_json(world, viewer, id, piece))
        .collect();
    let looks = seen(PieceKind::Look);
    let looks: Value = looks
        .map(|(id, piece)| look_json(world, viewer, id, piece))
        .collect();
    let mut shown = folder_json(world, id, folder);
    add(&mut shown, "dashboards", dashboards);
    add(&mut shown, "looks", looks);
    shown
}
