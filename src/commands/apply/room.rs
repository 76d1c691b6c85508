//! How much room the ledger needs for a run.

use serde_json::{Value, json};

use crate::commands::apply::counts::Counts;
use crate::config::LedgerPlace;
use crate::report::size;

/// From how many users on it is worth a word.
const MANY: u64 = 100_000;

/// The bytes that a user takes in the ledger, and those that a key takes besides.
///
/// Measured with 2,000 users of one model with names: 0.85 kB each in a file and 1.8 kB in PostgreSQL 15; with a key each 1.9 kB
/// and 3.4 kB.
const IN_FILE: (u64, u64) = (850, 1_050);
const IN_POSTGRES: (u64, u64) = (1_800, 1_600);

/// The bytes that a run takes in the ledger.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room(u64);

impl Room {
    /// Of the run that does what was counted; nothing for a small one, or if no ledger is kept.
    pub(super) fn of(counts: &Counts, place: Option<&LedgerPlace>) -> Option<Self> {
        Self::for_users(counts.changes(), counts.keys(), place?)
    }

    fn for_users(users: u64, keys: u64, place: &LedgerPlace) -> Option<Self> {
        let (user, key) = match place {
            LedgerPlace::File(_) => IN_FILE,
            LedgerPlace::Postgres(_) => IN_POSTGRES,
        };
        (users >= MANY).then(|| Self(users * user + keys * key))
    }

    pub(super) fn json(self) -> Value {
        json!(self.0)
    }

    pub(super) fn text(self) -> String {
        format!("Ledger: about {}.\n", size(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::postgres::PostgresAddress;

    #[test]
    fn the_room_of_a_large_run_is_told_for_its_store_and_keys() {
        let file = LedgerPlace::File("l.ledger".to_owned());
        let address = PostgresAddress::parse("postgres://runner@127.0.0.1/runs").unwrap();
        let postgres = LedgerPlace::Postgres(Box::new(address));
        for (users, keys, place, told) in [
            (99_999, 99_999, &file, None),
            (100_000, 0, &file, Some("Ledger: about 85.0 MB.\n")),
            (1_000_000, 1_000_000, &file, Some("Ledger: about 1.9 GB.\n")),
            (
                1_000_000,
                1_000_000,
                &postgres,
                Some("Ledger: about 3.4 GB.\n"),
            ),
        ] {
            let room = Room::for_users(users, keys, place).map(Room::text);
            assert_eq!(room.as_deref(), told);
        }
    }
}
