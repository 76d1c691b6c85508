//! Runs: their owners and their progress.

use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

use crate::ledger::sqlite::append::append;
use crate::ledger::sqlite::fault::Fault;
use crate::ledger::sqlite::hold::{self, LEASE};
use crate::ledger::sqlite::instance::HERE;
use crate::ledger::sqlite::owner::Process;
use crate::ledger::sqlite::row::{FromJson, Json, Time};
use crate::ledger::sqlite::writer::Batch;
use crate::ledger::{Instance, JobState, LedgerError, NewJob, NewRun, Owner, Run, RunId};

const SELECT: &str = "
    SELECT run.*, progress.*, looker.origin, looker.web_url FROM run
    JOIN progress ON progress.run = run.seq JOIN looker ON looker.id = run.looker";

/// A run at the ledger's own Looker, other than the one in row `?2`, with an open job for the user `?1`; each half has its own
/// index. At another Looker, the same id is a different person.
const PENDING: &str = "
    SELECT run FROM (
        SELECT run FROM job WHERE subject = ?1 AND state = 0 AND run <> ?2
        UNION ALL SELECT run FROM job WHERE also = ?1 AND state = 0 AND run <> ?2)
    WHERE (SELECT looker FROM run AS it WHERE it.seq = run) = (SELECT looker FROM here)
    LIMIT 1";

/// A row that no run has: excludes nothing.
const NONE: i64 = -1;

/// Store a new run of this process with its first jobs.
pub(super) fn begin(
    batch: &mut Batch<'_>,
    run: &NewRun,
    new_jobs: &[NewJob],
) -> Result<RunId, Fault> {
    // Inside the writing transaction, so that no other process can slip in between check and insert.
    for job in new_jobs {
        refuse_pending(batch, &job.subject, job.also.as_deref(), NONE)?;
    }
    let sql = format!(
        "INSERT INTO run (id, command, created_at, request, looker) VALUES (?1, ?2, ?3, ?4, {HERE})"
    );
    batch.db.prepare_cached(&sql)?.execute((
        run.id.0,
        &run.command,
        Time(run.created_at),
        Json(&run.request),
    ))?;
    let row = batch.db.last_insert_rowid();
    batch
        .db
        .prepare_cached(
            "INSERT INTO progress (run, epoch, open, done, failed, undone) VALUES (?1, 0, 0, 0, 0, 0)",
        )?
        .execute([row])?;
    take(batch, run.id, row)?;
    append(batch.db, row, new_jobs)?;
    Ok(run.id)
}

/// Refuse as [`begin`] would refuse jobs for `subjects`.
pub(super) fn check_free(batch: &Batch<'_>, subjects: &[String]) -> Result<(), Fault> {
    subjects
        .iter()
        .try_for_each(|subject| refuse_pending(batch, subject, None, NONE))
}

/// Take a run over, unless its owner is alive.
pub(super) fn claim(batch: &mut Batch<'_>, run: RunId) -> Result<Run, Fault> {
    let row = hold::row(batch.db, run)?.ok_or(LedgerError::NoSuchRun(run))?;
    // Claiming a run that this process holds already changes nothing.
    if !batch.holds(run) {
        if let Some(owner) = living_owner(batch, row)? {
            let subject = "this run".to_owned();
            return Err(LedgerError::Busy {
                subject,
                run,
                owner,
            }
            .into());
        }
        take(batch, run, row)?;
    }
    find(batch.db, run)?.ok_or_else(|| LedgerError::NoSuchRun(run).into())
}

/// Give up a run of this process.
pub(super) fn release(batch: &mut Batch<'_>, run: RunId) -> Result<(), Fault> {
    let hold = batch.held(run)?;
    hold::leave(batch.db, hold)?;
    batch.let_go(run);
    Ok(())
}

/// Ask the owner of a run to stop.
pub(super) fn stop(batch: &Batch<'_>, run: RunId) -> Result<(), Fault> {
    let row = hold::row(batch.db, run)?.ok_or(LedgerError::NoSuchRun(run))?;
    let sql = "UPDATE progress SET stopping = 1 WHERE run = ?1";
    batch.db.prepare_cached(sql)?.execute([row])?;
    Ok(())
}

/// Whether the owner of a run was asked to stop.
pub(super) fn is_stopping(db: &Connection, run: RunId) -> Result<bool, Fault> {
    let sql = "SELECT stopping FROM progress WHERE run = (SELECT seq FROM run WHERE id = ?1)";
    let found = db
        .prepare_cached(sql)?
        .query_row([run.0], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(false))
}

/// Refuse a job for `subject` and `also` if a run other than the one in `row` has an open job for either.
pub(super) fn refuse_pending(
    batch: &Batch<'_>,
    subject: &str,
    also: Option<&str>,
    row: i64,
) -> Result<(), Fault> {
    for wanted in [Some(subject), also].into_iter().flatten() {
        let mut look = batch.db.prepare_cached(PENDING)?;
        let found = look.query_row((wanted, row), |row| row.get(0)).optional()?;
        // Either half suffices: a move to another id concerns two users, and both must be free.
        if let Some(other) = found {
            return Err(in_the_way(batch, wanted, other)?.into());
        }
    }
    Ok(())
}

/// Why the run in row `other` prevents work on `subject`.
fn in_the_way(batch: &Batch<'_>, subject: &str, other: i64) -> Result<LedgerError, Fault> {
    let mut look = batch
        .db
        .prepare_cached("SELECT id FROM run WHERE seq = ?1")?;
    let run = RunId(look.query_row([other], |row| row.get(0))?);
    Ok(match living_owner(batch, other)? {
        Some(owner) => LedgerError::Busy {
            subject: format!("`{subject}`"),
            run,
            owner,
        },
        None => LedgerError::Unfinished {
            subject: subject.to_owned(),
            run,
        },
    })
}

/// Update the counters for a job that changed its state.
pub(super) fn count(
    db: &Connection,
    row: i64,
    before: JobState,
    after: JobState,
) -> Result<(), Fault> {
    let (less, more) = (column(before), column(after));
    if less == more {
        return Ok(());
    }
    let sql =
        format!("UPDATE progress SET {less} = {less} - 1, {more} = {more} + 1 WHERE run = ?1");
    db.prepare_cached(&sql)?.execute([row])?;
    Ok(())
}

/// One run.
pub(super) fn find(db: &Connection, run: RunId) -> Result<Option<Run>, Fault> {
    let sql = format!("{SELECT} WHERE run.id = ?1");
    Ok(db
        .prepare_cached(&sql)?
        .query_row([run.0], read)
        .optional()?)
}

/// The newest runs, newest first.
pub(super) fn newest(db: &Connection, limit: u32) -> Result<Vec<Run>, Fault> {
    let sql = format!("{SELECT} ORDER BY run.seq DESC LIMIT ?1");
    let mut statement = db.prepare_cached(&sql)?;
    let runs = statement.query_map([limit], read)?;
    Ok(runs.collect::<Result<_, _>>()?)
}

/// The newest runs with a job for `subject`, newest first.
pub(super) fn of(db: &Connection, subject: &str, limit: u32) -> Result<Vec<Run>, Fault> {
    let sql = format!(
        "{SELECT} WHERE run.seq IN (SELECT run FROM job WHERE subject = ?1 OR also = ?1)
         ORDER BY run.seq DESC LIMIT ?2"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let runs = statement.query_map((subject, limit), read)?;
    Ok(runs.collect::<Result<_, _>>()?)
}

/// The run with an open job for `subject`.
pub(super) fn pending(db: &Connection, subject: &str) -> Result<Option<Run>, Fault> {
    let sql = format!("{SELECT} WHERE run.seq = ({PENDING})");
    Ok(db
        .prepare_cached(&sql)?
        .query_row((subject, NONE), read)
        .optional()?)
}

/// Make this process the owner, in a new epoch, which locks out the previous owner.
fn take(batch: &mut Batch<'_>, run: RunId, row: i64) -> Result<(), Fault> {
    let me = batch.me;
    batch
        .db
        .prepare_cached(
            "UPDATE progress SET epoch = epoch + 1, stopping = 0, owner_pid = :pid, owner_host = :host,
                owner_space = :space, owner_started = :started, owner_since = :since,
                lease_until = :until
             WHERE run = :run",
        )?
        .execute(named_params! {
            ":pid": me.pid,
            ":host": me.host,
            ":space": me.space,
            ":started": me.started,
            ":since": Time(batch.now),
            ":until": Time(batch.now + LEASE),
            ":run": row,
        })?;
    let epoch = hold::epoch(batch.db, row)?;
    batch.hold(run, row, epoch);
    Ok(())
}

/// The owner of a run, if it is alive or may be because its lease has not expired.
pub(super) fn living_owner(batch: &Batch<'_>, row: i64) -> Result<Option<Owner>, Fault> {
    let found = batch
        .db
        .prepare_cached("SELECT * FROM progress WHERE run = ?1 AND owner_pid IS NOT NULL")?
        .query_row([row], |row| {
            let process = Process {
                pid: row.get("owner_pid")?,
                host: row.get("owner_host")?,
                space: row.get("owner_space")?,
                started: row.get("owner_started")?,
            };
            Ok((process, row.get::<_, Time>("lease_until")?.0, owner(row)?))
        })
        .optional()?;
    let alive = found.filter(|(process, until, _)| batch.me.may_live(process, *until, batch.now));
    Ok(alive.and_then(|(_, _, owner)| owner))
}

const fn column(state: JobState) -> &'static str {
    match state {
        JobState::Open => "open",
        JobState::Done => "done",
        JobState::Failed => "failed",
        JobState::Undone => "undone",
    }
}

fn owner(row: &Row<'_>) -> rusqlite::Result<Option<Owner>> {
    let Some(pid) = row.get("owner_pid")? else {
        return Ok(None);
    };
    Ok(Some(Owner {
        pid,
        host: row.get("owner_host")?,
        since: row.get::<_, Time>("owner_since")?.0,
        held_for: None,
    }))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Run> {
    let (origin, web_url): (Option<String>, _) = (row.get("origin")?, row.get("web_url")?);
    Ok(Run {
        instance: origin.map(|origin| Instance { origin, web_url }),
        id: RunId(row.get("id")?),
        command: row.get("command")?,
        request: row.get::<_, FromJson>("request")?.0,
        created_at: row.get::<_, Time>("created_at")?.0,
        owner: owner(row)?,
        stopping: row.get("stopping")?,
        open: row.get("open")?,
        done: row.get("done")?,
        failed: row.get("failed")?,
        undone: row.get("undone")?,
    })
}
