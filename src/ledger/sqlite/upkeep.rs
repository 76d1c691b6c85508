//! The upkeep of a ledger file.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use tokio::sync::mpsc;

use crate::ledger::copy::{Part, Parts};
use crate::ledger::sqlite::copy;
use crate::ledger::sqlite::fault::Fault;
use crate::ledger::sqlite::row::Time;
use crate::ledger::sqlite::{SqliteLedger, file};
use crate::ledger::upkeep::STEP;
use crate::ledger::{Answer, Contents, Ended, RunId, Upkeep};

/// A run in `progress` that has ended, `?1` being the time. An owner that died without a word counts until its lease is over.
const ENDED: &str = "open = 0 AND failed = 0 AND (owner_pid IS NULL OR lease_until < ?1)
    AND NOT EXISTS (
        SELECT 1 FROM event JOIN job ON job.run = event.run AND job.number = event.job
        WHERE event.run = progress.run AND event.what >= 3 AND job.state <> 3)";

impl Upkeep for SqliteLedger {
    fn contents(&self) -> Answer<'_, Contents> {
        self.read(contents)
    }

    fn ended(&self, before: Timestamp, now: Timestamp) -> Answer<'_, Vec<Ended>> {
        self.read(move |db| ended(db, before, now))
    }

    fn mark_pruned(&self, run: RunId, now: Timestamp) -> Answer<'_, bool> {
        self.write(move |batch| mark(batch.db, run, now))
    }

    fn delete_events(&self, run: RunId) -> Answer<'_, u64> {
        Box::pin(async move {
            let (mut from, mut deleted) = (0, 0);
            loop {
                let part = self.write(move |batch| delete(batch.db, run, from)).await?;
                let Some((events, next)) = part else {
                    return Ok(deleted);
                };
                deleted += events;
                from = next;
            }
        })
    }

    fn pruned_at(&self, run: RunId) -> Answer<'_, Option<Timestamp>> {
        self.read(move |db| pruned_at(db, run))
    }

    fn compact(&self) -> Answer<'_, bool> {
        // In memory there is nothing to give back.
        if self.reads.is_none() {
            return Box::pin(async { Ok(true) });
        }
        let path = self.path().to_owned();
        let now = self.write(|batch| Ok(batch.now));
        Box::pin(async move {
            let now = now.await?;
            let shown = path.clone();
            let done = tokio::task::spawn_blocking(move || compact(&path, now)).await;
            match done {
                Ok(done) => done.map_err(|fault| fault.at(&shown)),
                Err(_) => Err(self.stopped()),
            }
        })
    }

    fn send_all(&self, parts: Parts) -> Answer<'_, ()> {
        self.write(move |batch| copy::send_all(batch, &parts))
    }

    fn store_all(&self, mut parts: mpsc::Receiver<Part>) -> Answer<'_, ()> {
        let shown = self.path().display().to_string();
        self.write(move |batch| copy::store_all(batch, &mut parts, &shown))
    }
}

/// The version of the tables of the file in `path`, without changing it; 0 if there is no such file yet.
///
/// # Errors
/// The file cannot be read.
pub fn version_in(path: &Path) -> Result<i64, crate::ledger::LedgerError> {
    if !path.exists() {
        return Ok(0);
    }
    let version =
        file::open_reader(path)?.pragma_query_value(None, "user_version", |row| row.get(0));
    version.map_err(|error| Fault::Sqlite(error).at(path))
}

fn contents(db: &Connection) -> Result<Contents, Fault> {
    let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, u64>(0));
    let pragma = |name| db.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
    Ok(Contents {
        schema: db.pragma_query_value(None, "user_version", |row| row.get(0))?,
        runs: count("SELECT count(*) FROM run")?,
        keys: count("SELECT count(*) FROM key")?,
        events: count("SELECT count(*) FROM event WHERE job >= 0")?,
        bytes: pragma("page_count")? * pragma("page_size")?,
    })
}

fn ended(db: &Connection, before: Timestamp, now: Timestamp) -> Result<Vec<Ended>, Fault> {
    let sql = format!(
        "SELECT id, (SELECT count(*) FROM event WHERE event.run = seq AND job >= 0) AS events
         FROM run JOIN progress ON progress.run = seq
         WHERE created_at < ?2 AND {ENDED} AND events > 0 ORDER BY seq"
    );
    let mut select = db.prepare(&sql)?;
    let runs = select.query_map((Time(now), Time(before)), |row| {
        Ok(Ended {
            run: RunId(row.get(0)?),
            events: row.get(1)?,
        })
    })?;
    Ok(runs.collect::<Result<_, _>>()?)
}

/// The mark is an event of a job that no run has.
fn mark(db: &Connection, run: RunId, now: Timestamp) -> Result<bool, Fault> {
    let sql = format!(
        "INSERT INTO event (run, job, number, step, what, at)
         SELECT progress.run, -1, 0, 'prune', 1, ?1 FROM progress
         WHERE run = (SELECT seq FROM run WHERE id = ?2) AND {ENDED}
         ON CONFLICT (run, job, number) DO NOTHING"
    );
    db.execute(&sql, (Time(now), run.0))?;
    // An earlier mark is as good: its pruning was interrupted.
    Ok(pruned_at(db, run)?.is_some())
}

/// Delete the events of some jobs from `from` on; how many, and the next job, if there was any left.
fn delete(db: &Connection, run: RunId, from: u64) -> Result<Option<(u64, u64)>, Fault> {
    let sql = "SELECT seq, open + done + failed + undone FROM run
        JOIN progress ON progress.run = seq
        JOIN event ON event.run = seq AND event.job = -1 WHERE id = ?1";
    let found = db
        .query_row(sql, [run.0], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, u64>(1)?))
        })
        .optional()?;
    let Some((row, _)) = found.filter(|(_, jobs)| from < *jobs) else {
        return Ok(None);
    };
    let next = from + STEP;
    let sql = "DELETE FROM event WHERE run = ?1 AND job >= ?2 AND job < ?3";
    let deleted = db.prepare_cached(sql)?.execute((row, from, next))?;
    Ok(Some((deleted as u64, next)))
}

fn pruned_at(db: &Connection, run: RunId) -> Result<Option<Timestamp>, Fault> {
    let sql = "SELECT at FROM event WHERE run = (SELECT seq FROM run WHERE id = ?1) AND job = -1";
    let at = db
        .prepare_cached(sql)?
        .query_row([run.0], |row| row.get::<_, Time>(0));
    Ok(at.optional()?.map(|time| time.0))
}

fn compact(path: &Path, now: Timestamp) -> Result<bool, Fault> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // It is locked as long as it is rewritten, which could be too long for a run.
    let sql =
        "SELECT EXISTS (SELECT 1 FROM progress WHERE owner_pid IS NOT NULL AND lease_until >= ?1)";
    if db.query_row(sql, [Time(now)], |row| row.get(0))? {
        return Ok(false);
    }
    db.pragma_update(None, "synchronous", "full")?;
    db.pragma_update(None, "fullfsync", true)?;
    db.execute_batch("VACUUM")?;
    // Until then the file keeps its length, and the log holds all of it again.
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(true)
}
