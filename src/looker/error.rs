//! What can go wrong in a call, told apart by where it went wrong.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::looker::foreign::Foreign;
use crate::net::NetError;
use crate::net::proxy::UsedProxy;
use crate::system::duration;

/// Why a call of Looker's API failed. Never holds a body, a secret, or a URL with a query.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LookerError {
    /// Login was refused: Looker answers 404 if it does not know the API key.
    #[error("Looker at `{origin}` does not accept this API key")]
    Rejected {
        /// Scheme, host and port of the API.
        origin: String,
        /// The HTTP status.
        status: u16,
    },
    /// Looker itself answered 404, which it also does if the caller lacks access.
    #[error("Looker answered 404 to `{operation}`: {message}")]
    NotFound {
        /// The operation's id.
        operation: &'static str,
        /// What Looker says.
        message: String,
    },
    /// Looker itself answered 401 or 403.
    #[error("Looker answered {status} to `{operation}`: {message}")]
    Denied {
        /// The operation's id.
        operation: &'static str,
        /// The HTTP status.
        status: u16,
        /// What Looker says.
        message: String,
    },
    /// Looker answered 429 to every attempt.
    #[error("Looker throttled `{operation}`: {message}")]
    Throttled {
        /// The operation's id.
        operation: &'static str,
        /// What Looker says.
        message: String,
        /// How long Looker asked to wait.
        retry_after: Option<Duration>,
    },
    /// Looker answered 422: fields of the request are not valid.
    #[error("Looker answered 422 to `{operation}`: {message}{}", Listed(.fields))]
    Validation {
        /// The operation's id.
        operation: &'static str,
        /// What Looker says.
        message: String,
        /// What Looker says of each field.
        fields: Vec<FieldError>,
    },
    /// A proxy or Looker's outage page answered. This says nothing about the thing asked for, and Looker may have acted
    /// behind it.
    #[error("`{operation}` was not answered by Looker's API: status {status} with {foreign}{}", Through(.proxy))]
    Unavailable {
        /// The operation's id.
        operation: &'static str,
        /// The HTTP status.
        status: u16,
        /// What came instead.
        foreign: Foreign,
        /// The proxy that the request went through.
        proxy: Option<UsedProxy>,
    },
    /// Looker answered with another status that is not success.
    #[error("Looker answered {status} to `{operation}`: {message}")]
    Status {
        /// The operation's id.
        operation: &'static str,
        /// The HTTP status.
        status: u16,
        /// What Looker says, or what the status means.
        message: String,
    },
    /// No connection was made, so nothing was sent.
    #[error("cannot connect to `{origin}`{} for `{operation}`", Through(.proxy))]
    Unreachable {
        /// The operation's id.
        operation: &'static str,
        /// Scheme, host and port.
        origin: String,
        /// Whether the host's name is unknown.
        unknown_host: bool,
        /// The proxy that the request was to go through.
        proxy: Option<UsedProxy>,
        /// The cause.
        #[source]
        source: anyhow::Error,
    },
    /// The server's certificate is not trusted.
    #[error("TLS connection to `{origin}`{} failed: {problem}", Through(.proxy))]
    Tls {
        /// The operation's id.
        operation: &'static str,
        /// Scheme, host and port.
        origin: String,
        /// What is wrong with the certificate.
        problem: TlsProblem,
        /// The proxy that the connection went through.
        proxy: Option<UsedProxy>,
        /// The cause.
        #[source]
        source: anyhow::Error,
    },
    /// Not sent: by then another process may have gone on with the work.
    #[error("`{operation}` was not sent: the lease of this process is over")]
    LeaseOver {
        /// The operation's id.
        operation: &'static str,
    },
    /// No answer came in time; Looker may have acted.
    #[error("`{operation}` did not answer within {}{}", duration::exact(*.after), Through(.proxy))]
    Timeout {
        /// The operation's id.
        operation: &'static str,
        /// How long the call waited.
        after: Duration,
        /// The proxy that the request went through.
        proxy: Option<UsedProxy>,
    },
    /// The connection broke before the answer was complete; Looker may have acted.
    #[error("the connection{} broke before `{operation}` was answered", Through(.proxy))]
    Lost {
        /// The operation's id.
        operation: &'static str,
        /// The proxy that the request went through.
        proxy: Option<UsedProxy>,
        /// The cause.
        #[source]
        source: anyhow::Error,
    },
    /// The answer is larger than any that makes sense.
    #[error("the answer to `{operation}` is larger than {} MiB", .limit / 1024 / 1024)]
    TooLarge {
        /// The operation's id.
        operation: &'static str,
        /// The limit in bytes.
        limit: usize,
    },
    /// The answer is not the JSON that the operation returns.
    #[error("the answer to `{operation}` is not what Looker's API gives: {problem}")]
    Decode {
        /// The operation's id.
        operation: &'static str,
        /// Where decoding failed; contains no part of the answer.
        problem: String,
    },
    /// A paged list that does not end.
    #[error("the list that `{operation}` gives has no end: {problem}")]
    Endless {
        /// The operation's id.
        operation: &'static str,
        /// What gave it away.
        problem: &'static str,
    },
    /// Looker was asked about one user and answered about a different one, who must not be touched.
    #[error("`{operation}` was asked about {asked} and answered about {answered}")]
    Another {
        /// The operation's id.
        operation: &'static str,
        /// Who was asked about.
        asked: String,
        /// Who was answered about.
        answered: String,
    },
    /// An id that cannot be part of a path.
    #[error("`{id}` cannot be an id in a call of `{operation}`")]
    Id {
        /// The operation's id.
        operation: &'static str,
        /// The id.
        id: String,
    },
    /// A path that would resolve to a different endpoint.
    #[error("the path `{path}` is not one of the API")]
    Path {
        /// The path, without its query.
        path: String,
    },
    /// An identity that was logged out, or an access token that is no longer accepted and cannot be renewed.
    #[error("the access token of `{identity}` has ended")]
    LoggedOut {
        /// Whose token it was.
        identity: String,
    },
    /// A file of certificates cannot be used.
    #[error("cannot use the certificates in `{}`", .path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: anyhow::Error,
    },
    /// The client cannot be built from these settings.
    #[error("cannot set up the connection to Looker: {problem}")]
    Setup {
        /// What is wrong.
        problem: String,
    },
}

impl From<NetError> for LookerError {
    fn from(error: NetError) -> Self {
        match error {
            NetError::CaFile { path, source } => Self::CaFile { path, source },
            NetError::Setup { problem } => Self::Setup { problem },
        }
    }
}

/// The end of a phrase about a connection: through which proxy.
struct Through<'a>(&'a Option<UsedProxy>);

impl fmt::Display for Through<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(proxy) => write!(f, " through the {proxy}"),
            None => Ok(()),
        }
    }
}

/// What is wrong with a server's certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TlsProblem {
    /// Its issuer is not trusted.
    UnknownIssuer,
    /// It is its own issuer, and was not given as trusted.
    SelfSigned,
    /// It is for another name.
    WrongName,
    /// It has expired, or is not valid yet.
    OutOfDate,
    /// The port answers, and not in TLS.
    Plain,
    /// Anything else.
    Other,
}

impl fmt::Display for TlsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownIssuer => "the certificate is not trusted (unknown issuer)",
            Self::SelfSigned => "the certificate is self-signed, and thus not trusted",
            Self::WrongName => "the certificate is for another name",
            Self::OutOfDate => "the certificate has expired or is not valid yet",
            Self::Plain => "the port does not speak TLS",
            Self::Other => "the handshake failed",
        })
    }
}

/// What Looker says of one field of a request.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default)]
pub struct FieldError {
    /// The field.
    pub field: Option<String>,
    /// A word for what is wrong, as in `missing_field`.
    pub code: Option<String>,
    /// What is wrong.
    pub message: Option<String>,
}

struct Listed<'a>(&'a [FieldError]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let field = error.field.as_deref().unwrap_or("?");
            let said = error.message.as_ref().or(error.code.as_ref());
            let said = said.map_or("not valid", String::as_str);
            let before = if index == 0 { ": " } else { ", " };
            write!(f, "{before}`{field}` {said}")?;
        }
        Ok(())
    }
}

impl LookerError {
    /// The operation that failed, if there was one.
    pub const fn operation(&self) -> Option<&'static str> {
        match self {
            Self::Rejected { .. } => Some("login"),
            Self::NotFound { operation, .. }
            | Self::Denied { operation, .. }
            | Self::Throttled { operation, .. }
            | Self::Validation { operation, .. }
            | Self::Unavailable { operation, .. }
            | Self::Status { operation, .. }
            | Self::Unreachable { operation, .. }
            | Self::Tls { operation, .. }
            | Self::LeaseOver { operation }
            | Self::Timeout { operation, .. }
            | Self::Lost { operation, .. }
            | Self::TooLarge { operation, .. }
            | Self::Decode { operation, .. }
            | Self::Endless { operation, .. }
            | Self::Another { operation, .. }
            | Self::Id { operation, .. } => Some(operation),
            Self::Path { .. }
            | Self::LoggedOut { .. }
            | Self::CaFile { .. }
            | Self::Setup { .. } => None,
        }
    }

    /// The status of the answer, whoever sent it: for reports only. Decisions use [`LookerError::refused_with`].
    pub const fn http_status(&self) -> Option<u16> {
        match self {
            Self::NotFound { .. } => Some(404),
            Self::Throttled { .. } => Some(429),
            Self::Validation { .. } => Some(422),
            Self::Rejected { status, .. }
            | Self::Denied { status, .. }
            | Self::Unavailable { status, .. }
            | Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The status, if the refusal is Looker's own. Conclusions may only be drawn from these.
    pub const fn refused_with(&self) -> Option<u16> {
        match self {
            Self::Unavailable { .. } => None,
            // belief: gateway-may-have-done-it
            // A 5xx may come from a load balancer after Looker has done the work.
            Self::Status { status, .. } if *status >= 500 => None,
            _ => self.http_status(),
        }
    }

    /// Whether the same call may succeed later: rate limited, a gateway's 502 to 504, or a network failure. This does not
    /// mean that retrying is safe: see [`LookerError::took_effect_unknown`].
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Throttled { .. }
            | Self::Unavailable { .. }
            | Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::Lost { .. } => true,
            Self::Status { status, .. } => matches!(*status, 502..=504),
            _ => false,
        }
    }

    /// Whether Looker may have acted although the call failed. A create that failed this way must not be repeated before
    /// the result has been looked up.
    pub const fn took_effect_unknown(&self) -> bool {
        match self {
            Self::Unavailable { .. }
            | Self::Timeout { .. }
            | Self::Lost { .. }
            | Self::TooLarge { .. }
            | Self::Decode { .. } => true,
            Self::Status { status, .. } => *status >= 500,
            _ => false,
        }
    }

    /// Whether Looker says that Looker (Google Cloud core) lacks this operation.
    pub fn is_unsupported_on_core(&self) -> bool {
        // belief: core-says-so
        matches!(self, Self::Denied { message, .. } if message.contains("Looker (Google Cloud core)"))
    }
}
