//! Users in a document.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::emulator::state::StateError;
use crate::emulator::world::users::{AttributeValue, User};
use crate::emulator::world::{Id, World};

/// How long the sessions of a document last.
const SESSION_SECONDS: i64 = 3600;

/// A user, with its keys and with what its last embed login granted.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct UserState {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    is_disabled: bool,
    #[serde(skip_serializing_if = "is_false")]
    can_manage_api3_creds: bool,
    #[serde(skip_serializing_if = "is_false")]
    is_service_account: bool,
    /// Roles and groups an administrator gave.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    roles: Vec<Id>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<Id>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    user_attributes: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ui_state: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login: Option<LoginState>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keys: Vec<KeyState>,
    /// How many web sessions it has.
    #[serde(skip_serializing_if = "is_zero")]
    sessions: usize,
}

/// What the last embed login granted.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct LoginState {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    permissions: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    models: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_group_id: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    user_attributes: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logged_in_at: Option<i64>,
}

/// An API key; without a given secret it gets an unknown fresh one.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct KeyState {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Id>,
    client_id: String,
    #[serde(skip_serializing)]
    client_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<String>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes fields by reference"
)]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes fields by reference"
)]
const fn is_zero(value: &usize) -> bool {
    *value == 0
}

impl UserState {
    /// All users of `world`.
    pub(super) fn all(world: &World) -> impl Iterator<Item = Self> {
        let users = world.users.table.iter();
        users.map(|(id, user)| Self::of(world, id, user))
    }

    fn of(world: &World, id: Id, user: &User) -> Self {
        let text = |text: &Option<Box<str>>| text.as_deref().map(ToOwned::to_owned);
        let embed = user.embed.as_deref();
        Self {
            id: Some(id),
            external_user_id: embed.map(|embed| embed.external_user_id.to_string()),
            first_name: text(&user.first_name),
            last_name: text(&user.last_name),
            email: text(&user.email),
            locale: text(&user.locale),
            is_disabled: user.is_disabled,
            can_manage_api3_creds: user.can_manage_api3_creds,
            is_service_account: user.is_service_account,
            roles: user.roles.clone(),
            groups: user.groups.clone(),
            user_attributes: values(world, user, false),
            ui_state: user.ui_state.as_deref().cloned(),
            login: embed
                .filter(|embed| embed.logged_in_at.is_some())
                .map(|_embed| LoginState::of(world, user)),
            keys: KeyState::all(world, user).collect(),
            sessions: user
                .sessions
                .iter()
                .filter_map(|id| world.sessions.at(*id))
                .filter(|session| session.expires_at > world.now)
                .count(),
        }
    }

    /// Put this user into `world`, in the place of one with its external id or its id.
    pub(super) fn put(self, world: &mut World) -> Result<(), StateError> {
        let external = self.external_user_id.as_deref();
        let known = external.and_then(|external| world.users.by_external_id(external));
        let known = known.or_else(|| self.id.filter(|id| world.users.at(*id).is_some()));
        if known.is_none()
            && let Some(id) = self.id
        {
            // The next user that is added gets the id of the state.
            world.users.table.skip_to(id).map_err(StateError::new)?;
        }
        let id = match (known, external) {
            (Some(id), _) => id,
            (None, Some(external)) => world.ensure_embed_user(external),
            (None, None) => world.add_user(User::default()),
        };
        let own = attribute_values(world, &self.user_attributes, false)?;
        let before = world.users.at(id).map(|user| user.groups.clone());
        // The memberships are replaced, not added to.
        for group in before.unwrap_or_default() {
            world.groups.leave(group, id);
        }
        for group in &self.groups {
            world.groups.join(*group, id);
        }
        if let Some(login) = self.login {
            login.put(world, id)?;
        }
        for key in self.keys {
            key.put(world, id)?;
        }
        // Sessions have no identity in a state; there are as many as it says.
        world.end_sessions(id);
        for _number in 0..self.sessions {
            let _session = world.begin_session(id, SESSION_SECONDS, "");
        }
        let Some(user) = world.users.at_mut(id) else {
            return Ok(());
        };
        let set = |place: &mut Option<Box<str>>, text: Option<String>| {
            if let Some(text) = text {
                *place = Some(text.into());
            }
        };
        set(&mut user.first_name, self.first_name);
        set(&mut user.last_name, self.last_name);
        set(&mut user.email, self.email);
        set(&mut user.locale, self.locale);
        user.is_disabled = self.is_disabled;
        user.can_manage_api3_creds = self.can_manage_api3_creds;
        user.is_service_account = self.is_service_account;
        user.roles = self.roles;
        user.groups = self.groups;
        user.ui_state = self.ui_state.map(Box::new);
        // Values from the login were put with it.
        user.attributes.retain(|value| value.from_login);
        user.attributes.extend(own);
        Ok(())
    }
}

impl LoginState {
    fn of(world: &World, user: &User) -> Self {
        let Some(embed) = user.embed.as_deref() else {
            return Self::default();
        };
        let permissions = embed.role.and_then(|role| world.roles.permissions(role));
        let models = embed.role.and_then(|role| world.roles.model_set(role));
        let group = embed
            .external_group
            .and_then(|group| world.groups.at(group));
        Self {
            permissions: permissions.map_or_else(Vec::new, |set| set.members.clone()),
            models: models.map_or_else(Vec::new, |set| set.members.clone()),
            groups: embed.groups.to_vec(),
            external_group_id: group.and_then(|group| group.external_group_id.clone()),
            user_attributes: values(world, user, true),
            logged_in_at: embed.logged_in_at,
        }
    }

    fn put(self, world: &mut World, id: Id) -> Result<(), StateError> {
        let attributes = attribute_values(world, &self.user_attributes, true)?;
        let external = self.external_group_id.as_deref();
        let external_group = external.map(|external| world.ensure_external_group(external));
        let role = match self.permissions.is_empty() && self.models.is_empty() {
            true => None,
            false => Some(world.roles.embedded_role(&self.permissions, &self.models)),
        };
        for group in self.groups.iter().chain(&external_group) {
            world.groups.join(*group, id);
        }
        let now = world.now;
        if let Some(user) = world.users.at_mut(id) {
            user.attributes.retain(|value| !value.from_login);
            user.attributes.extend(attributes);
            if let Some(embed) = &mut user.embed {
                embed.role = role;
                embed.groups = self.groups.into();
                embed.external_group = external_group;
                embed.logged_in_at = Some(self.logged_in_at.unwrap_or(now));
            }
        }
        Ok(())
    }
}

impl KeyState {
    fn all(world: &World, user: &User) -> impl Iterator<Item = Self> {
        let keys = user.keys.iter();
        let keys = keys.filter_map(|id| Some((*id, world.keys.at(*id)?)));
        keys.map(|(id, key)| Self {
            id: Some(id),
            client_id: key.client_id.to_string(),
            client_secret: None,
            purpose: key.purpose.as_deref().map(ToOwned::to_owned),
        })
    }

    fn put(self, world: &mut World, user: Id) -> Result<(), StateError> {
        if world.keys.by_client_id(&self.client_id).is_some() {
            // The same key, from an earlier state.
            return Ok(());
        }
        if let Some(id) = self.id {
            // Each emulator has its own key for its administrator.
            if world.keys.at(id).is_some_and(|key| key.user == user) {
                return Ok(());
            }
            world.keys.skip_to(id).map_err(StateError::new)?;
        }
        let secret = self.client_secret;
        let secret = secret.unwrap_or_else(|| world.random.alphanumeric(24));
        let id = world.add_key(user, &self.client_id, &secret);
        if let Some(key) = world.keys.at_mut(id) {
            key.purpose = self.purpose.map(Into::into);
        }
        Ok(())
    }
}

/// The values a user has of its own, or from its last login, by the names of the attributes.
fn values(world: &World, user: &User, from_login: bool) -> BTreeMap<String, String> {
    let own = user.attributes.iter();
    own.filter(|value| value.from_login == from_login)
        .filter_map(|value| {
            let attribute = world.attributes.0.at(value.attribute)?;
            Some((attribute.name.clone(), value.value.to_string()))
        })
        .collect()
}

fn attribute_values(
    world: &World,
    values: &BTreeMap<String, String>,
    from_login: bool,
) -> Result<Vec<AttributeValue>, StateError> {
    let found = values.iter().map(|(name, value)| {
        let known = world.attributes.by_name(name);
        let (attribute, _) =
            known.ok_or_else(|| StateError::new(format!("there is no user attribute `{name}`")))?;
        Ok(AttributeValue {
            attribute,
            value: value.as_str().into(),
            from_login,
        })
    });
    found.collect()
}
