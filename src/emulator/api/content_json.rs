//! Dashboards and folders as the API shows them.

use serde_json::Value;

use crate::emulator::api::dashboard_parts_json::{element_json, filter_json, layout_json};
use crate::emulator::api::look_json::{Render, View, look_json, put_common, put_folder};
use crate::emulator::api::usual::usual;
use crate::emulator::http::fields::{Fields, Shown};
use crate::emulator::world::content::Piece;
use crate::emulator::world::folders::Folder;
use crate::emulator::world::kinds::PieceKind;
use crate::emulator::world::{Id, id_text};

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

/// A dashboard with all that it has.
pub(super) fn dashboard_json(fields: &Fields, view: View<'_>, (id, piece): (Id, &Piece)) -> Value {
    let world = view.world;
    let mut shown = Shown::new(fields);
    put_common(&mut shown, view, piece);
    shown.lay(usual("dashboard"));
    shown.put("id", || id_text(id));
    shown.put("slug", || piece.slug.as_str());
    shown.put("last_updater_name", || -> Option<String> {
        Some(world.users.at(piece.updater?)?.display_name())
    });
    shown.put("url", || format!("/dashboards/{id}"));
    shown.lay(&piece.rest);
    shown.put("dashboard_elements", || -> Value {
        let elements = piece.elements.iter();
        let shown = elements.filter_map(|id| element_json(&Fields::default(), view, *id));
        shown.collect()
    });
    shown.put("dashboard_filters", || -> Value {
        let filters = piece.filters.iter();
        filters.filter_map(|id| filter_json(world, *id)).collect()
    });
    shown.put("dashboard_layouts", || -> Value {
        let layouts = piece.layouts.iter();
        layouts.filter_map(|id| layout_json(world, *id)).collect()
    });
    shown.done()
}

/// A dashboard in short.
pub(super) fn dashboard_base_json(fields: &Fields, view: View<'_>, piece: (Id, &Piece)) -> Value {
    // The base form is the whole one, reduced to its fields.
    dashboard_json(&fields.among(BASE), view, piece)
}

/// A folder with the dashboards and looks in it that the viewer may see.
pub(super) fn full_folder_json(fields: &Fields, view: View<'_>, id: Id, folder: &Folder) -> Value {
    let View { world, viewer } = view;
    let held = |kind: PieceKind, render: Render| -> Value {
        let pieces = world.pieces_in(kind, id);
        // Content of the folder that the viewer may not see is left out.
        let seen = pieces.filter(|(id, _)| world.sees(viewer, kind.thing(*id)));
        let all = Fields::default();
        seen.map(|piece| render(&all, view, piece)).collect()
    };
    let mut shown = Shown::new(fields);
    put_folder(&mut shown, world, id, folder);
    shown.put("dashboards", || {
        held(PieceKind::Dashboard, dashboard_base_json)
    });
    shown.put("looks", || held(PieceKind::Look, look_json));
    shown.done()
}
