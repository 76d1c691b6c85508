//! The Looker that the ledger belongs to.

use rusqlite::{Connection, OptionalExtension as _};

use crate::ledger::Instance;
use crate::ledger::sqlite::fault::Fault;

/// The Looker that it belongs to, if one has used it.
pub(super) fn find(db: &Connection) -> Result<Option<Instance>, Fault> {
    let mut select = db.prepare_cached("SELECT origin, web_url FROM instance")?;
    let found = select.query_row([], |row| {
        Ok(Instance {
            origin: row.get(0)?,
            web_url: row.get(1)?,
        })
    });
    Ok(found.optional()?)
}

/// Let it belong to this Looker.
pub(super) fn put(db: &Connection, instance: &Instance) -> Result<(), Fault> {
    db.prepare_cached("INSERT OR REPLACE INTO instance (one, origin, web_url) VALUES (1, ?1, ?2)")?
        .execute((&instance.origin, &instance.web_url))?;
    Ok(())
}
