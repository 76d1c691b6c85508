//! Roles that come, change and go, and who has them.

use serde::Deserialize;

use crate::emulator::api::groups::group_json;
use crate::emulator::api::roles::role_json;
use crate::emulator::api::user_json::user_json;
use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::call::{Call, bad_body, parse_id};
use crate::emulator::http::fields::Fields;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::roles::Role;
use crate::emulator::world::{Id, World};

pub(super) const OPERATIONS: &[Service] = &[
    op("create_role", create).admin(),
    op("update_role", update).admin(),
    op("delete_role", remove).admin(),
    op("role_groups", groups).admin(),
    op("set_role_groups", set_groups).admin(),
    op("role_users", users).admin(),
    op("set_role_users", set_users).admin(),
];

/// What may be written of a role, from Looker's API description.
#[derive(Deserialize)]
struct Body {
    name: Option<String>,
    permission_set_id: Option<String>,
    model_set_id: Option<String>,
}

impl Body {
    /// The sets it names; recorded: one that does not exist is an invalid field, called as the thing.
    fn sets(&self, world: &World) -> Result<(Option<Id>, Option<Id>), Refusal> {
        let wrong =
            |field: &str| Refusal::invalid(field, "invalid", format!("'{field}' is not known."));
        let roles = &world.roles;
        let permission_set = self.permission_set_id.as_deref();
        let permission_set = permission_set.map(|text| {
            let id = parse_id(text).filter(|id| roles.permission_sets.at(*id).is_some());
            id.ok_or_else(|| wrong("permission_set"))
        });
        let model_set = self.model_set_id.as_deref();
        let model_set = model_set.map(|text| {
            let id = parse_id(text).filter(|id| roles.model_sets.at(*id).is_some());
            id.ok_or_else(|| wrong("model_set"))
        });
        Ok((permission_set.transpose()?, model_set.transpose()?))
    }

    fn check_name(&self, world: &World, except: Option<Id>) -> Result<(), Refusal> {
        let mut others = world.roles.table.iter();
        // Its own name is not taken.
        match others.any(|(id, role)| Some(id) != except && Some(&role.name) == self.name.as_ref())
        {
            true => Err(Refusal::invalid(
                "name",
                "already_exists",
                "Name is already in use.",
            )),
            false => Ok(()),
        }
    }
}

fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let body: Body = call.body()?;
    body.check_name(world, None)?;
    let (permission_set, model_set) = body.sets(world)?;
    let invalid =
        |field| move || Refusal::invalid(field, "invalid", format!("'{field}' is missing."));
    let id = world.roles.table.insert(Role {
        name: body.name.ok_or_else(|| Refusal::missing("name"))?,
        permission_set: permission_set.ok_or_else(invalid("permission_set"))?,
        model_set: model_set.ok_or_else(invalid("model_set"))?,
        embedded: false,
    });
    show(world, id)
}

fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("role_id")?;
    let body: Body = call.body()?;
    body.check_name(world, Some(id))?;
    let (permission_set, model_set) = body.sets(world)?;
    // The admin role must stay as it is, or no one could repair the instance.
    if world.roles.is_admin(id) {
        return Err(Refusal::no_access());
    }
    let role = world.roles.table.at_mut(id);
    let role = role.ok_or_else(Refusal::not_found)?;
    role.name = body.name.unwrap_or_else(|| role.name.clone());
    role.permission_set = permission_set.unwrap_or(role.permission_set);
    role.model_set = model_set.unwrap_or(role.model_set);
    show(world, id)
}

fn show(world: &World, id: Id) -> Answer {
    let role = world.roles.at(id).ok_or_else(Refusal::not_found)?;
    json_answer(role_json(world, id, role))
}

/// Recorded: the role of administrators cannot be deleted.
fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("role_id")?;
    world.roles.at(id).ok_or_else(Refusal::not_found)?;
    if world.roles.is_admin(id) {
        return Err(Refusal::no_access());
    }
    // Taken from everyone first, so that no user or group names a role that is gone.
    give_to_groups(world, id, &[]);
    give_to_users(world, id, &[]);
    world.roles.table.remove(id);
    Ok(Reply::no_content())
}

fn groups(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("role_id")?;
    world.roles.at(id).ok_or_else(Refusal::not_found)?;
    let who = call.who()?;
    let groups = world.groups.table.iter();
    let groups = groups.filter(|(_, group)| group.roles.contains(&id));
    json_answer(
        groups
            .map(|(id, group)| group_json(&call.fields, world, who.user, id, group))
            .collect(),
    )
}

/// The whole list is replaced; recorded: the answer is in the order of the ids.
fn set_groups(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("role_id")?;
    world.roles.at(id).ok_or_else(Refusal::not_found)?;
    let ids = ids(call)?;
    // All ids are checked before anything changes.
    if !ids.iter().all(|id| world.groups.at(*id).is_some()) {
        return Err(Refusal::not_found());
    }
    give_to_groups(world, id, &ids);
    groups(call, world)
}

fn users(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("role_id")?;
    world.roles.at(id).ok_or_else(Refusal::not_found)?;
    let direct = call.flag("direct_association_only")?.unwrap_or(false);
    let who = call.who()?;
    let all = world.users.table.iter();
    let having = all.filter(|(_, user)| world.roles_of(user, direct).contains(&id));
    let shown = having.map(|(id, user)| user_json(&call.fields, world, who.user, id, user));
    json_answer(shown.collect())
}

/// Recorded: a user that is named twice has the role once.
fn set_users(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("role_id")?;
    world.roles.at(id).ok_or_else(Refusal::not_found)?;
    let ids = ids(call)?;
    // All ids are checked before anything changes.
    if !ids.iter().all(|id| world.users.at(*id).is_some()) {
        return Err(Refusal::not_found());
    }
    give_to_users(world, id, &ids);
    let who = call.who()?;
    let all = world.users.table.iter();
    let having = all.filter(|(_, user)| user.roles.contains(&id));
    let shown = having.map(|(id, user)| user_json(&Fields::default(), world, who.user, id, user));
    json_answer(shown.collect())
}

fn ids(call: &Call<'_>) -> Result<Vec<Id>, Refusal> {
    let texts: Vec<String> = call.body()?;
    let ids = texts.iter().map(|text| parse_id(text));
    let ids: Option<Vec<Id>> = ids.collect();
    ids.ok_or_else(|| bad_body("an id is not a number"))
}

fn give_to_groups(world: &mut World, role: Id, groups: &[Id]) {
    let all: Vec<Id> = world.groups.table.iter().map(|(id, _)| id).collect();
    // The list replaces all groups that have the role.
    for id in all {
        if let Some(group) = world.groups.table.at_mut(id) {
            group.roles.retain(|known| *known != role);
            group.roles.extend(groups.contains(&id).then_some(role));
        }
    }
}

fn give_to_users(world: &mut World, role: Id, users: &[Id]) {
    let all: Vec<Id> = world.users.table.iter().map(|(id, _)| id).collect();
    // The list replaces all users that have the role.
    for id in all {
        if let Some(user) = world.users.at_mut(id) {
            user.roles.retain(|known| *known != role);
            user.roles.extend(users.contains(&id).then_some(role));
        }
    }
}
