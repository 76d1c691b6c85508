//! The upkeep of a ledger in PostgreSQL.

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use crate::ledger::copy::{Part, Parts};
use crate::ledger::postgres::copy;
use crate::ledger::postgres::fault::Fault;
use crate::ledger::postgres::row::{count, get, nanos, number, time};
use crate::ledger::postgres::{PostgresLedger, schema};
use crate::ledger::upkeep::STEP;
use crate::ledger::{Answer, Contents, Ended, RunId, Upkeep};

/// A run in `progress` that has ended. Workers that died without a word count until their lease and its grace are over.
const ENDED: &str = "progress.open = 0 AND progress.failed = 0
    AND NOT EXISTS (
        SELECT 1 FROM embedctl.worker WHERE lease_until + grace > clock_timestamp()
        AND (worker.id = progress.worker OR worker.id IN
            (SELECT member.worker FROM embedctl.member WHERE member.run = progress.run)))
    AND NOT EXISTS (
        SELECT 1 FROM embedctl.event JOIN embedctl.job ON job.run = event.run AND job.number = event.job
        WHERE event.run = progress.run AND event.what >= 3 AND job.state <> 3)";

impl Upkeep for PostgresLedger {
    fn contents(&self) -> Answer<'_, Contents> {
        self.read(|db| async move { contents(&db).await })
    }

    fn ended(&self, before: Timestamp, _: Timestamp) -> Answer<'_, Vec<Ended>> {
        self.read(move |db| async move { ended(&db, before).await })
    }

    fn mark_pruned(&self, run: RunId, now: Timestamp) -> Answer<'_, bool> {
        self.read(move |db| async move { mark(&db, run, now).await })
    }

    fn delete_events(&self, run: RunId) -> Answer<'_, u64> {
        Box::pin(async move {
            let jobs = self
                .read(move |db| async move { jobs(&db, run).await })
                .await?;
            let (mut from, mut deleted) = (0, 0);
            while from < jobs {
                let part = self.read(move |db| async move { delete(&db, run, from).await });
                deleted += part.await?;
                from += STEP;
            }
            Ok(deleted)
        })
    }

    fn pruned_at(&self, run: RunId) -> Answer<'_, Option<Timestamp>> {
        self.read(move |db| async move { pruned_at(&db, run).await })
    }

    fn compact(&self) -> Answer<'_, bool> {
        // No other process waits for it.
        self.read(|db| async move {
            db.batch_execute("VACUUM (ANALYZE) embedctl.event").await?;
            Ok(true)
        })
    }

    fn send_all(&self, parts: Parts) -> Answer<'_, ()> {
        Box::pin(async move {
            let sent = copy::send_all(&self.reads.another(), &parts, &self.address).await;
            sent.map_err(|fault| fault.at(&self.address))
        })
    }

    fn store_all(&self, mut parts: mpsc::Receiver<Part>) -> Answer<'_, ()> {
        Box::pin(async move {
            let stored = copy::store_all(&self.reads.another(), &mut parts, &self.address).await;
            stored.map_err(|fault| fault.at(&self.address))
        })
    }
}

async fn contents(db: &Client) -> Result<Contents, Fault> {
    let sql = "SELECT (SELECT count(*) FROM embedctl.run) AS runs,
        (SELECT count(*) FROM embedctl.key) AS keys,
        (SELECT count(*) FROM embedctl.event WHERE job >= 0) AS events,
        (SELECT sum(pg_total_relation_size(pg_class.oid))::bigint FROM pg_catalog.pg_class
            WHERE relnamespace = 'embedctl'::regnamespace AND relkind = 'r') AS bytes";
    let row = db.query_typed_one(sql, &[]).await?;
    Ok(Contents {
        schema: schema::version(db).await?,
        runs: count(&row, "runs")?,
        keys: count(&row, "keys")?,
        events: count(&row, "events")?,
        bytes: count(&row, "bytes")?,
    })
}

async fn ended(db: &Client, before: Timestamp) -> Result<Vec<Ended>, Fault> {
    let sql = format!(
        "SELECT run.id, event.events FROM embedctl.run
         JOIN embedctl.progress ON progress.run = run.seq
         CROSS JOIN LATERAL (SELECT count(*) AS events FROM embedctl.event
            WHERE event.run = run.seq AND event.job >= 0) AS event
         WHERE run.created_at < $1 AND {ENDED} AND event.events > 0 ORDER BY run.seq"
    );
    let rows = db
        .query_typed(&sql, &[(&nanos(before), Type::INT8)])
        .await?;
    let ended = rows.iter().map(|row| {
        Ok(Ended {
            run: RunId(get(row, "id")?),
            events: count(row, "events")?,
        })
    });
    ended.collect()
}

/// The mark is an event of a job that no run has.
async fn mark(db: &Client, run: RunId, now: Timestamp) -> Result<bool, Fault> {
    let (run_id, now) = (run.0, nanos(now));
    // Sent as one, which is one transaction: who takes the run meanwhile either waits for the mark, or is seen by the second
    // statement. Both values are numbers by their types.
    let sql = format!(
        "SELECT 1 FROM embedctl.progress
            WHERE run = (SELECT seq FROM embedctl.run WHERE id = '{run_id}') FOR UPDATE;
         INSERT INTO embedctl.event (run, job, number, fence, step, what, at)
            SELECT progress.run, -1, 0, 0, 'prune', 1, {now} FROM embedctl.progress
            WHERE progress.run = (SELECT seq FROM embedctl.run WHERE id = '{run_id}') AND {ENDED}
            ON CONFLICT DO NOTHING"
    );
    db.batch_execute(&sql).await?;
    // An earlier mark is as good: its pruning was interrupted.
    Ok(pruned_at(db, run).await?.is_some())
}

/// How many jobs a run has whose events may be deleted.
async fn jobs(db: &Client, run: RunId) -> Result<u64, Fault> {
    let sql = "SELECT open + done + failed + undone AS jobs FROM embedctl.progress
        WHERE run = (SELECT seq FROM embedctl.run WHERE id = $1)
        AND EXISTS (SELECT 1 FROM embedctl.event WHERE event.run = progress.run AND event.job = -1)";
    let row = db.query_typed_opt(sql, &[(&run.0, Type::UUID)]).await?;
    row.map_or(Ok(0), |row| count(&row, "jobs"))
}

async fn delete(db: &Client, run: RunId, from: u64) -> Result<u64, Fault> {
    let sql = "DELETE FROM embedctl.event
        WHERE run = (SELECT seq FROM embedctl.run WHERE id = $1) AND job >= $2 AND job < $3";
    let params: [(&(dyn ToSql + Sync), Type); 3] = [
        (&run.0, Type::UUID),
        (&number(from), Type::INT8),
        (&number(from + STEP), Type::INT8),
    ];
    Ok(db.execute_typed(sql, &params).await?)
}

async fn pruned_at(db: &Client, run: RunId) -> Result<Option<Timestamp>, Fault> {
    let sql = "SELECT at FROM embedctl.event
        WHERE run = (SELECT seq FROM embedctl.run WHERE id = $1) AND job = -1";
    let row = db.query_typed_opt(sql, &[(&run.0, Type::UUID)]).await?;
    row.map(|row| time(get(&row, "at")?)).transpose()
}
