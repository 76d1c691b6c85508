//! Runs: who holds them, and their progress.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use crate::ledger::postgres::fault::Fault;
use crate::ledger::postgres::instance::{self, HERE};
use crate::ledger::postgres::jobs;
use crate::ledger::postgres::row::{count, from_json, get, json, nanos, time};
use crate::ledger::postgres::worker::{self, HOLDER, OWNER, owner};
use crate::ledger::{LedgerError, NewJob, NewRun, Owner, Run, RunId};

/// A run that this process holds: its row, and how often it was taken until then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    pub(super) row: i64,
    pub(super) fence: i64,
    /// Whether other processes may hold it too; then each job has a fence of its own.
    pub(super) shared: bool,
}

/// Taken to open jobs: a user with an open job must not be given to a second run at the same moment.
pub(super) const OPENING: &str = "SELECT pg_advisory_xact_lock(1164788596, 2)";

/// A row that no run has: excludes nothing.
const NONE: i64 = -1;

/// Store a new run of worker `me` with its first jobs.
pub(super) async fn begin(
    db: &Client,
    me: i64,
    run: &NewRun,
    new_jobs: &[NewJob],
) -> Result<Hold, Fault> {
    db.batch_execute(OPENING).await?;
    refuse_pending(db, &subjects_of(new_jobs), NONE).await?;
    let sql = format!(
        "WITH new AS (
            INSERT INTO embedctl.run (id, looker, command, created_at, request)
            VALUES ($1, {HERE}, $2, $3, $4) RETURNING seq)
         INSERT INTO embedctl.progress (run, worker, fence, taken_at)
         SELECT seq, $5, 1, clock_timestamp() FROM new RETURNING run, fence"
    );
    let row = db
        .query_typed_one(
            &sql,
            &[
                (&run.id.0, Type::UUID),
                (&run.command, Type::TEXT),
                (&nanos(run.created_at), Type::INT8),
                (&json(&run.request), Type::TEXT),
                (&me, Type::INT8),
            ],
        )
        .await?;
    let hold = hold(&row)?;
    jobs::append(db, hold.row, new_jobs).await?;
    Ok(hold)
}

/// Add jobs to a run that this process holds.
pub(super) async fn add_jobs(
    db: &Client,
    me: i64,
    run: RunId,
    hold: Option<Hold>,
    new_jobs: &[NewJob],
) -> Result<(), Fault> {
    db.batch_execute(OPENING).await?;
    let hold = still_held(db, me, run, hold).await?;
    refuse_pending(db, &subjects_of(new_jobs), hold.row).await?;
    jobs::append(db, hold.row, new_jobs).await
}

/// The worker that held a run alone and is dead; an error if it may be alive.
pub(super) async fn unless_held(db: &Client, run: RunId) -> Result<Result<Option<i64>, ()>, Fault> {
    let sql = "SELECT worker FROM embedctl.progress JOIN embedctl.run ON run.seq = progress.run
        WHERE run.id = $1";
    let found = db.query_typed_opt(sql, &[(&run.0, Type::UUID)]).await?;
    let found = found.ok_or(LedgerError::NoSuchRun(run))?;
    let before: Option<i64> = get(&found, "worker")?;
    // The worker first: its own writes lock it first too, so that the two never wait for each other.
    Ok(match before {
        Some(worker) if !worker::bury(db, worker).await? => Err(()),
        _ => Ok(before),
    })
}

/// The error for a run that a living worker holds.
pub(super) async fn busy(db: &Client, run: RunId) -> Result<LedgerError, Fault> {
    let found = find(db, run).await?.and_then(|found| found.owner);
    let subject = "this run".to_owned();
    Ok(match found {
        Some(owner) => LedgerError::Busy {
            subject,
            run,
            owner,
        },
        None => {
            return Err(Fault::Broken(anyhow::anyhow!(
                "the run has just changed hands"
            )));
        }
    })
}

/// Have no worker hold the run alone.
pub(super) async fn give_up(db: &Client, row: i64) -> Result<(), Fault> {
    let sql = "UPDATE embedctl.progress SET worker = NULL, taken_at = NULL WHERE run = $1";
    db.execute_typed(sql, &[(&row, Type::INT8)]).await?;
    Ok(())
}

/// Verify that worker `me` still holds the run.
pub(super) async fn still_held(
    db: &Client,
    me: i64,
    run: RunId,
    held: Option<Hold>,
) -> Result<Hold, Fault> {
    let sql = "SELECT run, fence, worker IS NOT DISTINCT FROM $2 AS mine FROM embedctl.progress
        WHERE run = (SELECT seq FROM embedctl.run WHERE id = $1)";
    let found = db
        .query_typed_opt(sql, &[(&run.0, Type::UUID), (&me, Type::INT8)])
        .await?;
    let found = found.ok_or(LedgerError::NoSuchRun(run))?;
    let is_same =
        held.is_some_and(|held| get::<i64>(&found, "fence").is_ok_and(|it| it == held.fence));
    match is_same && get(&found, "mine")? {
        true => hold(&found),
        false => Err(LedgerError::TakenOver(run).into()),
    }
}

/// The hold of worker `me` on a run that it has taken.
pub(super) async fn held_by(db: &Client, me: i64, run: RunId) -> Result<Hold, Fault> {
    let sql = "SELECT progress.run, fence, progress.worker IS NULL AS shared FROM embedctl.progress
        LEFT JOIN embedctl.member ON member.run = progress.run AND member.worker = $2
        WHERE progress.run = (SELECT seq FROM embedctl.run WHERE id = $1)
          AND coalesce(progress.worker, member.worker) = $2";
    let found = db
        .query_typed_opt(sql, &[(&run.0, Type::UUID), (&me, Type::INT8)])
        .await?;
    let found = found.ok_or(LedgerError::TakenOver(run))?;
    Ok(Hold {
        shared: get(&found, "shared")?,
        ..hold(&found)?
    })
}

/// Refuse as [`begin`] would refuse jobs for `subjects`.
pub(super) async fn check_free(db: &Client, subjects: &[String]) -> Result<(), Fault> {
    let subjects: Vec<&str> = subjects.iter().map(String::as_str).collect();
    refuse_pending(db, &subjects, NONE).await
}

fn subjects_of(jobs: &[NewJob]) -> Vec<&str> {
    // Either half suffices: a move to another id concerns two users, and both must be free.
    let both = jobs
        .iter()
        .flat_map(|job| [Some(&*job.subject), job.also.as_deref()]);
    both.flatten().collect()
}

/// Refuse jobs for `subjects` if a run other than the one in row `row` has an open job for any of them.
pub(super) async fn refuse_pending(db: &Client, subjects: &[&str], row: i64) -> Result<(), Fault> {
    let Some((subject, run)) = pending_of(db, subjects, row).await? else {
        return Ok(());
    };
    let sql = format!(
        "SELECT {OWNER} FROM embedctl.progress
         JOIN embedctl.worker ON worker.id = {HOLDER}
         WHERE progress.run = (SELECT seq FROM embedctl.run WHERE id = $1)
           AND worker.lease_until + worker.grace > clock_timestamp()"
    );
    let living = db.query_typed_opt(&sql, &[(&run.0, Type::UUID)]).await?;
    let living: Option<Owner> = match living {
        Some(row) => owner(&row)?,
        None => None,
    };
    Err(match living {
        Some(owner) => LedgerError::Busy {
            subject: format!("`{subject}`"),
            run,
            owner,
        },
        None => LedgerError::Unfinished { subject, run },
    }
    .into())
}

/// The first of `subjects` with an open job at the ledger's own Looker in a run other than the one in row `row`. At another
/// Looker, the same id is a different person.
async fn pending_of(
    db: &Client,
    subjects: &[&str],
    row: i64,
) -> Result<Option<(String, RunId)>, Fault> {
    let sql = format!(
        "WITH wanted AS (SELECT * FROM unnest($1::text[]) WITH ORDINALITY AS it (subject, place)),
         busy AS (
            SELECT wanted.*, job.run FROM wanted
                JOIN embedctl.job ON job.subject = wanted.subject AND job.state = 0
            UNION ALL SELECT wanted.*, job.run FROM wanted
                JOIN embedctl.job ON job.also = wanted.subject AND job.state = 0)
         SELECT busy.subject, run.id FROM busy JOIN embedctl.run ON run.seq = busy.run
         WHERE busy.run <> $2 AND run.looker = {HERE} ORDER BY busy.place LIMIT 1"
    );
    let found = db
        .query_typed_opt(&sql, &[(&subjects, Type::TEXT_ARRAY), (&row, Type::INT8)])
        .await?;
    let found = found;
    found
        .map(|row| Ok((get(&row, "subject")?, RunId(get(&row, "id")?))))
        .transpose()
}

/// The selection of runs, up to what they are chosen by.
fn select(which: &str) -> String {
    format!(
        "SELECT run.id, run.command, run.request, run.created_at, looker.origin, looker.web_url,
            progress.stopping, progress.open, progress.done, progress.failed, progress.undone, {OWNER}
         FROM embedctl.run JOIN embedctl.progress ON progress.run = run.seq
            JOIN embedctl.looker ON looker.id = run.looker
            LEFT JOIN embedctl.worker ON worker.id = {HOLDER}
         {which}"
    )
}

/// One run.
pub(super) async fn find(db: &Client, run: RunId) -> Result<Option<Run>, Fault> {
    let found = db
        .query_typed_opt(&select("WHERE run.id = $1"), &[(&run.0, Type::UUID)])
        .await?;
    found.as_ref().map(read).transpose()
}

/// The newest runs, newest first.
pub(super) async fn newest(db: &Client, limit: u32) -> Result<Vec<Run>, Fault> {
    let sql = select("ORDER BY run.seq DESC LIMIT $1");
    let rows = db
        .query_typed(&sql, &[(&i64::from(limit), Type::INT8)])
        .await?;
    rows.iter().map(read).collect()
}

/// The newest runs with a job for `subject`, newest first.
pub(super) async fn of(db: &Client, subject: &str, limit: u32) -> Result<Vec<Run>, Fault> {
    let sql = select(
        "WHERE run.seq IN (SELECT run FROM embedctl.job WHERE subject = $1
            UNION SELECT run FROM embedctl.job WHERE also = $1)
         ORDER BY run.seq DESC LIMIT $2",
    );
    let rows = db
        .query_typed(
            &sql,
            &[(&subject, Type::TEXT), (&i64::from(limit), Type::INT8)],
        )
        .await?;
    rows.iter().map(read).collect()
}

/// The run with an open job for `subject`.
pub(super) async fn pending(db: &Client, subject: &str) -> Result<Option<Run>, Fault> {
    match pending_of(db, &[subject], NONE).await? {
        Some((_, run)) => find(db, run).await,
        None => Ok(None),
    }
}

/// The hold on a run, from a row of its progress.
pub(super) fn hold(row: &Row) -> Result<Hold, Fault> {
    Ok(Hold {
        row: get(row, "run")?,
        fence: get(row, "fence")?,
        shared: false,
    })
}

fn read(row: &Row) -> Result<Run, Fault> {
    Ok(Run {
        instance: instance::read(row)?,
        id: RunId(get(row, "id")?),
        command: get(row, "command")?,
        request: from_json(row, "request")?,
        created_at: time(get(row, "created_at")?)?,
        owner: owner(row)?,
        stopping: get(row, "stopping")?,
        open: count(row, "open")?,
        done: count(row, "done")?,
        failed: count(row, "failed")?,
        undone: count(row, "undone")?,
    })
}
