//! What may be shown of each exchange with Looker: everything but secrets and bodies.

use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::secret::REDACTED;

/// Receives each exchange.
pub trait Trace: fmt::Debug + Send + Sync {
    /// An exchange ended, with success or failure.
    fn exchange(&self, exchange: &Exchange);

    /// A request has waited for long, and nothing else was answered meanwhile.
    fn waiting(&self, _waiting: &Waiting) {}

    /// Whether it looks at headers: to redact them takes longer than all else that is gathered of an exchange.
    fn wants_headers(&self) -> bool {
        true
    }
}

/// Discards all exchanges.
#[derive(Clone, Copy, Debug)]
pub struct NoTrace;

impl Trace for NoTrace {
    fn exchange(&self, _: &Exchange) {}

    fn wants_headers(&self) -> bool {
        false
    }
}

/// A request without an answer so far.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Scheme, host and port.
    pub origin: String,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// How many attempts there are at most.
    pub attempts: u32,
}

/// One request and its result, redacted.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The identity, such as `admin`, `user 7` or `anonymous`.
    pub identity: String,
    /// The operation's id in Looker's OpenAPI description, or `signed_url`.
    pub operation: &'static str,
    /// The HTTP method.
    pub method: String,
    /// The path as sent, without the query; a secret in it is redacted.
    pub path: String,
    /// The status of the answer, if any.
    pub status: Option<u16>,
    /// The network failure, if any.
    pub error: Option<String>,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// How long it took.
    pub elapsed: Duration,
    /// The request's headers, if the trace wants any.
    pub request_headers: Vec<(String, String)>,
    /// The answer's headers, if the trace wants any.
    pub response_headers: Vec<(String, String)>,
    /// The size of the answer's body, decompressed.
    pub bytes: usize,
}

impl Exchange {
    /// What went wrong, if anything. A lookup that finds nothing is a valid answer.
    pub fn failure(&self) -> Option<String> {
        if let Some(error) = &self.error {
            return Some(error.clone());
        }
        let status = self.status.filter(|status| *status >= 400)?;
        if status == 404 && self.method == "GET" {
            return None;
        }
        let words = StatusCode::from_u16(status).ok()?.canonical_reason();
        Some(format!("{status} {}", words.unwrap_or("no reason given")))
    }
}

/// Headers as they may be shown: credentials redacted, `Location` without its query.
pub(crate) fn redact(headers: &HeaderMap) -> Vec<(String, String)> {
    let shown = headers.iter().map(|(name, value)| {
        let name = name.as_str();
        let value = match value.to_str() {
            _ if is_credential(name) => REDACTED.to_owned(),
            Ok(value) if name == "location" => without_query(value),
            Ok(value) => value.to_owned(),
            Err(_) => "[not text]".to_owned(),
        };
        (name.to_owned(), value)
    });
    shown.collect()
}

/// A `Location` without its query and fragment, which may hold secrets.
pub(crate) fn without_query(location: &str) -> String {
    let end = location.find(['?', '#']).unwrap_or(location.len());
    location.get(..end).unwrap_or_default().to_owned()
}

// Matched by part of the name: a proxy's own credential headers must be hidden too.
fn is_credential(name: &str) -> bool {
    ["auth", "cookie", "token", "secret", "signature"]
        .iter()
        .any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderValue};

    use super::redact;

    #[test]
    fn headers_that_carry_credentials_are_redacted() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer s3cret"),
            ("proxy-authorization", "Basic s3cret"),
            ("set-cookie", "looker.browser=s3cret"),
            ("x-csrf-token", "s3cret"),
            ("location", "/embed/dashboards/1?signature=s3cret#s3cret"),
            ("content-type", "text/html"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }

        let shown = redact(&headers);

        assert!(!format!("{shown:?}").contains("s3cret"), "{shown:?}");
        assert!(shown.contains(&("location".into(), "/embed/dashboards/1".into())));
        assert!(shown.contains(&("content-type".into(), "text/html".into())));
    }
}
