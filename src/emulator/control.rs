//! What only an emulator has, below `/__emulator`: its state, violations, faults and clock.

use axum::body::Body as HttpBody;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::emulator::answer::{Answer, Refusal, Reply};
use crate::emulator::dispatch::Arrival;
use crate::emulator::respond::{self, Given};
use crate::emulator::shared::Shared;

/// Answer a request for one of the emulator's own paths.
pub(crate) fn answer(shared: &Shared, arrival: &Arrival) -> Response<HttpBody> {
    let answer = route(shared, arrival);
    respond::response(shared, Given::of(answer, None, shared))
}

fn route(shared: &Shared, arrival: &Arrival) -> Answer {
    let path = arrival.path.trim_start_matches("/__emulator");
    match (arrival.method.as_str(), path) {
        ("GET", "/state") => Ok(Reply::json(state(shared))),
        ("GET", "/violations") => Ok(Reply::json(json!(shared.lock().log.violations))),
        ("GET", "/requests") => Ok(Reply::json(json!(shared.lock().log.requests))),
        ("GET", "/refused-logins") => Ok(Reply::json(json!(shared.lock().log.refused_logins))),
        ("DELETE", "/faults") => {
            shared.lock().faults.clear();
            Ok(Reply::no_content())
        }
        ("POST", "/clock") => set_clock(shared, &arrival.body),
        ("POST", "/reset") => {
            shared.reset();
            Ok(Reply::no_content())
        }
        _ => Err(Refusal::not_found()),
    }
}

fn set_clock(shared: &Shared, body: &[u8]) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Clock {
        offset_seconds: i64,
    }

    let clock: Clock = serde_json::from_slice(body)
        .map_err(|error| Refusal::new(400, format!("Bad Request: {error}")))?;
    shared.set_clock_offset(clock.offset_seconds);
    Ok(Reply::json(json!({ "now": shared.now() })))
}

/// What the world holds, in figures and names; never a secret.
pub(crate) fn state(shared: &Shared) -> Value {
    let inside = shared.lock();
    let world = &inside.world;
    json!({
        "users": world.users.table.len(),
        "embed_users": world.users.embed_count(),
        "keys": world.keys.len(),
        "live_tokens": world.tokens.live_count(world.now),
        "requests": inside.log.counts,
        "violations": inside.log.violations,
    })
}
