//! Connections: opened when first needed, through the proxy and with the trust that the user configured.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Client, NoProxy, redirect};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use url::Url;

use crate::net::NetError;
use crate::net::proxy::{Proxy, UsedProxy};
use crate::net::tls;

/// The longest that connecting may take, within the timeout of the whole call.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an idle connection is kept: shorter than servers and their proxies keep one, so that none is reused while
/// they close it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How to connect.
pub(crate) struct Route {
    pub(crate) timeout: Duration,
    pub(crate) ca_files: Vec<PathBuf>,
    pub(crate) verify_tls: bool,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) no_proxy: Option<String>,
}

/// The connections of one process.
pub(crate) struct Transport {
    route: Route,
    certificates: Vec<CertificateDer<'static>>,
    plain: OnceLock<Client>,
    tls: OnceLock<Client>,
}

impl Transport {
    /// Nothing is connected yet, but unusable certificate files are reported now.
    pub(crate) fn new(route: Route) -> Result<Self, NetError> {
        Ok(Self {
            certificates: tls::read(&route.ca_files)?,
            route,
            plain: OnceLock::new(),
            tls: OnceLock::new(),
        })
    }

    /// The HTTP client for `url`. The system's certificates are read for `https` only: it takes some milliseconds.
    pub(crate) fn client(&self, url: &Url) -> Result<&Client, NetError> {
        let Route {
            verify_tls, proxy, ..
        } = &self.route;
        let proxy_is_https = proxy
            .as_ref()
            .is_some_and(|it| it.url.starts_with("https:"));
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

    /// The proxy that requests for `url` go through.
    pub(crate) fn proxy_for(&self, url: &Url) -> Option<UsedProxy> {
        let Route {
            proxy, no_proxy, ..
        } = &self.route;
        proxy.as_ref()?.used_for(url, no_proxy.as_deref())
    }

    fn build(&self, config: ClientConfig) -> Result<Client, NetError> {
        let refused = |what: &str, error: reqwest::Error| NetError::Setup {
            problem: format!("{what}: {}", error.without_url()),
        };
        let Route {
            timeout,
            proxy,
            no_proxy,
            ..
        } = &self.route;
        // `no_proxy` keeps reqwest from reading the process's own variables; the route holds the user's choice.
        let mut builder = Client::builder()
            .tls_backend_preconfigured(config)
            .no_proxy()
            .redirect(redirect::Policy::none())
            // A redirect would take the token to another host, and a referer would leak a signed URL.
            .referer(false)
            .timeout(*timeout)
            .connect_timeout(CONNECT_TIMEOUT.min(*timeout))
            .pool_idle_timeout(IDLE_TIMEOUT);
        if let Some(proxy) = proxy {
            check_kind(proxy)?;
            let except = no_proxy.as_deref().and_then(NoProxy::from_string);
            let proxy = reqwest::Proxy::all(proxy.url.as_str())
                .map_err(|error| refused("the proxy's address is not valid", error))?;
            builder = builder.proxy(proxy.no_proxy(except));
        }
        builder
            .build()
            .map_err(|error| refused("the HTTP client rejected its settings", error))
    }
}

/// An HTTP library passes over a proxy of a kind that it does not know, and goes without.
fn check_kind(proxy: &Proxy) -> Result<(), NetError> {
    let kind = proxy
        .url
        .split_once("://")
        .map(|(kind, _)| kind.to_ascii_lowercase());
    match kind.as_deref() {
        None | Some("http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h") => Ok(()),
        Some(kind) => Err(NetError::Setup {
            problem: format!(
                "the {} is of the kind `{kind}`, which is not supported: use `http`, `https`, `socks5` or `socks5h`",
                proxy.named()
            ),
        }),
    }
}
