//! A request as it arrived.

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH};

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
