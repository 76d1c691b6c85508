//! Requests: their common headers, and where a call may take its token.

use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT,
};
use reqwest::{Method, Request};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use crate::looker::api_key::ApiKey;
use crate::looker::call::{Body, Call};
use crate::looker::error::LookerError;
use crate::secret::{ExposeSecret as _, SecretString};

/// The user agent.
const AGENT: &str = concat!("embedctl/", env!("CARGO_PKG_VERSION"));

/// Who makes a call, and to which Looker.
pub(super) struct Sender<'a> {
    pub(super) base_url: &'a Url,
    pub(super) identity: &'a str,
    pub(super) token: Option<&'a SecretString>,
}

/// A request without a token.
pub(super) fn plain(method: Method, url: Url) -> Request {
    let mut request = Request::new(method, url);
    let headers = request.headers_mut();
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    // The official SDKs name themselves in this header.
    let app = HeaderName::from_static("x-looker-appid");
    headers.insert(app, HeaderValue::from_static(AGENT));
    request
}

/// A request for the web part, from a URL that is a secret.
pub(super) fn signed(url: &SecretString) -> Result<Request, LookerError> {
    let url = Url::parse(url.expose_secret()).map_err(|error| LookerError::Setup {
        problem: format!("the signed URL is not a URL: {error}"),
    })?;
    Ok(plain(Method::GET, url))
}

/// The request for `call`; its token goes to the configured origin and nowhere else.
pub(super) fn of(call: &Call, sender: &Sender<'_>) -> Result<Request, LookerError> {
    let mut url = url(call, sender.base_url)?;
    if !call.query.is_empty() {
        url.query_pairs_mut().extend_pairs(&call.query);
    }
    let mut request = plain(call.method.clone(), url);
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(token) = sender.token {
        headers.insert(AUTHORIZATION, bearer(token)?);
    }
    let (kind, body) = match &call.body {
        // belief: length-zero-is-sent
        Body::Empty => {
            // RFC 9110, section 8.6, asks for it if a method expects a body; Google's load balancers answer 411 without it.
            if !matches!(call.method, Method::GET | Method::HEAD | Method::OPTIONS) {
                headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
            }
            return Ok(request);
        }
        Body::Json(bytes) => ("application/json", bytes.clone()),
        // belief: login-takes-a-form
        Body::Login(key) => ("application/x-www-form-urlencoded", form(key)),
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    *request.body_mut() = Some(body.into());
    Ok(request)
}

fn url(call: &Call, base: &Url) -> Result<Url, LookerError> {
    let prefix = base.path().trim_end_matches('/');
    let path = format!("{prefix}/api/4.0{}", call.path.sent.expose_secret());
    let mut url = base.clone();
    url.set_path(&path);
    url.set_query(None);
    url.set_fragment(None);
    // If parsing changed the path, as it does for `..`, the call would reach another endpoint.
    if url.path() == path {
        Ok(url)
    } else {
        Err(LookerError::Path {
            path: call.path.shown.clone(),
        })
    }
}

fn form(key: &ApiKey) -> Vec<u8> {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", &key.client_id)
        .append_pair("client_secret", key.client_secret.expose_secret())
        .finish()
        .into_bytes()
}

fn bearer(token: &SecretString) -> Result<HeaderValue, LookerError> {
    // belief: token-is-a-bearer
    let text = Zeroizing::new(format!("Bearer {}", token.expose_secret()));
    let mut value = HeaderValue::from_str(&text).map_err(|_| LookerError::Decode {
        operation: "login",
        problem: "the access token holds characters that no header can".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}
