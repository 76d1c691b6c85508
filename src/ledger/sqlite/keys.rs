//! The states of keys.

use jiff::Timestamp;
use rusqlite::{Connection, Row, named_params};

use crate::ledger::number::Numbered as _;
use crate::ledger::sqlite::fault::Fault;
use crate::ledger::sqlite::instance::{self, HERE};
use crate::ledger::sqlite::row::Time;
use crate::ledger::{Instance, KeyRecord, KeyState};

const COLUMNS: &str =
    "looker_user_id, key_id, external_user_id, client_id, purpose, state, minted_at, revoke_at";

/// Store a key of the Looker that the run in row `run` belongs to, or without a run, of the ledger's own.
pub(super) fn put(db: &Connection, run: Option<i64>, key: &KeyRecord) -> Result<(), Fault> {
    // A key is recorded at each stage; the newest record replaces the older ones.
    let sql = format!(
        "INSERT OR REPLACE INTO key (looker, {COLUMNS})
         VALUES (coalesce((SELECT looker FROM run WHERE seq = :run), {HERE}), :user, :key, :external, :client, :purpose, :state, :minted, :revoke)"
    );
    db.prepare_cached(&sql)?.execute(named_params! {
        ":run": run,
        ":user": key.looker_user_id,
        ":key": key.key_id,
        ":external": key.external_user_id,
        ":client": key.client_id,
        ":purpose": key.purpose,
        ":state": key.state.number(),
        ":minted": Time(key.minted_at),
        ":revoke": key.revoke_at.map(Time),
    })?;
    Ok(())
}

/// The keys of a Looker user, or of all users, at the ledger's own Looker, oldest first.
pub(super) fn list(db: &Connection, user: Option<&str>) -> Result<Vec<KeyRecord>, Fault> {
    let filter = user.map_or("?1 IS NULL", |_| "looker_user_id = ?1");
    let sql = format!(
        "SELECT {COLUMNS} FROM key WHERE looker = {HERE} AND {filter} ORDER BY minted_at, key_id"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let keys = statement.query_map([user], key)?;
    Ok(keys.collect::<Result<_, _>>()?)
}

/// The keys at the ledger's own Looker whose overlap has ended, oldest first.
pub(super) fn due(db: &Connection, now: Timestamp) -> Result<Vec<KeyRecord>, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM key
         WHERE revoke_at IS NOT NULL AND state <> 2 AND revoke_at <= ?1 AND looker = {HERE}
         ORDER BY revoke_at, key_id"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let keys = statement.query_map([Time(now)], key)?;
    Ok(keys.collect::<Result<_, _>>()?)
}

/// The keys of other Lookers that are not revoked, each with its Looker.
pub(super) fn elsewhere(db: &Connection) -> Result<Vec<(Instance, KeyRecord)>, Fault> {
    let sql = format!(
        "SELECT looker, {COLUMNS} FROM key WHERE looker <> {HERE} AND state <> 2
         ORDER BY minted_at, key_id"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let found = statement.query_map([], |row| Ok((row.get("looker")?, key(row)?)))?;
    let mut keys = Vec::new();
    for found in found {
        let (looker, key) = found?;
        if let Some(looker) = instance::get(db, looker)? {
            keys.push((looker, key));
        }
    }
    Ok(keys)
}

fn key(row: &Row<'_>) -> rusqlite::Result<KeyRecord> {
    Ok(KeyRecord {
        looker_user_id: row.get("looker_user_id")?,
        external_user_id: row.get("external_user_id")?,
        key_id: row.get("key_id")?,
        client_id: row.get("client_id")?,
        purpose: row.get("purpose")?,
        state: KeyState::of(row.get("state")?)?,
        minted_at: row.get::<_, Time>("minted_at")?.0,
        revoke_at: row.get::<_, Option<Time>>("revoke_at")?.map(|time| time.0),
    })
}
