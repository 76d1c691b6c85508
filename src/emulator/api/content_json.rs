//! Dashboards and looks as the API shows them.

use serde_json::{Value, json};

use crate::emulator::answer::{add, lay_over};
use crate::emulator::api::query_json::query_json;
use crate::emulator::fields::Fields;
use crate::emulator::world::content::Piece;
use crate::emulator::world::content_access::Viewer;
use crate::emulator::world::folders::Folder;
use crate::emulator::world::kinds::{FolderKind, PieceKind};
use crate::emulator::world::{Id, World, id_text};

/// The fields of a dashboard in short, as folders and favourites show it.
const BASE: &str = "can,content_favorite_id,content_metadata_id,description,hidden,id,query_timezone,readonly,\
    refresh_interval,refresh_interval_to_i,folder,title,user_id,slug,preferred_viewer";

/// A dashboard with all that it has.
pub(super) fn dashboard_json(world: &World, viewer: &Viewer, id: Id, piece: &Piece) -> Value {
    let mut shown = common_json(world, viewer, piece);
    let own = json!({
        "id": id_text(id),
        "hidden": false,
        "query_timezone": null,
        "readonly": false,
        "refresh_interval": null,
        "refresh_interval_to_i": null,
        "slug": piece.slug,
        "preferred_viewer": "dashboards-next",
        "alert_sync_with_dashboard_filter_enabled": false,
        "background_color": null,
        "crossfilter_enabled": true,
        "dashboard_elements": elements_json(world, piece),
        "dashboard_filters": [],
        "dashboard_layouts": [],
        "edit_uri": null,
        "enable_viz_full_screen": true,
        "filters_bar_collapsed": false,
        "filters_location_top": true,
        "last_updater_name": piece.updater.and_then(|id| Some(world.users.at(id)?.display_name())),
        "load_configuration": null,
        "lookml_link_id": null,
        "show_filters_bar": true,
        "show_title": true,
        "text_tile_text_color": null,
        "tile_background_color": null,
        "tile_text_color": null,
        "title_color": null,
        "url": format!("/dashboards/{id}"),
    });
    lay_over(&mut shown, own);
    lay_over(&mut shown, Value::Object(piece.rest.clone()));
    shown
}

/// A dashboard in short.
pub(super) fn dashboard_base_json(world: &World, viewer: &Viewer, id: Id, piece: &Piece) -> Value {
    let fields = Fields::parse(BASE).unwrap_or_default();
    fields.keep(dashboard_json(world, viewer, id, piece))
}

/// A look without its query.
pub(super) fn look_json(world: &World, viewer: &Viewer, id: Id, piece: &Piece) -> Value {
    let mut shown = common_json(world, viewer, piece);
    let own = json!({
        "id": id_text(id),
        "embed_url": format!("/embed/looks/{id}"),
        "excel_file_url": null,
        "google_spreadsheet_formula": null,
        "image_embed_url": null,
        "is_run_on_load": true,
        "public": false,
        "public_slug": null,
        "public_url": null,
        "query_id": piece.query.map(id_text),
        "short_url": format!("/looks/{id}"),
    });
    lay_over(&mut shown, own);
    lay_over(&mut shown, Value::Object(piece.rest.clone()));
    if let Some(query) = piece.query.and_then(|id| world.content.queries.at(id)) {
        let model = json!({ "id": query.model, "label": query.model });
        add(&mut shown, "model", model);
    }
    shown
}

/// A look with its query.
pub(super) fn full_look_json(world: &World, viewer: &Viewer, id: Id, piece: &Piece) -> Value {
    let mut shown = look_json(world, viewer, id, piece);
    let query = piece
        .query
        .and_then(|id| Some(query_json(id, world.content.queries.at(id)?)));
    if let Some(query) = query {
        add(&mut shown, "query", query);
    }
    add(&mut shown, "url", format!("/looks/{id}"));
    shown
}

/// A look in short, as favourites show it.
pub(super) fn look_basic_json(world: &World, viewer: &Viewer, id: Id, piece: &Piece) -> Value {
    let fields = Fields::parse("can,content_metadata_id,id,title,user_id").unwrap_or_default();
    fields.keep(look_json(world, viewer, id, piece))
}

/// What dashboards and looks both show.
fn common_json(world: &World, viewer: &Viewer, piece: &Piece) -> Value {
    let owner = piece.owner.and_then(|id| world.users.at(id));
    let favorites = &world.content.favorites;
    let mut shown = json!({
        "can": {},
        "content_favorite_id": favorites.of(viewer.user, piece.meta).map(id_text),
        "content_metadata_id": id_text(piece.meta),
        "created_at": world.time(piece.created_at),
        "deleted": piece.deleted_at.is_some(),
        "deleted_at": piece.deleted_at.map(|at| world.time(at)),
        "deleter_id": piece.deleter.map(id_text),
        "description": null,
        "favorite_count": favorites.count(piece.meta),
        "folder_id": piece.folder.map(id_text),
        "is_owner_disabled": owner.is_some_and(|owner| owner.is_disabled),
        "last_accessed_at": null,
        "last_updater_id": piece.updater.map(id_text),
        "last_viewed_at": null,
        "title": piece.title,
        "updated_at": world.time(piece.updated_at),
        "usage_count": 0,
        "user_id": piece.owner.map(id_text),
        "user_name": owner.map(|owner| owner.display_name()),
        "view_count": 0,
    });
    let folder = piece
        .folder
        .and_then(|id| Some(folder_json(world, id, world.folders.at(id)?)));
    if let Some(folder) = folder {
        add(&mut shown, "folder", folder);
    }
    shown
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
pub(super) fn full_folder_json(world: &World, viewer: &Viewer, id: Id, folder: &Folder) -> Value {
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
