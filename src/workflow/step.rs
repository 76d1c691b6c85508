//! The steps a job can be made of: a closed set, as data.

use jiff::Timestamp;
use serde_json::Value;

use crate::error::Error;
use crate::workflow::rotate_id::ItemKind;

/// One step of a job. Every step may be run twice.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Step {
    /// Look the user up.
    Observe,
    /// Change what needs no login.
    Edit,
    /// Make the user, or give it new grants.
    Create,
    /// Look the user up again, and compare.
    Confirm,
    /// Act as the user, and see that it is the user.
    Sudo,
    /// Let the user manage its keys, where nobody else may.
    AllowKeys,
    /// Find out what became of an earlier attempt at a key.
    Reconcile,
    /// Choose the keys that the new one replaces.
    ChooseOld,
    /// Make a key.
    Mint,
    /// Write embedctl's tag on the key.
    Tag,
    /// Put the key's secret in the sink.
    Deliver,
    /// Log in with the key.
    Prove,
    /// Look whether a request whose answer was lost has taken effect late.
    LookAgain,
    /// Revoke the keys that the new one replaces, or set the day for it.
    RetireOld,
    /// Give the new user what no login gives.
    Equip,
    /// Give all things of one kind to the new user.
    Move(ItemKind),
    /// Move what the old user has that is not in the plan.
    Sweep,
    /// Compare what both users have with the plan.
    Check,
    /// Revoke the keys of the old user.
    RevokeOldKeys,
    /// End the sessions of the old user.
    EndOldSessions,
    /// Disable or delete the old user.
    RetireOldUser,
}

/// What is to be known of a step before it runs.
#[derive(Debug)]
pub(crate) enum Before {
    /// There is nothing to do.
    Skip,
    /// It only reads.
    Read,
    /// It changes something, and this is what a later process needs to know of it.
    Effect(Value),
}

/// Where a job goes after a step.
#[derive(Debug)]
pub(crate) enum After {
    /// To the next step; this is what came of it.
    Next(Value),
    /// Back to an earlier one, since nobody knows whether the effect took place.
    Back(Step, Error),
    /// To the same one, once this time has come: before, it proves nothing.
    Later(Timestamp),
}

impl Step {
    /// The word for it in the ledger and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Edit => "edit",
            Self::Create => "create",
            Self::Confirm => "confirm",
            Self::Sudo => "sudo",
            Self::AllowKeys => "allow-keys",
            Self::Reconcile => "reconcile",
            Self::LookAgain => "look-again",
            Self::ChooseOld => "choose-old",
            Self::Mint => "mint",
            Self::Tag => "tag",
            Self::Deliver => "deliver",
            Self::Prove => "prove",
            Self::RetireOld => "retire-old",
            Self::Equip => "equip",
            Self::Move(kind) => match kind {
                ItemKind::Folder => "move-folders",
                ItemKind::Dashboard => "move-dashboards",
                ItemKind::Look => "move-looks",
                ItemKind::ContentAccess => "move-content-access",
                ItemKind::Schedule => "move-schedules",
                ItemKind::Alert => "move-alerts",
                ItemKind::Follow => "move-followed-alerts",
                ItemKind::Board => "move-boards",
                ItemKind::Favorite => "move-favorites",
            },
            Self::Sweep => "sweep",
            Self::Check => "check",
            Self::RevokeOldKeys => "revoke-old-keys",
            Self::EndOldSessions => "end-old-sessions",
            Self::RetireOldUser => "retire-old-user",
        }
    }

    /// Whether a step that is done stays done when the job is resumed; the others only look.
    pub(crate) const fn lasts(self) -> bool {
        !matches!(
            self,
            Self::Observe | Self::Confirm | Self::Sudo | Self::Reconcile | Self::LookAgain
        )
    }

    /// Whether an interrupted job may stop before this step. From mint to tag there is a secret in the air, or a key that
    /// does not say that it was delivered; a look at the end begins nothing.
    pub(crate) const fn may_stop_before(self) -> bool {
        !matches!(
            self,
            Self::Prove | Self::Deliver | Self::Tag | Self::LookAgain
        )
    }
}
