//! Users as Looker showed them, kept on disk while a plan is made, so that memory does not grow with their number.

use rusqlite::{Connection, OptionalExtension as _};

use crate::error::Error;
use crate::plan::observed_user::ObservedUser;

/// Users by their `external_user_id`, deleted on drop.
#[derive(Debug)]
pub(crate) struct Store {
    db: Connection,
}

impl Store {
    /// An empty store.
    pub(crate) fn new() -> Result<Self, Error> {
        // With an empty name, SQLite uses a private temporary file, and writes to it only what does not fit in memory.
        let db = Connection::open("").map_err(failed)?;
        db.execute_batch(
            // Neither a journal nor syncs: the file is gone with the process, so nothing could be
            // recovered from it.
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -8192;
             CREATE TABLE seen (external_user_id TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID;",
        )
        .map_err(failed)?;
        Ok(Self { db })
    }

    /// Keep users.
    pub(crate) fn keep(
        &mut self,
        users: impl IntoIterator<Item = ObservedUser>,
    ) -> Result<(), Error> {
        // One transaction per page; a commit for each user would dominate.
        let transaction = self.db.transaction().map_err(failed)?;
        {
            let mut insert = transaction
                // A user may be on two pages if the list changes while it is read; the later one is
                // newer.
                .prepare_cached("INSERT OR REPLACE INTO seen VALUES (?1, ?2)")
                .map_err(failed)?;
            for user in users {
                let data = serde_json::to_string(&user).map_err(Error::internal)?;
                insert
                    .execute((&user.external_user_id, data))
                    .map_err(failed)?;
            }
        }
        transaction.commit().map_err(failed)
    }

    /// Remove and return the user with this id.
    pub(crate) fn take(&mut self, external_user_id: &str) -> Result<Option<ObservedUser>, Error> {
        let data: Option<String> = self
            .db
            .prepare_cached("DELETE FROM seen WHERE external_user_id = ?1 RETURNING data")
            .and_then(|mut delete| {
                delete
                    .query_row([external_user_id], |row| row.get(0))
                    .optional()
            })
            .map_err(failed)?;
        data.map(|data| serde_json::from_str(&data).map_err(Error::internal))
            .transpose()
    }

    /// Up to `limit` of the users that were not taken, with ids after `after`, by id.
    pub(crate) fn rest(&self, after: &str, limit: u32) -> Result<Vec<ObservedUser>, Error> {
        let mut select = self
            .db
            .prepare_cached(
                "SELECT data FROM seen WHERE external_user_id > ?1 ORDER BY external_user_id LIMIT ?2",
            )
            .map_err(failed)?;
        let rows = select
            .query_map((after, limit), |row| row.get::<_, String>(0))
            .map_err(failed)?;
        rows.map(|data| serde_json::from_str(&data.map_err(failed)?).map_err(Error::internal))
            .collect()
    }
}

fn failed(error: rusqlite::Error) -> Error {
    Error::internal(error).context("cannot keep the users that Looker showed in a temporary file")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(id: &str) -> ObservedUser {
        ObservedUser {
            id: format!("1{id}"),
            external_user_id: id.to_owned(),
            ..ObservedUser::default()
        }
    }

    #[test]
    fn what_is_taken_out_is_not_among_the_rest() {
        let mut store = Store::new().unwrap();
        store.keep(["c", "a", "b"].map(seen)).unwrap();

        assert_eq!(store.take("b").unwrap(), Some(seen("b")));
        assert_eq!(store.take("b").unwrap(), None);

        assert_eq!(store.rest("", 9).unwrap(), ["a", "c"].map(seen));
        assert_eq!(store.rest("a", 9).unwrap(), [seen("c")]);
        assert_eq!(store.rest("", 1).unwrap(), [seen("a")]);
    }
}
