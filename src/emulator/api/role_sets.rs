//! The sets of permissions and of models that roles are made of.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::emulator::api::inside_url;
use crate::emulator::http::answer::{Answer, Refusal, Reply, add, json_answer};
use crate::emulator::http::call::Call;
use crate::emulator::http::listing::{self, Filters};
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::permissions::ALL_PERMISSIONS;
use crate::emulator::world::roles::{Role, Set, SetKind};
use crate::emulator::world::{Id, World, id_text};

use SetKind::{Models, Permissions};

const SEARCHED: &[&str] = &["id", "name", "all_access", "built_in"];

pub(super) const OPERATIONS: &[Service] = &[
    op("all_permission_sets", |_, world| all(world, Permissions)).admin(),
    op("search_permission_sets", |call, world| {
        search(call, world, Permissions)
    })
    .admin(),
    op("create_permission_set", |call, world| {
        create(call, world, Permissions)
    })
    .admin(),
    op("permission_set", |call, world| {
        one(call, world, Permissions)
    })
    .admin(),
    op("update_permission_set", |call, world| {
        update(call, world, Permissions)
    })
    .admin(),
    op("delete_permission_set", |call, world| {
        remove(call, world, Permissions)
    })
    .admin(),
    op("all_model_sets", |_, world| all(world, Models)).admin(),
    op("search_model_sets", |call, world| {
        search(call, world, Models)
    })
    .admin(),
    op("create_model_set", |call, world| {
        create(call, world, Models)
    })
    .admin(),
    op("model_set", |call, world| one(call, world, Models)).admin(),
    op("update_model_set", |call, world| {
        update(call, world, Models)
    })
    .admin(),
    op("delete_model_set", |call, world| {
        remove(call, world, Models)
    })
    .admin(),
];

fn all(world: &World, kind: SetKind) -> Answer {
    let sets = listed(world, kind);
    json_answer(
        sets.map(|(id, set)| set_json(world, kind, id, set))
            .collect(),
    )
}

fn search(call: &Call<'_>, world: &World, kind: SetKind) -> Answer {
    let filters = Filters::of(call, SEARCHED)?;
    let wanted = call.list(kind.field()).unwrap_or_default();
    let sets = listed(world, kind)
        // A set with all access contains whatever is searched for.
        .filter(|(_, set)| set.all_access || wanted.iter().all(|one| set.members.contains(one)));
    listing::search(call, &filters, sets, |_fields, (id, set)| {
        set_json(world, kind, id, set)
    })
}

/// Those that no embed login made.
fn listed(world: &World, kind: SetKind) -> impl Iterator<Item = (Id, &Set)> {
    let sets = world.roles.sets(kind).iter();
    // The sets of embed logins belong to their users and are not listed.
    sets.filter(|(_, set)| !set.embedded)
}

fn one(call: &Call<'_>, world: &World, kind: SetKind) -> Answer {
    show(world, kind, named(call, kind)?)
}

fn show(world: &World, kind: SetKind, id: Id) -> Answer {
    let set = world.roles.sets(kind).at(id);
    json_answer(set_json(
        world,
        kind,
        id,
        set.ok_or_else(Refusal::not_found)?,
    ))
}

/// The id of the set that the path names.
fn named(call: &Call<'_>, kind: SetKind) -> Result<Id, Refusal> {
    call.id(match kind {
        Permissions => "permission_set_id",
        Models => "model_set_id",
    })
}

/// What may be written of a set.
#[derive(Deserialize)]
struct SetBody {
    name: Option<String>,
    #[serde(alias = "permissions", alias = "models")]
    members: Option<Vec<String>>,
}

impl SetBody {
    /// Recorded: a permission that does not exist is an invalid field. A model that does not exist is taken, as it may
    /// come to exist.
    fn check(&self, world: &World, kind: SetKind, except: Option<Id>) -> Result<(), Refusal> {
        let known = |name: &String| ALL_PERMISSIONS.iter().any(|(known, _)| known == name);
        if kind == Permissions && !self.members.iter().flatten().all(known) {
            let text = "'permissions' has one that does not exist.";
            return Err(Refusal::invalid("permissions", "invalid", text));
        }
        let mut others = world.roles.sets(kind).iter();
        if others.any(|(id, set)| Some(id) != except && Some(&set.name) == self.name.as_ref()) {
            let text = "Name is already in use.";
            return Err(Refusal::invalid("name", "already_exists", text));
        }
        Ok(())
    }
}

fn create(call: &Call<'_>, world: &mut World, kind: SetKind) -> Answer {
    let body: SetBody = call.body()?;
    body.check(world, kind, None)?;
    let id = world.roles.sets_mut(kind).insert(Set {
        name: body.name.ok_or_else(|| Refusal::missing("name"))?,
        members: body.members.unwrap_or_default(),
        ..Set::default()
    });
    show(world, kind, id)
}

fn update(call: &Call<'_>, world: &mut World, kind: SetKind) -> Answer {
    let id = named(call, kind)?;
    let body: SetBody = call.body()?;
    body.check(world, kind, Some(id))?;
    let set = world.roles.sets_mut(kind).at_mut(id);
    let set = set.ok_or_else(Refusal::not_found)?;
    if set.built_in {
        return Err(Refusal::unmodifiable());
    }
    set.name = body.name.unwrap_or_else(|| set.name.clone());
    set.members = body.members.unwrap_or_else(|| set.members.clone());
    show(world, kind, id)
}

fn remove(call: &Call<'_>, world: &mut World, kind: SetKind) -> Answer {
    let id = named(call, kind)?;
    let set = world.roles.sets(kind).at(id);
    let set = set.ok_or_else(Refusal::not_found)?;
    let used = |(_, role): (Id, &Role)| role.set(kind) == id;
    // A set in use cannot be deleted: its roles would have none.
    if set.built_in || world.roles.table.iter().any(used) {
        return Err(Refusal::unmodifiable());
    }
    world.roles.sets_mut(kind).remove(id);
    Ok(Reply::no_content())
}

/// A set as the API shows it. Recorded: the one with all permissions lists them in an order of its own; the one with all
/// models lists first one that Looker needs itself; the others are sorted.
pub(super) fn set_json(world: &World, kind: SetKind, id: Id, set: &Set) -> Value {
    let models = |internal: bool| {
        let models = world.roles.models.iter();
        let models = models.filter(move |model| model.internal == internal);
        models.map(|model| model.name.as_str())
    };
    let members: Vec<&str> = match (set.all_access, kind) {
        (true, Permissions) => ALL_PERMISSIONS.iter().map(|(name, _)| *name).collect(),
        (true, Models) => models(true).chain(models(false)).collect(),
        (false, _) => {
            let mut sorted: Vec<&str> = set.members.iter().map(String::as_str).collect();
            sorted.sort_unstable();
            sorted.dedup();
            sorted
        }
    };
    let place = match kind {
        Permissions => "permission_sets",
        Models => "model_sets",
    };
    let mut shown = json!({
        "can": { "show": true, "index": true, "update": true },
        "id": id_text(id),
        "name": set.name,
        "all_access": set.all_access,
        "built_in": set.built_in,
        "url": inside_url(&format!("/{place}/{id}")),
    });
    add(&mut shown, kind.field(), members);
    shown
}
