//! Adding jobs to a run.

use rusqlite::Connection;

use crate::ledger::NewJob;
use crate::ledger::sqlite::fault::Fault;
use crate::ledger::sqlite::row::Json;

/// Number the jobs from the last one of the run, and store them.
pub(super) fn append(db: &Connection, run: i64, jobs: &[NewJob]) -> Result<(), Fault> {
    // Inside the writing transaction, so no other process can take the same numbers.
    let first = job_count(db, run)?;
    let mut insert = db.prepare_cached(
        "INSERT INTO job (run, number, subject, also, state, spec) VALUES (?1, ?2, ?3, ?4, 0, ?5)",
    )?;
    for (number, job) in (first..).zip(jobs) {
        insert.execute((run, number, &job.subject, &job.also, Json(&job.spec)))?;
    }
    // Counters are kept rather than counted: `runs list` must not read every job.
    db.prepare_cached("UPDATE progress SET open = open + ?2 WHERE run = ?1")?
        .execute((run, jobs.len()))?;
    Ok(())
}

/// How many jobs a run has.
fn job_count(db: &Connection, row: i64) -> rusqlite::Result<i64> {
    db.prepare_cached("SELECT open + done + failed + undone FROM progress WHERE run = ?1")?
        .query_row([row], |row| row.get(0))
}
