//! Why a sink cannot keep a key.

use std::fmt;

use crate::error::{Error, Kind};
use crate::net::NetError;
use crate::system::FileError;

/// Why a sink cannot keep a key. Holds no secret.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SinkError {
    /// What was tried, and where.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The cause.
    #[source]
    pub source: Option<anyhow::Error>,
}

impl SinkError {
    /// An error that says `message`.
    pub fn new(message: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            hint: None,
            source: None,
        }
    }

    /// The same error with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// The same error with its cause.
    #[must_use]
    pub fn caused(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.source = Some(cause.into());
        self
    }

    /// The same error for another caller.
    pub(super) fn again(&self) -> Self {
        let source = self.source.as_ref();
        Self {
            message: self.message.clone(),
            hint: self.hint.clone(),
            source: source.map(|source| anyhow::Error::msg(format!("{source:#}"))),
        }
    }
}

impl From<FileError> for SinkError {
    fn from(error: FileError) -> Self {
        Self {
            message: error.message,
            hint: error.hint,
            source: error.source.map(Into::into),
        }
    }
}

impl From<SinkError> for Error {
    fn from(error: SinkError) -> Self {
        let hint = error.hint.clone();
        let error = Self::caused(Kind::Internal, error);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

impl From<NetError> for SinkError {
    fn from(error: NetError) -> Self {
        let advice = error.advice();
        let message = error.to_string();
        let source = match error {
            NetError::CaFile { source, .. } => Some(source),
            NetError::Setup { .. } => None,
        };
        Self {
            message,
            hint: advice.map(str::to_owned),
            source,
        }
    }
}
