//! Connections: made when first needed, through the proxy the user named, to whom the user trusts.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Client, NoProxy, Proxy, redirect};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use url::Url;

use crate::looker::error::LookerError;
use crate::looker::tls;

/// The longest that connecting may take, of the time that a whole call may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection is kept that nobody uses; shorter than what servers and their proxies keep one.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How to connect.
pub(super) struct Route {
    pub(super) timeout: Duration,
    pub(super) ca_files: Vec<PathBuf>,
    pub(super) verify_tls: bool,
    /// May hold a password.
    pub(super) proxy: Option<String>,
    pub(super) no_proxy: Option<String>,
}

/// The connections of one process.
pub(super) struct Transport {
    route: Route,
    certificates: Vec<CertificateDer<'static>>,
    plain: OnceLock<Client>,
    tls: OnceLock<Client>,
}

impl Transport {
    /// No connection yet; but files of certificates that cannot be used are found out now.
    pub(super) fn new(route: Route) -> Result<Self, LookerError> {
        Ok(Self {
            certificates: tls::read(&route.ca_files)?,
            route,
            plain: OnceLock::new(),
            tls: OnceLock::new(),
        })
    }

    /// What to reach `url` with. The system's certificates are read for `https` only: it takes some milliseconds.
    pub(super) fn client(&self, url: &Url) -> Result<&Client, LookerError> {
        let Route {
            verify_tls, proxy, ..
        } = &self.route;
        let proxy_is_https = proxy.as_deref().is_some_and(|it| it.starts_with("https:"));
        let needs_tls = url.scheme() != "http" || proxy_is_https;
        let cell = if needs_tls { &self.tls } else { &self.plain };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let config = match (needs_tls, verify_tls) {
            (false, _) => tls::none(),
            (true, true) => tls::verified(self.certificates.clone())?,
            (true, false) => tls::unverified(),
        };
        let client = self.build(config)?;
        Ok(cell.get_or_init(|| client))
    }

    fn build(&self, config: ClientConfig) -> Result<Client, LookerError> {
        let refused = |what: &str, error: reqwest::Error| LookerError::Setup {
            problem: format!("{what}: {}", error.without_url()),
        };
        let Route {
            timeout,
            proxy,
            no_proxy,
            ..
        } = &self.route;
        // `no_proxy` keeps reqwest from reading the process's own variables; the route has what the user gave.
        let mut builder = Client::builder()
            .tls_backend_preconfigured(config)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            .timeout(*timeout)
            .connect_timeout(CONNECT_TIMEOUT.min(*timeout))
            .pool_idle_timeout(IDLE_TIMEOUT);
        if let Some(proxy) = proxy {
            let except = no_proxy.as_deref().and_then(NoProxy::from_string);
            let proxy = Proxy::all(proxy.as_str())
                .map_err(|error| refused("the address of the proxy is not one", error))?;
            builder = builder.proxy(proxy.no_proxy(except));
        }
        builder
            .build()
            .map_err(|error| refused("the HTTP client refused its settings", error))
    }
}
