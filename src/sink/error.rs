//! Why a sink cannot keep a key.

use std::fmt;
use std::io;
use std::path::Path;

use crate::error::{Error, Kind};

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

    /// The same error above its cause.
    #[must_use]
    pub fn caused(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.source = Some(cause.into());
        self
    }

    /// The same error for another one whom it concerns.
    pub(super) fn again(&self) -> Self {
        let source = self.source.as_ref();
        Self {
            message: self.message.clone(),
            hint: self.hint.clone(),
            source: source.map(|source| anyhow::Error::msg(format!("{source:#}"))),
        }
    }

    /// `what` could not be done with the file or folder in `path`.
    pub(super) fn at(what: &str, path: &Path, cause: io::Error) -> Self {
        let hint = match cause.kind() {
            io::ErrorKind::NotFound => path.parent().map(|folder| {
                format!(
                    "make the folder with `mkdir -m 700 -p {}`",
                    folder.display()
                )
            }),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Some("give `--keys-to` a place where you may write".to_owned())
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Some("make room, then run the same command again".to_owned())
            }
            _ => None,
        };
        Self {
            message: format!("cannot {what} `{}`", path.display()),
            hint,
            source: Some(cause.into()),
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
