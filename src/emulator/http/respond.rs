//! From what an operation gives to an HTTP answer.

use std::io::Write as _;

use axum::body::Body as HttpBody;
use axum::http::header::{CONTENT_TYPE, DATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::emulator::http::answer::{Answer, Body, Reply};
use crate::emulator::http::operation::{Access, Verb};
use crate::emulator::http::router::Route;
use crate::emulator::shared::Shared;
use crate::emulator::text::http_date;
use crate::emulator::world::Id;

const JSON: &str = "application/json";

/// The smallest body that is compressed for clients that take it so; below, the head outweighs what is saved.
const COMPRESSED_FROM: usize = 2048;

/// Tells browsers to use encryption only.
const TRANSPORT: &str = "max-age=15724800; includeSubDomains";

/// The number of eight digits that every write but a login gives the caller's browser, and for how long: three years.
const BROWSER: u32 = 19_283_746;
const COOKIE_SECONDS: i64 = 3 * 365 * 24 * 3600;

/// An answer, ready to be sent.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Who asked.
    pub(crate) user: Option<Id>,
}

impl Given {
    /// The answer of an operation.
    pub(crate) fn of(answer: Answer, route: Option<Route>, shared: &Shared) -> Self {
        let mut given = Self::plain(answer, route, shared);
        if let Some(route) = route {
            given.add_headers(route, shared.now());
        }
        given
    }

    /// The headers that answers of the API were recorded with, besides those that every answer has here.
    fn add_headers(&mut self, route: Route, now: i64) {
        let vary = match self.status {
            204 => "Origin",
            _ => "Accept-Encoding, Origin",
        };
        let fixed = [("strict-transport-security", TRANSPORT), ("vary", vary)];
        let fixed = fixed.map(|(name, value)| (name, value.to_owned()));
        self.headers.extend(fixed);
        if self.status == 204 {
            self.headers.push(("connection", "keep-alive".to_owned()));
        }
        let known = route
            .service
            .is_some_and(|service| service.access != Access::Open);
        let writes = known && route.operation.verb != Verb::Get;
        // A refused call sets no cookie.
        if writes && self.status < 400 {
            let expires = http_date(now + COOKIE_SECONDS);
            let cookie = format!("looker.browser={BROWSER}; expires={expires}; HttpOnly");
            self.headers.push(("set-cookie", cookie));
        }
    }

    /// Compress the body, if that is worth it.
    pub(crate) fn compress(&mut self) {
        if self.body.len() < COMPRESSED_FROM {
            return;
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let written = encoder
            .write_all(&self.body)
            .and_then(|()| encoder.finish());
        // Writing into memory does not fail; if it did, the plain body would do.
        if let Ok(compressed) = written {
            self.body = compressed;
            self.headers.push(("content-encoding", "gzip".to_owned()));
        }
    }

    fn plain(answer: Answer, route: Option<Route>, shared: &Shared) -> Self {
        match answer {
            Ok(reply) => Self::reply(reply),
            Err(refusal) => {
                // Operations that are not served here have no page in Looker's documentation.
                let page = shared.options.documentation_url.clone();
                let page = page.filter(|_page| refusal.status != 501);
                let page = page.unwrap_or_else(|| format!("{}/__emulator/err", shared.base_url));
                let page = match route {
                    Some(route) => route.operation.error_page(&page, refusal.status),
                    None => page,
                };
                let body = refusal.body(&page);
                Self {
                    status: refusal.status,
                    content_type: JSON,
                    body: body.to_string().into_bytes(),
                    headers: refusal.headers,
                    user: None,
                }
            }
        }
    }

    fn reply(reply: Reply) -> Self {
        let (content_type, body) = match reply.body {
            Body::Empty => ("", Vec::new()),
            Body::Json(value) => (JSON, serde_json::to_vec(&value).unwrap_or_default()),
            Body::Text(content_type, text) => (content_type, text.into_bytes()),
            Body::Bytes(content_type, bytes) => (content_type, bytes),
        };
        Self {
            status: reply.status,
            content_type,
            body,
            headers: reply.headers,
            user: None,
        }
    }
}

/// The HTTP answer.
pub(crate) fn response(shared: &Shared, given: Given) -> Response {
    let mut response = Response::new(HttpBody::from(given.body));
    *response.status_mut() =
        StatusCode::from_u16(given.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if !given.content_type.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(given.content_type));
    }
    headers.insert(
        "x-content-type-options",
        HeaderValue::from_static("nosniff"),
    );
    if let Ok(date) = HeaderValue::try_from(http_date(shared.now())) {
        headers.insert(DATE, date);
    }
    for (name, value) in given.headers {
        // A value that cannot stand in a header comes from a path with control characters; it is left out.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
    response
}
