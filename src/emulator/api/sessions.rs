//! Web sessions of a user.

use serde_json::{Value, json};

use crate::emulator::api::inside_url;
use crate::emulator::http::answer::{Answer, Refusal, Reply, json_answer};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::sessions::Session;
use crate::emulator::world::{Id, World, id_text};

pub(super) const OPERATIONS: &[Service] = &[
    op("all_user_sessions", list).own(),
    op("user_session", one).own(),
    op("delete_user_session", remove).own(),
];

fn list(call: &Call<'_>, world: &mut World) -> Answer {
    let user = world
        .users
        .at(call.id("user_id")?)
        .ok_or_else(Refusal::not_found)?;
    let live = user.sessions.iter().filter_map(|id| {
        let session = world.sessions.at(*id)?;
        // Expired sessions stay in the table but are not listed.
        (session.expires_at > world.now).then(|| session_json(world, *id, session))
    });
    json_answer(live.collect())
}

fn one(call: &Call<'_>, world: &mut World) -> Answer {
    let id = call.id("session_id")?;
    let session = world.sessions.at(id).ok_or_else(Refusal::not_found)?;
    match session.user == call.id("user_id")? {
        true => json_answer(session_json(world, id, session)),
        false => Err(Refusal::not_found()),
    }
}

fn remove(call: &Call<'_>, world: &mut World) -> Answer {
    if world.rules.switches.end_session_is_ignored {
        // The answer is that of a session that was ended.
        return one(call, world).map(|_session| Reply::no_content());
    }
    match world.end_session(call.id("user_id")?, call.id("session_id")?) {
        true => Ok(Reply::no_content()),
        false => Err(Refusal::not_found()),
    }
}

/// A session as the API shows it: never its cookie.
pub(super) fn session_json(world: &World, id: Id, session: &Session) -> Value {
    json!({
        "can": {},
        "id": id_text(id),
        "ip_address": "127.0.0.1",
        "browser": session.browser,
        "operating_system": null,
        "city": null,
        "state": null,
        "country": null,
        "credentials_type": "embed",
        "extended_at": null,
        "extended_count": null,
        "sudo_user_id": null,
        "created_at": world.time(session.created_at),
        "expires_at": world.time(session.expires_at),
        "url": inside_url(&format!("/users/{}/sessions/{id}", session.user)),
    })
}
