//! Turns a change into a job, and counts its API calls.

use serde::{Deserialize, Serialize};

use crate::plan::change::{Action, Change, KeyChange};
use crate::plan::desired::Desired;
use crate::signed_url::Grants;
use crate::workflow::{Extra, JobSpec, KeySpec, UserSpec, Via};

/// The options shared by all jobs of a run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct JobOptions {
    /// How users are created.
    pub(crate) via: Via,
    /// The embed path to fetch.
    pub(crate) target: String,
    /// The purpose of keys.
    pub(crate) purpose: Option<String>,
    /// For which users sudo is verified.
    pub(crate) verify: Verify,
    /// Whether attribute values of unknown origin count as the users' own.
    #[serde(default)]
    pub(crate) take_unknown: bool,
    /// The grants of new users, for whatever their rows do not name.
    #[serde(default)]
    pub(crate) defaults: Grants,
}

/// For which users sudo is verified.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verify {
    /// Every user that is created, changed, or given a key.
    All,
    /// The first such user and every hundredth after it.
    #[default]
    Sample,
    /// No user.
    None,
}

impl Verify {
    /// Whether the user with this number, from 0, is verified.
    pub(crate) const fn wants(self, number: u64) -> bool {
        match self {
            Self::All => true,
            Self::Sample => number.is_multiple_of(100),
            Self::None => false,
        }
    }
}

/// The job for `change`; `None` if there is nothing to do. `verify` says whether sudo is verified.
pub(crate) fn job(
    desired: &Desired,
    change: &Change,
    options: &JobOptions,
    verify: bool,
) -> Option<JobSpec> {
    if matches!(change.action, Action::Unchanged | Action::Refused) {
        // Nothing is recorded for it, so a run holds only users that change.
        return None;
    }
    let planned = Box::new(Extra {
        absent: change.action == Action::Create,
        no_login: change.login.is_none(),
        edits: change.edits.clone(),
        take_unknown: options.take_unknown,
        rotate: change.key == KeyChange::Rotate,
    });
    let named = || desired.grants.clone();
    Some(JobSpec::CreateUser(UserSpec {
        external_user_id: desired.external_user_id.clone(),
        // Without a login, what the row names is recorded; later plans take the values of attributes from it.
        grants: change.login.clone().unwrap_or_else(named),
        via: options.via,
        target: options.target.clone(),
        // The plan has decided already that an existing user is changed.
        update: true,
        // Sudo does not work for a disabled user.
        verify: verify && !change.ends_disabled,
        key: (change.key != KeyChange::None).then(|| KeySpec {
            purpose: options.purpose.clone(),
            ensure: change.key == KeyChange::Mint,
        }),
        planned,
    }))
}

impl Change {
    /// How many API calls it takes if all goes well. The fetch of a signed URL is none.
    pub(crate) fn calls(&self, options: &JobOptions, verify: bool) -> u64 {
        if matches!(self.action, Action::Unchanged | Action::Refused) {
            return 0;
        }
        let creates = self.action == Action::Create;
        let by_api = match options.via {
            Via::SignedUrl => 0,
            Via::Cookieless => 2,
            Via::EmbedUser => 1,
        };
        let mut calls = u64::from(!creates);
        if let Some(login) = &self.login {
            // Its sessions are listed before, and the user is read back after it.
            calls += by_api + 1 + u64::from(!creates);
            let gives_values = !login.not_empty().user_attributes.is_empty();
            let compares = verify && options.via != Via::EmbedUser;
            calls += u64::from(compares && gives_values);
            // What the login replaced is read from the roles of the user, and from all roles.
            calls += 2 * u64::from(compares && !creates);
        }
        let edits = &self.edits;
        // Which schedules run is noted before the user is disabled, from a list and a search.
        calls += 2 * u64::from(edits.disabled == Some(true));
        let moves = edits.join.len() + edits.leave.len();
        calls += u64::from(edits.of_user()) + moves as u64;
        // Whatever is changed is read back, and what is removed is also read before.
        calls += u64::from(edits.of_user() || moves > 0);
        let takes = edits.attributes.iter().any(|edit| edit.value.is_none());
        calls += edits.attributes.len() as u64;
        calls += u64::from(!edits.attributes.is_empty()) + u64::from(takes);
        if verify && !self.ends_disabled {
            calls += 4;
        }
        calls
            + match self.key {
                KeyChange::None => 0,
                KeyChange::Mint => 2 + u64::from(!creates),
                // Its keys are listed twice, then mint, tag, a login with the new key, and at least one revocation.
                KeyChange::Rotate => 2 + 2 + 3 + 1,
            }
    }
}
