//! Proxies in front of Looker, and Looker's own outage page: answers that do not come from its API.

use crate::emulator::http::answer::{Answer, Body, Refusal, Reply};

/// A page of a proxy between the client and Looker.
pub(crate) const PROXY_PAGE: &str =
    "<html><head><title>Bad gateway</title></head><body>The proxy has no answer.</body></html>";

/// The page of a Looker that is away, or has nothing at a path; its title and its type are as recorded, its words are
/// not.
pub(crate) const OUTAGE_PAGE: &str = "<!DOCTYPE html><html><head><title>Looker Not Found (404)</title></head><body><h2>Looker is unavailable.</h2><p>Nothing is served here, for now or for good.</p></body></html>";

/// What a load balancer says of a request that does not give the length of its body, as Google's do.
const LENGTH_REQUIRED_PAGE: &str = "<!DOCTYPE html><html><head><title>Error 411 (Length Required)</title></head><body>POST requests require a length.</body></html>";

/// 404 with the page of a Looker that is away.
pub(crate) fn outage() -> Reply {
    page(404, "text/html", OUTAGE_PAGE).header("connection", "close".to_owned())
}

/// 411 from a front end.
pub(crate) fn length_required() -> Reply {
    page(411, "text/html; charset=UTF-8", LENGTH_REQUIRED_PAGE)
        .header("connection", "close".to_owned())
}

/// The answer to an operation that this Looker does not have: its page with 404, or another status in words of its own.
pub(crate) fn no_such_operation(status: u16) -> Answer {
    match status {
        404 => Ok(outage()),
        status => Err(Refusal::new(status, "This resource cannot be modified")),
    }
}

fn page(status: u16, content_type: &'static str, text: &str) -> Reply {
    Reply {
        status,
        body: Body::Text(content_type, text.to_owned()),
        headers: Vec::new(),
    }
}
