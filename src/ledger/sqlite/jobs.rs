//! The jobs of a run and their events.

use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

use crate::ledger::number::Numbered as _;
use crate::ledger::sqlite::append::append;
use crate::ledger::sqlite::fault::Fault;
use crate::ledger::sqlite::hold::Hold;
use crate::ledger::sqlite::instance::HERE;
use crate::ledger::sqlite::row::{FromJson, Json, Time};
use crate::ledger::sqlite::writer::Batch;
use crate::ledger::sqlite::{keys, runs};
use crate::ledger::{
    Event, Job, JobEnd, JobId, JobState, KeyRecord, LedgerError, NewJob, RunId, What,
};

/// Add jobs to a run that this process holds.
pub(super) fn add(batch: &mut Batch<'_>, run: RunId, jobs: &[NewJob]) -> Result<(), Fault> {
    let hold = batch.held(run)?;
    for job in jobs {
        runs::refuse_pending(batch, &job.subject, job.also.as_deref(), hold.row)?;
    }
    append(batch.db, hold.row, jobs)
}

/// Store events of a job, and the state of a key.
pub(super) fn record(
    batch: &mut Batch<'_>,
    job: JobId,
    events: &[Event],
    key: Option<&KeyRecord>,
) -> Result<(), Fault> {
    let hold = batch.held(job.run)?;
    state(batch.db, hold, job)?;
    append_events(batch.db, hold.row, job.number, events, key)
}

/// Store the last events of a job, and how it ended.
pub(super) fn settle(
    batch: &mut Batch<'_>,
    job: JobId,
    events: &[Event],
    key: Option<&KeyRecord>,
    end: &JobEnd,
) -> Result<(), Fault> {
    let hold = batch.held(job.run)?;
    let (before, subject, also) = state(batch.db, hold, job)?;
    // Reopening must not let two runs work on one user; the check at `begin` saw this job as closed.
    if end.state == JobState::Open && before != JobState::Open {
        runs::refuse_pending(batch, &subject, also.as_deref(), hold.row)?;
    }
    append_events(batch.db, hold.row, job.number, events, key)?;
    batch
        .db
        .prepare_cached("UPDATE job SET state = ?3, outcome = ?4 WHERE run = ?1 AND number = ?2")?
        .execute((hold.row, job.number, end.state.number(), Json(&end.outcome)))?;
    runs::count(batch.db, hold.row, before, end.state)
}

/// The events of a job, oldest first.
pub(super) fn events(db: &Connection, job: JobId) -> Result<Vec<Event>, Fault> {
    let mut statement = db.prepare_cached(
        "SELECT step, what, at, data FROM event
         WHERE run = (SELECT seq FROM run WHERE id = ?1) AND job = ?2 ORDER BY number",
    )?;
    let events = statement.query_map((job.run.0, job.number), |row| {
        Ok(Event {
            step: row.get(0)?,
            what: What::of(row.get(1)?)?,
            at: row.get::<_, Time>(2)?.0,
            data: row.get::<_, FromJson>(3)?.0,
        })
    })?;
    Ok(events.collect::<Result<_, _>>()?)
}

/// Up to `limit` jobs of a run from number `from` on, in `state` or in any.
pub(super) fn list(
    db: &Connection,
    run: RunId,
    state: Option<JobState>,
    from: u64,
    limit: u32,
) -> Result<Vec<Job>, Fault> {
    // Written as literals, so that SQLite recognizes the partial index on jobs that are not done.
    let filter = match state {
        None => String::new(),
        Some(JobState::Done) => "AND state = 1".to_owned(),
        Some(other) => format!("AND state = {} AND state <> 1", other.number()),
    };
    let sql = format!(
        "SELECT number, subject, also, spec, state, outcome FROM job
         WHERE run = (SELECT seq FROM run WHERE id = :run) AND number >= :from {filter}
         ORDER BY number LIMIT :limit"
    );
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    let mut statement = db.prepare_cached(&sql)?;
    let params = named_params! { ":run": run.0, ":from": from, ":limit": limit };
    let jobs = statement.query_map(params, job)?;
    Ok(jobs.collect::<Result<_, _>>()?)
}

/// For each of `subjects`, its newest finished jobs at the ledger's Looker, newest first.
pub(super) fn newest_done(db: &Connection, subjects: &[String]) -> Result<Vec<Vec<Job>>, Fault> {
    // Eight are enough to find the last one that touched a given field, and keep a lookup of 1,000 users small.
    let sql = format!(
        "SELECT number, subject, also, spec, state, outcome FROM job
         WHERE subject = ?1 AND state = 1 AND (SELECT looker FROM run WHERE seq = job.run) = {HERE}
         ORDER BY run DESC, number DESC LIMIT 8"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let mut found = Vec::with_capacity(subjects.len());
    for subject in subjects {
        let jobs = statement.query_map([subject], job)?;
        found.push(jobs.collect::<Result<_, _>>()?);
    }
    Ok(found)
}

pub(super) fn done_since(
    db: &Connection,
    run: RunId,
    subject: &str,
) -> Result<Option<(RunId, Job)>, Fault> {
    let sql = format!(
        "SELECT number, subject, also, spec, state, outcome, (SELECT id FROM run WHERE seq = job.run) FROM job
         WHERE subject = ?1 AND state = 1 AND run > (SELECT seq FROM run WHERE id = ?2)
           AND (SELECT looker FROM run WHERE seq = job.run) = {HERE}
         ORDER BY run DESC, number DESC LIMIT 1"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let found = statement.query_row((subject, run.0), |row| Ok((RunId(row.get(6)?), job(row)?)));
    Ok(found.optional()?)
}

/// The state of a job, and its users.
fn state(
    db: &Connection,
    hold: Hold,
    job: JobId,
) -> Result<(JobState, String, Option<String>), Fault> {
    let found = db
        .prepare_cached("SELECT state, subject, also FROM job WHERE run = ?1 AND number = ?2")?
        .query_row((hold.row, job.number), |row| {
            Ok((JobState::of(row.get(0)?)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    found.ok_or_else(|| {
        let what = format!("run {} has no job {}", job.run, job.number);
        let hint = "report this as a bug in embedctl".to_owned();
        LedgerError::Unusable { what, hint }.into()
    })
}

/// Store events of a job, and what they say of a key.
fn append_events(
    db: &Connection,
    run: i64,
    job: u64,
    events: &[Event],
    key: Option<&KeyRecord>,
) -> Result<(), Fault> {
    if let Some(key) = key {
        keys::put(db, Some(run), key)?;
    }
    if events.is_empty() {
        return Ok(());
    }
    let first: i64 = db
        .prepare_cached(
            "SELECT coalesce(max(number) + 1, 0) FROM event WHERE run = ?1 AND job = ?2",
        )?
        .query_row((run, job), |row| row.get(0))?;
    let mut insert = db.prepare_cached(
        "INSERT INTO event (run, job, number, step, what, at, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for (number, event) in (first..).zip(events) {
        let what = event.what.number();
        let (at, data) = (Time(event.at), Json(&event.data));
        insert.execute((run, job, number, &event.step, what, at, data))?;
    }
    Ok(())
}

fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    Ok(Job {
        number: row.get("number")?,
        subject: row.get("subject")?,
        also: row.get("also")?,
        spec: row.get::<_, FromJson>("spec")?.0,
        state: JobState::of(row.get("state")?)?,
        outcome: row.get::<_, FromJson>("outcome")?.0,
    })
}
