//! What cannot become a signed URL, and why.

use crate::error::Error;
use crate::signed_url::{MAX_PATH_BYTES, MAX_QUERY_BYTES, MAX_SESSION_LENGTH, NONCE_LIMIT};

/// An input that Looker would refuse, found before anything is sent.
#[derive(thiserror::Error, Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum UrlError {
    /// The name of an algorithm that Looker does not have.
    #[error("`{0}` is not an algorithm of embed secrets")]
    UnknownAlgorithm(String),

    /// An embed secret without a character.
    #[error("the embed secret is empty")]
    EmptySecret,

    /// A host that is not just a name and a port.
    #[error("the embed host {0}")]
    Host(&'static str),

    /// An embed path without a character.
    #[error("the embed path is empty")]
    EmptyPath,

    /// An embed path that is too long once encoded.
    #[error("the path of the URL has {0} bytes, and Looker takes {MAX_PATH_BYTES}")]
    PathTooLong(usize),

    /// Parameters that are too long once encoded.
    #[error("the query of the URL has {0} bytes, and Looker takes {MAX_QUERY_BYTES}")]
    QueryTooLong(usize),

    /// A user without an id, or with one that nobody should have.
    #[error("`external_user_id` {0}")]
    UserId(&'static str),

    /// A session longer than Looker grants.
    #[error("`session_length` is {0} seconds, and Looker takes 0 to {MAX_SESSION_LENGTH}")]
    SessionLength(u32),

    /// A nonce without a character.
    #[error("`nonce` is empty")]
    EmptyNonce,

    /// A nonce that is too long.
    #[error("`nonce` has {0} characters, and Looker takes fewer than {NONCE_LIMIT}")]
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
                "give the name browsers use, and the port if there is one, as in `acme.looker.com` or `localhost:9999`"
            }
            Self::EmptyPath => "give the page to open, as in `/embed/dashboards/12`",
            Self::PathTooLong(_) => "shorten the filters in the embed path",
            Self::QueryTooLong(_) => {
                "give permissions and models through groups, or move long values out of `user_attributes`"
            }
            Self::UserId(_) => "give your own id of the user",
            Self::SessionLength(_) => "choose a session of 30 days or less",
            Self::EmptyNonce | Self::NonceTooLong(_) => {
                "leave the nonce out to get a random one, or give 16 to 254 characters"
            }
            Self::EmbedDomain(_) => "give an origin, as in `https://app.example.com`",
        }
    }
}

impl From<UrlError> for Error {
    fn from(error: UrlError) -> Self {
        let advice = error.advice();
        Self::usage(error).hint(advice)
    }
}
