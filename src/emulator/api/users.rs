//! Users: the caller, one, all, those that match; creating, changing, deleting.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::emulator::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::api::user_json::{public_json, user_json};
use crate::emulator::call::{Call, bad_body, parse_id};
use crate::emulator::listing::{self, Filters, Page};
use crate::emulator::operation::{Access, Operation, delete, get, patch, post};
use crate::emulator::switches::Mode;
use crate::emulator::world::users::User;
use crate::emulator::world::{Id, World};

const SEARCH: &[&str] = &[
    "fields",
    "page",
    "per_page",
    "limit",
    "offset",
    "sorts",
    "id",
    "first_name",
    "last_name",
    "full_name",
    "verified_looker_employee",
    "embed_user",
    "email",
    "is_disabled",
    "filter_or",
    "content_metadata_id",
    "group_id",
    "can_manage_api3_creds",
    "is_service_account",
];
const LIST: &[&str] = &[
    "fields", "page", "per_page", "limit", "offset", "sorts", "ids",
];

pub(super) const OPERATIONS: &[Operation] = &[
    get("me", "/user", me).query(&["fields"]),
    get("all_users", "/users", all).query(LIST),
    post("create_user", "/users", create)
        .query(&["fields"])
        .json()
        .admin(),
    get("search_users", "/users/search", search).query(SEARCH),
    get("user", "/users/{user_id}", one).query(&["fields"]),
    patch("update_user", "/users/{user_id}", update)
        .query(&["fields"])
        .json()
        .access(Access::Own),
    delete("delete_user", "/users/{user_id}", remove).admin(),
    get(
        "user_for_credential",
        "/users/credential/{credential_type}/{credential_id}",
        by_credential,
    )
    .query(&["fields"])
    .admin(),
    post("create_embed_user", "/users/embed_user", create_embed_user)
        .json()
        .admin(),
];

fn me(call: &Call<'_>, world: &mut World) -> Answer {
    show(world, call.who()?.user)
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("user_id")?;
    match call.is_admin() || call.who()?.user == id {
        true => show(world, id),
        false => Err(Refusal::not_found()),
    }
}

fn show(world: &World, id: Id) -> Answer {
    let user = world.users.at(id).ok_or_else(Refusal::not_found)?;
    json_answer(user_json(world, id, user))
}

fn all(call: &Call<'_>, world: &mut World) -> Answer {
    let ids = call.list("ids");
    let wanted = |id: Id| {
        let ids = ids.as_ref();
        ids.is_none_or(|ids| ids.iter().any(|text| parse_id(text) == Some(id)))
    };
    listed(call, world, |id, _user| wanted(id))
}

fn search(call: &Call<'_>, world: &mut World) -> Answer {
    const TEXTS: &[&str] = &["id", "first_name", "last_name", "full_name", "email"];
    const FLAGS: &[&str] = &[
        "is_disabled",
        "verified_looker_employee",
        "can_manage_api3_creds",
        "is_service_account",
    ];
    let texts = Filters::of(call, TEXTS)?;
    let embed = call.flag("embed_user")?;
    let group = call.query("group_id").map(parse_id);
    let mut flags = Vec::new();
    for name in FLAGS {
        flags.extend(call.flag(name)?.map(|value| (*name, value)));
    }
    let world: &World = world;
    listed(call, world, |id, user| {
        embed.is_none_or(|embed| embed == user.embed.is_some())
            && flags.iter().all(|(name, value)| flag(user, name) == *value)
            && group.is_none_or(|group| {
                group.is_some_and(|group| world.groups_of(user).contains(&group))
            })
            && texts.pass(|name| text(id, user, name))
    })
}

/// The users that pass, in the order and the page asked for; of a non-administrator, itself at most.
fn listed(call: &Call<'_>, world: &World, pass: impl Fn(Id, &User) -> bool) -> Answer {
    let who = call.who()?;
    let seen = world
        .users
        .table
        .iter()
        .filter(|(id, user)| (who.admin || *id == who.user) && pass(*id, user));
    let page = Page::of(call)?;
    let render = |(id, user): (Id, &User)| user_json(world, id, user);
    if listing::by_id(call) {
        return json_answer(page.cut(seen).map(render).collect());
    }
    listing::answer(call, seen.map(render).collect())
}

fn text(id: Id, user: &User, name: &str) -> Option<String> {
    let first = user.first_name.as_deref();
    let last = user.last_name.as_deref();
    match name {
        "id" => Some(id.to_string()),
        "first_name" => first.map(ToOwned::to_owned),
        "last_name" => last.map(ToOwned::to_owned),
        "full_name" => Some(user.display_name()),
        "email" => user.email.as_deref().map(ToOwned::to_owned),
        _ => None,
    }
}

fn flag(user: &User, name: &str) -> bool {
    match name {
        "is_disabled" => user.is_disabled,
        "can_manage_api3_creds" => user.can_manage_api3_creds,
        "is_service_account" => user.is_service_account,
        _ => false,
    }
}

/// The user with a credential: an embed user by its external id, or any user by email or by a key's client id.
fn by_credential(call: &Call<'_>, world: &mut World) -> Answer {
    if world.rules.mode == Mode::Core && !world.rules.switches.core_finds_by_credential {
        return Err(Refusal::unsupported_on_core());
    }
    let id = call.param("credential_id");
    let user = match call.param("credential_type") {
        "embed" => world.users.by_external_id(id),
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
    show(world, user.ok_or_else(Refusal::not_found)?)
}

/// What may be written of a user, from Looker's OpenAPI description.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct UserBody {
    first_name: Option<String>,
    last_name: Option<String>,
    locale: Option<String>,
    home_folder_id: Option<String>,
    is_disabled: Option<bool>,
    can_manage_api3_creds: Option<bool>,
    models_dir_validated: Option<bool>,
    ui_state: Option<Map<String, Value>>,
    credentials_email: Option<EmailBody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmailBody {
    email: Option<String>,
    #[serde(default, rename = "forced_password_reset_at_next_login")]
    _forced_password_reset: bool,
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
        set(&mut user.locale, self.locale);
        set(
            &mut user.email,
            self.credentials_email.and_then(|body| body.email),
        );
        user.is_disabled = self.is_disabled.unwrap_or(user.is_disabled);
        user.can_manage_api3_creds = self
            .can_manage_api3_creds
            .unwrap_or(user.can_manage_api3_creds);
        user.models_dir_validated = self
            .models_dir_validated
            .unwrap_or(user.models_dir_validated);
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
    show(world, id)
}

fn update(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("user_id")?;
    let body: UserBody = call.body()?;
    let privileged = body.is_disabled.is_some() || body.can_manage_api3_creds.is_some();
    if privileged && !call.is_admin() {
        return Err(Refusal::not_found());
    }
    if body.is_disabled == Some(true) && call.who()?.user == id {
        return Err(Refusal::new(403, "Forbidden: you cannot disable yourself"));
    }
    let user = world.users.at_mut(id).ok_or_else(Refusal::not_found)?;
    body.apply(user);
    let disabled = user.is_disabled;
    if disabled {
        world.end_sessions(id);
    }
    show(world, id)
}

/// Neither oneself nor the last administrator can be deleted.
fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("user_id")?;
    if call.who()?.user == id {
        return Err(Refusal::new(403, "Forbidden: you cannot delete yourself"));
    }
    match world.delete_user(id) {
        true => Ok(Reply::no_content()),
        false => Err(Refusal::not_found()),
    }
}

fn create_embed_user(call: &Call<'_>, world: &mut World) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        external_user_id: String,
    }

    if !world.settings.embed_enabled {
        return Err(Refusal::new(403, "Forbidden: embedding is not enabled"));
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
