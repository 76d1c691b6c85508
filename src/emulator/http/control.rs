//! Paths that only an emulator has: the console at `/`, and below `/__emulator` its state, operations, violations,
//! faults and clock.

use axum::body::Body as HttpBody;
use axum::response::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::emulator::behaviour::Behaviour;
use crate::emulator::console;
use crate::emulator::contract;
use crate::emulator::faults::Fault;
use crate::emulator::http::answer::{Answer, Refusal, Reply};
use crate::emulator::http::operation::{Operation, Verb};
use crate::emulator::http::page;
use crate::emulator::http::request::Arrival;
use crate::emulator::http::respond::{self, Given};
use crate::emulator::http::router;
use crate::emulator::shared::Shared;
use crate::emulator::state::Dump;

/// Answer a request for one of the emulator's own paths.
pub(crate) fn answer(shared: &Shared, arrival: &Arrival) -> Response<HttpBody> {
    let answer = route(shared, arrival);
    respond::response(shared, Given::of(answer, None, shared))
}

fn route(shared: &Shared, arrival: &Arrival) -> Answer {
    let path = arrival.path.trim_start_matches("/__emulator");
    let verb = Verb::of(&arrival.method).ok_or_else(Refusal::not_found)?;
    match (verb, path) {
        (Verb::Get, "/") => console::page(shared, &arrival.query),
        (Verb::Get, "/console.css") => console::style(),
        (Verb::Get, "/console.js") => console::script(),
        (Verb::Get, "/state") => state(shared),
        (Verb::Get, "/figures") => Ok(Reply::json(figures(shared))),
        (Verb::Get, "/operations") => Ok(Reply::json(operations())),
        (Verb::Get, "/violations") => Ok(Reply::json(json!(shared.lock().log.violations))),
        (Verb::Get, "/requests") => Ok(Reply::json(json!(shared.lock().log.requests))),
        (Verb::Get, "/refused-logins") => Ok(Reply::json(json!(shared.lock().log.refused_logins))),
        (Verb::Get, "/faults") => Ok(Reply::json(faults(shared))),
        (Verb::Post, "/faults") => add_faults(shared, &arrival.body),
        (Verb::Delete, "/faults") => {
            shared.lock().faults.clear();
            Ok(Reply::no_content())
        }
        (Verb::Post, "/behaviour") => change_behaviour(shared, &arrival.body),
        (Verb::Post, "/clock") => set_clock(shared, &arrival.body),
        (Verb::Post, "/reset") => {
            shared.reset().map_err(bad)?;
            Ok(Reply::no_content())
        }
        (Verb::Get, path) if path.starts_with("/err/4.0/501/") => not_served(path),
        _ => Err(Refusal::not_found()),
    }
}

/// Every operation of Looker's API, and whether it is served here.
fn operations() -> Value {
    let operations = contract::operations().iter();
    let described = operations.map(|operation| {
        json!({
            "id": operation.id,
            "method": operation.verb.word().to_ascii_uppercase(),
            "path": operation.path,
            "served": router::is_served(operation.id),
        })
    });
    described.collect()
}

/// The page that 501 refers to.
fn not_served(path: &str) -> Answer {
    let page = |operation: &&Operation| format!("/err{}", operation.error_page("", 501)) == path;
    let operation = contract::operations().iter().find(page);
    // Only a page that an answer has linked to exists.
    let operation = operation.filter(|operation| !router::is_served(operation.id));
    let id = operation.ok_or_else(Refusal::not_found)?.id;
    let text = format!(
        "Looker has the operation {id}. This local Looker does not serve it: \
         the call changed nothing, and is listed among the violations."
    );
    page::plain("Not served here", &text, &[])
}

/// The faults in force, and how many calls each has seen.
fn faults(shared: &Shared) -> Value {
    let inside = shared.lock();
    let faults = inside.faults.iter();
    faults
        .map(|(fault, seen)| json!({ "fault": fault, "seen": seen }))
        .collect()
}

/// Put one fault in force, or a list of them; each as an object or as the text that `--fault` takes.
fn add_faults(shared: &Shared, body: &[u8]) -> Answer {
    let value: Value = parse(body)?;
    let values = match value {
        // One fault, or a list of them.
        Value::Array(values) => values,
        one => vec![one],
    };
    let faults: Vec<Fault> = serde_json::from_value(Value::Array(values)).map_err(bad)?;
    let mut inside = shared.lock();
    for fault in faults {
        inside.faults.add(fault);
    }
    Ok(Reply::no_content())
}

fn change_behaviour(shared: &Shared, body: &[u8]) -> Answer {
    let behaviour: Behaviour = parse(body)?;
    behaviour.apply(&mut shared.lock()).map_err(bad)?;
    Ok(Reply::no_content())
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(bad)
}

fn bad(error: impl std::fmt::Display) -> Refusal {
    Refusal::new(400, format!("Bad Request: {error}"))
}

fn set_clock(shared: &Shared, body: &[u8]) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Clock {
        offset_seconds: i64,
    }

    let clock: Clock = parse(body)?;
    shared.set_clock_offset(clock.offset_seconds);
    Ok(Reply::json(json!({ "now": shared.now() })))
}

/// What the world holds, as a document that `--state` reads; without secrets.
fn state(shared: &Shared) -> Answer {
    let inside = shared.lock();
    // Serialized while locked, so that the document shows one moment.
    let text = serde_json::to_string(&Dump(&inside.world)).map_err(bad)?;
    Ok(Reply::text("application/json", text))
}

/// The number of objects of each kind.
fn figures(shared: &Shared) -> Value {
    let inside = shared.lock();
    let world = &inside.world;
    json!({
        "users": world.users.table.len(),
        "embed_users": world.users.embed_count(),
        "keys": world.keys.len(),
        "live_tokens": world.tokens.live_count(world.now),
        "requests": inside.log.counts,
        "violations": inside.log.violations.len(),
    })
}
