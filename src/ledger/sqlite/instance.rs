//! The Looker that the ledger is bound to, and those that its runs and keys belong to.

use rusqlite::{Connection, OptionalExtension as _};

use crate::ledger::Instance;
use crate::ledger::sqlite::fault::Fault;

/// The row of the ledger's own Looker, for statements about it.
pub(super) const HERE: &str = "(SELECT looker FROM here)";

/// The Looker that the ledger is bound to, if any.
pub(super) fn find(db: &Connection) -> Result<Option<Instance>, Fault> {
    get(db, here(db)?)
}

/// The Looker in row `id`; `None` if it is not known yet.
pub(super) fn get(db: &Connection, id: i64) -> Result<Option<Instance>, Fault> {
    let mut select = db.prepare_cached("SELECT origin, web_url FROM looker WHERE id = ?1")?;
    Ok(select.query_row([id], |row| {
        let origin: Option<String> = row.get(0)?;
        let web_url = row.get(1)?;
        Ok(origin.map(|origin| Instance { origin, web_url }))
    })?)
}

/// Bind the ledger to this Looker. Records of another one stay with it; those that belong to none yet become this one's.
pub(super) fn put(db: &Connection, instance: &Instance) -> Result<(), Fault> {
    // Records without a Looker belong to this row, so filling it in gives them their Looker.
    if find(db)?.is_none() {
        return set(db, instance);
    }
    let id = match row(db, instance)? {
        Some(id) => id,
        None => {
            db.prepare_cached("INSERT INTO looker (origin, web_url) VALUES (?1, ?2)")?
                .execute((&instance.origin, &instance.web_url))?;
            db.last_insert_rowid()
        }
    };
    db.prepare_cached("UPDATE here SET looker = ?1")?
        .execute([id])?;
    Ok(())
}

/// The ledger's Looker, with everything recorded about it, now has this address.
pub(super) fn follow(db: &Connection, instance: &Instance) -> Result<(), Fault> {
    match row(db, instance)? {
        None => set(db, instance),
        // It has moved back to an earlier address.
        Some(_) => put(db, instance),
    }
}

fn here(db: &Connection) -> Result<i64, Fault> {
    let mut select = db.prepare_cached("SELECT looker FROM here")?;
    Ok(select.query_row([], |row| row.get(0))?)
}

fn row(db: &Connection, instance: &Instance) -> Result<Option<i64>, Fault> {
    let mut select =
        db.prepare_cached("SELECT id FROM looker WHERE origin = ?1 AND web_url IS ?2")?;
    let found = select.query_row((&instance.origin, &instance.web_url), |row| row.get(0));
    Ok(found.optional()?)
}

fn set(db: &Connection, instance: &Instance) -> Result<(), Fault> {
    let sql = format!("UPDATE looker SET origin = ?1, web_url = ?2 WHERE id = {HERE}");
    db.prepare_cached(&sql)?
        .execute((&instance.origin, &instance.web_url))?;
    Ok(())
}
