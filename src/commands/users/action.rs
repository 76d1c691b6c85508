//! What can be done to an embed user, and what prevents it.

use std::collections::HashMap;
use std::fmt;

use tokio::sync::OnceCell;

use crate::commands::consent::Loss;
use crate::error::{Error, Kind};
use crate::looker::{Client, LookerError, User};
use crate::workflow::{user_is_disabled, user_is_gone};

/// What to do to each user.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Action {
    Disable,
    Enable,
    Delete {
        /// Also delete users who own schedules, along with these.
        with_schedules: bool,
        /// Also delete users who own alerts, along with these.
        with_alerts: bool,
    },
}

/// What is read once in order to find obstacles.
#[derive(Default)]
pub(super) struct Obstacles {
    /// How many alerts each user owns: Looker has no list by user.
    alerts: OnceCell<HashMap<String, usize>>,
}

impl Obstacles {
    async fn alerts_of(&self, user: &User, client: &Client) -> Result<usize, Error> {
        let read = || async {
            let mut owned = HashMap::new();
            for owner in client
                .alerts(true)
                .await?
                .into_iter()
                .filter_map(|it| it.owner_id)
            {
                *owned.entry(owner).or_insert(0) += 1;
            }
            Ok::<_, Error>(owned)
        };
        let owned = self.alerts.get_or_try_init(read).await?;
        Ok(owned.get(&user.id).copied().unwrap_or_default())
    }
}

impl Action {
    pub(super) const fn happened(self) -> &'static str {
        match self {
            Self::Disable => "disabled",
            Self::Enable => "enabled",
            Self::Delete { .. } => "deleted",
        }
    }

    /// What a user loses by it.
    pub(super) const fn loss(self) -> Option<Loss> {
        match self {
            Self::Disable => Some(Loss::Login),
            Self::Enable => None,
            Self::Delete { .. } => Some(Loss::User),
        }
    }

    /// A side effect at Looker that may be unexpected.
    pub(super) const fn side_effect(self) -> Option<&'static str> {
        match self {
            Self::Disable => Some(
                "Looker stops the schedules of users who are disabled; give them to another user first if they must go on.",
            ),
            Self::Enable => None,
            Self::Delete { .. } => Some(
                "Looker deletes the schedules of users who are deleted and, since release 26.18, their alerts.",
            ),
        }
    }

    /// Whether the user is already in that state.
    pub(super) const fn has_happened(self, user: &User) -> bool {
        match self {
            Self::Disable => user.is_disabled,
            Self::Enable => !user.is_disabled,
            // A user that was found has not been deleted.
            Self::Delete { .. } => false,
        }
    }

    /// Why it should not happen to the user.
    pub(super) async fn obstacle(
        self,
        user: &User,
        client: &Client,
        known: &Obstacles,
    ) -> Result<Option<String>, Error> {
        let Self::Delete {
            with_schedules,
            with_alerts,
        } = self
        else {
            return Ok(None);
        };
        let owned = |count: usize, what: &str, flag: &str| match count {
            0 => None,
            1 => Some(format!(
                "it owns one {what}, which would be deleted with it (`{flag}` allows that)"
            )),
            many => Some(format!(
                "it owns {many} {what}s, which would be deleted with it (`{flag}` allows that)"
            )),
        };
        if !with_schedules {
            let count = client.scheduled_plans(&user.id).await?.len();
            if count > 0 {
                return Ok(owned(count, "schedule", "--with-schedules"));
            }
        }
        if with_alerts {
            return Ok(None);
        }
        let count = known.alerts_of(user, client).await?;
        Ok(owned(count, "alert", "--with-alerts"))
    }

    /// Do it, and read back the result. A lost answer is no failure: reading back decides.
    pub(super) async fn act(self, client: &Client, id: &str) -> Result<(), Error> {
        let asked = match self {
            Self::Disable => client.set_disabled(id, true).await.map(drop),
            Self::Enable => client.set_disabled(id, false).await.map(drop),
            Self::Delete { .. } => client.delete_user(id).await.map(drop),
        };
        // An answer that leaves open whether it took effect is settled by reading the user.
        if let Err(error) = &asked
            && !error.took_effect_unknown()
        {
            return Ok(asked?);
        }
        match self.as_it_is(client, id).await {
            Ok(None) => Ok(()),
            Ok(Some(is)) => {
                asked?;
                let what = format!("Looker accepted the request, but the user is still {is}");
                Err(Error::new(Kind::Looker, what))
            }
            Err(unread) => {
                let known = "whether the user is";
                let what = format!("{unread}; {known} {} is not known", self.happened());
                Err(Error::from(unread).context(what))
            }
        }
    }

    /// The user's state, if it is not the requested one.
    async fn as_it_is(
        self,
        client: &Client,
        id: &str,
    ) -> Result<Option<&'static str>, LookerError> {
        // A deleted user has no state to compare.
        if matches!(self, Self::Delete { .. }) && user_is_gone(client, id).await? {
            return Ok(None);
        }
        let disabled = user_is_disabled(client, id).await?;
        Ok(match (self, disabled) {
            (Self::Disable, true) | (Self::Enable, false) => None,
            (Self::Disable, false) => Some("enabled"),
            (Self::Enable, true) => Some("disabled"),
            (Self::Delete { .. }, false) => Some("there"),
            (Self::Delete { .. }, true) => Some("there, and disabled"),
        })
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
