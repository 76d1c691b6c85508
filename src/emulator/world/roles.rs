//! Roles, the permission sets and model sets they are made of, and the models there are.

use std::collections::{BTreeSet, HashMap};

use crate::emulator::world::World;
use crate::emulator::world::explores::{Explore, LookmlDashboard};
use crate::emulator::world::permissions::ALL_PERMISSIONS;
use crate::emulator::world::table::{Id, Table};
use crate::emulator::world::users::User;

/// A role: what may be done, with which models.
#[derive(Debug)]
pub(crate) struct Role {
    pub(crate) name: String,
    pub(crate) permission_set: Id,
    pub(crate) model_set: Id,
    /// Created by an embed login; not listed among the roles of the instance.
    pub(crate) embedded: bool,
}

impl Role {
    /// The set of a kind that it has.
    pub(crate) const fn set(&self, kind: SetKind) -> Id {
        match kind {
            SetKind::Permissions => self.permission_set,
            SetKind::Models => self.model_set,
        }
    }
}

/// The two kinds of sets that roles are made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SetKind {
    Permissions,
    Models,
}

impl SetKind {
    /// What the API calls the members of such a set.
    pub(crate) const fn field(self) -> &'static str {
        match self {
            Self::Permissions => "permissions",
            Self::Models => "models",
        }
    }
}

/// A set of permissions or of models.
#[derive(Debug, Default)]
pub(crate) struct Set {
    pub(crate) name: String,
    pub(crate) members: Vec<String>,
    /// It has all there are.
    pub(crate) all_access: bool,
    pub(crate) built_in: bool,
    pub(crate) embedded: bool,
}

/// A LookML model and its explores.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) project: String,
    pub(crate) explores: Vec<Explore>,
    pub(crate) dashboards: Vec<LookmlDashboard>,
    /// Built in, as the one of System Activity.
    pub(crate) internal: bool,
    /// The connections it may use; if there is none, any will do.
    pub(crate) connections: Vec<String>,
}

/// All roles, sets and models.
#[derive(Debug, Default)]
pub(crate) struct Roles {
    pub(crate) table: Table<Role>,
    pub(crate) permission_sets: Table<Set>,
    pub(crate) model_sets: Table<Set>,
    pub(crate) models: Vec<Model>,
    embedded: HashMap<(Vec<String>, Vec<String>), Id>,
}

impl Model {
    /// The explore of this name.
    pub(crate) fn explore(&self, name: &str) -> Option<&Explore> {
        self.explores.iter().find(|explore| explore.name == name)
    }
}

impl Roles {
    /// The role with this id.
    pub(crate) fn at(&self, id: Id) -> Option<&Role> {
        self.table.at(id)
    }

    /// All sets of a kind.
    pub(crate) const fn sets(&self, kind: SetKind) -> &Table<Set> {
        match kind {
            SetKind::Permissions => &self.permission_sets,
            SetKind::Models => &self.model_sets,
        }
    }

    /// All sets of a kind, to change them.
    pub(crate) const fn sets_mut(&mut self, kind: SetKind) -> &mut Table<Set> {
        match kind {
            SetKind::Permissions => &mut self.permission_sets,
            SetKind::Models => &mut self.model_sets,
        }
    }

    /// Whether a role has every permission.
    pub(crate) fn is_admin(&self, role: Id) -> bool {
        self.permissions(role).is_some_and(|set| set.all_access)
    }

    /// The permission set of a role.
    pub(crate) fn permissions(&self, role: Id) -> Option<&Set> {
        self.permission_sets.at(self.at(role)?.permission_set)
    }

    /// The model set of a role.
    pub(crate) fn model_set(&self, role: Id) -> Option<&Set> {
        self.model_sets.at(self.at(role)?.model_set)
    }

    /// The role an embed login makes of its permissions and models; the same for the same lists.
    pub(crate) fn embedded_role(&mut self, permissions: &[String], models: &[String]) -> Id {
        let key = (permissions.to_vec(), models.to_vec());
        // Logins with the same grants share a role.
        if let Some(role) = self.embedded.get(&key) {
            return *role;
        }
        let permission_set = self.permission_sets.insert(Set {
            name: "Embedded Permission Set".to_owned(),
            members: key.0.clone(),
            embedded: true,
            ..Set::default()
        });
        let model_set = self.model_sets.insert(Set {
            name: "Embedded Model Set".to_owned(),
            members: key.1.clone(),
            embedded: true,
            ..Set::default()
        });
        let role = self.table.insert(Role {
            name: "Embedded Role".to_owned(),
            permission_set,
            model_set,
            embedded: true,
        });
        self.embedded.insert(key, role);
        role
    }
}

impl World {
    /// The models a user may use with `permission`, of those that exist.
    pub(crate) fn models_with(&self, user: &User, permission: &str) -> Vec<&Model> {
        let roles = self.roles_of(user, false);
        let granting = roles.into_iter().filter(|role| {
            let set = self.roles.permissions(*role);
            set.is_some_and(|set| {
                // A set with all access lists no names.
                set.all_access || set.members.iter().any(|known| known == permission)
            })
        });
        let sets: Vec<&Set> = granting
            .filter_map(|role| self.roles.model_set(role))
            .collect();
        let reachable = |model: &&Model| {
            // The permission counts only for the models of the same role.
            sets.iter()
                .any(|set| set.all_access || set.members.contains(&model.name))
        };
        self.roles.models.iter().filter(reachable).collect()
    }

    /// The dashboard that `MODEL::NAME` names, with its model; `None` if the user may not see those of that model.
    pub(crate) fn lookml_dashboard(
        &self,
        user: Id,
        name: &str,
    ) -> Option<(&Model, &LookmlDashboard)> {
        let (model, name) = name.split_once("::")?;
        let user = self.users.at(user)?;
        let mut models = self.models_with(user, "see_lookml_dashboards").into_iter();
        let model = models.find(|known| known.name == model)?;
        let mut dashboards = model.dashboards.iter();
        let dashboard = dashboards.find(|dashboard| dashboard.name == name)?;
        Some((model, dashboard))
    }

    /// Everything a user may do with some model.
    pub(crate) fn permissions_of(&self, user: &User) -> BTreeSet<&str> {
        let roles = self.roles_of(user, false).into_iter();
        let sets = roles.filter_map(|role| self.roles.permissions(role));
        sets.flat_map(|set| {
            let all = ALL_PERMISSIONS.iter().map(|(name, _parent)| *name);
            let some = set.members.iter().map(String::as_str);
            all.filter(move |_name| set.all_access).chain(some)
        })
        .collect()
    }
}
