//! Calls of the API by pages of other sites: Looker allows them to the sites on its list of embedding domains, except for
//! logging in with a key.

use axum::http::HeaderMap;
use axum::http::header::ORIGIN;
use wildmatch::WildMatch;

use crate::emulator::http::answer::{Answer, Reply};
use crate::emulator::shared::Shared;

/// How long a browser may remember what it was allowed, in seconds.
const REMEMBERED: &str = "600";

/// The origin of another site that a browser names, if the site may call `path`.
pub(crate) fn origin(shared: &Shared, headers: &HeaderMap, path: &str) -> Option<String> {
    let origin = headers.get(ORIGIN)?.to_str().ok()?;
    // Keys do not belong into pages.
    let called = path.starts_with("/api/") && !path.ends_with("/login");
    let inside = shared.lock();
    let mut listed = inside.world.settings.domain_allowlist.iter();
    let known = called && listed.any(|domain| WildMatch::new(domain).matches(origin));
    known.then(|| origin.to_owned())
}

/// What a browser asks before it lets a page of another site call: whether it may.
pub(crate) fn preflight(methods: &str) -> Answer {
    let headers = "Authorization, Content-Type, X-Looker-AppId";
    Ok(Reply::no_content()
        .header("allow", methods.to_owned())
        .header("access-control-allow-methods", methods.to_owned())
        .header("access-control-allow-headers", headers.to_owned())
        .header("access-control-max-age", REMEMBERED.to_owned()))
}
