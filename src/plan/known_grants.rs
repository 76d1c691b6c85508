//! What is known about a user's grants, from the ledger and from Looker.

use std::collections::BTreeSet;

use serde::Deserialize as _;

use crate::ledger::Job;
use crate::plan::desired::Desired;
use crate::plan::observed_user::ObservedUser;
use crate::signed_url::Grants;
use crate::workflow::{Found, JobSpec, Outcome, UserSpec, Via};

/// A user's grants, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct KnownGrants {
    /// The known grants; an empty value means that the user has none.
    pub(crate) grants: Grants,
    /// The attributes with a value of the user's own that Looker hides.
    pub(crate) hidden: BTreeSet<String>,
    /// Whether everything that a login would replace was read from Looker, so that a login can repeat it.
    pub(crate) complete: bool,
    /// Whether an earlier run delivered a key that still exists.
    pub(crate) has_our_key: bool,
}

/// What must be read about a user's grants.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Needs {
    /// Its permissions and models.
    pub(crate) roles: bool,
    /// Its time zone.
    pub(crate) timezone: bool,
    /// Its own values of these attributes.
    pub(crate) attributes: BTreeSet<String>,
    /// Everything that a login would replace.
    pub(crate) everything: bool,
}

impl Needs {
    /// Everything that a login would replace.
    pub(crate) fn everything() -> Self {
        Self {
            everything: true,
            ..Self::default()
        }
    }

    /// Whether nothing must be read.
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl KnownGrants {
    /// The grants according to a user's jobs, newest first. An earlier user at Looker may have had the same `external_user_id`, so
    /// jobs for other Looker ids are skipped. What Looker shows readily, such as names and groups, is not taken from here.
    pub(crate) fn from_ledger(jobs: &[Job], seen: &ObservedUser) -> Self {
        let mut known = Self::default();
        // Whether older jobs may know more: not once a login has replaced what they gave.
        let mut open = true;
        for job in jobs {
            let Ok(found) = serde_json::from_value::<Found>(job.outcome.clone()) else {
                // The outcome of a job of another kind, or of an embedctl that wrote it differently.
                continue;
            };
            if found.looker_user_id.as_ref() != Some(&seen.id) {
                continue;
            }
            let key = found.key.map(|key| (key.id, key.client_id));
            // Compared with the keys that Looker shows: a delivered key may have been revoked since.
            known.has_our_key |= key.is_some_and(|key| seen.keys.contains(&key));
            // A job that changed nothing says nothing about grants.
            let changed = matches!(found.outcome, Some(Outcome::Created | Outcome::Updated));
            if open
                && changed
                && let Ok(JobSpec::CreateUser(spec)) = JobSpec::deserialize(&job.spec)
            {
                open = spec.planned.no_login;
                // Newer jobs win over older ones.
                known.grants = known.grants.or(&of_spec(spec));
            }
        }
        known
    }

    /// What must be read about the user in order to compare it with `desired`.
    pub(crate) fn missing(&self, desired: &Desired) -> Needs {
        let (named, known) = (&desired.grants, &self.grants);
        let open =
            |named: &Option<Vec<String>>, known: &Option<_>| named.is_some() && known.is_none();
        let attributes = named.user_attributes.keys();
        let attributes = attributes.filter(|name| !known.user_attributes.contains_key(*name));
        Needs {
            roles: open(&named.permissions, &known.permissions)
                || open(&named.models, &known.models),
            timezone: named.user_timezone.is_some() && known.user_timezone.is_none(),
            attributes: attributes.cloned().collect(),
            everything: false,
        }
    }
}

/// The grants that a job gave: of one without a login, values of attributes only.
fn of_spec(spec: UserSpec) -> Grants {
    let logs_in = !spec.planned.no_login;
    let grants = match spec.via {
        // It takes no grants.
        Via::EmbedUser if logs_in => Grants::default(),
        _ if logs_in => spec.grants,
        // The row of a disabled user may name more, which waits until it is enabled.
        _ => Grants {
            user_attributes: spec.grants.user_attributes,
            ..Grants::default()
        },
    };
    match logs_in {
        // What a login does not say is taken away.
        true => grants.or(&Grants {
            permissions: Some(Vec::new()),
            models: Some(Vec::new()),
            user_timezone: Some(String::new()),
            ..Grants::default()
        }),
        false => grants,
    }
}
