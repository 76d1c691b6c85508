//! The sets of permissions and of models that roles are made of.

use serde::Deserialize;

use crate::emulator::api::roles::{model_set_json, permission_set_json};
use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::call::Call;
use crate::emulator::http::listing::{self, Filters};
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::permissions::ALL_PERMISSIONS;
use crate::emulator::world::roles::{ModelSet, PermissionSet};
use crate::emulator::world::{Id, World};

const SEARCHED: &[&str] = &["id", "name", "all_access", "built_in"];

pub(super) const OPERATIONS: &[Service] = &[
    op("all_permission_sets", permission_sets).admin(),
    op("search_permission_sets", search_permission_sets).admin(),
    op("create_permission_set", create_permission_set).admin(),
    op("permission_set", permission_set).admin(),
    op("update_permission_set", update_permission_set).admin(),
    op("delete_permission_set", delete_permission_set).admin(),
    op("all_model_sets", model_sets).admin(),
    op("search_model_sets", search_model_sets).admin(),
    op("create_model_set", create_model_set).admin(),
    op("model_set", model_set).admin(),
    op("update_model_set", update_model_set).admin(),
    op("delete_model_set", delete_model_set).admin(),
];

fn permission_sets(_call: &Call<'_>, world: &mut World) -> Answer {
    let sets = all_permission_sets(world);
    json_answer(sets.map(|(id, set)| permission_set_json(id, set)).collect())
}

fn search_permission_sets(call: &Call<'_>, world: &mut World) -> Answer {
    let filters = Filters::of(call, SEARCHED)?;
    let all = |set: &PermissionSet| set.all_access || has(call, "permissions", &set.permissions);
    let sets = all_permission_sets(world).filter(|(_, set)| all(set));
    listing::search(call, &filters, sets, |_fields, (id, set)| {
        permission_set_json(id, set)
    })
}

/// Whether a set has all that the query parameter `name` lists.
fn has(call: &Call<'_>, name: &str, set: &[String]) -> bool {
    let wanted = call.list(name).unwrap_or_default();
    wanted.iter().all(|wanted| set.contains(wanted))
}

fn all_permission_sets(world: &World) -> impl Iterator<Item = (Id, &PermissionSet)> {
    let sets = world.roles.permission_sets.iter();
    sets.filter(|(_, set)| !set.embedded)
}

fn permission_set(call: &Call<'_>, world: &mut World) -> Answer {
    show_permission_set(world, call.id("permission_set_id")?)
}

fn show_permission_set(world: &World, id: Id) -> Answer {
    let set = world.roles.permission_sets.at(id);
    json_answer(permission_set_json(id, set.ok_or_else(Refusal::not_found)?))
}

/// What may be written of a set of permissions, from Looker's API description.
#[derive(Deserialize)]
struct PermissionSetBody {
    name: Option<String>,
    permissions: Option<Vec<String>>,
}

impl PermissionSetBody {
    /// Recorded: a permission that does not exist is an invalid field.
    fn check(&self, world: &World, except: Option<Id>) -> Result<(), Refusal> {
        let known = |name: &String| ALL_PERMISSIONS.iter().any(|(known, _)| known == name);
        if !self.permissions.iter().flatten().all(known) {
            let text = "'permissions' has one that does not exist.";
            return Err(Refusal::invalid("permissions", "invalid", text));
        }
        let mut others = world.roles.permission_sets.iter();
        let others =
            others.any(|(id, set)| Some(id) != except && Some(&set.name) == self.name.as_ref());
        free_name(others)
    }
}

fn create_permission_set(call: &Call<'_>, world: &mut World) -> Answer {
    let body: PermissionSetBody = call.body()?;
    body.check(world, None)?;
    let id = world.roles.permission_sets.insert(PermissionSet {
        name: body.name.ok_or_else(|| Refusal::missing("name"))?,
        permissions: body.permissions.unwrap_or_default(),
        ..PermissionSet::default()
    });
    show_permission_set(world, id)
}

fn update_permission_set(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("permission_set_id")?;
    let body: PermissionSetBody = call.body()?;
    body.check(world, Some(id))?;
    let set = world.roles.permission_sets.at_mut(id);
    let set = set.ok_or_else(Refusal::not_found)?;
    if set.built_in {
        return Err(Refusal::unmodifiable());
    }
    set.name = body.name.unwrap_or_else(|| set.name.clone());
    set.permissions = body.permissions.unwrap_or_else(|| set.permissions.clone());
    show_permission_set(world, id)
}

fn delete_permission_set(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("permission_set_id")?;
    let set = world.roles.permission_sets.at(id);
    let set = set.ok_or_else(Refusal::not_found)?;
    let mut roles = world.roles.table.iter();
    if set.built_in || roles.any(|(_, role)| role.permission_set == id) {
        return Err(Refusal::unmodifiable());
    }
    world.roles.permission_sets.remove(id);
    Ok(Reply::no_content())
}

fn model_sets(_call: &Call<'_>, world: &mut World) -> Answer {
    let world: &World = world;
    let sets = all_model_sets(world);
    json_answer(
        sets.map(|(id, set)| model_set_json(world, id, set))
            .collect(),
    )
}

fn search_model_sets(call: &Call<'_>, world: &mut World) -> Answer {
    let world: &World = world;
    let filters = Filters::of(call, SEARCHED)?;
    let all = |set: &ModelSet| set.all_access || has(call, "models", &set.models);
    let sets = all_model_sets(world).filter(|(_, set)| all(set));
    listing::search(call, &filters, sets, |_fields, (id, set)| {
        model_set_json(world, id, set)
    })
}

fn all_model_sets(world: &World) -> impl Iterator<Item = (Id, &ModelSet)> {
    let sets = world.roles.model_sets.iter();
    sets.filter(|(_, set)| !set.embedded)
}

fn model_set(call: &Call<'_>, world: &mut World) -> Answer {
    show_model_set(world, call.id("model_set_id")?)
}

fn show_model_set(world: &World, id: Id) -> Answer {
    let set = world.roles.model_sets.at(id);
    json_answer(model_set_json(
        world,
        id,
        set.ok_or_else(Refusal::not_found)?,
    ))
}

/// What may be written of a set of models, from Looker's API description. A model that does not exist is taken, as it
/// may come to exist.
#[derive(Deserialize)]
struct ModelSetBody {
    name: Option<String>,
    models: Option<Vec<String>>,
}

impl ModelSetBody {
    fn check(&self, world: &World, except: Option<Id>) -> Result<(), Refusal> {
        let mut others = world.roles.model_sets.iter();
        let others =
            others.any(|(id, set)| Some(id) != except && Some(&set.name) == self.name.as_ref());
        free_name(others)
    }
}

fn create_model_set(call: &Call<'_>, world: &mut World) -> Answer {
    let body: ModelSetBody = call.body()?;
    body.check(world, None)?;
    let id = world.roles.model_sets.insert(ModelSet {
        name: body.name.ok_or_else(|| Refusal::missing("name"))?,
        models: body.models.unwrap_or_default(),
        ..ModelSet::default()
    });
    show_model_set(world, id)
}

fn update_model_set(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("model_set_id")?;
    let body: ModelSetBody = call.body()?;
    body.check(world, Some(id))?;
    let set = world.roles.model_sets.at_mut(id);
    let set = set.ok_or_else(Refusal::not_found)?;
    if set.built_in {
        return Err(Refusal::unmodifiable());
    }
    set.name = body.name.unwrap_or_else(|| set.name.clone());
    set.models = body.models.unwrap_or_else(|| set.models.clone());
    show_model_set(world, id)
}

fn delete_model_set(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("model_set_id")?;
    let set = world.roles.model_sets.at(id);
    let set = set.ok_or_else(Refusal::not_found)?;
    let mut roles = world.roles.table.iter();
    if set.built_in || roles.any(|(_, role)| role.model_set == id) {
        return Err(Refusal::unmodifiable());
    }
    world.roles.model_sets.remove(id);
    Ok(Reply::no_content())
}

/// 422 if another set has the name.
fn free_name(taken: bool) -> Result<(), Refusal> {
    match taken {
        true => Err(Refusal::invalid(
            "name",
            "already_exists",
            "Name is already in use.",
        )),
        false => Ok(()),
    }
}
