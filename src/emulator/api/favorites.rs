//! Favourites: one, those that match; adding and taking away.

use serde_json::Value;

use crate::emulator::api::content_json::dashboard_base_json;
use crate::emulator::api::look_json::{View, look_basic_json};
use crate::emulator::api::usual::usual;
use crate::emulator::api::viewer;
use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::body;
use crate::emulator::http::call::{Call, parse_id};
use crate::emulator::http::fields::{Fields, Shown};
use crate::emulator::http::listing::{self, Filters};
use crate::emulator::http::operation::{Service, op};
use crate::emulator::switches::BlindSearch;
use crate::emulator::world::content_access::{Thing, Viewer};
use crate::emulator::world::favorites::Favorite;
use crate::emulator::world::{Id, World, id_text};

const SEARCHED: &[&str] = &[
    "id",
    "user_id",
    "content_metadata_id",
    "dashboard_id",
    "look_id",
    "board_id",
    "lookml_dashboard_id",
];

pub(super) const OPERATIONS: &[Service] = &[
    op("search_content_favorites", search),
    op("content_favorite", one),
    op("create_content_favorite", create),
    op("delete_content_favorite", remove),
];

fn search(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    // `board_id` means the content of a board only with `include_board_items`; otherwise the board
    // itself.
    let items = call.flag("include_board_items")?.unwrap_or(false);
    let on_board = call.query("board_id").filter(|_id| items);
    let on_board = on_board.and_then(parse_id);
    let names = SEARCHED.iter().copied();
    let names: Vec<&str> = names
        .filter(|name| on_board.is_none() || *name != "board_id")
        .collect();
    let filters = Filters::of(call, &names)?;
    let (user, meta) = (filters.only("user_id"), filters.only("content_metadata_id"));
    let seen = seen(world, &viewer).filter(|(_, favorite)| {
        user.is_none_or(|user| favorite.user == user)
            && meta.is_none_or(|meta| favorite.meta == meta)
    });
    let seen = seen.filter(|(_, favorite)| match on_board {
        Some(board) => is_on_board(world, board, favorite.meta),
        None => true,
    });
    let blind = world.rules.switches.is_blind_to(BlindSearch::Favorites);
    // A blind search shows only the caller's own favorites.
    let seen = seen.filter(|(_, favorite)| !blind || favorite.user == viewer.user);
    listing::search(call, &filters, seen, |fields, (id, favorite)| {
        favorite_json(
            fields,
            View {
                world,
                viewer: &viewer,
            },
            id,
            *favorite,
        )
    })
}

/// All favourites for administrators, one's own for the others.
fn seen<'a>(world: &'a World, viewer: &Viewer) -> impl Iterator<Item = (Id, &'a Favorite)> {
    let (admin, user) = (viewer.admin, viewer.user);
    let favorites = world.content.favorites.0.iter();
    favorites.filter(move |(_, favorite)| admin || favorite.user == user)
}

/// Whether the metadata is that of a board, or of something that the board links to.
fn is_on_board(world: &World, board: Id, meta: Id) -> bool {
    let linked = world.content.board_items.iter().filter(|(_, item)| {
        let section = world.content.sections.at(item.section);
        section.is_some_and(|section| section.board == board)
    });
    let mut things = linked
        .map(|(_, item)| item.thing)
        .chain([Thing::Board(board)]);
    things.any(|thing| world.meta_of(thing) == Some(meta))
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = own(call, world, &viewer)?;
    show(call, world, &viewer, id)
}

/// For the caller; for others as an administrator, if a switch says that Looker lets one.
fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let viewer = viewer(call, world)?;
    body::require(&body, &["content_metadata_id"])?;
    let user = body::id(&body, "user_id")?.unwrap_or(viewer.user);
    // Whether an admin may add favorites for others is not documented.
    let for_others = viewer.admin && world.rules.switches.favorites_for_others;
    if user != viewer.user && !for_others {
        return Err(Refusal::not_found());
    }
    world.users.at(user).ok_or_else(Refusal::not_found)?;
    let meta = body::id(&body, "content_metadata_id")?.ok_or_else(Refusal::not_found)?;
    let marked = world.content.metadata.at(meta);
    let marked = marked.ok_or_else(Refusal::not_found)?.thing;
    if !world.sees(&viewer, marked) {
        return Err(Refusal::not_found());
    }
    // One favorite per user and content.
    if world.content.favorites.of(user, meta).is_some() {
        return Err(Refusal::new(409, "This content is a favorite already."));
    }
    let id = world.content.favorites.0.insert(Favorite { user, meta });
    show(call, world, &viewer, id)
}

fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = own(call, world, &viewer)?;
    let favorite = world.content.favorites.at(id);
    let others = favorite.is_some_and(|favorite| favorite.user != viewer.user);
    if others && !world.rules.switches.favorites_for_others {
        return Err(Refusal::not_found());
    }
    world.content.favorites.0.remove(id);
    Ok(Reply::no_content())
}

/// The favourite that the path names, if it is the caller's, or the caller is an administrator.
fn own(call: &Call<'_>, world: &World, viewer: &Viewer) -> Result<Id, Refusal> {
    let id = call.id("content_favorite_id")?;
    let favorite = world.content.favorites.at(id);
    let favorite = favorite.ok_or_else(Refusal::not_found)?;
    let own = viewer.admin || favorite.user == viewer.user;
    own.then_some(id).ok_or_else(Refusal::not_found)
}

fn show(call: &Call<'_>, world: &World, viewer: &Viewer, id: Id) -> Answer {
    let favorite = world.content.favorites.at(id);
    let favorite = *favorite.ok_or_else(Refusal::not_found)?;
    json_answer(favorite_json(
        &call.fields,
        View { world, viewer },
        id,
        favorite,
    ))
}

fn favorite_json(fields: &Fields, view: View<'_>, id: Id, favorite: Favorite) -> Value {
    let world = view.world;
    let thing = world.content.metadata.at(favorite.meta);
    let thing = thing.map(|meta| meta.thing);
    let mut shown = Shown::new(fields);
    shown.put("id", || id_text(id));
    shown.put("user_id", || id_text(favorite.user));
    shown.put("content_metadata_id", || id_text(favorite.meta));
    shown.lay(usual("content_favorite"));
    match thing {
        Some(Thing::Dashboard(id)) => {
            shown.put("dashboard_id", || id_text(id));
            if let Some(piece) = world.content.dashboards.at(id) {
                let fields = shown.inside("dashboard");
                shown.put("dashboard", || {
                    dashboard_base_json(fields, view, (id, piece))
                });
            }
        }
        Some(Thing::Look(id)) => {
            shown.put("look_id", || id_text(id));
            if let Some(piece) = world.content.looks.at(id) {
                let fields = shown.inside("look");
                shown.put("look", || look_basic_json(fields, view, (id, piece)));
            }
        }
        Some(Thing::Board(id)) => shown.put("board_id", || id_text(id)),
        Some(Thing::Folder(_)) | None => {}
    }
    shown.done()
}
