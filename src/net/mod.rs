//! Connections over HTTP to any server: trust, proxies, the pace of requests, when to try again, and what may be shown of it.

pub(crate) mod body;
pub(crate) mod certificate;
pub(crate) mod error;
pub(crate) mod pace;
pub(crate) mod proxy;
pub(crate) mod retry;
pub(crate) mod tls;
pub(crate) mod trace;
pub(crate) mod transport;

pub use error::NetError;
pub use proxy::{Proxy, UsedProxy};
pub use tls::trusting;
pub use trace::{Exchange, NoTrace, Trace, Waiting};
