//! The steps a job can be made of: a closed set, as data.

use serde_json::Value;

use crate::error::Error;
use crate::workflow::steps;
use crate::workflow::work::Work;

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
    /// Revoke the keys that the new one replaces, or set the day for it.
    RetireOld,
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
            Self::Reconcile => "reconcile",
            Self::ChooseOld => "choose-old",
            Self::Mint => "mint",
            Self::Tag => "tag",
            Self::Deliver => "deliver",
            Self::Prove => "prove",
            Self::RetireOld => "retire-old",
        }
    }

    /// Whether a step that is done stays done when the job is resumed; the others only look.
    pub(crate) const fn lasts(self) -> bool {
        !matches!(
            self,
            Self::Observe | Self::Confirm | Self::Sudo | Self::Reconcile
        )
    }

    /// Whether an interrupted job may stop before this step. From mint to deliver there is a secret in the air.
    pub(crate) const fn may_stop_before(self) -> bool {
        !matches!(self, Self::Tag | Self::Deliver)
    }

    /// What is to be known before it runs.
    pub(crate) fn before(self, work: &mut Work) -> Before {
        match self {
            Self::Edit => steps::edit::before(work),
            Self::Create => steps::create::before(work),
            Self::Confirm => steps::confirm::before(work),
            Self::Mint => steps::mint::before(work),
            Self::RetireOld => steps::retire_old::before(work),
            // A key that is minted and not delivered is in doubt without a word of these two.
            Self::Tag | Self::Deliver => Before::Read,
            Self::Observe | Self::Sudo | Self::Reconcile | Self::ChooseOld | Self::Prove => {
                Before::Read
            }
        }
    }

    /// Run it.
    pub(crate) async fn run(self, work: &mut Work) -> Result<After, Error> {
        match self {
            Self::Observe => steps::observe::run(work).await,
            Self::Edit => steps::edit::run(work).await,
            Self::Create => steps::create::run(work).await,
            Self::Confirm => steps::confirm::run(work).await,
            Self::Sudo => steps::sudo::run(work).await,
            Self::Reconcile => steps::reconcile::run(work).await,
            Self::ChooseOld => steps::choose_old::run(work).await,
            Self::Mint => steps::mint::run(work).await,
            Self::Tag => steps::tag::run(work).await,
            Self::Deliver => steps::deliver::run(work).await,
            Self::Prove => steps::prove::run(work).await,
            Self::RetireOld => steps::retire_old::run(work).await,
        }
    }
}
