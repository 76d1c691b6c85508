//! How calls are sent.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::net::proxy::Proxy;
use crate::net::trace::{NoTrace, Trace};
use crate::system::{Clock, Random};

/// How long people wait for an answer before they wonder whether anything goes on.
const SILENCE: Duration = Duration::from_secs(3);

/// How calls are sent, the same for all identities.
#[derive(Clone)]
pub struct HttpOptions {
    /// The longest a single attempt may take, from connecting to the end of the body.
    pub timeout: Duration,
    /// How many times a call is retried at most.
    pub retries: u32,
    /// Certificates to trust besides the system's, in PEM form.
    pub ca_files: Vec<PathBuf>,
    /// Whether to verify the server's certificate.
    pub verify_tls: bool,
    /// The proxy for all requests; no environment variable is read.
    pub proxy: Option<Proxy>,
    /// The hosts to reach without the proxy, separated by commas.
    pub no_proxy: Option<String>,
    /// The most calls in flight at once.
    pub concurrency: usize,
    /// The most calls to start per second.
    pub rps: Option<f64>,
    /// After how much silence the trace is told that there is no answer yet.
    pub silence: Duration,
    /// Receives each exchange.
    pub trace: Arc<dyn Trace>,
    /// The clock.
    pub clock: Clock,
    /// Randomness, for the waits between attempts.
    pub random: Random,
}

impl Default for HttpOptions {
    /// Suitable for a program of your own: three retries, thirty seconds per attempt, ten calls at once, certificates
    /// verified, no proxy.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            retries: 3,
            ca_files: Vec::new(),
            verify_tls: true,
            proxy: None,
            no_proxy: None,
            concurrency: 10,
            rps: None,
            silence: SILENCE,
            trace: Arc::new(NoTrace),
            clock: Clock::os(),
            random: Random::os(),
        }
    }
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions")
            .field("timeout", &self.timeout)
            .field("retries", &self.retries)
            .field("verify_tls", &self.verify_tls)
            .field("proxy", &self.proxy)
            .field("concurrency", &self.concurrency)
            .field("rps", &self.rps)
            .finish_non_exhaustive()
    }
}
