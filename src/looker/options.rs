//! How calls travel.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::looker::trace::{NoTrace, Trace};
use crate::system::{Clock, Random};

/// How calls travel, the same for all identities.
#[derive(Clone)]
pub struct HttpOptions {
    /// The longest that one try may take, from connecting to the end of the body.
    pub timeout: Duration,
    /// How many times a call is made again at most.
    pub retries: u32,
    /// Certificates to trust besides the system's, in PEM form.
    pub ca_files: Vec<PathBuf>,
    /// Whether to find out who answers.
    pub verify_tls: bool,
    /// The proxy for everything, as in `http://proxy:3128`; no variable of the process is read.
    pub proxy: Option<String>,
    /// The hosts that the proxy is not for, separated by commas.
    pub no_proxy: Option<String>,
    /// The most calls to have in flight at once.
    pub concurrency: usize,
    /// The most calls to start in a second.
    pub rps: Option<f64>,
    /// Who wants to see each exchange.
    pub trace: Arc<dyn Trace>,
    /// The time.
    pub clock: Clock,
    /// Chance, for the waits between tries.
    pub random: Random,
}

impl Default for HttpOptions {
    /// What suits a program of one's own: three more tries, thirty seconds each, ten calls at once,
    /// certificates checked, no proxy.
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
            // The address of a proxy may hold a password.
            .field("proxy", &self.proxy.is_some())
            .field("concurrency", &self.concurrency)
            .field("rps", &self.rps)
            .finish_non_exhaustive()
    }
}
