//! The log of the console: requests, violations, refused logins, faults.

use crate::emulator::console::markup::Markup;
use crate::emulator::console::users::known_as;
use crate::emulator::console::{Filter, SHOWN, more};
use crate::emulator::faults::{Effect, Faults};
use crate::emulator::log::{Log, RequestRecord};
use crate::emulator::shared::Inside;
use crate::emulator::text::clock_time;
use crate::emulator::world::World;

/// Add what no client should have asked, where somebody did.
pub(super) fn violations(page: &mut Markup, log: &Log) {
    if log.violations.is_empty() {
        return;
    }
    page.section("violations", "Violations", log.violations.len());
    page.tags("<p class=hint>What no client should send: the real Looker may have let it pass.</p><ul class=bad>");
    for violation in log.violations.iter().rev().take(SHOWN) {
        page.tags("<li>").value(violation).tags("</li>");
    }
    page.tags("</ul></section>");
}

/// Add the faults in force, where there are any.
pub(super) fn faults(page: &mut Markup, faults: &Faults) {
    let count = faults.iter().count();
    if count == 0 {
        return;
    }
    page.section("faults", "Faults in force", count);
    page.tags("<ul>");
    for (fault, seen) in faults.iter() {
        let operation = fault.operation.as_deref().unwrap_or("every call");
        page.tags("<li><code>").value(operation).tags("</code>: ");
        page.value(effect(&fault.effect)).tags("<span class=id>");
        match (fault.skip, fault.times) {
            (0, 0) => page.tags(", always"),
            (skip, 0) => page.tags(", after ").value(skip).tags(" calls"),
            (0, times) => page.tags(", times ").value(times),
            (skip, times) => page
                .tags(", times ")
                .value(times)
                .tags(" after ")
                .value(skip)
                .tags(" calls"),
        };
        page.tags("; seen ").value(seen).tags("</span></li>");
    }
    page.tags("</ul></section>");
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

/// Add why embed logins were refused, where some were.
pub(super) fn refused_logins(page: &mut Markup, log: &Log) {
    if log.refused_logins.is_empty() {
        return;
    }
    page.section(
        "refused-logins",
        "Refused embed logins",
        log.refused_logins.len(),
    );
    page.tags("<ul>");
    for refused in log.refused_logins.iter().rev().take(SHOWN) {
        page.tags("<li>").value(refused).tags("</li>");
    }
    page.tags("</ul></section>");
}

/// Add the last requests that pass the filter, the newest first.
pub(super) fn section(page: &mut Markup, inside: &Inside, filter: &Filter) {
    let (world, log) = (&inside.world, &inside.log);
    page.section("requests", "Requests", log.requests.len());
    let mut found = log
        .requests
        .iter()
        .rev()
        .filter(|request| filter.pass(|| searched(world, request)));
    let shown: Vec<&RequestRecord> = found.by_ref().take(SHOWN).collect();
    if shown.is_empty() {
        page.tags("<p class=none>No request.</p></section>");
        return;
    }
    page.tags(
        "<table><thead><tr><th>Time<th>Status<th>Request<th>As<th class=number>ms</tr></thead><tbody>",
    );
    for request in shown {
        one(page, world, request);
    }
    page.tags("</tbody></table>");
    more(page, found.next().is_some());
    page.tags("</section>");
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

fn one(page: &mut Markup, world: &World, request: &RequestRecord) {
    page.tags(match request.status {
        0 | 500.. => "<tr class=bad>",
        400..500 => "<tr class=refused>",
        _ => "<tr>",
    });
    page.tags("<td class=time>").value(clock_time(request.at));
    page.tags("<td class=status>");
    match request.status {
        0 => page.tags("reset"),
        status => page.value(status),
    };
    page.tags("<td class=request><b>")
        .value(&request.method)
        .tags("</b> <code>")
        .value(&request.path)
        .tags("</code> <span class=operation>")
        .value(request.operation)
        .tags("</span><td class=as>")
        .value(caller(world, request))
        .tags("<td class=number>")
        .value(format!("{:.1}", request.elapsed.as_secs_f64() * 1000.0))
        .tags("</tr>");
}

/// Who a request was made as, by the name that people know.
fn caller(world: &World, request: &RequestRecord) -> String {
    let Some(id) = &request.as_user else {
        return String::new();
    };
    let user = id.parse().ok().and_then(|id| world.users.at(id));
    user.map_or_else(|| id.clone(), known_as)
}
