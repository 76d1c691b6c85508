//! What a plan has found out of a user, and what it wants besides an embed login.

use serde::{Deserialize, Serialize};

use crate::workflow::spec::{IfNone, JobSpec, KeyJob, RotateSpec, UserId};

/// What a plan has found out of a user, and what it wants besides an embed login; nothing where there was no plan.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Extra {
    /// The user was not there when the plan was made, so that it need not be looked up first.
    pub absent: bool,
    /// Nothing is wanted that takes a login; a login replaces all grants and ends the user's sessions.
    pub no_login: bool,
    /// Whether the user is to be disabled, where that is to change.
    pub disabled: Option<bool>,
    /// The first name to set.
    pub first_name: Option<String>,
    /// The last name to set.
    pub last_name: Option<String>,
    /// Values of user attributes to set or take away.
    pub attributes: Vec<AttributeEdit>,
    /// Whether a value of which nobody can tell whose it is counts as the user's own.
    pub take_unknown: bool,
    /// Whether the new key takes the place of those there are.
    pub rotate: bool,
}

impl Extra {
    /// Whether something of the user itself or its attributes is to be changed.
    pub const fn edits(&self) -> bool {
        self.disabled.is_some()
            || self.first_name.is_some()
            || self.last_name.is_some()
            || !self.attributes.is_empty()
    }
}

/// A value of a user attribute to set or take away.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AttributeEdit {
    /// Looker's id of the attribute.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The value; `None` takes away the one that the user has of its own.
    pub value: Option<String>,
}

impl JobSpec {
    /// Which keys the job replaces, where it does.
    pub fn rotation(&self) -> Option<RotateSpec> {
        match self {
            Self::RotateKey(spec) => Some(spec.clone()),
            Self::CreateUser(spec) if spec.planned.rotate => Some(RotateSpec {
                job: KeyJob {
                    user: UserId::External(spec.external_user_id.clone()),
                    purpose: self.key_purpose().map(str::to_owned),
                    ttl_seconds: None,
                },
                keys: Vec::new(),
                max_age_seconds: None,
                overlap_seconds: None,
                if_none: IfNone::Mint,
            }),
            Self::CreateUser(_) | Self::MintKey(_) | Self::RotateId(_) => None,
        }
    }
}
