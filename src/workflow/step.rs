//! The steps of which jobs consist: a closed set, as data.

use jiff::Timestamp;
use serde_json::Value;

use crate::error::Error;
use crate::workflow::rotate_id::ItemKind;

/// One step of a job. Every step is safe to run twice.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Step {
    /// Look the user up.
    Observe,
    /// Note which schedules run, before the user is disabled.
    NoteSchedules,
    /// Change what can be changed without a login.
    Edit,
    /// Create the user, or give it new grants.
    Create,
    /// Look the user up again, and compare.
    Confirm,
    /// Act as the user, and verify that it is this user.
    Sudo,
    /// Let the user manage its keys, if no one else may.
    AllowKeys,
    /// Find out what happened to an earlier request for a key.
    Reconcile,
    /// Choose the keys that the new one replaces.
    ChooseOld,
    /// Mint a key.
    Mint,
    /// Write embedctl's tag on the key.
    Tag,
    /// Put the key's secret in the sink.
    Deliver,
    /// Log in with the key.
    Prove,
    /// Check whether a request whose answer was lost has taken effect late.
    LookAgain,
    /// Revoke the replaced keys, or schedule that.
    RetireOld,
    /// Give the new user what a login cannot give.
    Equip,
    /// Give all items of one kind to the new user.
    Move(ItemKind),
    /// Move what the old user has and the plan does not mention.
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

/// What must happen before a step runs.
#[derive(Debug)]
pub(crate) enum Before {
    /// There is nothing to do.
    Skip,
    /// It only reads.
    Read,
    /// It changes something; the value is what a later process needs to know about it.
    Effect(Value),
}

/// Where a job goes after a step.
#[derive(Debug)]
pub(crate) enum After {
    /// To the next step, with this output.
    Next(Value),
    /// Back to an earlier step, because it is unknown whether the effect took place.
    Back(Step, Error),
    /// To the same step at this time; before it, the step proves nothing.
    Later(Timestamp),
}

impl Step {
    /// Its name in the ledger and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::NoteSchedules => "note-schedules",
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

    /// Whether a finished step is skipped on resume; the other steps only read.
    pub(crate) const fn lasts(self) -> bool {
        !matches!(
            self,
            Self::Observe | Self::Confirm | Self::Sudo | Self::Reconcile | Self::LookAgain
        )
    }

    /// Whether an interrupted job may stop before this step. From mint to tag there is an undelivered secret, or a delivered
    /// key that is not tagged as such; the last check starts nothing.
    pub(crate) const fn may_stop_before(self) -> bool {
        !matches!(
            self,
            Self::Prove | Self::Deliver | Self::Tag | Self::LookAgain
        )
    }
}
