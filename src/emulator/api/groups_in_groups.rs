//! Groups that are in groups, and the searches that tell what else a group has.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::emulator::api::groups::{SEARCHED, group_json, one_json, put_group, seen};
use crate::emulator::api::roles::role_json;
use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::call::{Call, parse_id};
use crate::emulator::http::fields::Shown;
use crate::emulator::http::listing::{self, Filters};
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::kinds::ALL_USERS;
use crate::emulator::world::{World, id_text, id_texts};

pub(super) const OPERATIONS: &[Service] = &[
    op("all_group_groups", all).admin(),
    op("add_group_group", put).admin(),
    op("delete_group_from_group", remove).admin(),
    op("search_groups_with_hierarchy", search).admin(),
    op("search_groups_with_roles", search_with_roles).admin(),
];

fn all(call: &Call<'_>, world: &mut World) -> Answer {
    let group = world.groups.at(call.id("group_id")?);
    let group = group.ok_or_else(Refusal::not_found)?;
    let who = call.who()?.user;
    let inner = group.groups.iter();
    let shown = inner.filter_map(|id| {
        Some(group_json(
            &call.fields,
            world,
            who,
            *id,
            world.groups.at(*id)?,
        ))
    });
    json_answer(shown.collect())
}

/// Recorded: the answer is the group that was put in.
fn put(call: &Call<'_>, world: &mut World) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        group_id: Option<String>,
    }

    let body: Body = call.body()?;
    let outer = call.id("group_id")?;
    world.groups.at(outer).ok_or_else(Refusal::not_found)?;
    let inner = body.group_id.ok_or_else(|| Refusal::missing("group_id"))?;
    let inner = parse_id(&inner).filter(|id| world.groups.at(*id).is_some());
    let inner = inner.ok_or_else(Refusal::not_found)?;
    // A cycle would make membership endless.
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
    let who = call.who()?;
    let filters = Filters::of(call, SEARCHED)?;
    listing::search(call, &filters, seen(who, world), |fields, (id, group)| {
        let mut shown = Shown::new(fields);
        put_group(&mut shown, world, who.user, (id, group));
        shown.put("parent_group_ids", || {
            // The group of all users contains every other group.
            let everybody = (id != ALL_USERS).then(|| id_text(ALL_USERS));
            let outer = world.groups.holding(id).map(id_text);
            json!(everybody.into_iter().chain(outer).collect::<Vec<_>>())
        });
        shown.put("role_ids", || id_texts(&group.roles));
        shown.done()
    })
}

fn search_with_roles(call: &Call<'_>, world: &mut World) -> Answer {
    let who = call.who()?;
    let filters = Filters::of(call, SEARCHED)?;
    listing::search(call, &filters, seen(who, world), |fields, (id, group)| {
        let mut shown = Shown::new(fields);
        put_group(&mut shown, world, who.user, (id, group));
        shown.put("roles", || -> Value {
            let roles = group.roles.iter();
            let roles = roles.filter_map(|id| Some(role_json(world, *id, world.roles.at(*id)?)));
            roles.collect()
        });
        shown.done()
    })
}
