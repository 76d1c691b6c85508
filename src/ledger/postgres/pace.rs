//! The pace that all workers keep at a Looker together: one row spaces their turns, by the database's clock, and counts the
//! calls of each month.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use crate::ledger::postgres::connect::Link;
use crate::ledger::postgres::fault::Fault;
use crate::ledger::postgres::instance::HERE;
use crate::ledger::postgres::row::{count, get, number};
use crate::system::{Clock, Later, Lease, Turns};

/// How far ahead turns are given out, in seconds. A worker that is killed takes its turns with it, and they must not be many.
const AHEAD: f64 = 1.0;

/// The turns at the ledger's Looker.
pub(super) struct SharedTurns {
    pub(super) link: Arc<Link>,
    pub(super) lease: Lease,
    pub(super) calls: Arc<Calls>,
}

/// The calls of this process that are not in the database yet. Written with each beat: a process that is killed takes those
/// since the last one with it.
#[derive(Debug, Default)]
pub(super) struct Calls(AtomicU64);

impl Calls {
    /// Add them to those of this month. Months are those of UTC.
    pub(super) async fn write(&self, db: &Client) -> Result<(), Fault> {
        let calls = self.0.swap(0, Ordering::Relaxed);
        if calls == 0 {
            return Ok(());
        }
        let sql = format!(
            "INSERT INTO embedctl.pace AS pace (looker, month, calls) VALUES ({HERE}, {MONTH}, $1)
             ON CONFLICT (looker) DO UPDATE SET month = excluded.month, calls = excluded.calls
                + CASE WHEN pace.month = excluded.month THEN pace.calls ELSE 0 END"
        );
        let written = db
            .execute_typed(&sql, &[(&number(calls), Type::INT8)])
            .await;
        if written.is_err() {
            self.0.fetch_add(calls, Ordering::Relaxed);
        }
        written?;
        Ok(())
    }
}

/// The first day of this month.
const MONTH: &str = "date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')::date";

/// How many calls were made this month.
pub(super) async fn calls_this_month(db: &Client) -> Result<u64, Fault> {
    let sql = format!("SELECT calls FROM embedctl.pace WHERE looker = {HERE} AND month = {MONTH}");
    let found = db.query_typed_opt(&sql, &[]).await?;
    found.map_or(Ok(0), |row| count(&row, "calls"))
}

impl Turns for SharedTurns {
    fn take(&self, count: u32, gap: Duration) -> Later<'_> {
        Box::pin(async move {
            let clock = Clock::os();
            loop {
                let asked = self
                    .link
                    .persist(&self.lease, |db| async move { give(&db, count, gap).await });
                match asked.await {
                    Ok(Given::In(wait)) => return Some(wait),
                    Ok(Given::Ask(wait)) => clock.sleep(wait).await,
                    // Without the database nothing is begun anyway, and what is in flight has its own pace.
                    Err(_) => return None,
                }
            }
        })
    }

    fn hold(&self, time: Duration) {
        let (link, lease) = (Arc::clone(&self.link), self.lease.clone());
        // If it does not get there, the others are told by Looker.
        self.link.home().spawn(async move {
            let held = link.persist(&lease, |db| async move { hold(&db, time).await });
            let _unheard = held.await.is_err();
        });
    }

    fn made(&self, calls: u64) {
        self.calls.0.fetch_add(calls, Ordering::Relaxed);
    }
}

impl fmt::Debug for SharedTurns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedTurns").finish_non_exhaustive()
    }
}

/// The answer to a request for turns.
enum Given {
    /// The first one is in so long.
    In(Duration),
    /// None is given out now; ask again after so long.
    Ask(Duration),
}

async fn give(db: &Client, count: u32, gap: Duration) -> Result<Given, Fault> {
    // Whoever finds no row makes one; a row that another has just made is as good.
    let sql = format!(
        "WITH t AS (SELECT clock_timestamp() AS now),
         made AS (
            INSERT INTO embedctl.pace (looker) SELECT {HERE} WHERE NOT EXISTS (
                SELECT 1 FROM embedctl.pace WHERE looker = {HERE})
            ON CONFLICT DO NOTHING),
         given AS (
            UPDATE embedctl.pace SET free_at = greatest(free_at, held_until, t.now) + make_interval(secs => $1)
            FROM t WHERE looker = {HERE}
              AND greatest(free_at, held_until) < t.now + make_interval(secs => $2)
            RETURNING extract(epoch FROM free_at - t.now)::float8 - $1 AS wait)
         SELECT given.wait, (
                SELECT extract(epoch FROM greatest(free_at, held_until) - t.now)::float8 - $2
                FROM embedctl.pace WHERE looker = {HERE}) AS ask
         FROM t LEFT JOIN given ON true"
    );
    let all = gap.as_secs_f64() * f64::from(count);
    let params: [(&(dyn ToSql + Sync), Type); 2] = [(&all, Type::FLOAT8), (&AHEAD, Type::FLOAT8)];
    let row = db.query_typed_one(&sql, &params).await?;
    let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default();
    Ok(match get::<Option<f64>>(&row, "wait")? {
        Some(wait) => Given::In(seconds(wait)),
        None => {
            let ask = get::<Option<f64>>(&row, "ask")?.unwrap_or_default();
            Given::Ask(seconds(ask) + Duration::from_millis(5))
        }
    })
}

async fn hold(db: &Client, time: Duration) -> Result<(), Fault> {
    let sql = format!(
        "INSERT INTO embedctl.pace (looker, held_until) VALUES ({HERE}, clock_timestamp() + make_interval(secs => $1))
         ON CONFLICT (looker) DO UPDATE SET held_until = greatest(pace.held_until, excluded.held_until)"
    );
    let secs = time.as_secs_f64();
    db.execute_typed(&sql, &[(&secs, Type::FLOAT8)]).await?;
    Ok(())
}

/// How long everyone is held back from now on.
pub(super) async fn held(db: &Client) -> Result<Duration, Fault> {
    let sql = format!(
        "SELECT extract(epoch FROM held_until - clock_timestamp())::float8 AS held FROM embedctl.pace
         WHERE looker = {HERE} AND held_until > clock_timestamp()"
    );
    let held = match db.query_typed_opt(&sql, &[]).await? {
        Some(row) => get::<f64>(&row, "held")?,
        None => return Ok(Duration::ZERO),
    };
    Ok(Duration::try_from_secs_f64(held.max(0.0)).unwrap_or_default())
}
