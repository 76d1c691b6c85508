//! Requests to a store of secrets: a pace and retries of its own, and nothing of bodies or credentials in what is shown.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use url::Url;
use zeroize::Zeroizing;

use crate::net::error::{cause, tls_error};
use crate::net::pace::Pace;
use crate::net::proxy::Proxy;
use crate::net::retry::{Schedule, asked};
use crate::net::trace::redact;
use crate::net::transport::{Route, Transport};
use crate::net::{Exchange, NoTrace, Trace, body};
use crate::secret::{ExposeSecret as _, SecretString};
use crate::sink::SinkError;
use crate::system::{Clock, Random, System};

/// The longest a single attempt may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long a server on this machine or its host may take, such as one that tells a machine who it is.
const SHORT: Duration = Duration::from_secs(2);

/// The most requests in flight at once to one store: their quotas are counted per minute.
const AT_ONCE: usize = 10;

/// How requests to stores are sent.
#[derive(Clone, Debug)]
pub struct WebOptions {
    /// How many times a request is retried at most.
    pub retries: u32,
    /// Certificates to trust besides the system's, in PEM form.
    pub ca_files: Vec<PathBuf>,
    /// Receives each exchange.
    pub trace: Arc<dyn Trace>,
}

impl Default for WebOptions {
    fn default() -> Self {
        Self {
            retries: 4,
            ca_files: Vec::new(),
            trace: Arc::new(NoTrace),
        }
    }
}

/// The connections to one store.
pub(super) struct Web {
    /// What messages and traces call it, such as `Vault`.
    store: &'static str,
    transport: Transport,
    schedule: Schedule,
    places: Semaphore,
    pace: Pace,
    trace: Arc<dyn Trace>,
    clock: Clock,
    random: Random,
}

/// What is sent.
pub(super) struct Ask {
    /// What traces call it, such as `vault_read`.
    pub(super) operation: &'static str,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// What came back.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// Why there is no reply that says what happened.
#[derive(Debug)]
pub(super) enum Failed {
    /// Nothing was sent.
    Unsent(SinkError),
    /// It may have taken effect.
    Lost(SinkError),
}

impl From<Failed> for SinkError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Unsent(error) | Failed::Lost(error) => error,
        }
    }
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Web")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl Web {
    /// Connections to `store`, through the proxy that the environment names for `scheme`.
    pub(super) fn new(
        store: &'static str,
        scheme: &str,
        options: &WebOptions,
        system: &System,
    ) -> Result<Self, SinkError> {
        // In capitals, `HTTP_PROXY` may come from a request header on a web server.
        let names: &[&str] = match scheme {
            "http" => &["http_proxy", "ALL_PROXY", "all_proxy"],
            _ => &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
        };
        let proxy = names.iter().find_map(|name| {
            let url = system.var(name)?;
            let source = format!("variable `{name}`");
            Some(Proxy { url, source })
        });
        let no_proxy = system.var("NO_PROXY").or_else(|| system.var("no_proxy"));
        Self::over(store, proxy, no_proxy, TIMEOUT, options, system)
    }

    /// Connections to a server on this machine or its host, which no proxy leads to, and which is there at once or not at all.
    pub(super) fn near(
        store: &'static str,
        options: &WebOptions,
        system: &System,
    ) -> Result<Self, SinkError> {
        let options = WebOptions {
            retries: options.retries.min(1),
            ..options.clone()
        };
        Self::over(store, None, None, SHORT, &options, system)
    }

    fn over(
        store: &'static str,
        proxy: Option<Proxy>,
        no_proxy: Option<String>,
        timeout: Duration,
        options: &WebOptions,
        system: &System,
    ) -> Result<Self, SinkError> {
        let route = Route {
            timeout,
            ca_files: options.ca_files.clone(),
            // To switch this off for Looker says nothing about the store.
            verify_tls: true,
            proxy,
            no_proxy,
        };
        Ok(Self {
            store,
            transport: Transport::new(route)?,
            schedule: Schedule::new(options.retries),
            places: Semaphore::new(AT_ONCE),
            pace: Pace::new(None),
            trace: Arc::clone(&options.trace),
            clock: system.clock.clone(),
            random: system.random.clone(),
        })
    }

    /// The clock that signatures and expiry dates are made by.
    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Send what `make` makes for each attempt. What certainly had no effect is sent again, and what changes nothing when it is
    /// `repeatable`; `throttled` knows the replies by which the store asks to slow down, besides 429.
    pub(super) async fn send(
        &self,
        repeatable: bool,
        throttled: impl Fn(&Reply) -> bool,
        make: impl Fn() -> Result<Ask, SinkError>,
    ) -> Result<Reply, Failed> {
        let mut attempt = 1;
        loop {
            let ask = make().map_err(Failed::Unsent)?;
            let origin = ask.url.origin().ascii_serialization();
            let result = self.exchange(ask, attempt).await;
            let (again, wait) = match &result {
                Ok(reply) => {
                    let slower = reply.status == 429 || throttled(reply);
                    let wait = asked(&reply.headers, self.clock.now());
                    let hold = slower.then(|| wait.unwrap_or_default());
                    self.pace.answered(hold, &self.clock);
                    (slower || (reply.is_outage() && repeatable), wait)
                }
                Err(Failed::Unsent(error)) => (error.hint.is_none(), None),
                Err(Failed::Lost(_)) => (repeatable, None),
            };
            let pause = self.schedule.pause(attempt, wait, &self.random);
            let Some(pause) = pause.filter(|_| again) else {
                return match result {
                    // A gateway also says this after the store did the work.
                    Ok(reply) if reply.is_outage() && !repeatable => {
                        Err(Failed::Lost(SinkError::new(format!(
                            "{} at `{origin}` answered with status {}",
                            self.store, reply.status
                        ))))
                    }
                    result => result,
                };
            };
            self.clock.sleep(pause).await;
            attempt += 1;
        }
    }

    /// One request, one reply.
    async fn exchange(&self, ask: Ask, attempt: u32) -> Result<Reply, Failed> {
        let unsent = |error| Failed::Unsent(SinkError::from(error));
        let client = self.transport.client(&ask.url).map_err(unsent)?;
        let origin = ask.url.origin().ascii_serialization();
        let shown = |headers: &HeaderMap| match self.trace.wants_headers() {
            true => redact(headers),
            false => Vec::new(),
        };
        let mut seen = Exchange {
            identity: self.store.to_owned(),
            operation: ask.operation,
            method: ask.method.to_string(),
            path: ask.url.path().to_owned(),
            status: None,
            error: None,
            attempt,
            elapsed: Duration::ZERO,
            request_headers: shown(&ask.headers),
            response_headers: Vec::new(),
            bytes: 0,
        };
        let _place = self.places.acquire().await;
        self.pace.turn(&self.clock).await;
        let start = self.clock.elapsed();
        let result = match client.execute(ask.into_request()).await {
            Ok(response) => {
                seen.status = Some(response.status().as_u16());
                seen.response_headers = shown(response.headers());
                self.read(response, &origin).await
            }
            Err(error) => Err(self.unanswered(error, &origin)),
        };
        seen.elapsed = self.clock.elapsed().saturating_sub(start);
        match &result {
            Ok(reply) => seen.bytes = reply.body.len(),
            Err(Failed::Unsent(error) | Failed::Lost(error)) => {
                seen.error = Some(error.message.clone());
            }
        }
        self.trace.exchange(&seen);
        result
    }

    async fn read(&self, response: reqwest::Response, origin: &str) -> Result<Reply, Failed> {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = match body::read(response).await {
            Ok(body) => body,
            // The status alone is what counts of a refusal.
            Err(_) if status >= 300 => Zeroizing::default(),
            Err(_) => {
                let store = self.store;
                let message = format!("the answer of {store} at `{origin}` broke off");
                return Err(Failed::Lost(SinkError::new(message)));
            }
        };
        Ok(Reply {
            status,
            headers,
            body,
        })
    }

    fn unanswered(&self, error: reqwest::Error, origin: &str) -> Failed {
        let store = self.store;
        // Only a failure to connect proves that nothing was sent.
        if !error.is_connect() {
            let message = format!("{store} at `{origin}` did not answer");
            return Failed::Lost(SinkError::new(message).caused(cause(error)));
        }
        let tls = tls_error(&error).is_some();
        let message = match tls {
            true => format!("the TLS certificate of {store} at `{origin}` is not trusted"),
            false => format!("cannot reach {store} at `{origin}`"),
        };
        let failed = SinkError::new(message).caused(cause(error));
        Failed::Unsent(match tls {
            true => failed.hint("give the certificates that it is signed by with `--ca-file`"),
            false => failed,
        })
    }
}

impl Ask {
    /// A request without headers and body.
    pub(super) fn new(operation: &'static str, method: Method, url: Url) -> Self {
        Self {
            operation,
            method,
            url,
            headers: HeaderMap::new(),
            body: Zeroizing::default(),
        }
    }

    /// The same with a body of JSON.
    pub(super) fn json(self, body: Zeroizing<Vec<u8>>) -> Self {
        Self { body, ..self }.header("content-type", "application/json")
    }

    /// The same with another header, which may be shown.
    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// The same with a header whose name comes from a file.
    ///
    /// # Errors
    /// No header can have this name, or this value.
    pub(super) fn named(mut self, name: &str, value: &SecretString) -> Result<Self, SinkError> {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_str(value.expose_secret());
        let (Ok(name), Ok(mut value)) = (name, value) else {
            return Err(SinkError::new(
                "a header in the credentials file is not valid",
            ));
        };
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(self)
    }

    /// The same with a header that is secret: `before`, then the secret.
    ///
    /// # Errors
    /// The secret has characters that no header can have, such as a line end.
    pub(super) fn secret(
        mut self,
        name: &'static str,
        before: &str,
        secret: &SecretString,
    ) -> Result<Self, SinkError> {
        let text = Zeroizing::new(format!("{before}{}", secret.expose_secret()));
        let mut value = HeaderValue::from_str(&text).map_err(|_| {
            SinkError::new(format!(
                "the secret for the header `{name}` has characters that no header can have"
            ))
        })?;
        value.set_sensitive(true);
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(self)
    }

    fn into_request(self) -> Request {
        let mut request = Request::new(self.method, self.url);
        *request.headers_mut() = self.headers;
        if !self.body.is_empty() {
            *request.body_mut() = Some(self.body.to_vec().into());
        }
        request
    }
}

impl Reply {
    /// Whether it is a success.
    pub(super) const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// Whether the store, or something in front of it, says that it cannot answer now.
    const fn is_outage(&self) -> bool {
        matches!(self.status, 500 | 502..=504)
    }

    /// The body as JSON of this form; `None` if it has another.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }
}
