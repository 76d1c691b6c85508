//! Users: the caller, one, all, those that match; creating, changing, deleting.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::emulator::api::credentials_email::EmailBody;
use crate::emulator::api::user_json::{public_json, user_json};
use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::call::{Call, bad_body, parse_id};
use crate::emulator::http::operation::{Service, op};
use crate::emulator::switches::Mode;
use crate::emulator::world::users::{EmailState, User};
use crate::emulator::world::{Id, World};

pub(super) const OPERATIONS: &[Service] = &[
    op("me", me),
    op("create_user", create).admin(),
    op("user", one),
    op("update_user", update).own(),
    op("delete_user", remove).admin(),
    op("user_for_credential", by_credential).admin(),
    op("create_embed_user", create_embed_user).admin(),
];

fn me(call: &Call<'_>, world: &mut World) -> Answer {
    show(call, world, call.who()?.user)
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("user_id")?;
    // Without admin rights a user sees only itself; others look as if they did not exist.
    match call.is_admin() || call.who()?.user == id {
        true => show(call, world, id),
        false => Err(Refusal::not_found()),
    }
}

fn show(call: &Call<'_>, world: &World, id: Id) -> Answer {
    let who = call.who()?;
    let user = world.users.at(id).ok_or_else(Refusal::not_found)?;
    json_answer(user_json(&call.fields, world, who.user, id, user))
}

/// The user with a credential: an embed user by its external id, or any user by email or by a key's client id.
fn by_credential(call: &Call<'_>, world: &mut World) -> Answer {
    if world.rules.mode == Mode::Core && !world.rules.switches.core_finds_by_credential {
        return Err(Refusal::unsupported_on_core());
    }
    let id = call.param("credential_id");
    let found = match call.param("credential_type") {
        "embed" => world.embed_user_called(id),
        "api3" => world.keys.by_client_id(id).map(|key| key.user),
        "email" => world
            .users
            .table
            .iter()
            .find(|(_, user)| user.email.as_deref() == Some(id))
            .map(|(id, _)| id),
        "google" | "ldap" | "looker_openid" | "oidc" | "saml" | "totp" => None,
        other => {
            return Err(Refusal::new(400, "Bad Request")
                .violation(format!("an unknown credential type `{other}`")));
        }
    };
    let found = found.filter(|id| world.is_found(*id));
    show(call, world, found.ok_or_else(Refusal::not_found)?)
}

/// What may be written of a user, from Looker's OpenAPI description.
#[derive(Default, Deserialize)]
#[serde(default)]
struct UserBody {
    #[serde(deserialize_with = "cleared")]
    first_name: Option<String>,
    #[serde(deserialize_with = "cleared")]
    last_name: Option<String>,
    locale: Option<String>,
    home_folder_id: Option<String>,
    is_disabled: Option<bool>,
    can_manage_api3_creds: Option<bool>,
    models_dir_validated: Option<bool>,
    ui_state: Option<Map<String, Value>>,
    credentials_email: Option<EmailBody>,
}

/// A name, of which Looker's description says that it may be null: an empty one then.
fn cleared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Some(Option::deserialize(deserializer)?.unwrap_or_default()))
}

impl UserBody {
    fn apply(self, user: &mut User) {
        let set = |place: &mut Option<Box<str>>, value: Option<String>| {
            if let Some(value) = value {
                *place = Some(value.into());
            }
        };
        set(&mut user.first_name, self.first_name);
        set(&mut user.last_name, self.last_name);
        for name in [&mut user.first_name, &mut user.last_name] {
            *name = name.take().filter(|name| !name.is_empty());
        }
        set(&mut user.locale, self.locale);
        let email = self.credentials_email.and_then(|body| body.email);
        // A new email starts without an invitation.
        if email.is_some() && user.email.is_none() {
            user.email_state = EmailState::New;
        }
        set(&mut user.email, email);
        user.is_disabled = self.is_disabled.unwrap_or(user.is_disabled);
        user.can_manage_api3_creds = self
            .can_manage_api3_creds
            .unwrap_or(user.can_manage_api3_creds);
        user.models_dir_validated = self.models_dir_validated.or(user.models_dir_validated);
        user.home_folder = self
            .home_folder_id
            .as_deref()
            .and_then(parse_id)
            .or(user.home_folder);
        if let Some(state) = self.ui_state {
            user.ui_state = Some(Box::new(state));
        }
    }
}

fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let body: UserBody = call.body()?;
    let mut user = User::default();
    body.apply(&mut user);
    let id = world.add_user(user);
    show(call, world, id)
}

fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("user_id")?;
    let mut body: UserBody = call.body()?;
    let privileged = body.is_disabled.is_some() || body.can_manage_api3_creds.is_some();
    // A user must not give itself rights, or enable itself.
    if privileged && !call.is_admin() {
        return Err(Refusal::not_found());
    }
    // A caller cannot disable itself.
    if body.is_disabled == Some(true) && call.who()?.user == id {
        return Err(Refusal::denied());
    }
    if body.locale.is_some()
        && let Some((locale, _)) = world.locale_attribute()
    {
        world.unset_attribute(id, locale);
    }
    // Applied below through `disable_user`, since more than the field changes.
    let change = body.is_disabled.take();
    let change = change.filter(|_disabled| !world.rules.switches.disable_is_ignored);
    let user = world.users.at_mut(id).ok_or_else(Refusal::not_found)?;
    body.apply(user);
    match change {
        Some(true) => world.disable_user(id),
        Some(false) => world.enable_user(id),
        None => {}
    }
    show(call, world, id)
}

/// Neither oneself nor the last administrator can be deleted.
pub(super) fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("user_id")?;
    // A caller cannot delete itself.
    if call.who()?.user == id {
        return Err(Refusal::denied());
    }
    let switches = &world.rules.switches;
    let (ignored, disables) = (
        switches.delete_user_is_ignored,
        switches.delete_user_disables,
    );
    // Even an ignored deletion is one of an existing user.
    if ignored || disables {
        world.users.at(id).ok_or_else(Refusal::not_found)?;
        if disables {
            world.disable_user(id);
        }
        return Ok(Reply::no_content());
    }
    match world.delete_user(id) {
        true => Ok(Reply::no_content()),
        false => Err(Refusal::not_found()),
    }
}

fn create_embed_user(call: &Call<'_>, world: &mut World) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        external_user_id: String,
    }

    if !world.settings.embed_enabled {
        return Err(Refusal::denied());
    }
    let body: Body = call.body()?;
    if body.external_user_id.is_empty() {
        return Err(bad_body("`external_user_id` is empty"));
    }
    let known = world.users.by_external_id(&body.external_user_id).is_some();
    if known && !world.rules.switches.duplicate_embed_user_passes {
        return Err(Refusal::invalid(
            "external_user_id",
            "already_exists",
            "'external_user_id' is taken.",
        ));
    }
    let id = world.ensure_embed_user(&body.external_user_id);
    let user = world.users.at(id).ok_or_else(Refusal::not_found)?;
    json_answer(public_json(id, user))
}
