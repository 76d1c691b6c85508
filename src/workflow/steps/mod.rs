//! What each step does, a file each; and what a step that was done by an earlier process left behind.

pub(super) mod allow_keys;
pub(super) mod choose_old;
pub(super) mod confirm;
pub(super) mod create;
pub(super) mod deliver;
pub(super) mod edit;
mod look;
pub(super) mod look_again;
pub(super) mod mint;
pub(super) mod observe;
pub(super) mod prove;
pub(super) mod reconcile;
mod refusal;
pub(super) mod retire_old;
mod revoke;
pub(super) mod sudo;
pub(super) mod tag;

use crate::error::Error;
pub(super) use crate::workflow::journal::read;
use crate::workflow::rotate_id::{check, equip, moves};
use crate::workflow::step::Step;
use crate::workflow::work::Work;

/// Take what a step left in the ledger back into the job, in place of running it.
pub(super) fn restore(step: Step, work: &mut Work) -> Result<(), Error> {
    let Some(data) = work.journal.done(step).cloned() else {
        return Ok(());
    };
    match step {
        Step::Create | Step::Edit => work.found.outcome = Some(read(&data)?),
        Step::AllowKeys => work.user_keys().was_allowed(),
        Step::ChooseOld => choose_old::restore(work, read(&data)?),
        Step::Deliver => work.found.key = Some(read(&data)?),
        Step::RetireOld => {
            let retired: retire_old::Retired = read(&data)?;
            work.found.revoked.extend(retired.revoked);
        }
        Step::Equip => equip::restore(work, read(&data)?),
        Step::Move(kind) => moves::restore(work, kind, &read(&data)?),
        Step::Sweep => check::restore(work, &read(&data)?),
        Step::RevokeOldKeys => work.found.revoked.extend(read::<Vec<String>>(&data)?),
        Step::RetireOldUser => work.found.rotated_id().old = Some(read(&data)?),
        // An earlier release left nothing.
        Step::Check if data.is_null() => {}
        Step::Check => check::restore_apart(work, read(&data)?),
        Step::Mint | Step::Tag | Step::Prove | Step::EndOldSessions => {}
        Step::Observe | Step::Confirm | Step::Sudo | Step::Reconcile | Step::LookAgain => {}
    }
    Ok(())
}
