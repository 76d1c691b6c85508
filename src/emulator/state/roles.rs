//! Models and roles in a document.

use serde::{Deserialize, Serialize};

use crate::emulator::state::StateError;
use crate::emulator::world::connections::CONNECTION;
use crate::emulator::world::roles::{Model, Role, Set};
use crate::emulator::world::{Id, World};

/// A LookML model.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelState {
    name: String,
    label: Option<String>,
    project: Option<String>,
    #[serde(default)]
    explores: Vec<String>,
}

impl ModelState {
    /// All models of `world`.
    pub(super) fn all(world: &World) -> impl Iterator<Item = Self> {
        let models = world.roles.models.iter().filter(|model| !model.internal);
        models.map(|model| Self {
            name: model.name.clone(),
            label: Some(model.label.clone()),
            project: Some(model.project.clone()),
            explores: model.explores.clone(),
        })
    }

    /// Put this model into `world`, in the place of one of the same name.
    pub(super) fn put(self, world: &mut World) {
        let models = &mut world.roles.models;
        models.retain(|model| model.name != self.name);
        models.push(Model {
            label: self.label.unwrap_or_else(|| self.name.clone()),
            project: self.project.unwrap_or_else(|| self.name.clone()),
            explores: self.explores,
            connections: vec![CONNECTION.to_owned()],
            name: self.name,
            ..Model::default()
        });
    }
}

/// A role, with what it allows on which models; `null` for all of them.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleState {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Id>,
    name: String,
    permissions: Option<Vec<String>>,
    models: Option<Vec<String>>,
}

impl RoleState {
    /// The roles of `world` that no embed login made.
    pub(super) fn all(world: &World) -> impl Iterator<Item = Self> {
        // Roles of embed logins come back with the logins of their users.
        let roles = world.roles.table.iter().filter(|(_, role)| !role.embedded);
        roles.map(|(id, role)| {
            let permissions = world.roles.permissions(id);
            let permissions = permissions.filter(|set| !set.all_access);
            let models = world.roles.model_set(id).filter(|set| !set.all_access);
            Self {
                id: Some(id),
                name: role.name.clone(),
                permissions: permissions.map(|set| set.members.clone()),
                models: models.map(|set| set.members.clone()),
            }
        })
    }

    /// Put this role into `world`; one that is the same is left alone.
    pub(super) fn put(self, world: &mut World) -> Result<(), StateError> {
        let same = Self::all(world).any(|role| {
            role.id == self.id && role.permissions == self.permissions && role.models == self.models
        });
        // An unchanged role keeps its sets and their ids.
        if same {
            return Ok(());
        }
        let roles = &mut world.roles;
        let name = self.name.clone();
        let set = |members: Option<Vec<String>>| Set {
            name: name.clone(),
            // No list means everything.
            all_access: members.is_none(),
            members: members.unwrap_or_default(),
            ..Set::default()
        };
        let permission_set = roles.permission_sets.insert(set(self.permissions));
        let model_set = roles.model_sets.insert(set(self.models));
        let id = self.id.unwrap_or_else(|| roles.table.next_id());
        let role = Role {
            name: self.name,
            permission_set,
            model_set,
            embedded: false,
        };
        roles.table.put(id, role).map_err(StateError::new)
    }
}
