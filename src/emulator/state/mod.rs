//! The state of a world as a document: read from a file at the start, given out at `/__emulator/state`.
//!
//! A document holds what its writer cares about; the rest of the world stays as it is. A thing with an id that is
//! taken replaces what is there, one without an id is new. Each resource has a `…State` type here, with
//! `all(&World)` and `put(self, &mut World)`, and stands in [`State`] and [`Dump`]. Secrets are read, never given.

mod boards;
mod folders;
mod groups;
mod pieces;
mod roles;
mod schedules;
mod users;

use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::emulator::state::boards::{AccessState, BoardState, FavoriteState};
use crate::emulator::state::folders::FolderState;
use crate::emulator::state::groups::{AttributeState, GroupState};
use crate::emulator::state::pieces::PieceState;
use crate::emulator::state::roles::{ModelState, RoleState};
use crate::emulator::state::schedules::{AlertState, ScheduleState};
use crate::emulator::state::users::UserState;
use crate::emulator::world::World;
use crate::emulator::world::kinds::PieceKind;
use crate::emulator::world::settings::Settings;

/// An invalid document.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StateError(String);

impl StateError {
    /// An error that says `message`.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// Users and content to add to the demo world.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct State {
    settings: Option<Settings>,
    models: Vec<ModelState>,
    user_attributes: Vec<AttributeState>,
    roles: Vec<RoleState>,
    groups: Vec<GroupState>,
    users: Vec<UserState>,
    folders: Vec<FolderState>,
    dashboards: Vec<PieceState>,
    looks: Vec<PieceState>,
    scheduled_plans: Vec<ScheduleState>,
    alerts: Vec<AlertState>,
    boards: Vec<BoardState>,
    favorites: Vec<FavoriteState>,
    content_access: Vec<AccessState>,
}

/// The worlds that are known by name.
const NAMED: &[(&str, &str)] = &[("rotation", include_str!("rotation.yaml"))];

impl State {
    /// Read a document in JSON, or in YAML, of which JSON is a part.
    pub fn parse(text: &str) -> Result<Self, StateError> {
        // JSON first: it is faster to parse, and a saved state is JSON.
        if text.trim_start().starts_with('{') {
            return serde_json::from_str(text).map_err(|error| StateError::new(error.to_string()));
        }
        serde_saphyr::from_str(text).map_err(|error| StateError::new(error.to_string()))
    }

    /// The document that is known by `name`: `rotation`, an old embed user with everything one can own, and
    /// neighbours whose things look alike.
    pub fn named(name: &str) -> Result<Self, StateError> {
        let known = NAMED.iter().find(|(known, _)| *known == name);
        let (_, text) = known.ok_or_else(|| {
            let names: Vec<&str> = NAMED.iter().map(|(name, _)| *name).collect();
            let names = names.join(", ");
            StateError::new(format!("there is no world called `{name}`, but: {names}"))
        })?;
        Self::parse(text)
    }

    /// The same with what `more` has; where both have it, as `more` has it.
    #[must_use]
    pub fn and(mut self, more: Self) -> Self {
        self.settings = more.settings.or(self.settings);
        self.models.extend(more.models);
        self.user_attributes.extend(more.user_attributes);
        self.roles.extend(more.roles);
        self.groups.extend(more.groups);
        self.users.extend(more.users);
        self.folders.extend(more.folders);
        self.dashboards.extend(more.dashboards);
        self.looks.extend(more.looks);
        self.scheduled_plans.extend(more.scheduled_plans);
        self.alerts.extend(more.alerts);
        self.boards.extend(more.boards);
        self.favorites.extend(more.favorites);
        self.content_access.extend(more.content_access);
        self
    }

    /// Models of these names, for users whose grants name them. They have no explores.
    pub fn models(names: impl IntoIterator<Item = String>) -> Self {
        Self {
            models: names.into_iter().map(ModelState::named).collect(),
            ..Self::default()
        }
    }

    /// Put everything into `world`: what others refer to comes first.
    pub(crate) fn put(self, world: &mut World) -> Result<(), StateError> {
        let Self {
            settings,
            models,
            user_attributes,
            roles,
            groups,
            users,
            folders,
            dashboards,
            looks,
            scheduled_plans,
            alerts,
            boards,
            favorites,
            content_access,
        } = self;
        if let Some(settings) = settings {
            world.settings = settings;
        }
        for model in models {
            model.put(world);
        }
        for attribute in user_attributes {
            attribute.put(world)?;
        }
        for role in roles {
            role.put(world)?;
        }
        for group in groups {
            group.put(world)?;
        }
        for user in users {
            user.put(world)?;
        }
        for folder in folders {
            folder.put(world)?;
        }
        for (pieces, kind) in [(dashboards, PieceKind::Dashboard), (looks, PieceKind::Look)] {
            for piece in pieces {
                piece.put(world, kind)?;
            }
        }
        for plan in scheduled_plans {
            plan.put(world)?;
        }
        for alert in alerts {
            alert.put(world)?;
        }
        for board in boards {
            board.put(world)?;
        }
        for favorite in favorites {
            favorite.put(world)?;
        }
        for access in content_access {
            access.put(world)?;
        }
        Ok(())
    }
}

/// Everything a world holds, written out one thing at a time: a million users make a long document.
#[derive(Debug)]
pub(crate) struct Dump<'a>(pub(crate) &'a World);

impl Serialize for Dump<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let world = self.0;
        let mut document = serializer.serialize_struct("State", 14)?;
        document.serialize_field("settings", &world.settings)?;
        document.serialize_field("models", &rows(|| ModelState::all(world)))?;
        document.serialize_field("user_attributes", &rows(|| AttributeState::all(world)))?;
        document.serialize_field("roles", &rows(|| RoleState::all(world)))?;
        document.serialize_field("groups", &rows(|| GroupState::all(world)))?;
        document.serialize_field("users", &rows(|| UserState::all(world)))?;
        document.serialize_field("folders", &rows(|| FolderState::all(world)))?;
        for (name, kind) in [
            ("dashboards", PieceKind::Dashboard),
            ("looks", PieceKind::Look),
        ] {
            document.serialize_field(name, &rows(|| PieceState::all(world, kind)))?;
        }
        document.serialize_field("scheduled_plans", &rows(|| ScheduleState::all(world)))?;
        document.serialize_field("alerts", &rows(|| AlertState::all(world)))?;
        document.serialize_field("boards", &rows(|| BoardState::all(world)))?;
        document.serialize_field("favorites", &rows(|| FavoriteState::all(world)))?;
        document.serialize_field("content_access", &rows(|| AccessState::all(world)))?;
        document.end()
    }
}

/// A list that is made while it is written.
struct Rows<F>(F);

const fn rows<F>(all: F) -> Rows<F> {
    Rows(all)
}

impl<F, I> Serialize for Rows<F>
where
    F: Fn() -> I,
    I: Iterator<Item: Serialize>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0())
    }
}
