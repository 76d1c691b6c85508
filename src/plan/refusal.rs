//! Why nothing is done for a user: it cannot be read, or its state cannot be determined.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind};

/// Why nothing is done for a user, in words.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Refusal {
    /// Why.
    pub(crate) reason: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
}

impl Refusal {
    /// `error` as the refusal of one user, so that the others go on.
    ///
    /// # Errors
    /// It concerns all users: Looker cannot be reached, or something is wrong on this machine.
    pub(crate) fn of(error: Error) -> Result<Self, Error> {
        match error.kind() {
            Kind::Internal | Kind::Unreachable | Kind::Unavailable | Kind::Interrupted => {
                Err(error)
            }
            _ => Ok(Self {
                reason: error.to_string(),
                advice: error.advice().map(str::to_owned),
            }),
        }
    }

    /// The same as an error.
    pub(crate) fn error(&self) -> Error {
        let error = Error::new(Kind::Incomplete, &self.reason);
        match &self.advice {
            Some(advice) => error.hint(advice),
            None => error,
        }
    }
}
