//! Roles, and the sets they are made of.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::emulator::api::inside_url;
use crate::emulator::api::role_sets::set_json;
use crate::emulator::http::answer::{Answer, Body, Refusal, add, json_answer};
use crate::emulator::http::call::{Call, bad_body, parse_id};
use crate::emulator::http::listing::{self, Filters};
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::permissions::ALL_PERMISSIONS;
use crate::emulator::world::roles::{Role, SetKind};
use crate::emulator::world::{Id, World, id_text};

const SEARCHED: &[&str] = &[
    "id",
    "name",
    "model_set_ids",
    "permission_set_ids",
    "built_in",
];

pub(super) const OPERATIONS: &[Service] = &[
    op("all_roles", all).admin(),
    op("search_roles", search).admin(),
    op("search_roles_with_user_count", search_with_user_count).admin(),
    op("role", one).admin(),
    op("all_permissions", permissions).admin(),
    op("user_roles", user_roles).own(),
    op("set_user_roles", set_user_roles).admin(),
];

fn all(call: &Call<'_>, world: &mut World) -> Answer {
    let ids = call.list("ids");
    let wanted = |id: Id| {
        let ids = ids.as_ref();
        ids.is_none_or(|ids| ids.iter().any(|text| parse_id(text) == Some(id)))
    };
    let listed = listed(world).filter(|(id, _)| wanted(*id));
    json_answer(
        listed
            .map(|(id, role)| role_json(world, id, role))
            .collect(),
    )
}

fn search(call: &Call<'_>, world: &mut World) -> Answer {
    let world: &World = world;
    found(call, world, |id, role| role_json(world, id, role))
}

fn search_with_user_count(call: &Call<'_>, world: &mut World) -> Answer {
    let world: &World = world;
    // All users once, and not once for each role.
    let mut counts: HashMap<Id, usize> = HashMap::new();
    for (_, user) in world.users.table.iter() {
        for role in world.roles_of(user, false) {
            *counts.entry(role).or_default() += 1;
        }
    }
    found(call, world, |id, role| {
        let mut shown = role_json(world, id, role);
        add(
            &mut shown,
            "user_count",
            counts.get(&id).copied().unwrap_or(0),
        );
        shown
    })
}

fn found(call: &Call<'_>, world: &World, show: impl Fn(Id, &Role) -> Value) -> Answer {
    let filters = Filters::of(call, SEARCHED)?;
    let mut answer = listing::search(call, &filters, listed(world), |_fields, (id, role)| {
        let mut shown = show(id, role);
        // The names that a search has for what a role shows under others.
        add(&mut shown, "model_set_ids", id_text(role.model_set));
        add(
            &mut shown,
            "permission_set_ids",
            id_text(role.permission_set),
        );
        add(&mut shown, "built_in", true);
        shown
    })?;
    // The names are for the filter only; a role does not show them.
    if let Body::Json(Value::Array(items)) = &mut answer.body {
        for item in items.iter_mut().filter_map(Value::as_object_mut) {
            item.retain(|name, _| {
                !matches!(
                    name.as_str(),
                    "model_set_ids" | "permission_set_ids" | "built_in"
                )
            });
        }
    }
    Ok(answer)
}

/// The roles of the instance; those that embed logins made are seen on their users only, unless a switch says otherwise.
fn listed(world: &World) -> impl Iterator<Item = (Id, &Role)> {
    let embedded = world.rules.switches.embed_role_in_all_roles;
    let roles = world.roles.table.iter();
    // Whether Looker lists the roles of embed logins is not documented.
    roles.filter(move |(_, role)| embedded || !role.embedded)
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("role_id")?;
    let role = world.roles.at(id).ok_or_else(Refusal::not_found)?;
    json_answer(role_json(world, id, role))
}

fn permissions(_call: &Call<'_>, _world: &mut World) -> Answer {
    let permissions = ALL_PERMISSIONS.iter().map(|(name, parent)| {
        json!({ "can": {}, "permission": name, "parent": parent, "description": name.replace('_', " ") })
    });
    json_answer(permissions.collect())
}

fn user_roles(call: &Call<'_>, world: &mut World) -> Answer {
    let direct = call.flag("direct_association_only")?.unwrap_or(false);
    roles_of(world, call.id("user_id")?, direct)
}

/// The whole list of direct roles is replaced; the role of an embed login stays.
fn set_user_roles(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("user_id")?;
    let texts: Vec<String> = call.body()?;
    let mut roles = Vec::new();
    for text in &texts {
        let role = parse_id(text).ok_or_else(|| bad_body("a role id is not a number"))?;
        world.roles.at(role).ok_or_else(Refusal::not_found)?;
        roles.push(role);
    }
    let user = world.users.at_mut(id).ok_or_else(Refusal::not_found)?;
    // The role of the embed login is not set by this call, and stays.
    let login = user.embed.as_deref().and_then(|embed| embed.role);
    roles.retain(|role| Some(*role) != login);
    if !world.rules.switches.role_change_is_ignored {
        user.roles = roles;
    }
    roles_of(world, id, true)
}

fn roles_of(world: &World, id: Id, direct: bool) -> Answer {
    let user = world.users.at(id).ok_or_else(Refusal::not_found)?;
    let switches = &world.rules.switches;
    // Switches for what Looker shows of the embed login's role.
    let shown = switches.embed_role_listed && (switches.embed_role_direct || !direct);
    let roles = world.roles_of(user, direct).into_iter();
    let roles = roles.filter_map(|id| Some((id, world.roles.at(id)?)));
    let roles = roles.filter(|(_, role)| shown || !role.embedded);
    json_answer(roles.map(|(id, role)| role_json(world, id, role)).collect())
}

/// A role as the API shows it. Recorded: with both its sets, and without their ids beside them.
pub(super) fn role_json(world: &World, id: Id, role: &Role) -> Value {
    let permission_set = world.roles.permission_sets.at(role.permission_set);
    let model_set = world.roles.model_sets.at(role.model_set);
    // Looker names these roles by itself, in a form that is not documented.
    let name = match role.embedded {
        true => &world.rules.switches.embed_role_name,
        false => &role.name,
    };
    json!({
        "can": { "show": true, "index": true, "update": true },
        "id": id_text(id),
        "name": name,
        "permission_set": permission_set.map(|set| set_json(world, SetKind::Permissions, role.permission_set, set)),
        "model_set": model_set.map(|set| set_json(world, SetKind::Models, role.model_set, set)),
        "internal": false,
        "url": inside_url(&format!("/roles/{id}")),
        "users_url": inside_url(&format!("/roles/{id}/users")),
    })
}
