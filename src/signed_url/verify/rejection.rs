//! Why a signed URL is refused, in the wording of Looker's embed URI validator if that is known.

use crate::signed_url::{MAX_PATH_BYTES, MAX_QUERY_BYTES, MAX_SESSION_LENGTH};

/// Why a signed URL is refused.
///
/// `Display` gives the text of Looker's validator (Admin > Embed) if a published source quotes it; `'...'` replaces a signature
/// or a nonce that Looker repeats.
#[derive(thiserror::Error, Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Rejection {
    /// The path is longer than Looker's web server accepts; it answers 5xx.
    #[error("Embed URI is not valid: its path has {0} bytes, more than {MAX_PATH_BYTES}")]
    PathTooLong(usize),

    /// The query is longer than Looker's web server accepts; it answers 5xx.
    #[error("Embed URI is not valid: its query has {0} bytes, more than {MAX_QUERY_BYTES}")]
    QueryTooLong(usize),

    /// Lower-case hex in the path, as in `%2f`; Looker answers 404.
    #[error("Embed URI is not valid: the percent-encoding of its path is in lower case")]
    LowercasePath,

    /// The embed path is not a single percent-encoded piece after `/login/embed/`; Looker finds no such page.
    #[error(
        "Embed URI is not valid: its path is not `/login/embed/` and a percent-encoded embed path"
    )]
    Path,

    /// A host that is not Looker's.
    #[error("Embed URI is not valid: Invalid host: {given}  (Use {expected} instead)")]
    Host {
        /// The host in the URL.
        given: String,
        /// Looker's host.
        expected: String,
    },

    /// Parameters that Looker does not know.
    #[error("This request includes invalid params: {0:?}")]
    UnknownParameters(Vec<String>),

    /// A parameter that was sent twice.
    #[error("Embed URI is not valid: '{0}' param is given more than once")]
    DuplicateParameter(String),

    /// A required parameter that is missing.
    #[error("Missing required parameter: {0}")]
    MissingParameter(&'static str),

    /// A query that is not percent-encoded text.
    #[error("Uh oh, something went wrong!")]
    Encoding {
        /// The name of the parameter, as far as it can be read.
        parameter: String,
    },

    /// A value that is not exactly one JSON document of its parameter's type.
    #[error("Uh oh, something went wrong!")]
    Type {
        /// The name of the parameter.
        parameter: &'static str,
        /// What it should hold.
        expected: &'static str,
    },

    /// No active secret produces this signature.
    #[error("Embed URI is not valid: 'signature' param failed to authenticate: '...'")]
    Signature,

    /// Signed too long ago, or in the future.
    #[error("'time' param is not within 5 minutes of the server's system time")]
    Time {
        /// When it was signed, in Unix seconds.
        time: i64,
        /// What the server's clock says.
        now: i64,
    },

    /// A nonce of the wrong length.
    #[error("Embed URI is not valid: 'nonce' param is not of a valid length")]
    NonceLength,

    /// A nonce that was used within the last hour; checked by the caller of [`super::verify`].
    #[error("Embed URI is not valid: 'nonce' param already used this hour: '...'")]
    NonceReused,

    /// A session length that Looker does not allow.
    #[error(
        "Embed URI is not valid: 'session_length' param is not within 0 and {MAX_SESSION_LENGTH}"
    )]
    SessionLength(i64),

    /// A time zone, while user time zones are switched off; checked by the caller of [`super::verify`].
    #[error("This request includes 'user_timezone' param and User Time Zones are disabled")]
    TimezonesDisabled,
}

impl Rejection {
    /// The parameter at fault, if it is one.
    pub fn parameter(&self) -> Option<&str> {
        match self {
            Self::PathTooLong(_)
            | Self::QueryTooLong(_)
            | Self::LowercasePath
            | Self::Path
            | Self::Host { .. } => None,
            Self::UnknownParameters(names) => names.first().map(String::as_str),
            Self::DuplicateParameter(name) | Self::Encoding { parameter: name } => Some(name),
            Self::MissingParameter(name)
            | Self::Type {
                parameter: name, ..
            } => Some(name),
            Self::Signature => Some("signature"),
            Self::Time { .. } => Some("time"),
            Self::NonceLength | Self::NonceReused => Some("nonce"),
            Self::SessionLength(_) => Some("session_length"),
            Self::TimezonesDisabled => Some("user_timezone"),
        }
    }

    /// What is wrong, if Looker's own text does not say.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Encoding { parameter } => {
                Some(format!("`{parameter}` is not percent-encoded UTF-8"))
            }
            Self::Type {
                parameter,
                expected,
            } => Some(format!("`{parameter}` is not {expected}")),
            Self::Time { time, now } if *time > *now => {
                Some(format!("signed {} seconds from now", time.abs_diff(*now)))
            }
            Self::Time { time, now } => Some(format!("signed {} seconds ago", time.abs_diff(*now))),
            _ => None,
        }
    }
}
