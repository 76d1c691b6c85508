//! Groups that are in groups.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::emulator::answer::{Answer, Refusal, Reply, add, json_answer};
use crate::emulator::api::groups::{SEARCH, SEARCHED, group_json, one_json, seen};
use crate::emulator::call::{Call, parse_id};
use crate::emulator::listing;
use crate::emulator::operation::{Operation, delete, get, post};
use crate::emulator::world::kinds::ALL_USERS;
use crate::emulator::world::{World, id_text, id_texts};

const GROUPS: &str = "/groups/{group_id}/groups";

pub(super) const OPERATIONS: &[Operation] = &[
    get("all_group_groups", GROUPS, all)
        .query(&["fields"])
        .admin(),
    post("add_group_group", GROUPS, put).json().admin(),
    delete(
        "delete_group_from_group",
        "/groups/{group_id}/groups/{deleting_group_id}",
        remove,
    )
    .admin(),
    get(
        "search_groups_with_hierarchy",
        "/groups/search/with_hierarchy",
        search,
    )
    .query(SEARCH)
    .admin(),
];

fn all(call: &Call<'_>, world: &mut World) -> Answer {
    let group = world.groups.at(call.id("group_id")?);
    let group = group.ok_or_else(Refusal::not_found)?;
    let who = call.who()?.user;
    let inner = group.groups.iter();
    let shown = inner.filter_map(|id| Some(group_json(world, who, *id, world.groups.at(*id)?)));
    json_answer(shown.collect())
}

/// Recorded: the answer is the group that was put in.
fn put(call: &Call<'_>, world: &mut World) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        group_id: Option<String>,
    }

    let body: Body = call.body()?;
    let outer = call.id("group_id")?;
    world.groups.at(outer).ok_or_else(Refusal::not_found)?;
    let inner = body.group_id.ok_or_else(|| Refusal::missing("group_id"))?;
    let inner = parse_id(&inner).filter(|id| world.groups.at(*id).is_some());
    let inner = inner.ok_or_else(Refusal::not_found)?;
    match world.groups.put_in(outer, inner) {
        true => one_json(call, world, inner),
        false => Err(Refusal::invalid(
            "group_id",
            "invalid",
            "a group cannot be in itself",
        )),
    }
}

fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    let (outer, inner) = (call.id("group_id")?, call.id("deleting_group_id")?);
    match world.groups.take_out(outer, inner) {
        true => Ok(Reply::no_content()),
        false => Err(Refusal::not_found()),
    }
}

/// Recorded: every group is in that of all users as well.
fn search(call: &Call<'_>, world: &mut World) -> Answer {
    let mut groups = seen(call, world)?;
    for shown in &mut groups {
        let id = shown.get("id").and_then(Value::as_str).and_then(parse_id);
        let Some((id, group)) = id.and_then(|id| Some((id, world.groups.at(id)?))) else {
            continue;
        };
        let everybody = (id != ALL_USERS).then(|| id_text(ALL_USERS));
        let outer = world.groups.holding(id).map(id_text);
        let parents: Vec<String> = everybody.into_iter().chain(outer).collect();
        let roles = id_texts(&group.roles);
        add(shown, "parent_group_ids", json!(parents));
        add(shown, "role_ids", roles);
    }
    listing::search(call, SEARCHED, groups)
}
