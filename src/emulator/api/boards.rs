//! Boards: one, all, those that match; creating, changing, deleting.

use jiff::Timestamp;
use serde_json::Value;

use crate::emulator::api::board_json::board_json;
use crate::emulator::api::dashboards_and_looks::may;
use crate::emulator::api::viewer;
use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::body::{self, Body};
use crate::emulator::http::call::{Call, bad_body};
use crate::emulator::http::listing::{self, Filters};
use crate::emulator::http::operation::{Service, op};
use crate::emulator::switches::BlindSearch;
use crate::emulator::world::boards::Board;
use crate::emulator::world::content_access::{Level, Thing, Viewer};
use crate::emulator::world::{Id, World, id_text};

pub(super) const OPERATIONS: &[Service] = &[
    op("all_boards", all),
    op("create_board", create),
    op("search_boards", search),
    op("board", one),
    op("update_board", update),
    op("delete_board", remove),
];

fn all(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let shown =
        seen(world, &viewer).map(|(id, board)| board_json(&call.fields, world, &viewer, id, board));
    json_answer(shown.collect())
}

fn search(call: &Call<'_>, world: &mut World) -> Answer {
    const TEXTS: &[&str] = &[
        "title",
        "created_at",
        "first_name",
        "last_name",
        "creator_id",
    ];
    let viewer = viewer(call, world)?;
    let texts = Filters::of(call, TEXTS)?;
    let favorited = call.flag("favorited")?.unwrap_or(false);
    let wanted = match call.query("permission") {
        None | Some("show") => Level::View,
        Some("update") => Level::Edit,
        // An unknown value is most likely a mistake of the client.
        Some(_) => {
            return Err(
                Refusal::new(400, "Bad Request: 'permission' is show or update")
                    .violation("an unknown `permission`"),
            );
        }
    };
    let world: &World = world;
    let creator = texts.only("creator_id");
    let found =
        seen(world, &viewer).filter(|(_, board)| creator.is_none() || board.owner == creator);
    let found = found.filter(|(id, board)| {
        let owner = || board.owner.and_then(|id| world.users.at(id));
        let favorites = &world.content.favorites;
        // The level decides, so a board that can only be seen is not found for `update`.
        world.level(&viewer, Thing::Board(*id)) >= Some(wanted)
            && (!favorited || favorites.of(viewer.user, board.meta).is_some())
            && texts.pass(|name| match name {
                "title" => board.title.clone(),
                "created_at" => Some(world.time(board.created_at)),
                "creator_id" => board.owner.map(id_text),
                "first_name" => owner()?.first_name.as_deref().map(ToOwned::to_owned),
                _ => owner()?.last_name.as_deref().map(ToOwned::to_owned),
            })
    });
    let found = found.filter(|_board| !world.rules.switches.is_blind_to(BlindSearch::Boards));
    listing::answer(call, found, |fields, (id, board)| {
        board_json(fields, world, &viewer, id, board)
    })
}

/// The boards the caller may see, but for those in the trash.
fn seen<'a>(world: &'a World, viewer: &'a Viewer) -> impl Iterator<Item = (Id, &'a Board)> {
    world
        .content
        .boards
        .iter()
        // A deleted board can only be restored by its id.
        .filter(|(id, board)| board.deleted_at.is_none() && world.sees(viewer, Thing::Board(*id)))
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = call.id("board_id")?;
    let seen = world.sees(&viewer, Thing::Board(id));
    show(
        call,
        world,
        &viewer,
        seen.then_some(id).ok_or_else(Refusal::not_found)?,
    )
}

fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let viewer = viewer(call, world)?;
    may(world, &viewer, &["save_content"])?;
    let mut board = Board {
        owner: Some(viewer.user),
        ..Board::default()
    };
    change(world, &viewer, &mut board, &body)?;
    let id = world.add_board(board);
    show(call, world, &viewer, id)
}

fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let viewer = viewer(call, world)?;
    let id = call.id("board_id")?;
    let board = world.content.boards.at(id).ok_or_else(Refusal::not_found)?;
    let mut board = board.clone();
    // A board that cannot be edited looks like one that does not exist.
    if world.level(&viewer, Thing::Board(id)) != Some(Level::Edit) {
        return Err(Refusal::not_found());
    }
    // Changed in a copy, so that a refusal halfway leaves the board as it was.
    change(world, &viewer, &mut board, &body)?;
    board.updated_at = world.now;
    if let Some(place) = world.content.boards.at_mut(id) {
        *place = board;
    }
    show(call, world, &viewer, id)
}

/// A board that is deleted is gone; one with `deleted_at` is in the trash.
fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = call.id("board_id")?;
    if world.level(&viewer, Thing::Board(id)) != Some(Level::Edit) {
        return Err(Refusal::not_found());
    }
    world.remove_board(id);
    Ok(Reply::no_content())
}

fn change(world: &World, viewer: &Viewer, board: &mut Board, body: &Body) -> Result<(), Refusal> {
    if let Some(owner) = body::id(body, "user_id")? {
        // Only an admin may give a board to another user.
        if board.owner != Some(owner) && !viewer.admin {
            return Err(Refusal::not_found());
        }
        world.users.at(owner).ok_or_else(Refusal::not_found)?;
        let switches = &world.rules.switches;
        // Some Lookers accept the field and ignore it.
        if switches.takes_owner(Some(switches.boards_take_owner)) {
            board.owner = Some(owner);
        }
    }
    let given = |name: &str, place: &mut Option<String>| {
        if let Some(value) = body.get(name) {
            *place = value.as_str().map(ToOwned::to_owned);
        }
    };
    given("title", &mut board.title);
    given("description", &mut board.description);
    if let Some(value) = body.get("deleted_at") {
        board.deleted_at = value.as_str().map(time).transpose()?;
    }
    if let Some(order) = body.get("section_order").and_then(Value::as_array) {
        let order = order.iter().filter_map(Value::as_str);
        board.section_order = order.map(ToOwned::to_owned).collect();
    }
    Ok(())
}

/// A time as callers write it.
pub(super) fn time(text: &str) -> Result<i64, Refusal> {
    let time: Result<Timestamp, _> = text.parse();
    time.map(Timestamp::as_second)
        .map_err(|_error| bad_body("`deleted_at` is not a time"))
}

fn show(call: &Call<'_>, world: &World, viewer: &Viewer, id: Id) -> Answer {
    let board = world.content.boards.at(id).ok_or_else(Refusal::not_found)?;
    json_answer(board_json(&call.fields, world, viewer, id, board))
}
