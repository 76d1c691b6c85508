//! Where a request failed: before it was sent, or at a point where Looker may have acted.

use std::time::Duration;

use rustls::CertificateError;

use crate::looker::error::{LookerError, TlsProblem};
use crate::net::body::LIMIT;
use crate::net::certificate::SelfSigned;
use crate::net::error::{cause, tls_error};
use crate::net::proxy::UsedProxy;

/// Context for the errors of one request.
pub(super) struct Failing {
    operation: &'static str,
    timeout: Duration,
    /// The one that the request goes through.
    pub(super) proxy: Option<UsedProxy>,
}

impl Failing {
    pub(super) const fn new(
        operation: &'static str,
        timeout: Duration,
        proxy: Option<UsedProxy>,
    ) -> Self {
        Self {
            operation,
            timeout,
            proxy,
        }
    }

    /// The error of a request without a response.
    pub(super) fn unanswered(&self, error: reqwest::Error) -> LookerError {
        let operation = self.operation;
        if error.is_builder() {
            return LookerError::Setup {
                problem: error.without_url().to_string(),
            };
        }
        // Only a failure to connect proves that nothing was sent; everything else may have reached Looker.
        if !error.is_connect() {
            return self.broken(error);
        }
        let origin = error.url().map(|url| url.origin().ascii_serialization());
        let origin = origin.unwrap_or_default();
        if let Some(found) = tls_error(&error) {
            let own = self_signed(found).map(|own| anyhow::Error::msg(own.to_string()));
            return LookerError::Tls {
                operation,
                origin,
                problem: tls_problem(found),
                proxy: self.proxy.clone(),
                source: own.unwrap_or_else(|| cause(error)),
            };
        }
        LookerError::Unreachable {
            operation,
            origin,
            unknown_host: error.is_dns(),
            proxy: self.proxy.clone(),
            source: cause(error),
        }
    }

    /// The error of a response that broke off.
    pub(super) fn broken(&self, error: reqwest::Error) -> LookerError {
        let operation = self.operation;
        if error.is_timeout() {
            return LookerError::Timeout {
                operation,
                after: self.timeout,
                proxy: self.proxy.clone(),
            };
        }
        LookerError::Lost {
            operation,
            proxy: self.proxy.clone(),
            source: cause(error),
        }
    }

    /// The error of a response beyond the limit.
    pub(super) const fn too_large(&self) -> LookerError {
        LookerError::TooLarge {
            operation: self.operation,
            limit: LIMIT,
        }
    }
}

fn self_signed(error: &rustls::Error) -> Option<&SelfSigned> {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::Other(other)) => other.0.downcast_ref(),
        _ => None,
    }
}

fn tls_problem(error: &rustls::Error) -> TlsProblem {
    match error {
        rustls::Error::InvalidCertificate(problem) => match problem {
            // belief: certificate-names-host
            CertificateError::UnknownIssuer => TlsProblem::UnknownIssuer,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                TlsProblem::WrongName
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => TlsProblem::OutOfDate,
            _ if self_signed(error).is_some() => TlsProblem::SelfSigned,
            _ => TlsProblem::Other,
        },
        rustls::Error::InvalidMessage(_) => TlsProblem::Plain,
        _ => TlsProblem::Other,
    }
}
