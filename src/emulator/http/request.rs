//! A request as it arrived.

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH};
use axum::http::request::Parts;

use crate::emulator::http::call::Who;

/// A request, whole.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Who called, if that was found out before.
    pub(crate) who: Option<Who>,
}

impl Arrival {
    /// A request with this head and body.
    pub(crate) fn new(head: Parts, body: Bytes) -> Self {
        Self {
            method: head.method.as_str().to_owned(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: head.headers,
            body,
            who: None,
        }
    }

    /// The value of a header that is text.
    pub(crate) fn header(&self, name: impl axum::http::header::AsHeaderName) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// Whether it could have a body, and does not say how long that is.
    pub(crate) fn hides_its_length(&self) -> bool {
        let could = matches!(self.method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE");
        could && self.header(CONTENT_LENGTH).is_empty()
    }

    /// The token in the `Authorization` header; Looker takes `token` and `Bearer`.
    pub(crate) fn token(&self) -> Option<&str> {
        let (scheme, token) = self.header(AUTHORIZATION).split_once(' ')?;
        // Looker accepts both.
        let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token");
        known.then_some(token)
    }
}
