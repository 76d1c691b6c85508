//! Users who may temporarily manage their own keys, each with the worker that will take the right back.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use crate::ledger::postgres::fault::Fault;
use crate::ledger::postgres::instance::HERE;
use crate::ledger::postgres::row::get;
use crate::ledger::{Permit, PermitId};

/// Record a user at the ledger's own Looker for worker `me`.
pub(super) async fn note(db: &Client, me: i64, user: &str) -> Result<PermitId, Fault> {
    let sql = format!(
        "INSERT INTO embedctl.permit (looker, looker_user_id, worker) VALUES ({HERE}, $1, $2)
         RETURNING id"
    );
    let row = db
        .query_typed_one(&sql, &[(&user, Type::TEXT), (&me, Type::INT8)])
        .await?;
    Ok(PermitId(get(&row, "id")?))
}

/// The newest record of worker `me` for a user.
pub(super) async fn noted(db: &Client, me: i64, user: &str) -> Result<PermitId, Fault> {
    let sql = "SELECT max(id) AS id FROM embedctl.permit WHERE worker = $2 AND looker_user_id = $1";
    let row = db
        .query_typed_one(sql, &[(&user, Type::TEXT), (&me, Type::INT8)])
        .await?;
    Ok(PermitId(get(&row, "id")?))
}

/// Delete a record.
pub(super) async fn forget(db: &Client, id: PermitId) -> Result<(), Fault> {
    let sql = "DELETE FROM embedctl.permit WHERE id = $1";
    db.execute_typed(sql, &[(&id.0, Type::INT8)]).await?;
    Ok(())
}

/// Whether there is any record at the ledger's own Looker.
pub(super) async fn any(db: &Client) -> Result<bool, Fault> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM embedctl.permit WHERE looker = {HERE}) AS it");
    get(&db.query_typed_one(&sql, &[]).await?, "it")
}

/// Make worker `me` the owner of the records of dead workers at the ledger's own Looker. A user that a living worker has
/// recorded too is left to that worker: taking the right back now would break a command that relies on it.
pub(super) async fn claim(db: &Client, me: i64) -> Result<Vec<Permit>, Fault> {
    let sql = format!(
        "WITH note AS (
            SELECT permit.id, permit.looker_user_id,
                coalesce(worker.lease_until + worker.grace > clock_timestamp(), false) AS lives
            FROM embedctl.permit LEFT JOIN embedctl.worker ON worker.id = permit.worker
            WHERE permit.looker = {HERE})
         UPDATE embedctl.permit SET worker = $1 FROM note
         WHERE permit.id = note.id AND NOT EXISTS
            (SELECT 1 FROM note AS other
             WHERE other.lives AND other.looker_user_id = note.looker_user_id)
         RETURNING permit.id, permit.looker_user_id"
    );
    let rows = db.query_typed(&sql, &[(&me, Type::INT8)]).await?;
    rows.iter().map(read).collect()
}

/// The records of worker `me`.
pub(super) async fn of(db: &Client, me: i64) -> Result<Vec<Permit>, Fault> {
    let sql = "SELECT id, looker_user_id FROM embedctl.permit WHERE worker = $1 ORDER BY id";
    let rows = db.query_typed(sql, &[(&me, Type::INT8)]).await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Permit, Fault> {
    Ok(Permit {
        id: PermitId(get(row, "id")?),
        looker_user_id: get(row, "looker_user_id")?,
    })
}
