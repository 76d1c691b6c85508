//! API keys of a user.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::emulator::answer::{Answer, Refusal, Reply, add, json_answer};
use crate::emulator::api::inside_url;
use crate::emulator::call::Call;
use crate::emulator::operation::{Access, Operation, delete, get, patch, post};
use crate::emulator::switches::Mode;
use crate::emulator::text::api_time;
use crate::emulator::world::keys::Key;
use crate::emulator::world::{Id, World, id_text};

const ALL: &str = "/users/{user_id}/credentials_api3";
const ONE: &str = "/users/{user_id}/credentials_api3/{credentials_api3_id}";

pub(super) const OPERATIONS: &[Operation] = &[
    get("all_user_credentials_api3s", ALL, list)
        .query(&["fields"])
        .access(Access::Own),
    post("create_user_credentials_api3", ALL, create)
        .query(&["fields"])
        .access(Access::Own),
    get("user_credentials_api3", ONE, one)
        .query(&["fields"])
        .access(Access::Own),
    patch("update_user_credentials_api3", ONE, update)
        .query(&["fields"])
        .json()
        .access(Access::Own),
    delete("delete_user_credentials_api3", ONE, remove).access(Access::Own),
];

fn list(call: &Call<'_>, world: &mut World) -> Answer {
    let user_id = call.id("user_id")?;
    let user = world.users.at(user_id).ok_or_else(Refusal::not_found)?;
    let keys = user.keys.iter().filter_map(|id| {
        let key = world.keys.at(*id)?;
        Some(key_json(*id, key))
    });
    json_answer(keys.collect())
}

/// A new key; the only answer that shows its secret.
fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let user_id = call.id("user_id")?;
    let user = world.users.at(user_id).ok_or_else(Refusal::not_found)?;
    let may_own = call.who()?.user == user_id && user.can_manage_api3_creds;
    let may = match world.rules.mode {
        Mode::Core => may_own || call.is_admin() && world.rules.switches.core_admin_makes_keys,
        Mode::Original | Mode::NoEmbed => may_own || call.is_admin(),
    };
    if !may {
        return Err(match world.rules.mode {
            Mode::Core => Refusal::unsupported_on_core(),
            Mode::Original | Mode::NoEmbed => Refusal::not_found(),
        });
    }
    let most = world.rules.switches.max_keys;
    if most > 0 && user.keys.len() >= most {
        return Err(Refusal::new(
            409,
            "Conflict: the user has as many API keys as it may have",
        ));
    }
    let (id, client_secret) = world.mint_key(user_id);
    let key = world.keys.at(id).ok_or_else(Refusal::not_found)?;
    let mut shown = key_json(id, key);
    add(&mut shown, "client_secret", client_secret);
    json_answer(shown)
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    let id = owned(call, world)?;
    let key = world.keys.at(id).ok_or_else(Refusal::not_found)?;
    json_answer(key_json(id, key))
}

fn update(call: &Call<'_>, world: &mut World) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        purpose: Option<String>,
    }

    let id = owned(call, world)?;
    let body: Body = call.body()?;
    let key = world.keys.at_mut(id).ok_or_else(Refusal::not_found)?;
    key.purpose = body.purpose.map(Into::into);
    json_answer(key_json(id, key))
}

fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    let id = owned(call, world)?;
    let user = call.id("user_id")?;
    world.delete_key(user, id);
    if world.rules.switches.deleted_key_ends_tokens {
        world.tokens.forget_user(user);
    }
    Ok(Reply::no_content())
}

/// The id of the key a call names, if the user it names has it.
fn owned(call: &Call<'_>, world: &World) -> Result<Id, Refusal> {
    let id = call.id("credentials_api3_id")?;
    let user = world.users.at(call.id("user_id")?);
    let owns = user.is_some_and(|user| user.keys.contains(&id));
    owns.then_some(id).ok_or_else(Refusal::not_found)
}

/// A key as the API shows it: never its secret.
pub(super) fn key_json(id: Id, key: &Key) -> Value {
    json!({
        "can": {},
        "id": id_text(id),
        "client_id": key.client_id,
        "created_at": api_time(key.created_at),
        "is_disabled": false,
        "type": "api3",
        "purpose": key.purpose,
        "url": inside_url(&format!("/users/{}/credentials_api3/{id}", key.user)),
    })
}
