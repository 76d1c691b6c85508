//! Taking a run over, and giving it up.

use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use crate::ledger::RunId;
use crate::ledger::postgres::fault::Fault;
use crate::ledger::postgres::members;
use crate::ledger::postgres::runs::{Hold, busy, give_up, hold, still_held, unless_held};

/// Take a run over, unless its worker may be alive.
pub(super) async fn claim(
    db: &Client,
    me: i64,
    run: RunId,
    held: Option<Hold>,
) -> Result<Hold, Fault> {
    // Claiming a run that this process holds already changes nothing.
    if let Some(hold) = held.filter(|hold| !hold.shared)
        && still_held(db, me, run, held).await.is_ok()
    {
        return Ok(hold);
    }
    let taken = match unless_held(db, run).await? {
        Ok(before) => take(db, me, run, before).await?,
        Err(()) => None,
    };
    match taken {
        // The run is locked by now, so that no other can join it any more.
        Some(hold) if members::take_back(db, hold.row).await? => Ok(hold),
        _ => Err(busy(db, run).await?.into()),
    }
}

/// Make worker `me` the owner of a run that `before` held; nothing if another was faster.
async fn take(
    db: &Client,
    me: i64,
    run: RunId,
    before: Option<i64>,
) -> Result<Option<Hold>, Fault> {
    let sql = "UPDATE embedctl.progress
        SET worker = $2, fence = fence + 1, taken_at = clock_timestamp(), stopping = false
        WHERE run = (SELECT seq FROM embedctl.run WHERE id = $1) AND worker IS NOT DISTINCT FROM $3
        RETURNING run, fence";
    let params: [(&(dyn ToSql + Sync), Type); 3] = [
        (&run.0, Type::UUID),
        (&me, Type::INT8),
        (&before, Type::INT8),
    ];
    let row = db.query_typed_opt(sql, &params).await?;
    row.as_ref().map(hold).transpose()
}

/// Give up a run of worker `me`.
pub(super) async fn release(
    db: &Client,
    me: i64,
    run: RunId,
    held: Option<Hold>,
) -> Result<(), Fault> {
    if let Some(hold) = held.filter(|hold| hold.shared) {
        return members::leave(db, me, hold.row).await;
    }
    let hold = still_held(db, me, run, held).await?;
    give_up(db, hold.row).await
}
