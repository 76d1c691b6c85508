//! The sections of boards, and the links in them: all, one, creating, changing, deleting.

use serde_json::Value;

use crate::emulator::api::board_json::{item_json, section_json};
use crate::emulator::api::boards::time;
use crate::emulator::api::viewer;
use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::body::{self, Body};
use crate::emulator::http::call::{Call, parse_id};
use crate::emulator::http::listing;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::content_access::{Level, Thing, Viewer};
use crate::emulator::world::{Id, World};

pub(super) const OPERATIONS: &[Service] = &[
    op("all_board_items", all_items),
    op("all_board_sections", all_sections),
    op("board_item", item),
    op("board_section", section),
    op("create_board_item", create_item),
    op("create_board_section", create_section),
    op("delete_board_item", remove_item),
    op("delete_board_section", remove_section),
    op("update_board_item", update_item),
    op("update_board_section", update_section),
];

fn all_sections(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let world: &World = world;
    let sections = world.content.sections.iter();
    let seen = sections.filter(|(_, section)| world.sees(&viewer, Thing::Board(section.board)));
    listing::answer(call, seen, |_fields, (id, section)| {
        section_json(world, &viewer, id, section)
    })
}

fn all_items(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let within = call.query("board_section_id").map(parse_id);
    let world: &World = world;
    let items = world.content.board_items.iter().filter(|(_, item)| {
        let board = world
            .content
            .sections
            .at(item.section)
            .map(|section| section.board);
        within.is_none_or(|section| section == Some(item.section))
            && board.is_some_and(|board| world.sees(&viewer, Thing::Board(board)))
            && world.sees(&viewer, item.thing)
    });
    listing::answer(call, items, |_fields, (id, item)| {
        item_json(world, &viewer, id, item).unwrap_or_default()
    })
}

fn section(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = call.id("board_section_id")?;
    check_section(world, &viewer, id, Level::View)?;
    show_section(world, &viewer, id)
}

fn create_section(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    body::require(&body, &["board_id"])?;
    let viewer = viewer(call, world)?;
    let board = body::id(&body, "board_id")?.ok_or_else(Refusal::not_found)?;
    check_board(world, &viewer, board, Level::Edit)?;
    let id = world.add_section(board, "");
    change_section(world, id, &body)?;
    show_section(world, &viewer, id)
}

fn update_section(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let viewer = viewer(call, world)?;
    let id = call.id("board_section_id")?;
    check_section(world, &viewer, id, Level::Edit)?;
    change_section(world, id, &body)?;
    show_section(world, &viewer, id)
}

fn change_section(world: &mut World, id: Id, body: &Body) -> Result<(), Refusal> {
    let now = world.now;
    let section = world.content.sections.at_mut(id);
    let section = section.ok_or_else(Refusal::not_found)?;
    if let Some(value) = body.get("deleted_at") {
        section.deleted_at = value.as_str().map(time).transpose()?;
    }
    if let Some(title) = body.get("title") {
        section.title = title.as_str().unwrap_or_default().to_owned();
    }
    if let Some(description) = body.get("description") {
        section.description = description.as_str().map(ToOwned::to_owned);
    }
    if let Some(order) = body.get("item_order").and_then(Value::as_array) {
        let order: Vec<Id> = order
            .iter()
            .filter_map(|id| parse_id(id.as_str()?))
            .collect();
        let place = |id: &Id| order.iter().position(|known| known == id);
        // What is not named keeps its order, behind what is.
        section
            .items
            .sort_by_key(|id| place(id).unwrap_or(usize::MAX));
    }
    section.updated_at = now;
    Ok(())
}

fn remove_section(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = call.id("board_section_id")?;
    check_section(world, &viewer, id, Level::Edit)?;
    world.remove_section(id);
    Ok(Reply::no_content())
}

fn item(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = reachable_item(call, world, &viewer, Level::View)?;
    show_item(world, &viewer, id)
}

/// A link leads to a dashboard or a look that its maker may see.
fn create_item(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    body::require(&body, &["board_section_id"])?;
    let viewer = viewer(call, world)?;
    let section = body::id(&body, "board_section_id")?.ok_or_else(Refusal::not_found)?;
    check_section(world, &viewer, section, Level::Edit)?;
    let dashboard = body::id(&body, "dashboard_id")?.map(Thing::Dashboard);
    let thing = dashboard.or(body::id(&body, "look_id")?.map(Thing::Look));
    let thing = thing.ok_or_else(|| Refusal::missing("dashboard_id"))?;
    let seen = world.sees(&viewer, thing);
    seen.then_some(()).ok_or_else(Refusal::not_found)?;
    let id = world.add_board_item(section, thing);
    change_item(world, id, section, body);
    show_item(world, &viewer, id)
}

fn update_item(call: &Call<'_>, world: &mut World) -> Answer {
    let body = call.object()?;
    let viewer = viewer(call, world)?;
    let id = reachable_item(call, world, &viewer, Level::Edit)?;
    let item = world.content.board_items.at(id);
    let before = item.ok_or_else(Refusal::not_found)?.section;
    let section = body::id(&body, "board_section_id")?.unwrap_or(before);
    check_section(world, &viewer, section, Level::Edit)?;
    change_item(world, id, section, body);
    show_item(world, &viewer, id)
}

/// What a link leads to stays.
fn change_item(world: &mut World, id: Id, section: Id, mut body: Body) {
    let moved = world
        .content
        .board_items
        .at(id)
        .is_some_and(|item| item.section != section);
    let order = body.remove("order").and_then(|order| order.as_u64());
    let order = order.and_then(|order| usize::try_from(order).ok());
    if moved || order.is_some() {
        world.place_board_item(id, section, order);
    }
    body.retain(|name, _| name.contains("custom"));
    if let Some(item) = world.content.board_items.at_mut(id) {
        item.rest.extend(body);
    }
}

fn remove_item(call: &Call<'_>, world: &mut World) -> Answer {
    let viewer = viewer(call, world)?;
    let id = reachable_item(call, world, &viewer, Level::Edit)?;
    world.remove_board_item(id);
    Ok(Reply::no_content())
}

/// The link that the path names, if the caller may go so far with its board.
fn reachable_item(
    call: &Call<'_>,
    world: &World,
    viewer: &Viewer,
    level: Level,
) -> Result<Id, Refusal> {
    let id = call.id("board_item_id")?;
    let item = world.content.board_items.at(id);
    check_section(
        world,
        viewer,
        item.ok_or_else(Refusal::not_found)?.section,
        level,
    )?;
    Ok(id)
}

fn check_section(world: &World, viewer: &Viewer, id: Id, level: Level) -> Result<(), Refusal> {
    let section = world.content.sections.at(id);
    check_board(
        world,
        viewer,
        section.ok_or_else(Refusal::not_found)?.board,
        level,
    )
}

fn check_board(world: &World, viewer: &Viewer, id: Id, level: Level) -> Result<(), Refusal> {
    let allowed = world.level(viewer, Thing::Board(id)) >= Some(level);
    allowed.then_some(()).ok_or_else(Refusal::not_found)
}

fn show_section(world: &World, viewer: &Viewer, id: Id) -> Answer {
    let section = world.content.sections.at(id);
    let section = section.ok_or_else(Refusal::not_found)?;
    json_answer(section_json(world, viewer, id, section))
}

fn show_item(world: &World, viewer: &Viewer, id: Id) -> Answer {
    let item = world.content.board_items.at(id);
    let item = item.ok_or_else(Refusal::not_found)?;
    json_answer(item_json(world, viewer, id, item).ok_or_else(Refusal::not_found)?)
}
