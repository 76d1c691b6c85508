//! Looks: one, all, those that match or are in a folder; making, changing, moving, deleting.

use serde_json::json;

use crate::emulator::api::content_json::{full_look_json, look_json};
use crate::emulator::api::dashboards_and_looks;
use crate::emulator::api::queries::{self, save};
use crate::emulator::api::viewer;
use crate::emulator::http::answer::{Answer, Refusal};
use crate::emulator::http::body::{self, Body, Field, Kind, firm, open};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Operation, delete, get, patch, post};
use crate::emulator::world::kinds::PieceKind;
use crate::emulator::world::{Id, World};

const FIELDS: &[&str] = &["fields"];
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
const SEARCH: &[&str] = &[
    "id",
    "title",
    "description",
    "content_favorite_id",
    "folder_id",
    "user_id",
    "view_count",
    "deleted",
    "query_id",
    "curate",
    "last_viewed_at",
    "fields",
    "page",
    "per_page",
    "limit",
    "offset",
    "sorts",
    "filter_or",
];

pub(super) const OPERATIONS: &[Operation] = &[
    get("all_looks", "/looks", all).query(FIELDS),
    post("create_look", "/looks", create).query(FIELDS).json(),
    get("search_looks", "/looks/search", search).query(SEARCH),
    get("look", "/looks/{look_id}", one).query(FIELDS),
    patch("update_look", "/looks/{look_id}", update)
        .query(FIELDS)
        .json(),
    delete("delete_look", "/looks/{look_id}", remove),
    patch("move_look", "/looks/{look_id}/move", relocate).query(&["folder_id"]),
    get("folder_looks", "/folders/{folder_id}/looks", in_folder).query(FIELDS),
];

/// What may be written of a look, from Looker's OpenAPI description.
const WRITABLE: &[Field] = &[
    open("title", Kind::Text),
    open("user_id", Kind::Text),
    open("certification_metadata", Kind::Object),
    firm("deleted", Kind::Flag),
    open("description", Kind::Text),
    firm("is_run_on_load", Kind::Flag),
    open("model", Kind::Object),
    firm("public", Kind::Flag),
    open("query_id", Kind::Text),
    open("folder", Kind::Object),
    open("folder_id", Kind::Text),
    firm("query", Kind::Part(queries::WRITABLE)),
];

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
    let viewer = viewer(call, world)?;
    let id = dashboards_and_looks::seen(call, world, &viewer, PieceKind::Look)?;
    show(call, world, id)
}

fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let body = read(call, world)?;
    if !body.contains_key("query_id") {
        return Err(Refusal::missing("query_id"));
    }
    let save = &["save_content", "save_looks"];
    let id = dashboards_and_looks::create(call, world, PieceKind::Look, body, save)?;
    show(call, world, id)
}

fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let body = read(call, world)?;
    let id = dashboards_and_looks::update(call, world, PieceKind::Look, body)?;
    show(call, world, id)
}

/// The body; a query in it is saved, and its id put in its place.
fn read(call: &Call<'_>, world: &mut World) -> Result<Body, Refusal> {
    let mut body = body::read(call, WRITABLE)?;
    if let Some(query) = body.remove("query") {
        let query = query.as_object().cloned().unwrap_or_default();
        let id = save(world, query)?;
        body.entry("query_id").or_insert(json!(id.to_string()));
    }
    Ok(body)
}

fn relocate(call: &Call<'_>, world: &mut World) -> Answer {
    let id = dashboards_and_looks::relocate(call, world, PieceKind::Look)?;
    show(call, world, id)
}

fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    dashboards_and_looks::remove(call, world, PieceKind::Look)
}

fn show(call: &Call<'_>, world: &World, id: Id) -> Answer {
    dashboards_and_looks::show(call, world, PieceKind::Look, id, full_look_json)
}
