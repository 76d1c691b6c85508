//! The checks before an operation answers: rate, query, body, access.

use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use serde_json::Value;

use crate::emulator::contract;
use crate::emulator::faults::apply as fault;
use crate::emulator::http::answer::{Answer, Body, Refusal};
use crate::emulator::http::call::{Call, Paging, Query, Who, bad_body};
use crate::emulator::http::fields::Fields;
use crate::emulator::http::operation::{Access, FORM, Operation};
use crate::emulator::http::request::Arrival;
use crate::emulator::http::router::Route;
use crate::emulator::log::ViolationKind;
use crate::emulator::shared::Inside;
use crate::emulator::switches::{DisabledSudo, Switches};

/// What forms may have besides the parameters of the operation. Recorded: the Go SDK sends it.
const GRANT_TYPE: &str = "grant_type";

/// What is odd about a request: refused by a strict Looker, else gathered.
struct Oddities {
    strict: bool,
    found: Vec<String>,
}

impl Oddities {
    /// Gather `what`, or refuse it with `status`.
    fn note(&mut self, status: u16, what: impl Into<String>) -> Result<(), Refusal> {
        let what = what.into();
        if !self.strict {
            self.found.push(what);
            return Ok(());
        }
        let refusal = match status {
            422 => Refusal::of_status(status),
            status => Refusal::new(status, format!("Bad Request: {what}")),
        };
        Err(refusal.violation(what))
    }
}

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
    let service = route.service.ok_or_else(|| {
        let what = format!("the emulator does not serve `{}`", operation.id);
        Refusal::unserved(&what)
    })?;
    let mut odd = Oddities {
        strict: inside.world.rules.strict,
        found: Vec::new(),
    };
    let read = read(operation, arrival, &mut odd);
    if !odd.found.is_empty() {
        let what = odd.found.join("; ");
        let what = format!("{} {}: {what}", arrival.method, operation.path);
        inside.log.violation(ViolationKind::Odd, what);
    }
    // What a call says is read before the rights are checked, since a malformed call is a mistake whoever makes it.
    let Read { query, form, body } = read?;
    let rules = &inside.world.rules;
    let call = Call {
        path: &arrival.path,
        params,
        fields: fields(operation, &query)?,
        paging: paging(&rules.switches, operation),
        query,
        form,
        body,
        who,
        scheme: rules.scheme,
        host: arrival.header(HOST),
        user_agent: arrival.header(USER_AGENT),
    };
    check_access(service.access, &call)?;
    let mut reply = (service.handler)(&call, &mut inside.world)?;
    if let Body::Json(value) = reply.body {
        // Handlers may show more than was asked for; the rest is removed here, for all of them.
        reply.body = Body::Json(call.fields.keep(value));
    }
    Ok(reply)
}

/// What a request says.
struct Read {
    query: Query,
    form: Query,
    body: Value,
}

fn read(operation: &Operation, arrival: &Arrival, odd: &mut Oddities) -> Result<Read, Refusal> {
    let query = read_query(operation, &arrival.query, odd)?;
    check_type(operation, arrival, odd)?;
    let raw = &arrival.body;
    let (mut form, mut body) = (Query::default(), Value::Null);
    match operation.body {
        None => {
            // Several clients send an empty object with every call.
            if !raw.is_empty() {
                odd.note(400, "a body where none is expected")?;
            }
        }
        Some(FORM) => {
            let text = std::str::from_utf8(raw).unwrap_or_default();
            form = Query::parse(text).unwrap_or_default();
            let known = |name: &str| operation.takes(name) || name == GRANT_TYPE;
            if let Some(name) = form.unknown(known) {
                odd.note(400, format!("an unknown form field `{name}`"))?;
            }
        }
        Some(kind) => body = read_body(kind, raw, odd)?,
    }
    Ok(Read { query, form, body })
}

/// The JSON of a body of the type `kind`.
fn read_body(kind: &str, raw: &[u8], odd: &mut Oddities) -> Result<Value, Refusal> {
    let nothing = || Value::Object(serde_json::Map::new());
    let body = match raw.is_empty() {
        true => Value::Null,
        false => serde_json::from_slice(raw).map_err(|error| bad_body(&error.to_string()))?,
    };
    let body = match body {
        // The type of a list begins with a bracket; no client leaves that out.
        Value::Null if !kind.starts_with('[') => {
            odd.note(422, "the body: there is none")?;
            nothing()
        }
        body => body,
    };
    let (body, found) = contract::fit(kind, body).map_err(|why| bad_body(&why))?;
    for what in found {
        odd.note(422, format!("the body: {what}"))?;
    }
    Ok(body)
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
        linked: switches.pages_have_links && operation.takes("offset"),
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

fn read_query(operation: &Operation, raw: &str, odd: &mut Oddities) -> Result<Query, Refusal> {
    let mut query = Query::parse(raw).ok_or_else(|| {
        Refusal::new(400, "Bad Request").violation("a query that is not percent-encoded UTF-8")
    })?;
    // An unknown parameter is most likely a mistake of the client, and an empty one a variable that was not set.
    if let Some(name) = query.unknown(|name| operation.takes(name)) {
        odd.note(400, format!("an unknown query parameter `{name}`"))?;
    }
    if let Some(name) = query.take_empty() {
        odd.note(400, format!("an empty query parameter `{name}`"))?;
    }
    Ok(query)
}

/// JSON is read as such whatever it is called.
fn check_type(operation: &Operation, arrival: &Arrival, odd: &mut Oddities) -> Result<(), Refusal> {
    let wanted = match operation.body {
        Some(FORM) => "application/x-www-form-urlencoded",
        Some(_) => "application/json",
        None => return Ok(()),
    };
    let given = arrival.header(CONTENT_TYPE);
    // Parameters such as the charset do not matter.
    let kind = given.split(';').next().unwrap_or_default().trim();
    // Login takes its form in the query too, for a while.
    match arrival.body.is_empty() || kind.eq_ignore_ascii_case(wanted) {
        true => Ok(()),
        false => odd.note(
            400,
            format!("the content type `{kind}` instead of `{wanted}`"),
        ),
    }
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
