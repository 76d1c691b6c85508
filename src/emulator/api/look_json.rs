//! Looks as the API shows them, and what all content shows alike: its owner, its folder.

use serde_json::{Value, json};

use crate::emulator::api::query_json::query_json;
use crate::emulator::api::usual::{usual, with_usual};
use crate::emulator::http::fields::{Fields, Shown};
use crate::emulator::world::content::Piece;
use crate::emulator::world::content_access::Viewer;
use crate::emulator::world::folders::Folder;
use crate::emulator::world::kinds::FolderKind;
use crate::emulator::world::users::User;
use crate::emulator::world::{Id, World, id_text};

/// A world, and who looks at it.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    pub(super) world: &'a World,
    pub(super) viewer: &'a Viewer,
}

/// How the wanted fields of a dashboard or a look are shown.
pub(super) type Render = fn(&Fields, View<'_>, (Id, &Piece)) -> Value;

/// A look without its query.
pub(super) fn look_json(fields: &Fields, view: View<'_>, piece: (Id, &Piece)) -> Value {
    let mut shown = Shown::new(fields);
    put_look(&mut shown, view, piece);
    shown.done()
}

/// A look with its query.
pub(super) fn full_look_json(fields: &Fields, view: View<'_>, piece: (Id, &Piece)) -> Value {
    let mut shown = Shown::new(fields);
    put_look(&mut shown, view, piece);
    let queries = &view.world.content.queries;
    let query = piece.1.query.and_then(|id| Some((id, queries.at(id)?)));
    if let Some((id, query)) = query {
        shown.put("query", || query_json(id, query));
    }
    shown.put("url", || format!("/looks/{}", piece.0));
    shown.done()
}

/// A look in short, as favourites show it.
pub(super) fn look_basic_json(fields: &Fields, view: View<'_>, piece: (Id, &Piece)) -> Value {
    let fields = fields.among(&["can", "content_metadata_id", "id", "title", "user_id"]);
    look_json(&fields, view, piece)
}

fn put_look(shown: &mut Shown<'_>, view: View<'_>, (id, piece): (Id, &Piece)) {
    put_common(shown, view, piece);
    shown.lay(usual("look"));
    shown.put("id", || id_text(id));
    shown.put("embed_url", || format!("/embed/looks/{id}"));
    shown.put("query_id", || piece.query.map(id_text));
    shown.put("short_url", || format!("/looks/{id}"));
    shown.lay(&piece.rest);
    if let Some(query) = piece.query.and_then(|id| view.world.content.queries.at(id)) {
        shown.put(
            "model",
            || json!({ "id": query.model, "label": query.model }),
        );
    }
}

/// What dashboards and looks both show.
pub(super) fn put_common(shown: &mut Shown<'_>, View { world, viewer }: View<'_>, piece: &Piece) {
    let owner = || world.users.at(piece.owner?);
    let favorites = &world.content.favorites;
    shown.lay(usual("content"));
    shown.put("content_favorite_id", || {
        favorites.of(viewer.user, piece.meta).map(id_text)
    });
    shown.put("content_metadata_id", || id_text(piece.meta));
    shown.put("created_at", || world.time(piece.created_at));
    shown.put("deleted", || piece.deleted_at.is_some());
    shown.put("deleted_at", || piece.deleted_at.map(|at| world.time(at)));
    shown.put("deleter_id", || piece.deleter.map(id_text));
    shown.put("favorite_count", || favorites.count(piece.meta));
    shown.put("folder_id", || piece.folder.map(id_text));
    shown.put("is_owner_disabled", || {
        owner().is_some_and(|owner| owner.is_disabled)
    });
    shown.put("last_updater_id", || piece.updater.map(id_text));
    shown.put("title", || piece.title.as_str());
    shown.put("updated_at", || world.time(piece.updated_at));
    shown.put("user_id", || piece.owner.map(id_text));
    shown.put("user_name", || owner().map(User::display_name));
    let folder = piece
        .folder
        .and_then(|id| Some((id, world.folders.at(id)?)));
    if let Some((id, folder)) = folder {
        let fields = shown.inside("folder");
        shown.put("folder", || folder_json(fields, world, id, folder));
    }
}

/// A folder without what is in it.
pub(super) fn folder_json(fields: &Fields, world: &World, id: Id, folder: &Folder) -> Value {
    let mut shown = Shown::new(fields);
    put_folder(&mut shown, world, id, folder);
    shown.done()
}

/// The fields of a folder, but for what is in it.
pub(super) fn put_folder(shown: &mut Shown<'_>, world: &World, id: Id, folder: &Folder) {
    let kind = folder.kind;
    let within = |kind| world.folders.is_within(id, kind);
    shown.put("can", || can(kind));
    shown.put("id", || id_text(id));
    shown.put("name", || world.folder_name(folder));
    shown.put("parent_id", || folder.parent.map(id_text));
    shown.put("content_metadata_id", || id_text(folder.meta));
    shown.put("created_at", || world.time(folder.created_at));
    shown.put("creator_id", || folder.creator.map(id_text));
    shown.put("child_count", || world.folders.children(id).count());
    shown.put("external_id", || folder.external_id.as_deref());
    // An embed folder is recognized by its root, however deep it is.
    shown.put("is_embed", || {
        within(FolderKind::EmbedUsersRoot) || within(FolderKind::EmbedSharedRoot)
    });
    for (name, root) in [
        ("is_embed_shared_root", FolderKind::EmbedSharedRoot),
        ("is_embed_users_root", FolderKind::EmbedUsersRoot),
        ("is_personal", FolderKind::Personal),
        ("is_shared_root", FolderKind::SharedRoot),
        ("is_users_root", FolderKind::UsersRoot),
    ] {
        shown.put(name, || kind == root);
    }
    shown.put("is_personal_descendant", || {
        kind != FolderKind::Personal && within(FolderKind::Personal)
    });
}

/// What can be done with a folder. Recorded of administrators, and assumed for everyone who sees it: no one changes or
/// deletes the root folders and those of people.
fn can(kind: FolderKind) -> Value {
    // Only folders that users have created can be renamed or deleted.
    let plain = kind == FolderKind::Plain;
    with_usual("folder_can", json!({ "destroy": plain, "update": plain }))
}
