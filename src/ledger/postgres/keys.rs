//! The states of keys.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use crate::ledger::number::Numbered as _;
use crate::ledger::postgres::fault::Fault;
use crate::ledger::postgres::instance::{self, HERE};
use crate::ledger::postgres::row::{get, nanos, time};
use crate::ledger::{Instance, KeyRecord, KeyState};

pub(super) const COLUMNS: &str =
    "looker_user_id, key_id, external_user_id, client_id, purpose, state, minted_at, revoke_at";

/// What replaces an earlier record of a key: a key is recorded at each stage.
pub(super) const REPLACE: &str = "ON CONFLICT (looker, looker_user_id, key_id) DO UPDATE SET
    external_user_id = excluded.external_user_id, client_id = excluded.client_id,
    purpose = excluded.purpose, state = excluded.state, minted_at = excluded.minted_at,
    revoke_at = excluded.revoke_at";

/// Store a key of the ledger's own Looker.
pub(super) async fn put(db: &Client, key: &KeyRecord) -> Result<(), Fault> {
    let sql = format!(
        "INSERT INTO embedctl.key (looker, {COLUMNS})
         VALUES ({HERE}, $1, $2, $3, $4, $5, $6, $7, $8) {REPLACE}"
    );
    db.execute_typed(
        &sql,
        &[
            (&key.looker_user_id, Type::TEXT),
            (&key.key_id, Type::TEXT),
            (&key.external_user_id, Type::TEXT),
            (&key.client_id, Type::TEXT),
            (&key.purpose, Type::TEXT),
            (&key.state.number(), Type::INT2),
            (&nanos(key.minted_at), Type::INT8),
            (&key.revoke_at.map(nanos), Type::INT8),
        ],
    )
    .await?;
    Ok(())
}

/// The keys of a Looker user, or of all users, at the ledger's own Looker, oldest first.
pub(super) async fn list(db: &Client, user: Option<&str>) -> Result<Vec<KeyRecord>, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM embedctl.key
         WHERE looker = {HERE} AND ($1::text IS NULL OR looker_user_id = $1)
         ORDER BY minted_at, key_id"
    );
    let rows = db.query_typed(&sql, &[(&user, Type::TEXT)]).await?;
    rows.iter().map(read).collect()
}

/// The keys at the ledger's own Looker whose overlap has ended, oldest first.
pub(super) async fn due(db: &Client, now: Timestamp) -> Result<Vec<KeyRecord>, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM embedctl.key
         WHERE revoke_at IS NOT NULL AND state <> 2 AND revoke_at <= $1 AND looker = {HERE}
         ORDER BY revoke_at, key_id"
    );
    let rows = db.query_typed(&sql, &[(&nanos(now), Type::INT8)]).await?;
    rows.iter().map(read).collect()
}

/// The keys of other Lookers that are not revoked, each with its Looker.
pub(super) async fn elsewhere(db: &Client) -> Result<Vec<(Instance, KeyRecord)>, Fault> {
    let sql = format!(
        "SELECT looker.origin, looker.web_url, {COLUMNS} FROM embedctl.key
         JOIN embedctl.looker ON looker.id = key.looker
         WHERE key.looker <> {HERE} AND state <> 2 ORDER BY minted_at, key_id"
    );
    let mut keys = Vec::new();
    for row in db.query_typed(&sql, &[]).await? {
        if let Some(looker) = instance::read(&row)? {
            keys.push((looker, read(&row)?));
        }
    }
    Ok(keys)
}

fn read(row: &Row) -> Result<KeyRecord, Fault> {
    Ok(KeyRecord {
        looker_user_id: get(row, "looker_user_id")?,
        external_user_id: get(row, "external_user_id")?,
        key_id: get(row, "key_id")?,
        client_id: get(row, "client_id")?,
        purpose: get(row, "purpose")?,
        state: KeyState::of(get(row, "state")?)?,
        minted_at: time(get(row, "minted_at")?)?,
        revoke_at: get::<Option<i64>>(row, "revoke_at")?
            .map(time)
            .transpose()?,
    })
}
