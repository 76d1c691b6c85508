//! Why an operation on keys failed, and what works without a key.

use crate::error::{Error, Kind};
use crate::looker::LookerError;

/// Why an operation on keys failed.
#[derive(Debug)]
pub enum KeyError {
    /// The user may do it once it is allowed to manage keys.
    NotYet {
        /// Looker's id of the user.
        user_id: String,
    },
    /// Neither the caller nor the user may.
    Nobody(Error),
    /// What Looker says.
    Looker(LookerError),
}

impl From<LookerError> for KeyError {
    fn from(error: LookerError) -> Self {
        Self::Looker(error)
    }
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::NotYet { user_id } => Self::new(
                Kind::NotAllowed,
                format!("API keys are not allowed for Looker user {user_id}"),
            )
            .hint(WITHOUT_KEYS),
            KeyError::Nobody(error) => error,
            KeyError::Looker(error) => error.into(),
        }
    }
}

/// What works if no one may manage keys.
pub(super) const WITHOUT_KEYS: &str = "`embedctl token`, `embedctl api --as` and signed URLs work without a key; on Looker (Google Cloud core) log in as a service account with the Admin role, or allow API keys for the user on Looker's Users page";
