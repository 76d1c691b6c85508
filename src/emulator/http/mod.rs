//! HTTP: from a connection to the operation that answers, and back.

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod call;
pub(crate) mod checks;
pub(crate) mod connection;
pub(crate) mod control;
mod cors;
pub(crate) mod dispatch;
pub(crate) mod fields;
pub(crate) mod gate;
pub(crate) mod latency;
pub(crate) mod listing;
pub(crate) mod operation;
pub(crate) mod page;
pub(crate) mod proxy;
pub(crate) mod request;
pub(crate) mod respond;
pub(crate) mod router;
pub(crate) mod tls;
