//! A user as the API shows it.

use serde_json::{Value, json};

use crate::emulator::answer::add;
use crate::emulator::api::credentials_embed::credentials_json;
use crate::emulator::api::inside_url;
use crate::emulator::api::keys::key_json;
use crate::emulator::api::sessions::session_json;
use crate::emulator::text::api_time;
use crate::emulator::world::users::User;
use crate::emulator::world::{Id, World, id_text, id_texts};

/// A user as administrators, and the user itself, see it.
pub(super) fn user_json(world: &World, id: Id, user: &User) -> Value {
    let keys = user.keys.iter();
    let keys: Value = keys
        .filter_map(|key| Some(key_json(*key, world.keys.at(*key)?)))
        .collect();
    let sessions = user.sessions.iter();
    let sessions: Value = sessions
        .filter_map(|session| Some(session_json(*session, world.sessions.at(*session)?)))
        .collect();
    let group = user.embed.as_deref().and_then(|embed| embed.external_group);
    let group_folder = group.and_then(|group| world.groups.at(group)?.folder);
    let mut shown = json!({
        "can": { "show": true, "index": true, "show_details": true, "index_details": true, "sudo": !user.is_disabled },
        "avatar_url": avatar_url(),
        "avatar_url_without_sizing": avatar_url(),
        "credentials_api3": keys,
        "credentials_embed": credentials_json(world, id, user),
        "display_name": user.display_name(),
        "email": user.email.as_deref().unwrap_or_default(),
        "embed_group_folder_id": group_folder.map(id_text),
        "first_name": user.first_name.as_deref(),
        "last_name": user.last_name.as_deref(),
        "group_ids": id_texts(&world.groups_of(user)),
        "home_folder_id": user.home_folder.map(id_text),
        "id": id_text(id),
        "is_disabled": user.is_disabled,
        "locale": user.locale.as_deref().unwrap_or("en"),
        "looker_versions": [],
        "models_dir_validated": user.models_dir_validated,
        "personal_folder_id": user.personal_folder.map(id_text),
        "presumed_looker_employee": false,
        "role_ids": id_texts(&world.roles_of(user, false)),
        "sessions": sessions,
        "ui_state": user.ui_state.as_deref(),
        "verified_looker_employee": false,
        "roles_externally_managed": false,
        "allow_direct_roles": true,
        "allow_normal_group_membership": true,
        "allow_roles_from_normal_groups": true,
        "is_iam_admin": false,
        "can_manage_api3_creds": user.can_manage_api3_creds,
        "is_service_account": user.is_service_account,
        "service_account_name": null,
        "url": inside_url(&format!("/users/{id}")),
    });
    if let Some(email) = user.email.as_deref() {
        add(&mut shown, "credentials_email", email_json(id, user, email));
    }
    shown
}

/// A user as everybody sees it.
pub(super) fn public_json(id: Id, user: &User) -> Value {
    json!({
        "can": {},
        "id": id_text(id),
        "first_name": user.first_name.as_deref().unwrap_or_default(),
        "last_name": user.last_name.as_deref().unwrap_or_default(),
        "display_name": user.display_name(),
        "avatar_url": avatar_url(),
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

fn email_json(id: Id, user: &User, email: &str) -> Value {
    json!({
        "can": {},
        "created_at": api_time(user.created_at),
        "email": email,
        "forced_password_reset_at_next_login": false,
        "user_id": id_text(id),
        "is_disabled": false,
        "logged_in_at": "",
        "password_reset_url": null,
        "type": "email",
        "url": inside_url(&format!("/users/{id}/credentials_email")),
        "user_url": inside_url(&format!("/users/{id}")),
    })
}

const fn avatar_url() -> &'static str {
    "https://gravatar.lookercdn.com/avatar/00000000000000000000000000000000?s=156&d=blank"
}
