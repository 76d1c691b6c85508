//! The jobs of a run and their events, as they are read.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use crate::ledger::number::Numbered as _;
use crate::ledger::postgres::fault::Fault;
use crate::ledger::postgres::instance::HERE;
use crate::ledger::postgres::row::{count, from_json, get, json, number, time};
use crate::ledger::{Event, Job, JobId, JobState, NewJob, RunId, What};

/// How many jobs are stored by one statement.
const CHUNK: usize = 5_000;

/// Number the jobs from the last one of the run, and store them.
pub(super) async fn append(db: &Client, run: i64, jobs: &[NewJob]) -> Result<(), Fault> {
    for jobs in jobs.chunks(CHUNK) {
        let subjects: Vec<&str> = jobs.iter().map(|job| &*job.subject).collect();
        let also: Vec<Option<&str>> = jobs.iter().map(|job| job.also.as_deref()).collect();
        let specs: Vec<Option<String>> = jobs.iter().map(|job| json(&job.spec)).collect();
        // Counters are kept rather than counted: `runs list` must not read every job.
        let sql = "WITH before AS (
                UPDATE embedctl.progress SET open = open + cardinality($2::text[]) WHERE run = $1
                RETURNING open + done + failed + undone - cardinality($2::text[]) AS jobs)
            INSERT INTO embedctl.job (run, number, subject, also, spec)
            SELECT $1, before.jobs + new.place - 1, new.subject, new.also, new.spec
            FROM before, unnest($2::text[], $3::text[], $4::text[])
                WITH ORDINALITY AS new (subject, also, spec, place)";
        db.execute_typed(
            sql,
            &[
                (&run, Type::INT8),
                (&subjects, Type::TEXT_ARRAY),
                (&also, Type::TEXT_ARRAY),
                (&specs, Type::TEXT_ARRAY),
            ],
        )
        .await?;
    }
    Ok(())
}

/// The events of a job, oldest first.
pub(super) async fn events(db: &Client, job: JobId) -> Result<Vec<Event>, Fault> {
    let sql = "SELECT step, what, at, data FROM embedctl.event
        WHERE run = (SELECT seq FROM embedctl.run WHERE id = $1) AND job = $2 ORDER BY number";
    let number = number(job.number);
    let rows = db
        .query_typed(sql, &[(&job.run.0, Type::UUID), (&number, Type::INT8)])
        .await?;
    let event = |row: &Row| {
        Ok(Event {
            step: get(row, "step")?,
            what: What::of(get(row, "what")?)?,
            at: time(get(row, "at")?)?,
            data: from_json(row, "data")?,
        })
    };
    rows.iter().map(event).collect()
}

/// Up to `limit` jobs of a run from number `from` on, in `state` or in any.
pub(super) async fn list(
    db: &Client,
    run: RunId,
    state: Option<JobState>,
    from: u64,
    limit: u32,
) -> Result<Vec<Job>, Fault> {
    // Written as literals, so that PostgreSQL recognizes the partial index on jobs that are not done.
    let filter = match state {
        None => String::new(),
        Some(JobState::Done) => "AND state = 1".to_owned(),
        Some(other) => format!("AND state = {} AND state <> 1", other.number()),
    };
    let sql = format!(
        "SELECT number, subject, also, spec, state, outcome FROM embedctl.job
         WHERE run = (SELECT seq FROM embedctl.run WHERE id = $1) AND number >= $2 {filter}
         ORDER BY number LIMIT $3"
    );
    let rows = db
        .query_typed(
            &sql,
            &[
                (&run.0, Type::UUID),
                (&number(from), Type::INT8),
                (&i64::from(limit), Type::INT8),
            ],
        )
        .await?;
    rows.iter().map(read).collect()
}

/// For each of `subjects`, its newest finished jobs at the ledger's Looker, newest first.
pub(super) async fn newest_done(db: &Client, subjects: &[String]) -> Result<Vec<Vec<Job>>, Fault> {
    // Eight are enough to find the last one that touched a given field, and keep a lookup of 1,000 users small.
    let sql = format!(
        "SELECT wanted.place, done.* FROM unnest($1::text[]) WITH ORDINALITY AS wanted (subject, place),
         LATERAL (SELECT number, subject, also, spec, state, outcome FROM embedctl.job
            WHERE job.subject = wanted.subject AND state = 1
              AND (SELECT looker FROM embedctl.run WHERE seq = job.run) = {HERE}
            ORDER BY run DESC, number DESC LIMIT 8) AS done
         ORDER BY wanted.place"
    );
    let mut found: Vec<_> = subjects.iter().map(|_| Vec::new()).collect();
    for row in db
        .query_typed(&sql, &[(&subjects, Type::TEXT_ARRAY)])
        .await?
    {
        let place = usize::try_from(count(&row, "place")?).map_err(Fault::unreadable)?;
        if let Some(jobs) = found.get_mut(place - 1) {
            jobs.push(read(&row)?);
        }
    }
    Ok(found)
}

pub(super) async fn done_since(
    db: &Client,
    run: RunId,
    subject: &str,
) -> Result<Option<(RunId, Job)>, Fault> {
    let sql = format!(
        "SELECT number, subject, also, spec, state, outcome, run.id FROM embedctl.job
         JOIN embedctl.run ON run.seq = job.run
         WHERE subject = $1 AND state = 1 AND job.run > (SELECT seq FROM embedctl.run WHERE id = $2)
           AND run.looker = {HERE}
         ORDER BY job.run DESC, number DESC LIMIT 1"
    );
    let found = db
        .query_typed_opt(&sql, &[(&subject, Type::TEXT), (&run.0, Type::UUID)])
        .await?;
    match found {
        None => Ok(None),
        Some(row) => Ok(Some((RunId(get(&row, "id")?), read(&row)?))),
    }
}

/// A job, from a row with its columns.
pub(super) fn read(row: &Row) -> Result<Job, Fault> {
    Ok(Job {
        number: count(row, "number")?,
        subject: get(row, "subject")?,
        also: get(row, "also")?,
        spec: from_json(row, "spec")?,
        state: JobState::of(get(row, "state")?)?,
        outcome: from_json(row, "outcome")?,
    })
}
