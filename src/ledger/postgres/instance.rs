//! The Looker that the ledger is bound to, and those that its runs and keys belong to.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use crate::ledger::Instance;
use crate::ledger::postgres::fault::Fault;
use crate::ledger::postgres::row::get;

/// The row of the ledger's own Looker, for statements about it.
pub(super) const HERE: &str = "(SELECT looker FROM embedctl.here)";

/// The Looker that the ledger is bound to, if any.
pub(super) async fn find(db: &Client) -> Result<Option<Instance>, Fault> {
    let sql = format!("SELECT origin, web_url FROM embedctl.looker WHERE id = {HERE}");
    read(&db.query_typed_one(&sql, &[]).await?)
}

/// The Looker in a row that has its columns; `None` if it is not known yet.
pub(super) fn read(row: &Row) -> Result<Option<Instance>, Fault> {
    let origin: Option<String> = get(row, "origin")?;
    let web_url = get(row, "web_url")?;
    Ok(origin.map(|origin| Instance { origin, web_url }))
}

/// Bind the ledger to this Looker. Records of another one stay with it; those that belong to none yet become this one's.
pub(super) async fn put(db: &Client, instance: &Instance) -> Result<(), Fault> {
    // Records without a Looker belong to this row, so filling it in gives them their Looker.
    if find(db).await?.is_none() {
        return set(db, instance).await;
    }
    let id = match row(db, instance).await? {
        Some(id) => id,
        None => {
            let sql = "INSERT INTO embedctl.looker (origin, web_url) VALUES ($1, $2) RETURNING id";
            let insert = db.query_typed_one(sql, &params(instance)).await?;
            get(&insert, "id")?
        }
    };
    db.execute_typed("UPDATE embedctl.here SET looker = $1", &[(&id, Type::INT8)])
        .await?;
    Ok(())
}

/// The ledger's Looker, with everything recorded about it, now has this address.
pub(super) async fn follow(db: &Client, instance: &Instance) -> Result<(), Fault> {
    match row(db, instance).await? {
        None => set(db, instance).await,
        // It has moved back to an earlier address.
        Some(_) => put(db, instance).await,
    }
}

async fn row(db: &Client, instance: &Instance) -> Result<Option<i64>, Fault> {
    let sql = "SELECT id FROM embedctl.looker
        WHERE origin = $1 AND web_url IS NOT DISTINCT FROM $2";
    let found = db.query_typed_opt(sql, &params(instance)).await?;
    found.map(|row| get(&row, "id")).transpose()
}

async fn set(db: &Client, instance: &Instance) -> Result<(), Fault> {
    let sql = format!("UPDATE embedctl.looker SET origin = $1, web_url = $2 WHERE id = {HERE}");
    db.execute_typed(&sql, &params(instance)).await?;
    Ok(())
}

type Param<'a> = (&'a (dyn tokio_postgres::types::ToSql + Sync), Type);

fn params(instance: &Instance) -> [Param<'_>; 2] {
    [
        (&instance.origin, Type::TEXT),
        (&instance.web_url, Type::TEXT),
    ]
}
