//! What can be done to an embed user, and what stands in the way.

use std::fmt;

use crate::error::Error;
use crate::looker::{Client, LookerError, User, UserChanges};

/// What to do to each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Action {
    Disable,
    Enable,
    Delete {
        /// Delete also those who own schedules, and these with them.
        with_schedules: bool,
    },
}

impl Action {
    pub(super) const fn happened(self) -> &'static str {
        match self {
            Self::Disable => "disabled",
            Self::Enable => "enabled",
            Self::Delete { .. } => "deleted",
        }
    }

    /// Whether the user is like that already.
    pub(super) const fn has_happened(self, user: &User) -> bool {
        match self {
            Self::Disable => user.is_disabled,
            Self::Enable => !user.is_disabled,
            Self::Delete { .. } => false,
        }
    }

    /// Why it should not happen to the user.
    pub(super) async fn obstacle(
        self,
        user: &User,
        client: &Client,
    ) -> Result<Option<String>, Error> {
        let Self::Delete { with_schedules } = self else {
            return Ok(None);
        };
        if with_schedules {
            return Ok(None);
        }
        Ok(match client.scheduled_plans(&user.id).await?.len() {
            0 => None,
            1 => Some("it owns a schedule, which would be deleted with it".to_owned()),
            many => Some(format!(
                "it owns {many} schedules, which would be deleted with it"
            )),
        })
    }

    pub(super) async fn act(self, client: &Client, id: &str) -> Result<(), LookerError> {
        let is_disabled = match self {
            Self::Disable => true,
            Self::Enable => false,
            Self::Delete { .. } => return client.delete_user(id).await.map(drop),
        };
        let changes = UserChanges {
            is_disabled: Some(is_disabled),
            ..UserChanges::default()
        };
        client.update_user(id, &changes).await.map(drop)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Delete { .. } => "delete",
        })
    }
}
