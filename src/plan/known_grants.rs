//! What a user was last given, of what Looker does not show readily, as the ledger has it.

use std::collections::BTreeMap;

use crate::ledger::Job;
use crate::plan::observed_user::ObservedUser;
use crate::workflow::{Found, Grants, JobSpec, Outcome, Via};

/// What a user was last given; what is `None` nobody knows, and is not compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct KnownGrants {
    /// Whether the ledger says so, and not Looker.
    pub(crate) from_ledger: bool,
    /// The permissions of its embed role.
    pub(crate) permissions: Option<Vec<String>>,
    /// The models of its embed role.
    pub(crate) models: Option<Vec<String>>,
    /// The groups that its login named.
    pub(crate) group_ids: Option<Vec<String>>,
    /// Its time zone.
    pub(crate) user_timezone: Option<Option<String>>,
    /// Its own values of attributes; `None` where a value is hidden.
    pub(crate) attributes: Option<BTreeMap<String, Option<String>>>,
    /// Whether an earlier run delivered a key that is still there.
    pub(crate) has_our_key: bool,
}

impl KnownGrants {
    /// What the newest of `jobs` that changed the user gave it. They are those of its `external_user_id`, newest first;
    /// Looker may have had another user with that id before.
    pub(crate) fn from_ledger(jobs: &[Job], seen: &ObservedUser) -> Option<Self> {
        let mut has_our_key = false;
        let mut granted = None;
        for job in jobs {
            let Ok(found) = serde_json::from_value::<Found>(job.outcome.clone()) else {
                continue;
            };
            if found.looker_user_id.as_ref() != Some(&seen.id) {
                continue;
            }
            let key = found.key.map(|key| (key.id, key.client_id));
            has_our_key |= key.is_some_and(|key| seen.keys.contains(&key));
            let changed = matches!(found.outcome, Some(Outcome::Created | Outcome::Updated));
            if granted.is_none() && changed {
                granted = serde_json::from_value(job.spec.clone())
                    .ok()
                    .and_then(of_spec);
            }
        }
        granted.map(|granted| Self {
            has_our_key,
            ..granted
        })
    }
}

fn of_spec(spec: JobSpec) -> Option<KnownGrants> {
    let JobSpec::CreateUser(spec) = spec else {
        return None;
    };
    // A user that was only disabled has what it had before.
    if spec.planned.no_login && spec.planned.disabled == Some(true) {
        return None;
    }
    let grants = match spec.via {
        Via::EmbedUser => Grants::default(),
        Via::SignedUrl | Via::Cookieless => spec.grants,
    };
    let values = grants.user_attributes.into_iter();
    Some(KnownGrants {
        from_ledger: true,
        permissions: Some(grants.permissions),
        models: Some(grants.models),
        group_ids: Some(grants.group_ids),
        user_timezone: Some(grants.user_timezone),
        attributes: Some(values.map(|(name, value)| (name, Some(value))).collect()),
        has_our_key: false,
    })
}
