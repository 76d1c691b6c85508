//! Users as Looker showed them, kept on disk while a plan is made, so that memory does not grow with their number.

use rusqlite::{Connection, OptionalExtension as _};

use crate::error::Error;
use crate::plan::observed_user::ObservedUser;

/// Users by their `external_user_id`, deleted on drop.
#[derive(Debug)]
pub(crate) struct Store {
    db: Connection,
    /// Whether there are ids that are not in small letters.
    has_capitals: bool,
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
             CREATE TABLE seen (external_user_id TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID;
             CREATE TABLE small (letters TEXT PRIMARY KEY, external_user_id TEXT NOT NULL) WITHOUT ROWID;",
        )
        .map_err(failed)?;
        Ok(Self {
            db,
            has_capitals: false,
        })
    }

    /// Keep users.
    pub(crate) fn keep(
        &mut self,
        users: impl IntoIterator<Item = ObservedUser>,
    ) -> Result<(), Error> {
        // One transaction per page; a commit for each user would dominate.
        let transaction = self.db.transaction().map_err(failed)?;
        let mut capitals = Vec::new();
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
                // Those in small letters are found by themselves.
                if user.external_user_id.to_lowercase() != user.external_user_id {
                    capitals.push(user.external_user_id);
                }
            }
        }
        transaction.commit().map_err(failed)?;
        self.note(&capitals)
    }

    /// Keep ids of users, so that others are found to differ from them only by case.
    pub(crate) fn note(&mut self, ids: &[String]) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        self.has_capitals = true;
        let transaction = self.db.transaction().map_err(failed)?;
        for id in ids {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO small VALUES (?1, ?2)")
                .and_then(|mut insert| insert.execute((id.to_lowercase(), id)))
                .map_err(failed)?;
        }
        transaction.commit().map_err(failed)
    }

    /// A user that was not taken, or was noted, whose id differs from this one only by case.
    pub(crate) fn case_variant(&self, external_user_id: &str) -> Result<Option<String>, Error> {
        let letters = external_user_id.to_lowercase();
        let find = |query: &str| {
            let found = self.db.prepare_cached(query).and_then(|mut select| {
                let id = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
                select.query_row([&letters], id).optional()
            });
            found.map_err(failed)
        };
        let mut found = None;
        if self.has_capitals {
            found = find("SELECT external_user_id FROM small WHERE letters = ?1")?;
        }
        found = found.filter(|id| id != external_user_id);
        if found.is_none() && letters != external_user_id {
            found = find("SELECT external_user_id FROM seen WHERE external_user_id = ?1")?;
        }
        Ok(found)
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

    #[test]
    fn an_id_is_found_that_differs_only_by_case() {
        let mut store = Store::new().unwrap();
        store.keep(["ada@x", "Grace@X", "ZOË"].map(seen)).unwrap();
        store.note(&["mary".to_owned()]).unwrap();
        let variant = |id| store.case_variant(id).unwrap();

        for (id, expected) in [
            ("Ada@x", Some("ada@x")),
            ("grace@x", Some("Grace@X")),
            ("GRACE@X", Some("Grace@X")),
            ("zoë", Some("ZOË")),
            ("Mary", Some("mary")),
            ("ada@x", None),
            ("Grace@X", None),
            ("mary", None),
            ("eve", None),
        ] {
            assert_eq!(variant(id).as_deref(), expected, "{id}");
        }
    }
}
