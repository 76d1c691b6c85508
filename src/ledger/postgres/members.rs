//! Shared runs: their members, and the jobs that each of them has.

use std::time::Duration;

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use crate::ledger::postgres::fault::Fault;
use crate::ledger::postgres::jobs::{self, read};
use crate::ledger::postgres::pace;
use crate::ledger::postgres::row::{count, get};
use crate::ledger::postgres::runs::{self, Hold};
use crate::ledger::postgres::worker::{OWNER, owner};
use crate::ledger::{Hand, HandedOut, JobState, LedgerError, RunId, Worker};

/// Let others join a run that worker `me` holds alone.
pub(super) async fn share(
    db: &Client,
    me: i64,
    run: RunId,
    held: Option<Hold>,
) -> Result<Hold, Fault> {
    if let Some(hold) = held.filter(|hold| hold.shared) {
        return Ok(hold);
    }
    let hold = runs::still_held(db, me, run, held).await?;
    runs::give_up(db, hold.row).await?;
    enter(db, me, hold).await
}

/// Make worker `me` a member of a run that no living worker holds alone.
pub(super) async fn join(
    db: &Client,
    me: i64,
    run: RunId,
    held: Option<Hold>,
) -> Result<Hold, Fault> {
    if let Some(hold) = held.filter(|hold| hold.shared) {
        return Ok(hold);
    }
    let Ok(before) = runs::unless_held(db, run).await? else {
        return Err(runs::busy(db, run).await?.into());
    };
    // Locked until the end, so that a claim sees either no member or this one. What a dead owner had begun is begun.
    let sql = "UPDATE embedctl.progress SET fence = fence + (worker IS NOT NULL)::int, worker = NULL, taken_at = NULL
        WHERE run = (SELECT seq FROM embedctl.run WHERE id = $1) AND worker IS NOT DISTINCT FROM $2
        RETURNING run, fence, stopping";
    let found = db
        .query_typed_opt(sql, &[(&run.0, Type::UUID), (&before, Type::INT8)])
        .await?;
    let Some(found) = found else {
        return Err(runs::busy(db, run).await?.into());
    };
    let hold = Hold {
        row: get(&found, "run")?,
        fence: get(&found, "fence")?,
        shared: true,
    };
    if get(&found, "stopping")? {
        // Those who were asked to stop are still at it; a stop that all have heard is over.
        if !take_back(db, hold.row).await? {
            return Err(runs::busy(db, run).await?.into());
        }
        let sql = "UPDATE embedctl.progress SET stopping = false WHERE run = $1";
        db.execute_typed(sql, &[(&hold.row, Type::INT8)]).await?;
    }
    enter(db, me, hold).await
}

async fn enter(db: &Client, me: i64, hold: Hold) -> Result<Hold, Fault> {
    let sql = "INSERT INTO embedctl.member (run, worker) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    db.execute_typed(sql, &[(&hold.row, Type::INT8), (&me, Type::INT8)])
        .await?;
    Ok(Hold {
        shared: true,
        ..hold
    })
}

/// Take the jobs of dead members from them; whether there is no living one.
pub(super) async fn take_back(db: &Client, row: i64) -> Result<bool, Fault> {
    let row = [(&row as &(dyn ToSql + Sync), Type::INT8)];
    // Declared dead first: from then on they can write nothing.
    let sql = "UPDATE embedctl.worker SET lease_until = 'epoch'
        WHERE id IN (SELECT worker FROM embedctl.member WHERE run = $1)
          AND lease_until + grace < clock_timestamp() AND lease_until <> 'epoch'";
    db.execute_typed(sql, &row).await?;
    let sql = "WITH dead AS (
            DELETE FROM embedctl.member WHERE run = $1 AND NOT EXISTS (
                SELECT 1 FROM embedctl.worker
                WHERE worker.id = member.worker AND worker.lease_until <> 'epoch')
            RETURNING worker)
        UPDATE embedctl.job SET worker = NULL FROM dead
        WHERE job.worker = dead.worker AND job.state = 0 AND job.run = $1";
    db.execute_typed(sql, &row).await?;
    let sql = "SELECT 1 FROM embedctl.member WHERE run = $1 LIMIT 1";
    Ok(db.query_typed_opt(sql, &row).await?.is_none())
}

/// Worker `me` has nothing more to do with the run.
pub(super) async fn leave(db: &Client, me: i64, row: i64) -> Result<(), Fault> {
    for sql in [
        "UPDATE embedctl.job SET worker = NULL WHERE run = $1 AND worker = $2 AND state = 0",
        "DELETE FROM embedctl.member WHERE run = $1 AND worker = $2",
    ] {
        db.execute_typed(sql, &[(&row, Type::INT8), (&me, Type::INT8)])
            .await?;
    }
    Ok(())
}

/// Jobs handed out, and the fence of each.
pub(super) type Given = (Hand, Vec<(u64, i64)>);

/// Hand out up to `limit` open jobs of a shared run to worker `me`.
pub(super) async fn take(db: &Client, me: i64, hold: Hold, limit: u32) -> Result<Given, Fault> {
    let mut given = give_out(db, me, hold, limit).await?;
    // Nothing is free, but perhaps what a dead member had.
    if given.0.jobs.is_empty() {
        take_back(db, hold.row).await?;
        given = give_out(db, me, hold, limit).await?;
    }
    let hand = &mut given.0;
    hand.held = pace::held(db).await?;
    if hand.jobs.is_empty() {
        hand.stopping = is_stopping(db, hold.row).await?;
        let sql = "SELECT count(*) AS jobs FROM embedctl.job WHERE run = $1 AND state = 0
            AND worker IN (SELECT worker FROM embedctl.member WHERE run = $1 AND worker <> $2)";
        let row = db
            .query_typed_one(sql, &[(&hold.row, Type::INT8), (&me, Type::INT8)])
            .await?;
        hand.elsewhere = count(&row, "jobs")?;
    }
    Ok(given)
}

/// The next jobs of a run that this process holds alone.
pub(super) async fn next(
    db: &Client,
    run: RunId,
    hold: Hold,
    (state, from, limit): (JobState, u64, u32),
) -> Result<Given, Fault> {
    let mut hand = Hand {
        stopping: is_stopping(db, hold.row).await?,
        ..Hand::default()
    };
    if !hand.stopping {
        let jobs = jobs::list(db, run, Some(state), from, limit).await?;
        let jobs = jobs.into_iter().map(|job| HandedOut { job, again: false });
        hand.jobs = jobs.collect();
    }
    Ok((hand, Vec::new()))
}

/// What is read of a job that is handed out.
const GIVEN: &str = "job.number, subject, also, spec, state, outcome, job.fence";

async fn give_out(db: &Client, me: i64, hold: Hold, limit: u32) -> Result<Given, Fault> {
    let sql = format!(
        "UPDATE embedctl.job SET worker = $2, fence = job.fence + 1
         FROM (SELECT number FROM embedctl.job
            WHERE run = $1 AND state = 0 AND worker IS NULL
              AND NOT (SELECT stopping FROM embedctl.progress WHERE run = $1)
            ORDER BY number LIMIT $3 FOR UPDATE SKIP LOCKED) AS free
         WHERE job.run = $1 AND job.number = free.number RETURNING {GIVEN}"
    );
    let params: [(&(dyn ToSql + Sync), Type); 3] = [
        (&hold.row, Type::INT8),
        (&me, Type::INT8),
        (&i64::from(limit), Type::INT8),
    ];
    given(&db.query_typed(&sql, &params).await?, hold)
}

/// All that worker `me` has in hand: what an earlier [`take`] handed out whose answer was lost is among it.
pub(super) async fn in_hand(db: &Client, me: i64, hold: Hold) -> Result<Given, Fault> {
    let sql =
        format!("SELECT {GIVEN} FROM embedctl.job WHERE run = $1 AND worker = $2 AND state = 0");
    let params: [(&(dyn ToSql + Sync), Type); 2] = [(&hold.row, Type::INT8), (&me, Type::INT8)];
    given(&db.query_typed(&sql, &params).await?, hold)
}

fn given(rows: &[Row], hold: Hold) -> Result<Given, Fault> {
    let (mut hand, mut fences) = (Hand::default(), Vec::new());
    for row in rows {
        let (job, fence) = (read(row)?, get::<i64>(row, "fence")?);
        fences.push((job.number, fence));
        // Whoever held the run alone before it was shared may have begun any job, unless that was the process that began it.
        let again = fence > 1 || hold.fence > 1;
        hand.jobs.push(HandedOut { job, again });
    }
    hand.jobs.sort_by_key(|it| it.job.number);
    Ok((hand, fences))
}

/// Whether the workers of a run were asked to stop.
pub(super) async fn is_stopping(db: &Client, row: i64) -> Result<bool, Fault> {
    let sql = "SELECT stopping FROM embedctl.progress WHERE run = $1";
    get(
        &db.query_typed_one(sql, &[(&row, Type::INT8)]).await?,
        "stopping",
    )
}

/// Ask the workers of a run to stop.
pub(super) async fn stop(db: &Client, run: RunId) -> Result<(), Fault> {
    let sql = "UPDATE embedctl.progress SET stopping = true
        WHERE run = (SELECT seq FROM embedctl.run WHERE id = $1)";
    match db.execute_typed(sql, &[(&run.0, Type::UUID)]).await? {
        0 => Err(LedgerError::NoSuchRun(run).into()),
        _ => Ok(()),
    }
}

/// The workers of a run, the first to join first.
pub(super) async fn list(db: &Client, run: RunId) -> Result<Vec<Worker>, Fault> {
    let sql = format!(
        "SELECT {OWNER}, member.done, (SELECT count(*) FROM embedctl.job
                WHERE job.run = progress.run AND job.worker = worker.id AND job.state = 0) AS in_hand,
            extract(epoch FROM clock_timestamp() - member.joined_at)::float8 AS took
         FROM embedctl.progress
         JOIN embedctl.run ON run.seq = progress.run AND run.id = $1
         LEFT JOIN embedctl.member ON member.run = progress.run AND progress.worker IS NULL
         JOIN embedctl.worker ON worker.id = coalesce(progress.worker, member.worker)
         ORDER BY member.joined_at, worker.id"
    );
    let mut found = Vec::new();
    for row in db.query_typed(&sql, &[(&run.0, Type::UUID)]).await? {
        let Some(owner) = owner(&row)? else { continue };
        let done = get::<Option<i64>>(&row, "done")?;
        let took = get::<Option<f64>>(&row, "took")?;
        let took = took.and_then(|it| Duration::try_from_secs_f64(it).ok());
        let done = done.map(|_| count(&row, "done")).transpose()?;
        let rate = done.zip(took.filter(|took| !took.is_zero()));
        found.push(Worker {
            owner,
            in_hand: done.map(|_| count(&row, "in_hand")).transpose()?,
            done,
            #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
            rate: rate.map(|(done, took)| done as f64 / took.as_secs_f64()),
        });
    }
    Ok(found)
}
