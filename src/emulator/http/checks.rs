//! The checks before an operation answers: rate, query, body, access.

use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use serde_json::Value;

use crate::emulator::contract;
use crate::emulator::faults::apply as fault;
use crate::emulator::http::answer::{Answer, Body, Refusal};
use crate::emulator::http::call::{Call, Paging, Query, Who, bad_body};
use crate::emulator::http::fields::Fields;
use crate::emulator::http::operation::{Access, Operation};
use crate::emulator::http::request::Arrival;
use crate::emulator::http::router::Route;
use crate::emulator::shared::Inside;
use crate::emulator::switches::{DisabledSudo, Switches};

/// The body that a form is.
const FORM: &str = "form";

/// Call an operation, as far as the checks let it; `now` is the time that the rate is measured by.
pub(crate) fn call(
    inside: &mut Inside,
    now: Duration,
    (route, params): (Route, Vec<(&'static str, String)>),
    arrival: &Arrival,
    who: Option<&Who>,
) -> Answer {
    // Before anything else, so that a throttled call has no effect.
    if let Err(wait) = inside.limit.pass(now) {
        return Err(fault::throttled(&inside.world.rules.switches, wait));
    }
    let operation = route.operation;
    let service = route.service.ok_or_else(|| unserved(operation))?;
    // The contract is checked before the rights, since a malformed call is a mistake whoever makes it.
    let query = check_query(operation, &arrival.query)?;
    check_body(operation, arrival)?;
    let mut call = Call {
        params,
        fields: fields(operation, &query)?,
        paging: paging(&inside.world.rules.switches, operation),
        query,
        raw: &arrival.body,
        body: Value::Null,
        who,
        host: arrival.header(HOST),
        user_agent: arrival.header(USER_AGENT),
    };
    check_access(service.access, &call)?;
    if let Some(kind) = operation.body.filter(|kind| *kind != FORM) {
        let body =
            serde_json::from_slice(call.raw).map_err(|error| bad_body(&error.to_string()))?;
        contract::check(kind, &body).map_err(|why| bad_body(&why))?;
        call.body = body;
    }
    let mut reply = (service.handler)(&call, &mut inside.world)?;
    if let Body::Json(value) = reply.body {
        // Handlers may show more than was asked for; the rest is removed here, for all of them.
        reply.body = Body::Json(call.fields.keep(value));
    }
    Ok(reply)
}

/// 501 for an operation that Looker has and this emulator lacks.
fn unserved(operation: &Operation) -> Refusal {
    // 501 and a violation, so that a test cannot pass by relying on a missing operation.
    let what = format!("the emulator does not serve `{}`", operation.id);
    Refusal::new(501, &*what).violation(what)
}

fn paging(switches: &Switches, operation: &Operation) -> Paging {
    Paging {
        // Lists without pages are whole in any case.
        cap: match operation.takes("limit") {
            true => switches.page_cap,
            false => 0,
        },
        ignores_offset: switches.ignores_offset,
        ignores_sort: switches.ignores_sort,
        swapped: switches.boards_swap_paging && operation.id == "search_boards",
    }
}

/// The fields the caller wants; all if it does not say.
fn fields(operation: &Operation, query: &Query) -> Result<Fields, Refusal> {
    let text = query.value("fields").filter(|_| operation.takes("fields"));
    Fields::parse(text.unwrap_or_default()).ok_or_else(|| {
        Refusal::new(400, "Bad Request: 'fields' cannot be read")
            .violation("`fields` with parentheses that do not match")
    })
}

/// Who holds a token.
pub(crate) fn who(inside: &Inside, text: &str) -> Option<Who> {
    let world = &inside.world;
    // An expired token counts as none.
    let token = world.tokens.live(text, world.now)?;
    let user = world.users.at(token.user)?;
    let works = world.rules.switches.disabled_sudo == DisabledSudo::Works;
    let passes = !user.is_disabled || token.sudo_by.is_some() && works;
    passes.then(|| Who {
        user: token.user,
        sudo_by: token.sudo_by,
        admin: world.is_admin(token.user),
        token: text.to_owned(),
    })
}

fn check_query(operation: &Operation, raw: &str) -> Result<Query, Refusal> {
    let query = Query::parse(raw).ok_or_else(|| {
        Refusal::new(400, "Bad Request").violation("a query that is not percent-encoded UTF-8")
    })?;
    // An unknown parameter is most likely a mistake of the client.
    match query.unknown(|name| operation.takes(name)) {
        None => Ok(query),
        Some(name) => Err(
            Refusal::new(400, format!("Bad Request: unknown parameter '{name}'"))
                .violation(format!("an unknown query parameter `{name}`")),
        ),
    }
}

fn check_body(operation: &Operation, arrival: &Arrival) -> Result<(), Refusal> {
    let wanted = match operation.body {
        None if arrival.body.is_empty() => return Ok(()),
        None => {
            return Err(
                Refusal::new(400, "Bad Request: this operation takes no body")
                    .violation("a body where none is allowed"),
            );
        }
        // Login takes its form in the query too, for a while.
        Some(FORM) if arrival.body.is_empty() => return Ok(()),
        Some(FORM) => "application/x-www-form-urlencoded",
        Some(_) => "application/json",
    };
    let given = arrival.header(CONTENT_TYPE);
    // Parameters such as the charset do not matter.
    let kind = given.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    Err(
        Refusal::new(400, format!("Bad Request: the body must be {wanted}"))
            .violation(format!("the content type `{kind}` instead of `{wanted}`")),
    )
}

fn check_access(access: Access, call: &Call<'_>) -> Result<(), Refusal> {
    let open = match access {
        Access::Open => return Ok(()),
        Access::Token => call.who().map(|_who| true)?,
        Access::Admin => call.who()?.admin,
        Access::Own => {
            let who = call.who()?;
            let own = call
                // The first parameter is the user whose things these are.
                .params
                .first()
                .is_some_and(|(_, id)| *id == who.user.to_string());
            who.admin || own
        }
    };
    // Without the right, everything looks as if it did not exist.
    open.then_some(()).ok_or_else(Refusal::not_found)
}
