//! One request from arrival to answer: route, faults, latency, checks, handler, record.

use std::sync::Arc;

use axum::body::{self, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{ACCEPT_ENCODING, HOST, USER_AGENT};
use axum::response::Response;

use crate::emulator::faults::Effect;
use crate::emulator::faults::apply as fault;
use crate::emulator::faults::late_calls::LateCall;
use crate::emulator::http::answer::Refusal;
use crate::emulator::http::checks;
use crate::emulator::http::connection::{self, Orders};
use crate::emulator::http::control;
use crate::emulator::http::cors;
use crate::emulator::http::gate;
use crate::emulator::http::latency::Line;
use crate::emulator::http::operation::API;
use crate::emulator::http::proxy;
use crate::emulator::http::request::Arrival;
use crate::emulator::http::respond::{self, Given};
use crate::emulator::http::router::{self, Route, Target};
use crate::emulator::log::{RequestRecord, Violation, ViolationKind};
use crate::emulator::options::Latency;
use crate::emulator::shared::{Inside, Shared};
use crate::emulator::web::WebCall;

/// The largest body that is read.
const BODY_LIMIT: usize = 16 << 20;

/// Answer one request.
pub(crate) async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(orders): ConnectInfo<Orders>,
    request: Request,
) -> Response {
    let started = shared.options.clock.elapsed();
    let (parts, body) = request.into_parts();
    let _busy = orders.busy();
    // Before the body is read: a request that is refused anyway should not fill the memory.
    if let Err(refusal) = gate::refuse(&parts, &shared) {
        return respond::response(&shared, Given::of(Err(refusal), None, &shared));
    }
    let body = match arrived(&shared, body).await {
        Ok(body) => body,
        Err(late) => return respond::response(&shared, Given::of(Err(late), None, &shared)),
    };
    let mut arrival = Arrival::new(parts, body);
    tidy(&shared, &mut arrival);
    let target = router::find(&arrival.method, &arrival.path);
    // Control requests are neither faulted nor counted.
    if matches!(target, Target::Control) {
        return control::answer(&shared, &arrival);
    }
    if shared.lock().world.rules.switches.wants_content_length && arrival.hides_its_length() {
        return respond::response(
            &shared,
            Given::of(Ok(proxy::length_required()), None, &shared),
        );
    }
    let (effect, latency, line) = counted(&shared, &target, &arrival);
    let place = line.place().await;
    // A request waits in line without its latency running.
    let began = match place {
        Some(_) => shared.options.clock.elapsed(),
        None => started,
    };
    let effect = fault::before(&shared, began, latency, effect).await;
    let given = match fault::instead(&shared, effect.as_ref(), &target) {
        Some(given) => given,
        None => answer(&shared, &target, &arrival),
    };
    let given = fault::instead_after(&shared, effect.as_ref(), &target, given);
    let given = suited(&shared, &arrival, given);
    drop(place);
    let status = fault::status(effect.as_ref(), given.status);
    record(&shared, &arrival, &target, &given, status, started);
    // Put off after its answer is lost: the call takes effect while the client retries.
    if let Some(Effect::Late(calls)) = effect {
        put_off(&shared, target, arrival, calls);
    }
    fault::after(&orders, effect, respond::response(&shared, given))
}

/// The answer in the form that the client asked for, and for the page that it may be from.
fn suited(shared: &Shared, arrival: &Arrival, mut given: Given) -> Given {
    if let Some(origin) = cors::origin(shared, &arrival.headers, &arrival.path) {
        given.headers.push(("access-control-allow-origin", origin));
    }
    if arrival.header(ACCEPT_ENCODING).contains("gzip") {
        given.compress();
    }
    given
}

/// Drop the empty segments of a path, as Looker does, unless it is strict.
fn tidy(shared: &Shared, arrival: &mut Arrival) {
    let Some(path) = router::without_empty_segments(&arrival.path) else {
        return;
    };
    let mut inside = shared.lock();
    if !inside.world.rules.strict {
        let what = format!("{} {}: empty segments", arrival.method, arrival.path);
        inside.log.violation(ViolationKind::Odd, what);
        arrival.path = path;
    }
}

/// Count a request, and do what was put off until then; returns what goes wrong with it, how long it takes, and where it
/// waits for its turn.
fn counted(shared: &Shared, target: &Target, arrival: &Arrival) -> (Option<Effect>, Latency, Line) {
    let mut inside = shared.lock();
    inside.world.calls += 1;
    let calls = inside.world.calls;
    let late = inside.late.due(calls);
    let faults = &mut inside.faults;
    let effect = faults.hit(target.id(), &arrival.method, &arrival.path);
    let found = (effect, inside.latency, inside.line.clone());
    // Late calls take the lock themselves.
    drop(inside);
    for call in late {
        drop(answer(shared, &call.target, &call.arrival));
    }
    found
}

/// The body, if it arrives in time.
async fn arrived(shared: &Shared, body: body::Body) -> Result<Bytes, Refusal> {
    let arriving = body::to_bytes(body, BODY_LIMIT);
    let patience = shared.options.arrival;
    // A client that never sends its body must not hold the connection forever.
    match connection::in_time(&shared.options.clock, patience, arriving).await {
        Some(body) => Ok(body.unwrap_or_default()),
        None => {
            let mut late = Refusal::new(408, "Request Timeout");
            // What is left of the body would be taken for the next request.
            late.headers.push(("connection", "close".to_owned()));
            Err(late)
        }
    }
}

/// Execute the delayed calls that are due, with the identity of their callers at the time.
fn put_off(shared: &Shared, target: Target, mut arrival: Arrival, calls: u32) {
    let mut inside = shared.lock();
    // The token may end before the call is carried out, so the caller is resolved now.
    arrival.who = arrival
        .token()
        .and_then(|token| checks::who(&inside, token));
    let after = inside.world.calls + u64::from(calls);
    inside.late.put(LateCall {
        after,
        target,
        arrival,
    });
}

fn answer(shared: &Shared, target: &Target, arrival: &Arrival) -> Given {
    match target {
        Target::Operation(route, params) => api(shared, *route, params.clone(), arrival),
        Target::Page(page) => {
            let mut inside = shared.lock();
            let Inside { world, log, .. } = &mut *inside;
            let call = WebCall {
                path: &arrival.path,
                query: &arrival.query,
                host: arrival.header(HOST),
                embed_host: shared.options.embed_host.as_deref(),
                cookie: arrival.header("cookie"),
                user_agent: arrival.header(USER_AGENT),
            };
            Given::of((page.handler)(&call, world, log), None, shared)
        }
        Target::OtherMethod(methods) if arrival.method == "OPTIONS" => {
            Given::of(cors::preflight(methods), None, shared)
        }
        Target::OtherMethod(methods) => {
            let what = format!("Looker takes {methods} there");
            strayed(shared, arrival, &what);
            let mut refusal = Refusal::of_status(405);
            refusal.headers.push(("allow", methods.clone()));
            Given::of(Err(refusal), None, shared)
        }
        // A path that Looker does not have is a mistake of the client.
        Target::Control | Target::Unknown => {
            strayed(shared, arrival, "Looker has nothing there");
            Given::of(Ok(proxy::outage()), None, shared)
        }
    }
}

/// Record a request that leads nowhere.
fn strayed(shared: &Shared, arrival: &Arrival, why: &str) {
    let what = format!("{} {}: {why}", arrival.method, arrival.path);
    let mut inside = shared.lock();
    inside.log.violation(ViolationKind::Unknown, what);
}

fn api(
    shared: &Shared,
    route: Route,
    params: Vec<(&'static str, String)>,
    arrival: &Arrival,
) -> Given {
    let mut inside = shared.lock();
    // A late call has its caller already.
    let who = arrival.who.clone().or_else(|| {
        let token = arrival.token()?;
        checks::who(&inside, token)
    });
    let user = who.as_ref().map(|who| who.user);
    let now = shared.options.clock.elapsed();
    let answer = checks::call(&mut inside, now, (route, params), arrival, who.as_ref());
    if let Err(Refusal {
        violation: Some(Violation { kind, what }),
        ..
    }) = &answer
    {
        // Logged while locked, so that a test that reads the log afterwards finds it.
        let text = format!("{} {}: {what}", arrival.method, route.operation.path);
        inside.log.violation(*kind, text);
    }
    let says_why = inside.world.rules.switches.field_errors_say_why;
    drop(inside);
    let answer = match says_why {
        true => answer,
        false => answer.map_err(Refusal::wordless),
    };
    Given {
        user,
        ..Given::of(answer, Some(route), shared)
    }
}

fn record(
    shared: &Shared,
    arrival: &Arrival,
    target: &Target,
    given: &Given,
    status: u16,
    started: std::time::Duration,
) {
    let path = match target {
        // The last segment is a token.
        Target::Operation(Route { operation, .. }, _)
            if operation.id == "delete_embed_cookieless_session" =>
        {
            format!("{API}{}", operation.path)
        }
        _ => arrival.path.clone(),
    };
    let record = RequestRecord {
        at: shared.now(),
        method: arrival.method.clone(),
        path,
        operation: target.id(),
        status,
        as_user: given.user.map(|user| user.to_string()),
        elapsed: shared.options.clock.elapsed().saturating_sub(started),
    };
    shared.lock().log.request(record);
}
