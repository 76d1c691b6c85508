//! Workers: processes with a lease, of which only the database's clock says whether it runs.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use crate::ledger::Owner;
use crate::ledger::postgres::fault::Fault;
use crate::ledger::postgres::row::get;
use crate::system::Lease;

/// How long leases last, and what follows from it.
#[derive(Clone, Copy, Debug)]
pub struct LeaseTimes {
    /// How long a lease lasts after each beat.
    pub lease: Duration,
    /// How often the lease is extended.
    pub beat: Duration,
    /// How long after the end of a lease its runs stay with their worker: what it sent may still take effect.
    pub grace: Duration,
    /// What an effect leaves of the lease besides its own time.
    pub margin: Duration,
}

impl LeaseTimes {
    /// For requests that take up to `timeout`, with a Looker that works on one for up to `server_grace` after that, and a
    /// lease that is extended every `beat`. A lease has room for a request and for a few beats that fail.
    pub fn new(timeout: Duration, server_grace: Duration, beat: Duration) -> Self {
        Self {
            lease: (beat * 6).max(timeout + beat * 4),
            beat,
            grace: timeout + server_grace,
            margin: beat,
        }
    }
}

/// This process, as its tables know it.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) pid: u32,
    pub(super) host: String,
}

/// Register this process, with a lease that begins now.
pub(super) async fn register(
    db: &Client,
    machine: &Machine,
    times: &LeaseTimes,
    lease: &Lease,
) -> Result<i64, Fault> {
    let asked = lease.now();
    let sql = "INSERT INTO embedctl.worker (machine, pid, program, lease_until, grace)
        VALUES ($1, $2, $3, clock_timestamp() + make_interval(secs => $4), make_interval(secs => $5))
        RETURNING id";
    let row = db
        .query_typed_one(
            sql,
            &[
                (&machine.host, Type::TEXT),
                (&i64::from(machine.pid), Type::INT8),
                (&env!("CARGO_PKG_VERSION"), Type::TEXT),
                (&times.lease.as_secs_f64(), Type::FLOAT8),
                (&times.grace.as_secs_f64(), Type::FLOAT8),
            ],
        )
        .await?;
    let id = get(&row, "id")?;
    lease.extend(asked + times.lease);
    Ok(id)
}

/// Extend the lease of worker `id`, unless it is over.
pub(super) async fn beat(
    db: &Client,
    id: i64,
    times: &LeaseTimes,
    lease: &Lease,
) -> Result<(), Fault> {
    let asked = lease.now();
    let sql =
        "UPDATE embedctl.worker SET lease_until = clock_timestamp() + make_interval(secs => $2)
        WHERE id = $1 AND lease_until > clock_timestamp()";
    let secs = times.lease.as_secs_f64();
    let beaten = db
        .execute_typed(sql, &[(&id, Type::INT8), (&secs, Type::FLOAT8)])
        .await?;
    match beaten {
        0 => lease.lose(),
        _ => lease.extend(asked + times.lease),
    }
    Ok(())
}

/// Mark that batch number `batch` of worker `id` is in this transaction. False if it may not be, or was committed before.
pub(super) async fn mark(db: &Client, id: i64, batch: i64) -> Result<bool, Fault> {
    let sql = "UPDATE embedctl.worker SET batch = $2
        WHERE id = $1 AND batch < $2 AND lease_until > clock_timestamp()";
    let marked = db
        .execute_typed(sql, &[(&id, Type::INT8), (&batch, Type::INT8)])
        .await?;
    Ok(marked == 1)
}

/// Whether batch number `batch` of worker `id` was committed.
pub(super) async fn was_written(db: &Client, id: i64, batch: i64) -> Result<bool, Fault> {
    let sql = "SELECT batch FROM embedctl.worker WHERE id = $1";
    let row = db.query_typed_opt(sql, &[(&id, Type::INT8)]).await?;
    let found = row.map(|row| get::<i64>(&row, "batch")).transpose()?;
    Ok(found == Some(batch))
}

/// Declare worker `id` dead if its lease and its grace are over; false while they run. From then on it can write nothing.
pub(super) async fn bury(db: &Client, id: i64) -> Result<bool, Fault> {
    let sql = "UPDATE embedctl.worker SET lease_until = 'epoch'
        WHERE id = $1 AND lease_until + grace < clock_timestamp()";
    if db.execute_typed(sql, &[(&id, Type::INT8)]).await? == 1 {
        return Ok(true);
    }
    // One that ended properly has no row any more.
    let sql = "SELECT 1 FROM embedctl.worker WHERE id = $1";
    Ok(db
        .query_typed_opt(sql, &[(&id, Type::INT8)])
        .await?
        .is_none())
}

/// Give up all runs of worker `id`, and the worker itself.
pub(super) async fn leave(db: &Client, id: i64) -> Result<(), Fault> {
    let id = [(
        &id as &(dyn tokio_postgres::types::ToSql + Sync),
        Type::INT8,
    )];
    for sql in [
        "UPDATE embedctl.progress SET worker = NULL, taken_at = NULL WHERE worker = $1",
        "UPDATE embedctl.job SET worker = NULL WHERE worker = $1 AND state = 0",
        "DELETE FROM embedctl.member WHERE worker = $1",
        // Users who may still manage their keys are left to the next process at once.
        "DELETE FROM embedctl.worker WHERE id = $1",
    ] {
        db.execute_typed(sql, &id).await?;
    }
    Ok(())
}

/// The worker that holds a run: alone, or as the member whose lease ends last.
pub(super) const HOLDER: &str = "coalesce(progress.worker, (
    SELECT it.id FROM embedctl.member JOIN embedctl.worker AS it ON it.id = member.worker
    WHERE member.run = progress.run ORDER BY it.lease_until DESC LIMIT 1))";

/// What is read of a worker that holds a run, for [`owner`].
pub(super) const OWNER: &str = "worker.pid, worker.machine,
    extract(epoch FROM coalesce(progress.taken_at, worker.began_at))::float8 AS since,
    greatest(0, extract(epoch FROM worker.lease_until + worker.grace - clock_timestamp()))::float8 AS held_for";

/// The worker that holds a run, from a row with [`OWNER`].
pub(super) fn owner(row: &Row) -> Result<Option<Owner>, Fault> {
    let Some(pid) = get::<Option<i64>>(row, "pid")? else {
        return Ok(None);
    };
    let since = get::<Option<f64>>(row, "since")?.unwrap_or_default();
    let since = SignedDuration::try_from_secs_f64(since).map_err(Fault::unreadable)?;
    let held_for = get::<Option<f64>>(row, "held_for")?.unwrap_or_default();
    Ok(Some(Owner {
        pid: u32::try_from(pid).map_err(Fault::unreadable)?,
        host: get(row, "machine")?,
        since: Timestamp::from_duration(since).map_err(Fault::unreadable)?,
        held_for: Duration::try_from_secs_f64(held_for).ok(),
    }))
}
