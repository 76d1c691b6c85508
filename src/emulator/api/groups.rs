//! Groups and their members.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::emulator::api::user_json::user_json;
use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::call::{Call, Who, parse_id};
use crate::emulator::http::fields::{Fields, Shown};
use crate::emulator::http::listing::{self, Filters};
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::groups::Group;
use crate::emulator::world::kinds::ALL_USERS;
use crate::emulator::world::{Id, World, id_text};

pub(super) const SEARCHED: &[&str] = &[
    "id",
    "name",
    "external_group_id",
    "externally_managed",
    "externally_orphaned",
];

pub(super) const OPERATIONS: &[Service] = &[
    op("all_groups", all),
    op("create_group", create).admin(),
    op("search_groups", search),
    op("group", one),
    op("update_group", update).admin(),
    op("delete_group", remove).admin(),
    op("all_group_users", members).admin(),
    op("add_group_user", add_member).admin(),
    op("delete_group_user", remove_member).admin(),
];

fn all(call: &Call<'_>, world: &mut World) -> Answer {
    let ids = call.list("ids");
    let wanted = |id: Id| {
        let ids = ids.as_ref();
        ids.is_none_or(|ids| ids.iter().any(|text| parse_id(text) == Some(id)))
    };
    let who = call.who()?;
    let groups = seen(who, world).filter(|(id, _)| wanted(*id));
    listing::answer(call, groups, |fields, (id, group)| {
        group_json(fields, world, who.user, id, group)
    })
}

fn search(call: &Call<'_>, world: &mut World) -> Answer {
    let who = call.who()?;
    let filters = Filters::of(call, SEARCHED)?;
    listing::search(call, &filters, seen(who, world), |fields, (id, group)| {
        group_json(fields, world, who.user, id, group)
    })
}

/// The groups the caller may see: all of them, or those it is in.
pub(super) fn seen<'a>(who: &Who, world: &'a World) -> impl Iterator<Item = (Id, &'a Group)> {
    let groups = world.groups.table.iter();
    groups.filter(|(_, group)| {
        // Others see only the groups they are in.
        who.admin || group.include_by_default || group.members.contains(&who.user)
    })
}

/// What may be written of a group, from Looker's API description.
#[derive(Deserialize)]
struct GroupBody {
    name: Option<String>,
    can_add_to_content_metadata: Option<bool>,
}

fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let body: GroupBody = call.body()?;
    let name = body.name.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Refusal::missing("name"))?;
    if world
        .groups
        .table
        .iter()
        .any(|(_, group)| group.name == name)
    {
        return Err(Refusal::invalid(
            "name",
            "already_exists",
            "'name' is taken.",
        ));
    }
    let id = world.groups.add(Group {
        name,
        can_add_to_content_metadata: body.can_add_to_content_metadata.unwrap_or(true),
        ..Group::default()
    });
    one_json(call, world, id)
}

/// The group that everyone is in cannot be changed: so says what it may be done with, as recorded.
fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("group_id")?;
    let body: GroupBody = call.body()?;
    let group = world.groups.table.at_mut(id);
    let group = group.ok_or_else(Refusal::not_found)?;
    // The group of all users cannot be changed.
    if group.include_by_default {
        return Err(Refusal::no_access());
    }
    group.name = body.name.unwrap_or_else(|| group.name.clone());
    let content = body.can_add_to_content_metadata;
    group.can_add_to_content_metadata = content.unwrap_or(group.can_add_to_content_metadata);
    one_json(call, world, id)
}

fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("group_id")?;
    let group = world.groups.at(id).ok_or_else(Refusal::not_found)?;
    if group.include_by_default {
        return Err(Refusal::no_access());
    }
    let members: Vec<Id> = group.members.iter().copied().collect();
    // Each member is taken out first, so that no user names a group that is gone.
    for member in members {
        world.take_from_group(member, id);
    }
    world.groups.remove(id);
    Ok(Reply::no_content())
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("group_id")?;
    let who = call.who()?;
    let group = world.groups.at(id).ok_or_else(Refusal::not_found)?;
    match who.admin || group.include_by_default || group.members.contains(&who.user) {
        true => one_json(call, world, id),
        false => Err(Refusal::not_found()),
    }
}

pub(super) fn one_json(call: &Call<'_>, world: &World, id: Id) -> Answer {
    let group = world.groups.at(id).ok_or_else(Refusal::not_found)?;
    json_answer(group_json(&call.fields, world, call.who()?.user, id, group))
}

fn members(call: &Call<'_>, world: &mut World) -> Answer {
    let world: &World = world;
    let id = call.id("group_id")?;
    let group = world.groups.at(id).ok_or_else(Refusal::not_found)?;
    let who = call.who()?;
    let members = world.members_of(id, group);
    let users = members.iter();
    let users = users.filter_map(|id| Some((*id, world.users.at(*id)?)));
    listing::answer(call, users, |fields, (id, user)| {
        user_json(fields, world, who.user, id, user)
    })
}

/// Looker's OpenAPI description marks `user_id` as read-only, and yet it is the body.
fn add_member(call: &Call<'_>, world: &mut World) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        user_id: Option<String>,
    }

    let body: Body = call.body()?;
    let group = call.id("group_id")?;
    world.groups.at(group).ok_or_else(Refusal::not_found)?;
    let user = body.user_id.ok_or_else(|| Refusal::missing("user_id"))?;
    let id = parse_id(&user).ok_or_else(Refusal::not_found)?;
    // The answer looks the same as that of a Looker that has added the user.
    if world.rules.switches.group_change_is_ignored {
        let user = world.users.at(id).ok_or_else(Refusal::not_found)?;
        return json_answer(user_json(&call.fields, world, call.who()?.user, id, user));
    }
    let user = world.users.at_mut(id).ok_or_else(Refusal::not_found)?;
    // Adding a member twice is no error.
    if !user.groups.contains(&group) {
        user.groups.push(group);
    }
    world.groups.join(group, id);
    let who = call.who()?;
    let user = world.users.at(id).ok_or_else(Refusal::not_found)?;
    json_answer(user_json(&call.fields, world, who.user, id, user))
}

/// Take a user out of a group, whoever put it there.
fn remove_member(call: &Call<'_>, world: &mut World) -> Answer {
    let group = call.id("group_id")?;
    let id = call.id("user_id")?;
    world.users.at(id).ok_or_else(Refusal::not_found)?;
    let member = world
        .groups
        .at(group)
        .is_some_and(|group| group.members.contains(&id));
    if !member {
        return Err(Refusal::not_found());
    }
    if world.rules.switches.group_change_is_ignored {
        return Ok(Reply::no_content());
    }
    world.take_from_group(id, group);
    Ok(Reply::no_content())
}

/// A group as the API shows it. Recorded: the one that everyone is in is managed elsewhere, and cannot be changed.
pub(super) fn group_json(fields: &Fields, world: &World, who: Id, id: Id, group: &Group) -> Value {
    let mut shown = Shown::new(fields);
    put_group(&mut shown, world, who, (id, group));
    shown.done()
}

/// The same, among other fields.
pub(super) fn put_group(shown: &mut Shown<'_>, world: &World, who: Id, (id, group): (Id, &Group)) {
    let everybody = id == ALL_USERS && group.include_by_default;
    shown.put("can", || {
        json!({
            "add_to_content_metadata": group.can_add_to_content_metadata,
            "create": true,
            "delete": !everybody,
            "edit_in_ui": !everybody,
            "index": true,
            "show": true,
            "update": !everybody,
        })
    });
    shown.put("id", || id_text(id));
    shown.put("name", || group.name.as_str());
    shown.put("can_add_to_content_metadata", || {
        group.can_add_to_content_metadata
    });
    shown.put("contains_current_user", || {
        everybody || group.members.contains(&who)
    });
    shown.put("external_group_id", || group.external_group_id.as_deref());
    shown.put("externally_managed", || everybody);
    shown.put("include_by_default", || group.include_by_default);
    shown.put("user_count", || match everybody {
        // All users are members, without being listed.
        true => world.users.table.len(),
        false => group.members.len(),
    });
}
