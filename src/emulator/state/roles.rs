//! Models and roles in a document.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::emulator::state::StateError;
use crate::emulator::world::connections::CONNECTION;
use crate::emulator::world::explores::{AccessFilter, Explore, LookmlDashboard};
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
    explores: Vec<ExploreState>,
    /// Dashboards that are written in LookML.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dashboards: Vec<LookmlDashboardState>,
}

/// An explore: its name, or more.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum ExploreState {
    Name(String),
    Whole(WholeExplore),
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct WholeExplore {
    name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    access_filters: Vec<AccessFilter>,
    /// The rows behind it, each with a value by field; made-up ones if there is no list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rows: Option<Vec<Map<String, Value>>>,
    /// What the database says to every query of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct LookmlDashboardState {
    name: String,
    title: String,
    #[serde(default)]
    elements: Vec<LookmlElementState>,
}

/// A tile: a question about the model.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct LookmlElementState {
    title: String,
    explore: String,
    #[serde(default)]
    fields: Map<String, Value>,
}

impl ExploreState {
    fn of(explore: &Explore) -> Self {
        let bare =
            explore.access_filters.is_empty() && explore.rows.is_none() && explore.error.is_none();
        match bare {
            true => Self::Name(explore.name.clone()),
            false => Self::Whole(WholeExplore {
                name: explore.name.clone(),
                access_filters: explore.access_filters.clone(),
                rows: explore.rows.clone(),
                error: explore.error.clone(),
            }),
        }
    }

    fn explore(self) -> Explore {
        match self {
            Self::Name(name) => Explore::named(&name),
            Self::Whole(whole) => Explore {
                name: whole.name,
                access_filters: whole.access_filters,
                rows: whole.rows,
                error: whole.error,
            },
        }
    }
}

impl LookmlDashboardState {
    fn of(world: &World, dashboard: &LookmlDashboard) -> Self {
        let elements = dashboard.elements.iter().filter_map(|(title, query)| {
            let query = world.content.queries.at(*query)?;
            Some(LookmlElementState {
                title: title.clone(),
                explore: query.view.clone(),
                fields: query.rest.clone(),
            })
        });
        Self {
            name: dashboard.name.clone(),
            title: dashboard.title.clone(),
            elements: elements.collect(),
        }
    }

    fn dashboard(self, world: &mut World, model: &str) -> LookmlDashboard {
        let elements = self.elements.into_iter().map(|element| {
            let query = world.ensure_query(model, &element.explore, element.fields);
            (element.title, query)
        });
        LookmlDashboard {
            elements: elements.collect(),
            name: self.name,
            title: self.title,
        }
    }
}

impl ModelState {
    /// All models of `world`.
    pub(super) fn all(world: &World) -> impl Iterator<Item = Self> {
        let models = world.roles.models.iter().filter(|model| !model.internal);
        models.map(move |model| Self {
            name: model.name.clone(),
            label: Some(model.label.clone()),
            project: Some(model.project.clone()),
            explores: model.explores.iter().map(ExploreState::of).collect(),
            dashboards: model
                .dashboards
                .iter()
                .map(|dashboard| LookmlDashboardState::of(world, dashboard))
                .collect(),
        })
    }

    /// A model that has a name and nothing in it.
    pub(super) fn named(name: String) -> Self {
        Self {
            name,
            label: None,
            project: None,
            explores: Vec::new(),
            dashboards: Vec::new(),
        }
    }

    /// Put this model into `world`, in the place of one of the same name.
    pub(super) fn put(self, world: &mut World) {
        let dashboards = self.dashboards.into_iter();
        let dashboards = dashboards
            .map(|dashboard| dashboard.dashboard(world, &self.name))
            .collect();
        let models = &mut world.roles.models;
        models.retain(|model| model.name != self.name);
        models.push(Model {
            label: self.label.unwrap_or_else(|| self.name.clone()),
            project: self.project.unwrap_or_else(|| self.name.clone()),
            explores: self
                .explores
                .into_iter()
                .map(ExploreState::explore)
                .collect(),
            dashboards,
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
