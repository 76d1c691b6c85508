//! The two algorithms of embed secrets.

use std::fmt;
use std::str::FromStr;

use crate::signed_url::UrlError;

/// The algorithm of an embed secret: a property of the secret, which no URL mentions.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Algorithm {
    /// HMAC-SHA-1: secrets created on Looker's admin page.
    #[default]
    Sha1,
    /// HMAC-SHA-256: secrets created through Looker's API, by default.
    Sha256,
}

impl Algorithm {
    /// The other one: to tell a secret that is used with the wrong algorithm from a wrong secret.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Sha1 => Self::Sha256,
            Self::Sha256 => Self::Sha1,
        }
    }
}

impl FromStr for Algorithm {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        match text {
            "sha1" => Ok(Self::Sha1),
            "sha256" => Ok(Self::Sha256),
            other => Err(UrlError::UnknownAlgorithm(other.to_owned())),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        })
    }
}
