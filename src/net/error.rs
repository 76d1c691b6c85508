//! Why no connection can be set up.

use std::path::PathBuf;

use crate::error::{Error, Kind};

/// Why no connection can be set up; nothing was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetError {
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
    #[error("cannot set up the connection: {problem}")]
    Setup {
        /// What is wrong.
        problem: String,
    },
}

impl NetError {
    /// What to do about it.
    pub(crate) const fn advice(&self) -> Option<&'static str> {
        match self {
            Self::CaFile { .. } => {
                Some("give a readable file of certificates in PEM form with `--ca-file`")
            }
            Self::Setup { .. } => None,
        }
    }
}

impl From<NetError> for Error {
    fn from(error: NetError) -> Self {
        let advice = error.advice();
        let error = Self::caused(Kind::Usage, error);
        match advice {
            Some(advice) => error.hint(advice),
            None => error,
        }
    }
}
