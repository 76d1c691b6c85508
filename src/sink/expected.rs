//! What a sink with one key per user was seen to hold: a key that another process has put there since is not replaced, because
//! its secret would be lost.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::sink::{Held, SinkError};

/// What was seen, by user. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Expected(Arc<Mutex<HashMap<String, Option<String>>>>);

/// What was seen for one user.
#[derive(Clone, Debug)]
pub(super) enum Seen {
    /// Not read: whatever is there may be replaced.
    Unknown,
    /// The client id that was there, if any.
    Held(Option<String>),
}

impl Expected {
    /// Note what is there for a user.
    pub(super) fn note(&self, external_user_id: &str, held: Option<&Held>) {
        let client_id = held.map(|held| held.client_id.clone());
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(external_user_id.to_owned(), client_id);
    }

    /// What was noted for a user; forgotten after that.
    pub(super) fn take(&self, external_user_id: &str) -> Seen {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.remove(external_user_id)
            .map_or(Seen::Unknown, Seen::Held)
    }
}

impl Seen {
    /// Refuse to replace a key that was not there before.
    pub(super) fn refuse_other(&self, held: &Held, path: &Path) -> Result<(), SinkError> {
        match self {
            Self::Held(seen) if seen.as_ref() != Some(&held.client_id) => {
                let shown = path.display();
                let message = format!(
                    "another process has put key {} into `{shown}` in the meantime",
                    held.key_id
                );
                Err(SinkError::new(message).hint("run the same command again: it finds that key"))
            }
            Self::Held(_) | Self::Unknown => Ok(()),
        }
    }
}
