//! Logging in and out of the API, and acting as another user.

use serde_json::json;

use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::switches::{DisabledSudo, Mode};
use crate::emulator::world::{Id, World, id_text};

pub(super) const OPERATIONS: &[Service] = &[
    op("login", login).open(),
    op("login_user", login_user).admin(),
    op("logout", logout),
    op("session", session),
    op("update_session", update_session),
];

/// Wrong credentials get 404, as real instances answer.
fn login(call: &Call<'_>, world: &mut World) -> Answer {
    let switches = &world.rules.switches;
    let body_only = switches.has(switches.login_refuses_query);
    let value = |name| {
        // Credentials in the query of a URL end up in logs, so newer Lookers refuse them.
        let query = || call.query(name).filter(|_text| !body_only);
        call.form.value(name).or_else(query).unwrap_or_default()
    };
    let user = world
        .keys
        .by_client_id(value("client_id"))
        .filter(|key| key.opens_with(value("client_secret")))
        .map(|key| key.user);
    let enabled = |id: &Id| {
        let user = world.users.at(*id);
        // The key of a deleted user is gone with it, unless a switch says otherwise.
        user.is_none_or(|user| !user.is_disabled || world.rules.switches.disabled_key_logs_in)
    };
    // An unknown key and a wrong secret get the same answer.
    let user = user.filter(enabled).ok_or_else(Refusal::not_found)?;
    if world.rules.switches.key_login_counts_as_seen {
        let now = world.now;
        let embed = world
            .users
            .at_mut(user)
            .and_then(|user| user.embed.as_mut());
        if let Some(credential) = embed {
            credential.logged_in_at = Some(now);
        }
    }
    token(world, user, None)
}

/// A token for another user. On Looker (Google Cloud core) only service accounts may ask, and only for embed users.
fn login_user(call: &Call<'_>, world: &mut World) -> Answer {
    let who = call.who()?;
    let id = call.id("user_id")?;
    let target = world.users.at(id).ok_or_else(Refusal::not_found)?;
    // A sudo token must not give further sudo tokens, unless a switch allows it.
    if who.sudo_by.is_some() && !world.rules.switches.nested_sudo {
        return Err(Refusal::not_found());
    }
    if target.is_disabled && world.rules.switches.disabled_sudo == DisabledSudo::Refused {
        return Err(Refusal::not_found());
    }
    // On Looker (Google Cloud core) only service accounts may act as embed users.
    if world.rules.mode == Mode::Core {
        let service = world
            .users
            .at(who.user)
            .is_some_and(|user| user.is_service_account);
        if !service || target.embed.is_none() {
            return Err(Refusal::unsupported_on_core());
        }
    }
    let whose = match world.rules.switches.sudo_gives_caller {
        true => who.user,
        false => id,
    };
    token(world, whose, Some(who.user))
}

fn token(world: &mut World, user: Id, sudo_by: Option<Id>) -> Answer {
    let seconds = world.rules.token_seconds;
    let most = world.rules.switches.max_tokens;
    // 0 means no limit.
    if most > 0 && world.tokens.live_of(user, world.now) >= most {
        return Err(Refusal::new(429, "Too Many Requests"));
    }
    json_answer(json!({
        "access_token": world.mint_token(user, sudo_by),
        "token_type": "Bearer",
        "expires_in": seconds,
        "refresh_token": null,
    }))
}

/// A second logout gets 404, because its token is gone, according to the Ruby SDK's documentation.
fn logout(call: &Call<'_>, world: &mut World) -> Answer {
    let token = &call.who()?.token;
    match world.tokens.end(token) {
        true => Ok(Reply::no_content()),
        false => Err(Refusal::not_found()),
    }
}

fn session(call: &Call<'_>, world: &mut World) -> Answer {
    let who = call.who()?;
    let workspace = world.tokens.workspace(&who.token);
    json_answer(json!({
        "can": { "view": true, "update": true },
        "workspace_id": workspace,
        "sudo_user_id": who.sudo_by.map(id_text),
    }))
}

fn update_session(call: &Call<'_>, world: &mut World) -> Answer {
    #[derive(serde::Deserialize)]
    struct Body {
        workspace_id: Option<String>,
    }

    let body: Body = call.body()?;
    let workspace = body.workspace_id.unwrap_or_default();
    let development = match workspace.as_str() {
        "production" => false,
        "dev" => true,
        _ => {
            let text = "'workspace_id' is 'production' or 'dev'";
            return Err(Refusal::invalid("workspace_id", "invalid", text));
        }
    };
    world.tokens.set_workspace(&call.who()?.token, development);
    session(call, world)
}
