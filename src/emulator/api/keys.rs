//! API keys of a user.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::emulator::api::inside_url;
use crate::emulator::http::answer::{Answer, Refusal, Reply, add, json_answer};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::http::proxy::no_such_operation;
use crate::emulator::switches::{KeyRights, Mode, OtherRights};
use crate::emulator::world::keys::Key;
use crate::emulator::world::{Id, World, id_text};

pub(super) const OPERATIONS: &[Service] = &[
    op("all_user_credentials_api3s", list).own(),
    op("create_user_credentials_api3", create).own(),
    op("user_credentials_api3", one).own(),
    op("update_user_credentials_api3", update).own(),
    op("delete_user_credentials_api3", remove).own(),
];

fn list(call: &Call<'_>, world: &mut World) -> Answer {
    let user_id = call.id("user_id")?;
    check_rights(call, world, Deed::Read)?;
    let user = world.users.at(user_id).ok_or_else(Refusal::not_found)?;
    let keys = world.listed_keys(user);
    json_answer(keys.map(|(id, key)| key_json(id, key, world)).collect())
}

/// A new key; the only answer that shows its secret.
fn create(call: &Call<'_>, world: &mut World) -> Answer {
    let user_id = call.id("user_id")?;
    check_rights(call, world, Deed::Create)?;
    let user = world.users.at(user_id).ok_or_else(Refusal::not_found)?;
    let most = world.rules.switches.max_keys;
    if most > 0 && user.keys.len() >= most {
        return Err(Refusal::new(
            409,
            "Conflict: the user has as many API keys as it may have",
        ));
    }
    let first = user.keys.first().copied();
    let (minted, client_secret) = world.mint_key(user_id);
    // A switch for a Looker whose answer is about an older key of the user.
    let first = first.filter(|_| world.rules.switches.mint_shows_old_key);
    let id = first.unwrap_or(minted);
    let key = world.keys.at(id).ok_or_else(Refusal::not_found)?;
    let mut shown = key_json(id, key, world);
    add(&mut shown, "client_secret", client_secret);
    json_answer(shown)
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    check_rights(call, world, Deed::Read)?;
    let id = owned(call, world)?;
    let key = world.keys.at(id).ok_or_else(Refusal::not_found)?;
    json_answer(key_json(id, key, world))
}

fn update(call: &Call<'_>, world: &mut World) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        purpose: Option<String>,
    }

    // A Looker without purposes does not have the operation at all.
    if !world.rules.switches.key_purpose_known {
        return no_such_operation(world.rules.switches.unknown_operation_status);
    }
    check_rights(call, world, Deed::Tag)?;
    let id = owned(call, world)?;
    let body: Body = call.body()?;
    let ignored = world.rules.switches.purpose_is_ignored;
    let key = world.keys.at_mut(id).ok_or_else(Refusal::not_found)?;
    // The answer shows the key without the purpose, so a client can notice.
    if !ignored {
        key.purpose = body.purpose.map(Into::into);
    }
    let key = world.keys.at(id).ok_or_else(Refusal::not_found)?;
    json_answer(key_json(id, key, world))
}

fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    check_rights(call, world, Deed::Revoke)?;
    let id = owned(call, world)?;
    if world.rules.switches.revoke_is_ignored {
        return Ok(Reply::no_content());
    }
    let user = call.id("user_id")?;
    world.delete_key(user, id);
    // Whether tokens outlive their key is not documented.
    if world.rules.switches.deleted_key_ends_tokens {
        world.tokens.forget_user(user);
    }
    Ok(Reply::no_content())
}

/// What a caller does with a user's keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Deed {
    Read,
    Create,
    Tag,
    Revoke,
}

/// Refuse a caller without the right; which rights apply to embed users is not documented.
fn check_rights(call: &Call<'_>, world: &World, deed: Deed) -> Result<(), Refusal> {
    let (rules, who) = (&world.rules, call.who()?);
    let user_id = call.id("user_id")?;
    let user = world.users.at(user_id).ok_or_else(Refusal::not_found)?;
    let is_service = |user: u32| {
        let user = world.users.at(user);
        user.is_some_and(|user| user.is_service_account)
    };
    let same = OtherRights(None);
    let switches = &rules.switches;
    // Each right may differ from the right to create, if a switch says so.
    let other = match deed {
        Deed::Create => same,
        Deed::Read => switches.key_list_rights,
        Deed::Tag => switches.key_tag_rights,
        Deed::Revoke => switches.key_revoke_rights,
    };
    let rights = other.0.unwrap_or(switches.key_rights);
    let on_core = rules.mode == Mode::Core && rights == KeyRights::Admin;
    let itself = who.user == user_id && user.can_manage_api3_creds;
    let may = match rights {
        // Administrators keep the keys of service accounts, also if they have no right to those of others.
        _ if who.admin && user.is_service_account && !on_core => true,
        KeyRights::Admin if deed != Deed::Create => true,
        KeyRights::Admin => itself || who.admin && (!on_core || switches.core_admin_makes_keys),
        KeyRights::Itself => itself,
        KeyRights::ServiceAccount => who.admin && is_service(who.user),
        KeyRights::Nobody => false,
    };
    match may {
        true => Ok(()),
        false if on_core => Err(Refusal::unsupported_on_core()),
        false => Err(refusal(switches.key_refusal_status)),
    }
}

/// The refusal of a call without a right: as if nothing were there, or in recorded words.
fn refusal(status: u16) -> Refusal {
    match status {
        404 => Refusal::not_found(),
        status => Refusal::new(
            status,
            "You do not have access.  Please contact an administrator",
        ),
    }
}

/// The id of the key a call names, if the user it names has it.
fn owned(call: &Call<'_>, world: &World) -> Result<Id, Refusal> {
    let id = call.id("credentials_api3_id")?;
    let user = world.users.at(call.id("user_id")?);
    // The key must be this user's, not only exist.
    let owns = user.is_some_and(|user| user.keys.contains(&id));
    owns.then_some(id).ok_or_else(Refusal::not_found)
}

/// A key as the API shows it: never its secret.
pub(super) fn key_json(id: Id, key: &Key, world: &World) -> Value {
    let mut shown = json!({
        "can": {},
        "id": id_text(id),
        "client_id": key.client_id,
        "created_at": world.time(key.created_at),
        "is_disabled": false,
        "type": "api3",
        "url": inside_url(&format!("/users/{}/credentials_api3/{id}", key.user)),
    });
    if world.rules.switches.key_purpose_known {
        add(&mut shown, "purpose", key.purpose.as_deref());
    }
    shown
}
