//! Undoes a change of an `external_user_id`: planned from the log as data, and executed step by step.

mod inverses;

use crate::error::Error;
use crate::ledger::{Event, What};
use crate::workflow::found::FoundKey;
use crate::workflow::rotate_id::belongings::{Item, ItemKind};
use crate::workflow::rotate_id::spec::{OldEnd, RotateIdSpec};
use crate::workflow::step::Step;
use crate::workflow::steps::read;
use crate::workflow::undo::{Inverse, Undo};

pub(crate) use inverses::{invert, reason_to_keep, without_user};

/// Plan how to undo everything in `events`; what was started and not ended counts as done.
pub(crate) fn plan(spec: &RotateIdSpec, events: &[Event]) -> Result<Undo, Error> {
    let log = Log(events);
    let mut undo = Undo::default();
    let old = &spec.from.external_user_id;
    // There is no one to give anything back to.
    if spec.old == OldEnd::Delete && log.done(Step::RetireOldUser).is_some() {
        undo.stays
            .push(format!("`{old}` was deleted, so nothing can go back to it"));
        return Ok(undo);
    }
    let mut inverses = Vec::new();
    // First: the old user must be able to log in before anything goes back to it.
    if log.stands(Step::RetireOldUser) {
        inverses.push((Step::RetireOldUser, Inverse::EnableOldUser));
    }
    if log.stands(Step::RevokeOldKeys) && !spec.from.keys.is_empty() {
        undo.lost.push(format!(
            "the keys of `{old}` are revoked and do not come back: `embedctl keys mint {old}` creates a new one"
        ));
    }
    let key: Option<FoundKey> = log.done(Step::Deliver).map(read).transpose()?;
    match key {
        Some(key) => inverses.push((
            Step::Deliver,
            Inverse::RevokeKey {
                id: key.id,
                client_id: key.client_id,
                unless_gone: Vec::new(),
            },
        )),
        None if log.stands(Step::Mint) => inverses.push((Step::Mint, Inverse::RevokeUndelivered)),
        None => {}
    }
    // In forward order: to follow or bookmark content, the old user must be able to see it again.
    for kind in ItemKind::ALL {
        if log.stands(Step::Move(kind)) {
            inverses.push((Step::Move(kind), Inverse::MoveBack(kind)));
        }
    }
    if log.stands(Step::Sweep) && log.intent(Step::Sweep).is_some() {
        inverses.push((Step::Sweep, Inverse::SweepBack));
    }
    if spec.into.is_some() && log.stands(Step::Equip) {
        inverses.push((Step::Equip, Inverse::TakeGrantsBack));
    }
    if spec.into.is_none() && log.may_have_made_user() {
        // Last: deleting the user would delete what has not gone back.
        inverses.push((Step::Create, Inverse::DeleteUser));
    }
    undo.inverses = inverses;
    Ok(undo)
}

/// The items of one kind that were moved in addition to the plan.
fn swept(events: &[Event], kind: ItemKind) -> Result<Vec<Item>, Error> {
    let mut items = Vec::new();
    let sweeps = events
        .iter()
        .filter(|event| event.step == Step::Sweep.name() && event.what == What::Started);
    for sweep in sweeps {
        for item in read::<Vec<Item>>(&sweep.data)? {
            // A sweep that was repeated lists its items again.
            let again = items.iter().any(|it: &Item| it.key() == item.key());
            if item.kind == kind && !again {
                items.push(item);
            }
        }
    }
    Ok(items)
}

/// A job's log.
struct Log<'a>(&'a [Event]);

impl Log<'_> {
    fn of(&self, step: Step) -> impl DoubleEndedIterator<Item = &Event> {
        self.0.iter().filter(move |event| event.step == step.name())
    }

    /// Whether the step may have had an effect that has not been undone.
    fn stands(&self, step: Step) -> bool {
        let last = self.of(step).next_back();
        last.is_some_and(|last| last.what != What::Undone)
    }

    /// Whether the job created the user, or may have; a refused creation has not.
    fn may_have_made_user(&self) -> bool {
        let mut of = self.of(Step::Create).rev();
        // The user may exist even if the step was not recorded as done.
        let end = of.find(|event| event.what != What::UndoStarted);
        end.is_some_and(|end| matches!(end.what, What::Started | What::Done))
    }

    /// The newest intent of a step that has not been undone.
    fn intent(&self, step: Step) -> Option<&serde_json::Value> {
        let mut of = self.of(step).rev();
        let intent = of.find(|event| event.what == What::Started)?;
        self.stands(step).then_some(&intent.data)
    }

    /// The output of a step that is done and not undone, even if an undo was interrupted.
    fn done(&self, step: Step) -> Option<&serde_json::Value> {
        let mut of = self.of(step).rev();
        let end = of.find(|event| event.what != What::UndoStarted)?;
        (end.what == What::Done).then_some(&end.data)
    }
}
