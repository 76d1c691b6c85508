//! Makes a change into a job, and counts the calls that it costs.

use serde::{Deserialize, Serialize};

use crate::plan::decide::{Action, Change, KeyChange};
use crate::plan::desired::Desired;
use crate::signed_url::Grants;
use crate::workflow::{Extra, JobSpec, KeySpec, UserSpec, Via};

/// What is the same for every job of a run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct JobOptions {
    /// How users are created.
    pub(crate) via: Via,
    /// The embed path that is fetched.
    pub(crate) target: String,
    /// What keys are for.
    pub(crate) purpose: Option<String>,
    /// For whom sudo is proved.
    pub(crate) verify: Verify,
    /// Whether attribute values of unknown origin count as the users' own.
    #[serde(default)]
    pub(crate) take_unknown: bool,
    /// The grants of new users, for all that their rows do not name.
    #[serde(default)]
    pub(crate) defaults: Grants,
    /// Whether lists that are named are added to those there are.
    #[serde(default)]
    pub(crate) merge: bool,
}

/// For whom sudo is proved.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verify {
    /// For every user that is made, changed, or given a key.
    All,
    /// For the first such user and every hundredth after it.
    #[default]
    Sample,
    /// For no user.
    None,
}

impl Verify {
    /// Whether it is for the user with this number, from 0.
    pub(crate) const fn wants(self, number: u64) -> bool {
        match self {
            Self::All => true,
            Self::Sample => number.is_multiple_of(100),
            Self::None => false,
        }
    }
}

/// The job that brings `change` about; `None` where there is nothing to do. `verify` says whether sudo is proved.
pub(crate) fn job(
    desired: &Desired,
    change: &Change,
    options: &JobOptions,
    verify: bool,
) -> Option<JobSpec> {
    if matches!(change.action, Action::Unchanged | Action::Refused) {
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
        grants: change.login.clone().unwrap_or_else(named),
        via: options.via,
        target: options.target.clone(),
        update: true,
        verify: verify && change.action != Action::Disable,
        key: (change.key != KeyChange::None).then(|| KeySpec {
            purpose: options.purpose.clone(),
            ensure: change.key == KeyChange::Mint,
        }),
        planned,
    }))
}

impl Change {
    /// How many API calls it takes when all goes well, besides the fetch of a signed URL, which is none.
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
            // The look at its sessions before, and at the user after.
            calls += by_api + 1 + u64::from(!creates);
            let gives_values = !login.not_empty().user_attributes.is_empty();
            let compares = verify && options.via != Via::EmbedUser;
            calls += u64::from(compares && gives_values);
            // What the login has replaced is read from the roles of the user, and from all roles.
            calls += 2 * u64::from(compares && !creates);
        }
        let edits = &self.edits;
        let moves = edits.join.len() + edits.leave.len();
        calls += u64::from(edits.of_user()) + moves as u64;
        // What is changed is read again, and what is taken away is read before too.
        calls += u64::from(edits.of_user() || moves > 0);
        let takes = edits.attributes.iter().any(|edit| edit.value.is_none());
        calls += edits.attributes.len() as u64;
        calls += u64::from(!edits.attributes.is_empty()) + u64::from(takes);
        if verify && self.action != Action::Disable {
            calls += 4;
        }
        calls
            + match self.key {
                KeyChange::None => 0,
                KeyChange::Mint => 2 + u64::from(!creates),
                // The look at its keys twice, mint, tag, a login with the new key, and at least one key revoked.
                KeyChange::Rotate => 2 + 2 + 3 + 1,
            }
    }
}
