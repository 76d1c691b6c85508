//! What a ledger holds, and deleting what is no longer needed of it.

use jiff::Timestamp;

use tokio::sync::mpsc;

use crate::ledger::copy::{Part, Parts};
use crate::ledger::{Answer, RunId};

/// How many jobs lose their events in one transaction: few enough that a process that works meanwhile hardly waits.
pub(super) const STEP: u64 = 2_000;

/// The upkeep of a ledger.
///
/// The events of a run that has ended are needed only to undo it. They are pruned in two steps: the run is marked, so that
/// it is not undone by what is left of them, and then they are deleted, part by part.
pub trait Upkeep {
    /// What is in the ledger, and how much room it takes.
    fn contents(&self) -> Answer<'_, Contents>;

    /// The runs, at any Looker, that began before `before` and have ended, with events; the oldest first. A run has ended if
    /// no job is open, failed, or half undone, and if no process holds it at `now`.
    fn ended(&self, before: Timestamp, now: Timestamp) -> Answer<'_, Vec<Ended>>;

    /// Mark a run as one whose events are pruned from `now` on; `false` if it has not ended, or is held again.
    fn mark_pruned(&self, run: RunId, now: Timestamp) -> Answer<'_, bool>;

    /// Delete the events of a run that is marked, and return their number.
    fn delete_events(&self, run: RunId) -> Answer<'_, u64>;

    /// When the events of a run were pruned, if they were.
    fn pruned_at(&self, run: RunId) -> Answer<'_, Option<Timestamp>>;

    /// Let the store use the room of what was deleted; `false` if processes work with it that this would hold up.
    fn compact(&self) -> Answer<'_, bool>;

    /// Send everything to another ledger, while no process can write to this one.
    ///
    /// # Errors
    /// [`LedgerError::Busy`](crate::ledger::LedgerError::Busy) while a process works on a run.
    fn send_all(&self, parts: Parts) -> Answer<'_, ()>;

    /// Store what another ledger sends, all or nothing.
    ///
    /// # Errors
    /// [`LedgerError::NotEmpty`](crate::ledger::LedgerError::NotEmpty) if there is anything in this one.
    fn store_all(&self, parts: mpsc::Receiver<Part>) -> Answer<'_, ()>;
}

/// What is in a ledger.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Contents {
    /// The version of its tables.
    pub schema: i64,
    /// How many runs, at any Looker.
    pub runs: u64,
    /// How many keys, in any state and at any Looker.
    pub keys: u64,
    /// How many events.
    pub events: u64,
    /// How much room it takes.
    pub bytes: u64,
}

/// A run that has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ended {
    /// The run.
    pub run: RunId,
    /// How many events it has.
    pub events: u64,
}
