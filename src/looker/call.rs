//! A single API call.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use reqwest::Method;
use serde::Serialize;

use crate::looker::api_key::ApiKey;
use crate::looker::error::LookerError;
use crate::looker::path::Path;

/// A single API call.
pub(super) struct Call {
    /// The operation's id in Looker's OpenAPI description.
    pub(super) operation: &'static str,
    pub(super) method: Method,
    pub(super) path: Path,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Body,
    /// Whether doing it twice is the same as doing it once, so that it may be retried after a lost answer.
    pub(super) repeatable: bool,
    /// Whether it is sent only once, even after a 401: Looker may have acted before it answered, and a second call would
    /// act again.
    pub(super) once: bool,
    /// Set when it is sent.
    pub(super) began: Option<Arc<AtomicBool>>,
}

/// The body of a call.
pub(super) enum Body {
    Empty,
    Json(Vec<u8>),
    /// The form of `login`; built only when it is sent.
    Login(ApiKey),
}

impl Call {
    /// A call of the operation at `template`, whose `{…}` are filled with `ids`.
    pub(super) fn new(
        method: Method,
        operation: &'static str,
        template: &str,
        ids: &[&str],
    ) -> Result<Self, LookerError> {
        let path = Path::of(operation, template, ids)?;
        Ok(Self::at(method, operation, path))
    }

    /// A call of the operation at `path`.
    pub(super) fn at(method: Method, operation: &'static str, path: Path) -> Self {
        // RFC 9110, section 9.2.2.
        let repeatable = matches!(
            method,
            // belief: writes-can-be-repeated
            Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE
        );
        Self {
            operation,
            method,
            path,
            query: Vec::new(),
            body: Body::Empty,
            repeatable,
            once: false,
            began: None,
        }
    }

    pub(super) fn get(
        operation: &'static str,
        template: &str,
        ids: &[&str],
    ) -> Result<Self, LookerError> {
        Self::new(Method::GET, operation, template, ids)
    }

    pub(super) fn post(
        operation: &'static str,
        template: &str,
        ids: &[&str],
    ) -> Result<Self, LookerError> {
        Self::new(Method::POST, operation, template, ids)
    }

    /// A change of plain fields: setting them twice is the same as setting them once.
    pub(super) fn patch(
        operation: &'static str,
        template: &str,
        ids: &[&str],
    ) -> Result<Self, LookerError> {
        Ok(Self::new(Method::PATCH, operation, template, ids)?.repeatable())
    }

    pub(super) fn delete(
        operation: &'static str,
        template: &str,
        ids: &[&str],
    ) -> Result<Self, LookerError> {
        Self::new(Method::DELETE, operation, template, ids)
    }

    /// The same call, marked as safe to repeat: doing it twice is the same as doing it once.
    pub(super) fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// The same call, marked as never to be sent again automatically.
    pub(super) fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// The same call with a query parameter.
    pub(super) fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// The same call with a query parameter, if there is a value.
    pub(super) fn query_some(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.query(name, value.to_string()),
            None => self,
        }
    }

    /// The same call with a JSON body.
    pub(super) fn json(mut self, body: &impl Serialize) -> Self {
        let bytes = serde_json::to_vec(body).expect("a request body has string keys only");
        self.body = Body::Json(bytes);
        self
    }
}

/// The response to a call that the user composed. The body may hold secrets: it is for standard output only.
pub struct RawAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The headers in the order they came, values that may be secret redacted.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: Vec<u8>,
    /// The error that the response stands for; `None` on success.
    pub refusal: Option<LookerError>,
}

impl std::fmt::Debug for RawAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawAnswer")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
