//! A process's hold on a run, and its lease.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _};

use crate::ledger::RunId;
use crate::ledger::sqlite::row::Time;

/// How long an owner that is not visible from here counts as alive after its last heartbeat: four missed heartbeats.
pub(super) const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// This process's hold on a run: the run's row, and the epoch in which this process took it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    pub(super) row: i64,
    pub(super) epoch: i64,
    /// Whether the current transaction has checked the epoch.
    pub(super) checked: bool,
}

/// Clear the owner, if it is still this hold's.
pub(super) fn leave(db: &Connection, hold: Hold) -> rusqlite::Result<usize> {
    db.prepare_cached(
        "UPDATE progress SET owner_pid = NULL, owner_host = NULL, owner_space = NULL,
            owner_started = NULL, owner_since = NULL, lease_until = NULL
         WHERE run = ?1 AND epoch = ?2",
    )?
    .execute((hold.row, hold.epoch))
}

/// Extend the lease, if the owner is still this hold's.
pub(super) fn renew(db: &Connection, hold: Hold, until: Timestamp) -> rusqlite::Result<usize> {
    db.prepare_cached("UPDATE progress SET lease_until = ?3 WHERE run = ?1 AND epoch = ?2")?
        .execute((hold.row, hold.epoch, Time(until)))
}

/// The row of a run.
pub(super) fn row(db: &Connection, run: RunId) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT seq FROM run WHERE id = ?1")?
        .query_row([run.0], |row| row.get(0))
        .optional()
}

/// How often a run has been taken over.
pub(super) fn epoch(db: &Connection, row: i64) -> rusqlite::Result<i64> {
    db.prepare_cached("SELECT epoch FROM progress WHERE run = ?1")?
        .query_row([row], |row| row.get(0))
}
