//! Inputs that cannot become a signed URL, and why.

use crate::error::Error;
use crate::signed_url::{MAX_PATH_BYTES, MAX_QUERY_BYTES, MAX_SESSION_LENGTH, NONCE_LIMIT};

/// An input that Looker would refuse, detected before anything is sent.
#[derive(thiserror::Error, Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum UrlError {
    /// An unknown algorithm.
    #[error("`{0}` is not an algorithm of embed secrets")]
    UnknownAlgorithm(String),

    /// An empty embed secret.
    #[error("the embed secret is empty")]
    EmptySecret,

    /// A host that is not just a name and a port.
    #[error("the embed host {0}")]
    Host(&'static str),

    /// An empty embed path.
    #[error("the embed path is empty")]
    EmptyPath,

    /// An embed path that is too long once encoded.
    #[error("the path of the URL has {0} bytes; Looker accepts at most {MAX_PATH_BYTES}")]
    PathTooLong(usize),

    /// Parameters that are too long once encoded.
    #[error("the query of the URL has {0} bytes; Looker accepts at most {MAX_QUERY_BYTES}")]
    QueryTooLong(usize),

    /// A user with an empty or unusable id.
    #[error("`external_user_id` {0}")]
    UserId(&'static str),

    /// A session longer than Looker grants.
    #[error("`session_length` is {0} seconds; Looker accepts 0 to {MAX_SESSION_LENGTH}")]
    SessionLength(u32),

    /// An empty nonce.
    #[error("`nonce` is empty")]
    EmptyNonce,

    /// A nonce that is too long.
    #[error("`nonce` has {0} characters; Looker accepts fewer than {NONCE_LIMIT}")]
    NonceTooLong(usize),

    /// An embed domain that is not an origin.
    #[error("the embed domain {0}")]
    EmbedDomain(&'static str),
}

impl UrlError {
    /// What to change.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::UnknownAlgorithm(_) => "use `sha1` or `sha256`",
            Self::EmptySecret => {
                "copy the embed secret from Looker: Admin > Platform > Embed, or create one with `create_embed_secret`"
            }
            Self::Host(_) => {
                "give the host name that browsers use, with its port if it has one, such as `acme.looker.com` or `localhost:9999`"
            }
            Self::EmptyPath => "give the page to open, such as `/embed/dashboards/12`",
            Self::PathTooLong(_) => "shorten the filters in the embed path",
            Self::QueryTooLong(_) => {
                "grant permissions and models through groups, or shorten the values in `user_attributes`"
            }
            Self::UserId(_) => "give your own id of the user",
            Self::SessionLength(_) => "choose a session of 30 days or less",
            Self::EmptyNonce | Self::NonceTooLong(_) => {
                "omit the nonce to get a random one, or give 16 to 254 characters"
            }
            Self::EmbedDomain(_) => "give an origin, such as `https://app.example.com`",
        }
    }
}

impl From<UrlError> for Error {
    fn from(error: UrlError) -> Self {
        let advice = error.advice();
        Self::usage(error).hint(advice)
    }
}
