//! The log of the console: requests and faults.

use serde_json::{Value, json};

use crate::emulator::console::users::known_as;
use crate::emulator::console::{Filter, shown};
use crate::emulator::faults::{Effect, Faults};
use crate::emulator::log::RequestRecord;
use crate::emulator::shared::Inside;
use crate::emulator::text::clock_time;
use crate::emulator::world::World;

/// The faults in force.
pub(super) fn faults(faults: &Faults) -> Value {
    let shown = faults.iter().map(|(fault, seen)| {
        let when = match (fault.skip, fault.times) {
            (0, 0) => "always".to_owned(),
            (skip, 0) => format!("after {skip} calls"),
            (0, times) => format!("times {times}"),
            (skip, times) => format!("times {times} after {skip} calls"),
        };
        json!({
            "operation": fault.operation.as_deref().unwrap_or("every call"),
            "effect": effect(&fault.effect),
            "when": when,
            "seen": seen,
        })
    });
    shown.collect()
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Status { code, .. } => format!("answered with {code}"),
        Effect::StatusAfter { code, .. } => format!("done, and answered with {code}"),
        Effect::Late(calls) => format!("the answer is lost, and it is done {calls} calls later"),
        Effect::ResetBefore => "the connection is reset before it is done".to_owned(),
        Effect::ResetAfter => "the connection is reset after it was done".to_owned(),
        Effect::SlowHeaders(time) => format!("the head of the answer takes {time:?}"),
        Effect::SlowBody(time) => format!("the body of the answer takes {time:?}"),
        Effect::Delay(time) => format!("done after {time:?}"),
        Effect::Truncate => "the answer is cut off".to_owned(),
        Effect::Garbage => "the answer is no JSON".to_owned(),
        Effect::Huge(bytes) => format!("the answer has {bytes} bytes too many"),
        Effect::Redirect(place) => format!("redirected to {place}"),
    }
}

/// The last requests that pass the filter, the newest first.
pub(super) fn section(inside: &Inside, filter: &Filter) -> Value {
    let (world, requests) = (&inside.world, &inside.log.requests);
    let found = requests.iter().rev();
    let found = found.filter(|request| filter.pass(|| searched(world, request)));
    shown(requests.len(), found, |request| one(world, request))
}

fn searched(world: &World, request: &RequestRecord) -> String {
    format!(
        "{} {} {} {} {}",
        request.method,
        request.path,
        request.operation,
        request.status,
        caller(world, request)
    )
}

fn one(world: &World, request: &RequestRecord) -> Value {
    json!({
        "class": match request.status {
            0 | 500.. => "bad",
            400..500 => "refused",
            _ => "",
        },
        "time": clock_time(request.at),
        "status": request.status,
        "method": request.method,
        "path": request.path,
        "operation": request.operation,
        "who": caller(world, request),
        "ms": format!("{:.1}", request.elapsed.as_secs_f64() * 1000.0),
    })
}

/// Who a request was made as, by the name that people know.
fn caller(world: &World, request: &RequestRecord) -> String {
    let Some(id) = &request.as_user else {
        return String::new();
    };
    let user = id.parse().ok().and_then(|id| world.users.at(id));
    user.map_or_else(|| id.clone(), known_as)
}
