//! Dashboards: one, all, those that match or are in a folder; creating, changing, moving, copying, deleting.

use crate::emulator::api::content_json::{dashboard_base_json, dashboard_json};
use crate::emulator::api::dashboard_parts_json::lookml_dashboard_json;
use crate::emulator::api::dashboards_and_looks::{self, may, target};
use crate::emulator::api::folders::check_place;
use crate::emulator::api::viewer;
use crate::emulator::http::answer::{Answer, Refusal, json_answer};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::content::Piece;
use crate::emulator::world::dashboard_parts::{DashboardFilter, Element};
use crate::emulator::world::kinds::PieceKind;
use crate::emulator::world::{Id, World};

const SEARCHED: &[&str] = &[
    "id",
    "slug",
    "title",
    "description",
    "content_favorite_id",
    "folder_id",
    "user_id",
    "view_count",
    "content_metadata_id",
    "last_viewed_at",
];

pub(super) const OPERATIONS: &[Service] = &[
    op("all_dashboards", all),
    op("create_dashboard", create),
    op("search_dashboards", search),
    op("dashboard", one),
    op("update_dashboard", update),
    op("delete_dashboard", remove),
    op("move_dashboard", relocate),
    op("copy_dashboard", copy),
    op("folder_dashboards", in_folder),
];

/// What creating a dashboard takes one of.
pub(super) const SAVE: &[&str] = &["save_content", "save_dashboards"];

fn all(call: &Call<'_>, world: &mut World) -> Answer {
    dashboards_and_looks::all(call, world, PieceKind::Dashboard, dashboard_base_json)
}

fn search(call: &Call<'_>, world: &mut World) -> Answer {
    dashboards_and_looks::search(call, world, PieceKind::Dashboard, SEARCHED, dashboard_json)
}

fn in_folder(call: &Call<'_>, world: &mut World) -> Answer {
    dashboards_and_looks::in_folder(call, world, PieceKind::Dashboard, dashboard_json)
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    let name = call.param("dashboard_id");
    if name.contains("::") {
        let user = call.who()?.user;
        let (model, dashboard) = world
            .lookml_dashboard(user, name)
            .ok_or_else(Refusal::not_found)?;
        return json_answer(lookml_dashboard_json(world, model, dashboard));
    }
    let id = dashboards_and_looks::openable(call, world, PieceKind::Dashboard)?;
    show(call, world, id)
}

fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let id = dashboards_and_looks::create(call, world, PieceKind::Dashboard, body, SAVE)?;
    show(call, world, id)
}

fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let id = dashboards_and_looks::update(call, world, PieceKind::Dashboard, body)?;
    show(call, world, id)
}

fn relocate(call: &Call<'_>, world: &mut World) -> Answer {
    // An answer that did something else would hide the gap.
    if call.query("project_name").is_some() {
        let what = "the emulator has no projects to move a dashboard to";
        return Err(Refusal::unserved(what));
    }
    let id = dashboards_and_looks::relocate(call, world, PieceKind::Dashboard)?;
    show(call, world, id)
}

fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    dashboards_and_looks::remove(call, world, PieceKind::Dashboard)
}

/// A copy belongs to the caller; schedules, alerts and favourites stay with the original.
fn copy(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = dashboards_and_looks::seen(call, world, &viewer, PieceKind::Dashboard)?;
    may(world, &viewer, SAVE)?;
    let original = world.content.dashboards.at(id);
    let original = original.ok_or_else(Refusal::not_found)?.clone();
    let folder = target(call)?.or(original.folder);
    let folder = folder.ok_or_else(|| Refusal::missing("folder_id"))?;
    check_place(world, &viewer, folder)?;
    let (elements, filters) = (original.elements.clone(), original.filters.clone());
    let copy = world.add_piece(
        PieceKind::Dashboard,
        Piece {
            title: free_title(world, folder, &original.title),
            folder: Some(folder),
            owner: Some(viewer.user),
            // An empty slug is replaced by a new one, since slugs are unique.
            slug: String::new(),
            // Parts are added below, because each belongs to one dashboard only.
            elements: Vec::new(),
            filters: Vec::new(),
            layouts: Vec::new(),
            deleted_at: None,
            deleter: None,
            ..original
        },
    );
    for element in elements {
        let element = world.content.elements.at(element).cloned();
        if let Some(element) = element {
            world.add_element(Element {
                dashboard: copy,
                ..element
            });
        }
    }
    for filter in filters {
        if let Some(filter) = world.content.parts.filters.at(filter).cloned() {
            world.add_filter(DashboardFilter {
                dashboard: copy,
                ..filter
            });
        }
    }
    show(call, world, copy)
}

/// `title`, or with `(copy)` behind it if it is taken, or with `(copy 2)` and so on.
fn free_title(world: &World, folder: Id, title: &str) -> String {
    // A copy into the same folder must not have the same title.
    let first = [title.to_owned(), format!("{title} (copy)")];
    let more = (2_u32..).map(|number| format!("{title} (copy {number})"));
    first
        .into_iter()
        .chain(more)
        .find(|title| !world.title_taken(PieceKind::Dashboard, folder, title, None))
        .unwrap_or_default()
}

/// Show one dashboard.
pub(super) fn show(call: &Call<'_>, world: &World, id: Id) -> Answer {
    dashboards_and_looks::show(call, world, PieceKind::Dashboard, id, dashboard_json)
}
