//! Users: people, service accounts and embed users, found by id, external id or client id.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::emulator::world::World;
use crate::emulator::world::folders::SHARED;
use crate::emulator::world::kinds::ALL_USERS;
use crate::emulator::world::table::{Id, Table};

/// A user.
#[derive(Clone, Debug, Default)]
pub(crate) struct User {
    pub(crate) first_name: Option<Box<str>>,
    pub(crate) last_name: Option<Box<str>>,
    pub(crate) email: Option<Box<str>>,
    pub(crate) locale: Option<Box<str>>,
    /// What makes the user an embed user.
    pub(crate) embed: Option<Box<EmbedCredential>>,
    /// Groups an administrator put the user in.
    pub(crate) groups: Vec<Id>,
    /// Roles an administrator gave the user.
    pub(crate) roles: Vec<Id>,
    pub(crate) attributes: Vec<AttributeValue>,
    pub(crate) keys: Vec<Id>,
    pub(crate) sessions: Vec<Id>,
    pub(crate) home_folder: Option<Id>,
    pub(crate) personal_folder: Option<Id>,
    pub(crate) ui_state: Option<Box<Map<String, Value>>>,
    pub(crate) created_at: i64,
    /// The call after which lookups find the user.
    pub(crate) found_after: u64,
    pub(crate) is_disabled: bool,
    pub(crate) can_manage_api3_creds: bool,
    pub(crate) is_service_account: bool,
    pub(crate) models_dir_validated: Option<bool>,
    pub(crate) email_state: EmailState,
}

/// How far a user has come with its email address as a way to log in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum EmailState {
    /// The user has a password.
    #[default]
    SetUp,
    /// The user has not been told.
    New,
    /// The user was told where to choose a password.
    Invited,
}

/// What makes a user an embed user, and what its last login granted.
#[derive(Clone, Debug)]
pub(crate) struct EmbedCredential {
    pub(crate) id: Id,
    pub(crate) external_user_id: Arc<str>,
    pub(crate) external_group: Option<Id>,
    /// Groups the last login named.
    pub(crate) groups: Box<[Id]>,
    /// The role made of the last login's permissions and models.
    pub(crate) role: Option<Id>,
    pub(crate) created_at: i64,
    pub(crate) logged_in_at: Option<i64>,
}

/// The value a user has for an attribute.
#[derive(Clone, Debug)]
pub(crate) struct AttributeValue {
    pub(crate) attribute: Id,
    pub(crate) value: Box<str>,
    /// Given by an embed login, so that the next one replaces it.
    pub(crate) from_login: bool,
}

/// All users, and the ways to find one.
#[derive(Debug, Default)]
pub(crate) struct Users {
    pub(crate) table: Table<User>,
    by_external_id: HashMap<Arc<str>, Id>,
    /// The embed users, in the order of their ids.
    embed: Vec<Id>,
    next_credential: Id,
}

impl Users {
    /// The user with this external id.
    pub(crate) fn by_external_id(&self, external_user_id: &str) -> Option<Id> {
        self.by_external_id.get(external_user_id).copied()
    }

    /// The number of embed users.
    pub(crate) fn embed_count(&self) -> usize {
        self.by_external_id.len()
    }

    /// The embed users, in the order of their ids.
    pub(crate) fn embed_ids(&self) -> impl Iterator<Item = Id> {
        self.embed.iter().copied()
    }

    /// The user with this id.
    pub(crate) fn at(&self, id: Id) -> Option<&User> {
        self.table.at(id)
    }

    /// The user with this id, mutable.
    pub(crate) fn at_mut(&mut self, id: Id) -> Option<&mut User> {
        self.table.at_mut(id)
    }
}

impl World {
    /// Add a user and its personal folder; returns its id. Recorded: a service account has no such folder, and the home
    /// of a new user is the shared one.
    pub(crate) fn add_user(&mut self, user: User) -> Id {
        let now = self.now;
        let found_after = match self.rules.switches.user_appears_late {
            0 => 0,
            late => self.calls + late as u64,
        };
        let id = self.users.table.insert(User {
            created_at: now,
            found_after,
            ..user
        });
        let has_folder = self.users.at(id).is_some_and(|user| match user.embed {
            Some(_) => self.rules.switches.login_makes_folder,
            None => !user.is_service_account,
        });
        let folder = has_folder.then(|| self.make_personal_folder(id)).flatten();
        if let Some(user) = self.users.at_mut(id) {
            user.personal_folder = folder;
            user.home_folder = Some(SHARED);
        }
        id
    }

    /// Whether lookups, searches and lists find a user that there is.
    pub(crate) fn is_found(&self, id: Id) -> bool {
        self.users.at(id).is_some_and(|user| self.finds(user))
    }

    /// The same of a user at hand.
    pub(crate) fn finds(&self, user: &User) -> bool {
        user.found_after == 0 || self.calls > user.found_after
    }

    /// The embed user that a lookup by external id gives.
    pub(crate) fn embed_user_called(&self, external_user_id: &str) -> Option<Id> {
        let switches = &self.rules.switches;
        let folded = || {
            let wanted = external_user_id.to_lowercase();
            self.users.embed_ids().find(|id| {
                let user = self.users.at(*id);
                let embed = user.and_then(|user| user.embed.as_deref());
                embed.is_some_and(|embed| embed.external_user_id.to_lowercase() == wanted)
            })
        };
        let exact = self.users.by_external_id(external_user_id);
        let found = match switches.lookup_ignores_case {
            true => exact.or_else(folded),
            false => exact,
        };
        match switches.lookup_gives_another {
            true => self
                .users
                .embed_ids()
                .find(|id| Some(*id) != found)
                .or(found),
            false => found,
        }
    }

    /// The embed user with this external id, created if there is none yet.
    pub(crate) fn ensure_embed_user(&mut self, external_user_id: &str) -> Id {
        if let Some(id) = self.users.by_external_id(external_user_id) {
            return id;
        }
        let external_user_id: Arc<str> = external_user_id.into();
        self.users.next_credential += 1;
        let credential = EmbedCredential {
            id: self.users.next_credential,
            external_user_id: Arc::clone(&external_user_id),
            external_group: None,
            groups: Box::default(),
            role: None,
            created_at: self.now,
            logged_in_at: None,
        };
        let last_name = self.usual_last_name();
        let id = self.add_user(User {
            first_name: Some("Embed".into()),
            last_name: Some(last_name.into()),
            embed: Some(Box::new(credential)),
            ..User::default()
        });
        self.users.by_external_id.insert(external_user_id, id);
        // A new user has the highest id.
        self.users.embed.push(id);
        id
    }

    /// The last name of an embed user that was given none.
    pub(crate) const fn usual_last_name(&self) -> &'static str {
        match self.rules.switches.default_last_name_is_user {
            true => "User",
            false => "Embed",
        }
    }

    /// Disable a user: its sessions end, and its scheduled plans stop.
    pub(crate) fn disable_user(&mut self, id: Id) {
        if let Some(user) = self.users.at_mut(id) {
            user.is_disabled = true;
        }
        self.end_sessions(id);
        if self.rules.switches.disable_stops_schedules {
            self.content.schedules.stop_of(id);
        }
    }

    /// Enable a user; its scheduled plans stay disabled, unless a switch says otherwise.
    pub(crate) fn enable_user(&mut self, id: Id) {
        if let Some(user) = self.users.at_mut(id) {
            user.is_disabled = false;
        }
        if self.rules.switches.enable_starts_schedules {
            self.content.schedules.start_of(id);
        }
    }

    /// Take the embed credential from a user; the next login with the same external id makes a new user.
    pub(crate) fn remove_embed_credential(&mut self, user: Id) {
        let taken = self.users.at_mut(user).and_then(|user| user.embed.take());
        if let Some(credential) = taken {
            let users = &mut self.users;
            users.by_external_id.remove(&credential.external_user_id);
            if let Ok(place) = users.embed.binary_search(&user) {
                users.embed.remove(place);
            }
            self.leave_groups(user, &credential);
        }
    }

    /// Delete a user with its keys, sessions and memberships; false if there is none.
    pub(crate) fn delete_user(&mut self, id: Id) -> bool {
        if self.users.at(id).is_none() {
            return false;
        }
        self.remove_embed_credential(id);
        self.content_of_deleted_user(id);
        let Some(user) = self.users.table.remove(id) else {
            return false;
        };
        if self.rules.switches.delete_user_revokes_keys {
            for key in user.keys {
                self.keys.remove(key);
            }
        }
        for session in user.sessions {
            self.sessions.remove(session);
        }
        for group in user.groups {
            self.groups.leave(group, id);
        }
        self.tokens.forget_user(id);
        true
    }

    /// The groups of a user, in the order of their ids: those it was put in, those its
    /// last login named, and the one that everyone is in.
    pub(crate) fn groups_of(&self, user: &User) -> Vec<Id> {
        let embed = user.embed.as_deref();
        let login = embed.map_or(&[][..], |embed| &embed.groups);
        let external = embed.and_then(|embed| embed.external_group);
        let everybody = self.groups.at(ALL_USERS);
        let everybody = everybody.filter(|group| group.include_by_default);
        let everybody = everybody.map(|_| ALL_USERS);
        let mut groups: Vec<Id> = user
            .groups
            .iter()
            .chain(login)
            .chain(&external)
            .chain(&everybody)
            .copied()
            .collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// The roles of a user: its own, its login's, and those of its groups.
    pub(crate) fn roles_of(&self, user: &User, direct_only: bool) -> Vec<Id> {
        let mut roles = user.roles.clone();
        roles.extend(user.embed.as_deref().and_then(|embed| embed.role));
        if !direct_only {
            // Who is in a group that is in another one has the roles of both.
            for group in self.groups.with_holders(self.groups_of(user)) {
                roles.extend(self.groups.at(group).into_iter().flat_map(|g| &g.roles));
            }
        }
        roles.sort_unstable();
        roles.dedup();
        roles
    }

    /// Whether a user has a role with every permission.
    pub(crate) fn is_admin(&self, id: Id) -> bool {
        self.users.at(id).is_some_and(|user| {
            self.roles_of(user, false)
                .into_iter()
                .any(|role| self.roles.is_admin(role))
        })
    }
}
