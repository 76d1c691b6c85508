//! Which function implements each step: the check before it, the step itself, and restoring an earlier process's output.

use serde_json::Value;

use crate::error::Error;
use crate::workflow::job_context::JobContext;
use crate::workflow::journal::read;
use crate::workflow::rotate_id::{carry_over, check, move_steps, retire};
use crate::workflow::step::{After, Before, Step};
use crate::workflow::steps;

/// What must happen before a step runs.
pub(super) fn before(step: Step, work: &mut JobContext) -> Before {
    match step {
        Step::Edit => steps::edit::before(work),
        Step::Create => steps::create::before(work),
        Step::Confirm => steps::confirm::before(work),
        Step::AllowKeys => steps::allow_keys::before(work),
        Step::Mint => steps::mint::before(work),
        Step::LookAgain => steps::look_again::before(work),
        Step::RetireOld => steps::retire_old::before(work),
        Step::Equip => Before::Effect(Value::Null),
        Step::Move(kind) => move_steps::before(work, kind),
        Step::RevokeOldKeys | Step::EndOldSessions | Step::RetireOldUser => retire::before(work),
        // No intent is needed: a minted key without `deliver` counts as in doubt anyway.
        Step::Prove if !(work.spec.replaces_keys() || work.takes_place) => Before::Skip,
        Step::Prove | Step::Deliver | Step::Tag => match work.found.key {
            Some(_) => Before::Read,
            None => Before::Skip,
        },
        // A sweep writes its own intent once it knows what there is to move.
        Step::Observe
        | Step::NoteSchedules
        | Step::Sudo
        | Step::Reconcile
        | Step::ChooseOld
        | Step::Sweep
        | Step::Check => Before::Read,
    }
}

/// Run a step.
pub(super) async fn run(step: Step, work: &mut JobContext) -> Result<After, Error> {
    match step {
        Step::Observe => steps::observe::run(work).await,
        Step::NoteSchedules => steps::note_schedules::run(work).await,
        Step::Edit => steps::edit::run(work).await,
        Step::Create => steps::create::run(work).await,
        Step::Confirm => steps::confirm::run(work).await,
        Step::Sudo => steps::sudo::run(work).await,
        Step::AllowKeys => steps::allow_keys::run(work).await,
        Step::Reconcile => steps::reconcile::run(work).await,
        Step::LookAgain => steps::look_again::run(work).await,
        Step::ChooseOld => steps::choose_old::run(work).await,
        Step::Mint => steps::mint::run(work).await,
        Step::Tag => steps::tag::run(work).await,
        Step::Deliver => steps::deliver::run(work).await,
        Step::Prove => steps::prove::run(work).await,
        Step::RetireOld => steps::retire_old::run(work).await,
        // Boxed: these futures are much larger than the others, and every job of a large run would pay for their size.
        Step::Equip => Box::pin(carry_over::run(work)).await,
        Step::Move(kind) => Box::pin(move_steps::run(work, kind)).await,
        Step::Sweep => Box::pin(check::sweep(work)).await,
        Step::Check => Box::pin(check::check(work)).await,
        Step::RevokeOldKeys => Box::pin(retire::keys(work)).await,
        Step::EndOldSessions => Box::pin(retire::sessions(work)).await,
        Step::RetireOldUser => Box::pin(retire::user(work)).await,
    }
}

/// Restore a step's output from the ledger instead of running it.
pub(super) fn restore(step: Step, work: &mut JobContext) -> Result<(), Error> {
    let Some(data) = work.journal.done(step).cloned() else {
        return Ok(());
    };
    match step {
        Step::Create | Step::Edit => work.found.outcome = Some(read(&data)?),
        Step::AllowKeys => work.user_keys().was_allowed(),
        Step::ChooseOld => steps::choose_old::restore(work, read(&data)?),
        Step::Deliver => work.found.key = Some(read(&data)?),
        Step::RetireOld => {
            let retired: steps::retire_old::Retired = read(&data)?;
            work.found.revoked.extend(retired.revoked);
        }
        Step::Equip => carry_over::restore(work, read(&data)?),
        Step::Move(kind) => move_steps::restore(work, kind, &read(&data)?),
        Step::Sweep => check::restore(work, &read(&data)?),
        Step::RevokeOldKeys => work.found.revoked.extend(read::<Vec<String>>(&data)?),
        Step::RetireOldUser => work.found.rotated_id().old = Some(read(&data)?),
        // An earlier release left no output.
        Step::Check if data.is_null() => {}
        Step::Check => check::restore_apart(work, read(&data)?),
        // Only an undo reads it.
        Step::NoteSchedules => {}
        Step::Mint | Step::Tag | Step::Prove | Step::EndOldSessions => {}
        Step::Observe | Step::Confirm | Step::Sudo | Step::Reconcile | Step::LookAgain => {}
    }
    Ok(())
}
