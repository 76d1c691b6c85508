//! A user as the API shows it.

use serde_json::{Value, json};

use crate::emulator::api::credentials_email::email_json;
use crate::emulator::api::credentials_embed::credentials_json;
use crate::emulator::api::inside_url;
use crate::emulator::api::keys::key_json;
use crate::emulator::api::sessions::session_json;
use crate::emulator::api::usual::{usual, with_usual};
use crate::emulator::http::fields::{Fields, Shown};
use crate::emulator::world::users::User;
use crate::emulator::world::{Id, World, id_text, id_texts};

/// A user as administrators, and the user itself, see it; `who` asks.
pub(super) fn user_json(fields: &Fields, world: &World, who: Id, id: Id, user: &User) -> Value {
    let mut shown = Shown::new(fields);
    shown.lay(usual("user"));
    shown.put("id", || id_text(id));
    put_names(&mut shown, world, (id, user));
    put_credentials(&mut shown, world, id, user);
    put_places(&mut shown, world, user);
    shown.put("can", || can(world, who, id, user));
    shown.put("group_ids", || id_texts(&shown_groups(world, user)));
    shown.put("role_ids", || id_texts(&shown_roles(world, user)));
    shown.put("is_disabled", || user.is_disabled);
    shown.put("models_dir_validated", || user.models_dir_validated);
    shown.put("ui_state", || user.ui_state.as_deref().cloned());
    shown.put("can_manage_api3_creds", || user.can_manage_api3_creds);
    shown.put("is_service_account", || user.is_service_account);
    shown.put("service_account_name", || {
        let name = user.is_service_account.then(|| user.display_name());
        name.filter(|name| !name.is_empty())
    });
    let switches = &world.rules.switches;
    // Only newer releases tell this.
    if switches.has(switches.is_embed_user_is_told) {
        shown.put("is_embed_user", || user.embed.is_some());
    }
    shown.put("url", || inside_url(&format!("/users/{id}")));
    shown.done()
}

/// What the caller may do with a user. Recorded of administrators: no sudo for oneself or for a disabled user.
fn can(world: &World, who: Id, id: Id, user: &User) -> Value {
    let admin = world.is_admin(who);
    let own = json!({
        // No one can act as themselves or as a disabled user.
        "sudo": admin && !user.is_disabled && who != id,
        "update_creds": admin,
    });
    with_usual("user_can", own)
}

/// Recorded: a disabled user has no groups.
fn shown_groups(world: &World, user: &User) -> Vec<Id> {
    match user.is_disabled && !world.rules.switches.disabled_keeps_groups {
        true => Vec::new(),
        false => world.groups_of(user),
    }
}

fn shown_roles(world: &World, user: &User) -> Vec<Id> {
    let mut roles = world.roles_of(user, false);
    // Whether `role_ids` includes the role of the embed login is a switch.
    if !world.rules.switches.embed_role_in_role_ids {
        let embedded = |id: &Id| world.roles.at(*id).is_some_and(|role| role.embedded);
        roles.retain(|id| !embedded(id));
    }
    roles
}

fn put_names(shown: &mut Shown<'_>, world: &World, (id, user): (Id, &User)) {
    shown.put("display_name", || user.display_name());
    shown.put("email", || user.email.as_deref().unwrap_or_default());
    // The official SDK's tests expect a name that was cleared to be an empty text.
    shown.put("first_name", || {
        user.first_name.as_deref().unwrap_or_default()
    });
    shown.put("last_name", || {
        user.last_name.as_deref().unwrap_or_default()
    });
    shown.put("locale", || match world.locale_attribute() {
        Some((locale, attribute)) => world.attribute_of((id, user), locale, attribute).value,
        None => "en".to_owned(),
    });
}

/// Those that users have here. Recorded: a kind of which the user has none is there, and `null`.
fn put_credentials(shown: &mut Shown<'_>, world: &World, id: Id, user: &User) {
    shown.put("credentials_embed", || credentials_json(world, id, user));
    shown.put("credentials_api3", || -> Value {
        let keys = world.listed_keys(user);
        keys.map(|(id, key)| key_json(id, key, world)).collect()
    });
    shown.put("sessions", || -> Value {
        let sessions = user.sessions.iter();
        sessions
            .filter_map(|session| Some(session_json(world, *session, world.sessions.at(*session)?)))
            .collect()
    });
    shown.put("credentials_email", || email_json(world, id, user));
}

fn put_places(shown: &mut Shown<'_>, world: &World, user: &User) {
    shown.put("embed_group_folder_id", || {
        let group = user.embed.as_deref().and_then(|embed| embed.external_group);
        let folder = group.and_then(|group| world.groups.at(group)?.folder);
        folder.map(id_text)
    });
    shown.put("home_folder_id", || user.home_folder.map(id_text));
    shown.put("personal_folder_id", || user.personal_folder.map(id_text));
}

/// A user as everyone sees it.
pub(super) fn public_json(id: Id, user: &User) -> Value {
    json!({
        "can": {},
        "id": id_text(id),
        "first_name": user.first_name.as_deref().unwrap_or_default(),
        "last_name": user.last_name.as_deref().unwrap_or_default(),
        "display_name": user.display_name(),
        "avatar_url": usual("user").get("avatar_url"),
        "url": inside_url(&format!("/users/{id}")),
    })
}

impl User {
    /// First and last name.
    pub(crate) fn display_name(&self) -> String {
        let names = [self.first_name.as_deref(), self.last_name.as_deref()];
        let names: Vec<&str> = names.into_iter().flatten().collect();
        names.join(" ")
    }
}
