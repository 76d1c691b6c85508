//! The Looker that the ledger belongs to, and those that its runs and keys belong to.

use rusqlite::{Connection, OptionalExtension as _};

use crate::ledger::Instance;
use crate::ledger::sqlite::fault::Fault;

/// The row of the Looker that the ledger belongs to, for statements that are about it alone.
pub(super) const HERE: &str = "(SELECT looker FROM here)";

/// The Looker that it belongs to, if one has used it.
pub(super) fn find(db: &Connection) -> Result<Option<Instance>, Fault> {
    get(db, here(db)?)
}

/// The Looker in row `id`; `None` if it is not known yet which that is.
pub(super) fn get(db: &Connection, id: i64) -> Result<Option<Instance>, Fault> {
    let mut select = db.prepare_cached("SELECT origin, web_url FROM looker WHERE id = ?1")?;
    Ok(select.query_row([id], |row| {
        let origin: Option<String> = row.get(0)?;
        let web_url = row.get(1)?;
        Ok(origin.map(|origin| Instance { origin, web_url }))
    })?)
}

/// Let it belong to this Looker. What is recorded of another stays with that one; what belongs to none yet is its own.
pub(super) fn put(db: &Connection, instance: &Instance) -> Result<(), Fault> {
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

/// Its Looker is known by this now, with all that is recorded of it.
pub(super) fn follow(db: &Connection, instance: &Instance) -> Result<(), Fault> {
    match row(db, instance)? {
        None => set(db, instance),
        // It has come back to where it was.
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
