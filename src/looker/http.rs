//! The only place that talks to the network: sends requests, repeats them by the rule, shows them to the trace.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Request, redirect};
use rustls::pki_types::CertificateDer;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use crate::looker::body::{self, Unread};
use crate::looker::call::{Answer, Body, Call};
use crate::looker::error::LookerError;
use crate::looker::failure::Failing;
use crate::looker::pace::Pace;
use crate::looker::retry::{self, Schedule};
use crate::looker::tls;
use crate::looker::trace::{Exchange, Trace, redact};
use crate::secret::{ExposeSecret as _, SecretString};
use crate::system::{Clock, Random};

/// What embedctl calls itself.
const AGENT: &str = concat!("embedctl/", env!("CARGO_PKG_VERSION"));

/// The longest that connecting may take, of the time that a whole call may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection is kept that nobody uses; shorter than what servers and their proxies keep one.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How calls travel, the same for all identities.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// The longest that one try may take, from connecting to the end of the body.
    pub timeout: Duration,
    /// How many times a call is made again at most.
    pub retries: u32,
    /// Certificates to trust besides the system's, in PEM form.
    pub ca_files: Vec<PathBuf>,
    /// Whether to find out who answers.
    pub verify_tls: bool,
    /// The proxy for everything, as in `http://proxy:3128`; there is no other way to name one.
    pub proxy: Option<String>,
    /// The hosts that the proxy is not for, separated by commas.
    pub no_proxy: Option<String>,
    /// The most calls to start in a second.
    pub rps: Option<f64>,
    /// Who wants to see each exchange.
    pub trace: Arc<dyn Trace>,
    /// The time.
    pub clock: Clock,
    /// Chance, for the waits between tries.
    pub random: Random,
}

/// The connections, the pace and the count of calls, shared by all clones.
#[derive(Clone, Debug)]
pub struct Http(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: HttpOptions,
    certificates: Vec<CertificateDer<'static>>,
    plain: OnceLock<reqwest::Client>,
    tls: OnceLock<reqwest::Client>,
    schedule: Schedule,
    pace: Pace,
    calls: AtomicU64,
}

/// Who makes a call, and where.
pub(super) struct Sender<'a> {
    pub(super) base_url: &'a Url,
    pub(super) identity: &'a str,
    pub(super) token: Option<&'a SecretString>,
}

/// What the web part of Looker answered. Where it leads to tells success from failure; the status does not.
#[derive(Clone, Debug)]
pub struct Landing {
    /// The HTTP status.
    pub status: u16,
    /// The `Location`, not followed.
    pub location: Option<String>,
    /// The server's time, from `Date`.
    pub date: Option<Timestamp>,
    /// How long it asks to wait before the next try.
    pub retry_after: Option<Duration>,
}

impl Http {
    /// Connections by these options. Nothing is connected yet; the system's certificates are read when first needed.
    pub fn new(options: HttpOptions) -> Result<Self, LookerError> {
        Ok(Self(Arc::new(Shared {
            certificates: tls::read(&options.ca_files)?,
            plain: OnceLock::new(),
            tls: OnceLock::new(),
            schedule: Schedule::new(options.retries),
            pace: Pace::new(options.rps),
            calls: AtomicU64::new(0),
            options,
        })))
    }

    /// How many calls of the API were sent, each try counted.
    pub fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// The time that everything here goes by.
    pub fn clock(&self) -> &Clock {
        &self.0.options.clock
    }

    /// Open a signed URL once: no cookies, no token, no redirects. Looker accepts it only once, so it is sent again only
    /// where there was no connection; after any other failure the caller signs a new one.
    pub async fn fetch_signed_url(&self, url: &SecretString) -> Result<Landing, LookerError> {
        let url = Url::parse(url.expose_secret()).map_err(|error| LookerError::Setup {
            problem: format!("the signed URL is none: {error}"),
        })?;
        self.land("signed_url", &url).await
    }

    /// Ask for a page of the web part that needs no login, as `/alive`.
    pub async fn probe(&self, url: &Url) -> Result<Landing, LookerError> {
        self.land("probe", url).await
    }

    async fn land(&self, operation: &'static str, url: &Url) -> Result<Landing, LookerError> {
        let mut attempt = 1;
        loop {
            let request = self.request(reqwest::Method::GET, url.clone());
            let result = self
                .exchange(operation, request, url.path(), "nobody", attempt)
                .await;
            let now = self.clock().now();
            let again = match &result {
                Err(_) => {
                    self.0
                        .schedule
                        .wait(&result, false, attempt, now, &self.0.options.random)
                }
                Ok(_) => None,
            };
            let Some(wait) = again else {
                return result.map(|answer| Landing {
                    status: answer.status,
                    location: answer.header("location").map(str::to_owned),
                    date: answer.header("date").and_then(retry::date),
                    retry_after: retry::asked(&answer, now),
                });
            };
            self.clock().sleep(wait).await;
            attempt += 1;
        }
    }

    /// Make `call`, again where the rule allows it, and give what came of the last try, whatever its status.
    pub(super) async fn send(
        &self,
        call: &Call,
        sender: &Sender<'_>,
    ) -> Result<Answer, LookerError> {
        let Shared {
            options,
            schedule,
            pace,
            calls,
            ..
        } = &*self.0;
        let mut attempt = 1;
        loop {
            let request = self.api_request(call, sender)?;
            pace.turn(&options.clock).await;
            calls.fetch_add(1, Ordering::Relaxed);
            let result = self
                .exchange(
                    call.operation,
                    request,
                    &call.path.shown,
                    sender.identity,
                    attempt,
                )
                .await;
            let now = options.clock.now();
            let wait = schedule.wait(&result, call.repeatable, attempt, now, &options.random);
            match (&result, wait) {
                (Ok(answer), wait) if answer.status == 429 => {
                    pace.throttled(wait.unwrap_or_default(), &options.clock);
                }
                (Ok(_), _) => pace.went_through(),
                (Err(_), _) => {}
            }
            let Some(wait) = wait else { return result };
            options.clock.sleep(wait).await;
            attempt += 1;
        }
    }

    /// The request for `call`; its token goes to the configured origin and nowhere else.
    fn api_request(&self, call: &Call, sender: &Sender<'_>) -> Result<Request, LookerError> {
        let refused = || LookerError::Path {
            path: call.path.shown.clone(),
        };
        let base = sender.base_url;
        let prefix = base.path().trim_end_matches('/');
        let path = format!("{prefix}/api/4.0{}", call.path.sent.expose_secret());
        let origin = base.origin();
        let mut url = Url::parse(&format!("{}{path}", origin.ascii_serialization()))
            .map_err(|_| refused())?;
        // The URL is what is sent: where parsing changed it, the call would go elsewhere.
        if url.path() != path || url.origin() != origin {
            return Err(refused());
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut request = self.request(call.method.clone(), url);
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(token) = sender.token {
            headers.insert(AUTHORIZATION, bearer(token)?);
        }
        match &call.body {
            Body::Empty => {}
            Body::Json(bytes) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                *request.body_mut() = Some(bytes.clone().into());
            }
            Body::Login(key) => {
                let form = form_urlencoded::Serializer::new(String::new())
                    .append_pair("client_id", &key.client_id)
                    .append_pair("client_secret", key.client_secret.expose_secret())
                    .finish();
                let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
                headers.insert(CONTENT_TYPE, form_type);
                *request.body_mut() = Some(form.into());
            }
        }
        Ok(request)
    }

    fn request(&self, method: reqwest::Method, url: Url) -> Request {
        let mut request = Request::new(method, url);
        let headers = request.headers_mut();
        headers.insert(reqwest::header::USER_AGENT, HeaderValue::from_static(AGENT));
        // The official SDKs name themselves in this header.
        let app = HeaderName::from_static("x-looker-appid");
        headers.insert(app, HeaderValue::from_static(AGENT));
        request
    }

    /// One request, one answer: the only function that talks to the network.
    async fn exchange(
        &self,
        operation: &'static str,
        request: Request,
        shown: &str,
        identity: &str,
        attempt: u32,
    ) -> Result<Answer, LookerError> {
        let options = &self.0.options;
        let client = self.client(request.url())?;
        let failing = Failing {
            operation,
            origin: request.url().origin().ascii_serialization(),
            timeout: options.timeout,
        };
        let mut seen = Exchange {
            identity: identity.to_owned(),
            operation,
            method: request.method().to_string(),
            path: shown.to_owned(),
            status: None,
            error: None,
            attempt,
            elapsed: Duration::ZERO,
            request_headers: redact(request.headers()),
            response_headers: Vec::new(),
            bytes: 0,
        };
        let start = options.clock.elapsed();
        let result = match client.execute(request).await {
            Ok(response) => {
                seen.status = Some(response.status().as_u16());
                seen.response_headers = redact(response.headers());
                read(response, &failing).await
            }
            Err(error) => Err(failing.unanswered(error)),
        };
        seen.elapsed = options.clock.elapsed().saturating_sub(start);
        match &result {
            Ok(answer) => seen.bytes = answer.body.len(),
            Err(error) => seen.error = Some(error.to_string()),
        }
        options.trace.exchange(&seen);
        result
    }

    /// The client for `url`, made when first needed.
    fn client(&self, url: &Url) -> Result<&reqwest::Client, LookerError> {
        let Shared {
            options,
            certificates,
            ..
        } = &*self.0;
        let through_tls = options
            .proxy
            .as_deref()
            .is_some_and(|proxy| proxy.starts_with("https:"));
        let (cell, config) = match url.scheme() {
            "http" if !through_tls => (&self.0.plain, None),
            _ => (&self.0.tls, Some(())),
        };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let config = match config {
            None => tls::none(),
            Some(()) if options.verify_tls => tls::verified(certificates.clone())?,
            Some(()) => tls::unverified(),
        };
        let client = build(options, config)?;
        Ok(cell.get_or_init(|| client))
    }
}

fn build(options: &HttpOptions, tls: rustls::ClientConfig) -> Result<reqwest::Client, LookerError> {
    let refused = |what: &str, error: reqwest::Error| LookerError::Setup {
        problem: format!("{what}: {}", error.without_url()),
    };
    // `no_proxy` keeps reqwest from reading the process's own variables; `options` has what the user gave.
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(redirect::Policy::none())
        .referer(false)
        .timeout(options.timeout)
        .connect_timeout(options.timeout.min(CONNECT_TIMEOUT))
        .pool_idle_timeout(IDLE_TIMEOUT);
    if let Some(proxy) = &options.proxy {
        let except = options
            .no_proxy
            .as_deref()
            .and_then(reqwest::NoProxy::from_string);
        let proxy = reqwest::Proxy::all(proxy.as_str())
            .map_err(|error| refused("the proxy's URL is none", error))?;
        builder = builder.proxy(proxy.no_proxy(except));
    }
    builder
        .build()
        .map_err(|error| refused("the HTTP client refused its settings", error))
}

async fn read(response: reqwest::Response, failing: &Failing) -> Result<Answer, LookerError> {
    let status = response.status().as_u16();
    let headers: HeaderMap = response.headers().clone();
    match body::read(response).await {
        Ok(body) => Ok(Answer {
            status,
            headers,
            body,
        }),
        // A refusal is one whatever became of its text.
        Err(_) if status >= 400 => Ok(Answer {
            status,
            headers,
            body: Zeroizing::default(),
        }),
        Err(Unread::TooLarge) => Err(failing.too_large()),
        Err(Unread::Broken(error)) => Err(failing.broken(error)),
    }
}

fn bearer(token: &SecretString) -> Result<HeaderValue, LookerError> {
    let text = Zeroizing::new(format!("Bearer {}", token.expose_secret()));
    let mut value = HeaderValue::from_str(&text).map_err(|_| LookerError::Decode {
        operation: "login",
        problem: "the access token holds characters that no header can".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}
