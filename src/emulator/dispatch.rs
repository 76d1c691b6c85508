//! One request from arrival to answer: route, faults, latency, checks, handler, record.

use std::sync::Arc;

use axum::body::{self, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HOST, USER_AGENT};
use axum::response::Response;

use crate::emulator::answer::Refusal;
use crate::emulator::checks;
use crate::emulator::connection::Orders;
use crate::emulator::control;
use crate::emulator::log::RequestRecord;
use crate::emulator::operation::Operation;
use crate::emulator::respond::{self, Given};
use crate::emulator::router::Target;
use crate::emulator::shared::{Inside, Shared};
use crate::emulator::trouble;
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
    let arrival = Arrival {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: body::to_bytes(body, BODY_LIMIT).await.unwrap_or_default(),
    };
    let target = shared.router.find(&arrival.method, &arrival.path);
    if matches!(target, Target::Control) {
        return control::answer(&shared, &arrival);
    }
    let (effect, latency, line) = {
        let mut inside = shared.lock();
        let faults = &mut inside.faults;
        let effect = faults.hit(target.id(), &arrival.method, &arrival.path);
        (effect, inside.latency, inside.line.clone())
    };
    let place = line.place().await;
    let began = match place {
        Some(_) => shared.options.clock.elapsed(),
        None => started,
    };
    let effect = trouble::before(&shared, began, latency, effect).await;
    let given = match trouble::instead(&shared, effect.as_ref(), &target) {
        Some(given) => given,
        None => answer(&shared, &target, &arrival),
    };
    drop(place);
    let status = trouble::status(effect.as_ref(), given.status);
    record(&shared, &arrival, &target, &given, status, started);
    trouble::after(&orders, effect, respond::response(&shared, given))
}

/// A request, whole.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Arrival {
    /// The value of a header that is text.
    pub(crate) fn header(&self, name: impl axum::http::header::AsHeaderName) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// The token in the `Authorization` header; Looker takes `token` and `Bearer`.
    fn token(&self) -> Option<&str> {
        let (scheme, token) = self.header(AUTHORIZATION).split_once(' ')?;
        let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token");
        known.then_some(token)
    }
}

fn answer(shared: &Shared, target: &Target, arrival: &Arrival) -> Given {
    match target {
        Target::Operation(operation, params) => api(shared, operation, params.clone(), arrival),
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
        Target::Control | Target::Unknown => {
            let what = format!(
                "{} {}: Looker has nothing there",
                arrival.method, arrival.path
            );
            shared.lock().log.violation(what);
            Given::of(Err(Refusal::not_found()), None, shared)
        }
    }
}

fn api(
    shared: &Shared,
    operation: &'static Operation,
    params: Vec<(&'static str, String)>,
    arrival: &Arrival,
) -> Given {
    let mut inside = shared.lock();
    let who = arrival
        .token()
        .and_then(|token| checks::who(&inside, token));
    let user = who.as_ref().map(|who| who.user);
    let now = shared.options.clock.elapsed();
    let answer = checks::call(&mut inside, now, (operation, params), arrival, who.as_ref());
    if let Err(Refusal {
        violation: Some(what),
        ..
    }) = &answer
    {
        let text = format!("{} {}: {what}", arrival.method, operation.path);
        inside.log.violation(text);
    }
    drop(inside);
    Given {
        user,
        ..Given::of(answer, Some(operation), shared)
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
        Target::Operation(operation, _) if operation.id == "delete_embed_cookieless_session" => {
            format!("/api/4.0{}", operation.path)
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
