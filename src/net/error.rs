//! Why no connection can be set up.

use std::error::Error as StdError;
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

/// The innermost cause of `error`, without the URL and without reqwest's and hyper's own wording.
pub(crate) fn cause(error: reqwest::Error) -> anyhow::Error {
    let error = error.without_url();
    let last = chain(&error).last().map(ToString::to_string);
    anyhow::Error::msg(last.unwrap_or_else(|| error.to_string()))
}

fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // An `io::Error` that wraps an error does not list it as its source.
        match error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
        {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        }
    })
}

pub(crate) fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    chain(error).find_map(|error| error.downcast_ref())
}
