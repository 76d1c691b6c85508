//! Dashboards and looks as the API shows them.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::emulator::api::query_json::query_json;
use crate::emulator::http::answer::add;
use crate::emulator::http::fields::{Fields, Shown};
use crate::emulator::world::content::Piece;
use crate::emulator::world::content_access::Viewer;
use crate::emulator::world::folders::Folder;
use crate::emulator::world::kinds::{FolderKind, PieceKind};
use crate::emulator::world::users::User;
use crate::emulator::world::{Id, World, id_text};

/// The fields of a dashboard in short, as folders and favourites show it.
const BASE: &[&str] = &[
    "can",
    "content_favorite_id",
    "content_metadata_id",
    "description",
    "hidden",
    "id",
    "query_timezone",
    "readonly",
    "refresh_interval",
    "refresh_interval_to_i",
    "folder",
    "title",
    "user_id",
    "slug",
    "preferred_viewer",
];

/// What dashboards and looks show that says nothing here.
static USUAL: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "can": {},
        "description": null,
        "last_accessed_at": null,
        "last_viewed_at": null,
        "usage_count": 0,
        "view_count": 0,
    })
});

/// The same of dashboards alone.
static USUAL_DASHBOARD: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "hidden": false,
        "query_timezone": null,
        "readonly": false,
        "refresh_interval": null,
        "refresh_interval_to_i": null,
        "preferred_viewer": "dashboards-next",
        "alert_sync_with_dashboard_filter_enabled": false,
        "background_color": null,
        "crossfilter_enabled": true,
        "dashboard_filters": [],
        "dashboard_layouts": [],
        "edit_uri": null,
        "enable_viz_full_screen": true,
        "filters_bar_collapsed": false,
        "filters_location_top": true,
        "load_configuration": null,
        "lookml_link_id": null,
        "show_filters_bar": true,
        "show_title": true,
        "text_tile_text_color": null,
        "tile_background_color": null,
        "tile_text_color": null,
        "title_color": null,
    })
});

/// The same of looks alone.
static USUAL_LOOK: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "excel_file_url": null,
        "google_spreadsheet_formula": null,
        "image_embed_url": null,
        "is_run_on_load": true,
        "public": false,
        "public_slug": null,
        "public_url": null,
    })
});

/// How the wanted fields of a dashboard or a look are shown.
pub(super) type Render = fn(&Fields, &World, &Viewer, Id, &Piece) -> Value;

/// A dashboard with all that it has.
pub(super) fn dashboard_json(
    fields: &Fields,
    world: &World,
    viewer: &Viewer,
    id: Id,
    piece: &Piece,
) -> Value {
    let mut shown = Shown::new(fields);
    put_common(&mut shown, world, viewer, piece);
    shown.lay_object(&USUAL_DASHBOARD);
    shown.put("id", || id_text(id));
    shown.put("slug", || piece.slug.as_str());
    shown.put("dashboard_elements", || elements_json(world, piece));
    shown.put("last_updater_name", || -> Option<String> {
        Some(world.users.at(piece.updater?)?.display_name())
    });
    shown.put("url", || format!("/dashboards/{id}"));
    shown.lay(&piece.rest);
    shown.done()
}

/// A dashboard in short.
pub(super) fn dashboard_base_json(
    fields: &Fields,
    world: &World,
    viewer: &Viewer,
    id: Id,
    piece: &Piece,
) -> Value {
    dashboard_json(&fields.among(BASE), world, viewer, id, piece)
}

/// A look without its query.
pub(super) fn look_json(
    fields: &Fields,
    world: &World,
    viewer: &Viewer,
    id: Id,
    piece: &Piece,
) -> Value {
    let mut shown = Shown::new(fields);
    put_look(&mut shown, world, viewer, (id, piece));
    shown.done()
}

/// A look with its query.
pub(super) fn full_look_json(
    fields: &Fields,
    world: &World,
    viewer: &Viewer,
    id: Id,
    piece: &Piece,
) -> Value {
    let mut shown = Shown::new(fields);
    put_look(&mut shown, world, viewer, (id, piece));
    let query = piece
        .query
        .and_then(|id| Some((id, world.content.queries.at(id)?)));
    if let Some((id, query)) = query {
        shown.put("query", || query_json(id, query));
    }
    shown.put("url", || format!("/looks/{id}"));
    shown.done()
}

/// A look in short, as favourites show it.
pub(super) fn look_basic_json(
    fields: &Fields,
    world: &World,
    viewer: &Viewer,
    id: Id,
    piece: &Piece,
) -> Value {
    let fields = fields.among(&["can", "content_metadata_id", "id", "title", "user_id"]);
    look_json(&fields, world, viewer, id, piece)
}

fn put_look(shown: &mut Shown<'_>, world: &World, viewer: &Viewer, (id, piece): (Id, &Piece)) {
    put_common(shown, world, viewer, piece);
    shown.lay_object(&USUAL_LOOK);
    shown.put("id", || id_text(id));
    shown.put("embed_url", || format!("/embed/looks/{id}"));
    shown.put("query_id", || piece.query.map(id_text));
    shown.put("short_url", || format!("/looks/{id}"));
    shown.lay(&piece.rest);
    if let Some(query) = piece.query.and_then(|id| world.content.queries.at(id)) {
        shown.put(
            "model",
            || json!({ "id": query.model, "label": query.model }),
        );
    }
}

/// What dashboards and looks both show.
fn put_common(shown: &mut Shown<'_>, world: &World, viewer: &Viewer, piece: &Piece) {
    let owner = || world.users.at(piece.owner?);
    let favorites = &world.content.favorites;
    shown.lay_object(&USUAL);
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

fn elements_json(world: &World, piece: &Piece) -> Value {
    let elements = piece.elements.iter();
    let shown = elements.filter_map(|id| {
        let element = world.content.elements.at(*id)?;
        let alerts = world.content.alerts.iter();
        let alerts = alerts.filter(|(_, alert)| alert.element == Some(*id));
        let mut shown = json!({
            "can": {},
            "id": id_text(*id),
            "dashboard_id": id_text(element.dashboard),
            "title": element.title,
            "title_hidden": false,
            "type": "vis",
            "query_id": element.query.map(id_text),
            "look_id": null,
            "alert_count": alerts.count(),
        });
        let query = element
            .query
            .and_then(|id| Some(query_json(id, world.content.queries.at(id)?)));
        if let Some(query) = query {
            add(&mut shown, "query", query);
        }
        Some(shown)
    });
    shown.collect()
}

/// A folder without what is in it.
pub(super) fn folder_json(fields: &Fields, world: &World, id: Id, folder: &Folder) -> Value {
    let mut shown = Shown::new(fields);
    put_folder(&mut shown, world, id, folder);
    shown.done()
}

fn put_folder(shown: &mut Shown<'_>, world: &World, id: Id, folder: &Folder) {
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
pub(super) fn full_folder_json(
    fields: &Fields,
    world: &World,
    viewer: &Viewer,
    id: Id,
    folder: &Folder,
) -> Value {
    let held = |kind: PieceKind, render: Render| -> Value {
        let pieces = world.pieces_in(kind, id);
        let seen = pieces.filter(|(id, _)| world.sees(viewer, kind.thing(*id)));
        let all = Fields::default();
        seen.map(|(id, piece)| render(&all, world, viewer, id, piece))
            .collect()
    };
    let mut shown = Shown::new(fields);
    put_folder(&mut shown, world, id, folder);
    shown.put("dashboards", || {
        held(PieceKind::Dashboard, dashboard_base_json)
    });
    shown.put("looks", || held(PieceKind::Look, look_json));
    shown.done()
}
