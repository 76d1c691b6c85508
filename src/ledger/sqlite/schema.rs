//! The tables of a ledger, version by version.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::ledger::LedgerError;
use crate::ledger::sqlite::fault::Fault;

/// Marks a SQLite file as a ledger of embedctl: the letters `EmCt`.
const APPLICATION_ID: i64 = 0x456d_4374;

/// The steps from each version to the next; the first creates version 1. Once released they are only added to, never changed.
const MIGRATIONS: [&str; 7] = [
    VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5, VERSION_6, VERSION_7,
];

/// The newest version.
const KNOWN: i64 = MIGRATIONS.len() as i64;

/// A run's constant data is kept apart from its counters, which change with every job. Times are nanoseconds since 1970. The
/// states of a job are open 0, done 1, failed 2, undone 3; of a key minted 0, delivered 1, revoked 2; an event is started 0,
/// done 1, failed 2, undo started 3, undone 4.
const VERSION_1: &str = "
CREATE TABLE run (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    command TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    request TEXT
) STRICT;
CREATE TABLE progress (
    run INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    owner_pid INTEGER,
    owner_host TEXT,
    owner_space TEXT,
    owner_started INTEGER,
    owner_since INTEGER,
    lease_until INTEGER,
    open INTEGER NOT NULL,
    done INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    undone INTEGER NOT NULL
) STRICT;
CREATE TABLE job (
    run INTEGER NOT NULL,
    number INTEGER NOT NULL,
    subject TEXT NOT NULL,
    state INTEGER NOT NULL,
    spec TEXT,
    outcome TEXT,
    PRIMARY KEY (run, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_open ON job (subject) WHERE state = 0;
CREATE INDEX job_not_done ON job (run, state, number) WHERE state <> 1;
CREATE TABLE event (
    run INTEGER NOT NULL,
    job INTEGER NOT NULL,
    number INTEGER NOT NULL,
    step TEXT NOT NULL,
    what INTEGER NOT NULL,
    at INTEGER NOT NULL,
    data TEXT,
    PRIMARY KEY (run, job, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE key (
    looker_user_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    external_user_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    state INTEGER NOT NULL,
    minted_at INTEGER NOT NULL,
    revoke_at INTEGER,
    PRIMARY KEY (looker_user_id, key_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX key_due ON key (revoke_at) WHERE revoke_at IS NOT NULL AND state <> 2;
";

/// Finds the last job of a user without reading every run.
const VERSION_2: &str = "CREATE INDEX job_done ON job (subject, run, number) WHERE state = 1;";

/// A job may concern two users. The index contains only such jobs, so the others cost nothing.
const VERSION_3: &str = "
ALTER TABLE job ADD COLUMN also TEXT;
CREATE INDEX job_open_also ON job (also) WHERE state = 0 AND also IS NOT NULL;
";

/// A ledger belongs to one Looker; one of an earlier version to the first Looker that knows its keys.
const VERSION_4: &str = "
CREATE TABLE instance (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    origin TEXT NOT NULL,
    web_url TEXT
) STRICT;
";

/// Each run and each key belongs to a Looker too, because the ledger may be bound to another one later. Existing rows belong
/// to the ledger's own Looker, or to the first it will be bound to, whose address is not known yet.
const VERSION_5: &str = "
CREATE TABLE looker (
    id INTEGER PRIMARY KEY,
    origin TEXT,
    web_url TEXT
) STRICT;
INSERT INTO looker (id, origin, web_url)
    VALUES (1, (SELECT origin FROM instance), (SELECT web_url FROM instance));
DROP TABLE instance;
CREATE TABLE here (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    looker INTEGER NOT NULL
) STRICT;
INSERT INTO here (one, looker) VALUES (1, 1);
ALTER TABLE run ADD COLUMN looker INTEGER NOT NULL DEFAULT 1;
CREATE TABLE key_of_looker (
    looker INTEGER NOT NULL,
    looker_user_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    external_user_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    state INTEGER NOT NULL,
    minted_at INTEGER NOT NULL,
    revoke_at INTEGER,
    PRIMARY KEY (looker, looker_user_id, key_id)
) STRICT, WITHOUT ROWID;
INSERT INTO key_of_looker
    (looker, looker_user_id, key_id, external_user_id, client_id, purpose, state, minted_at, revoke_at)
    SELECT 1, looker_user_id, key_id, external_user_id, client_id, purpose, state, minted_at, revoke_at FROM key;
DROP TABLE key;
ALTER TABLE key_of_looker RENAME TO key;
CREATE INDEX key_due ON key (revoke_at) WHERE revoke_at IS NOT NULL AND state <> 2;
";

/// Users who may temporarily manage their own keys, with the process that will take the right back. Numbers are never reused:
/// a record that another process has taken over may be gone.
const VERSION_6: &str = "
CREATE TABLE permit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    looker INTEGER NOT NULL,
    looker_user_id TEXT NOT NULL,
    owner_pid INTEGER NOT NULL,
    owner_host TEXT NOT NULL,
    owner_space TEXT NOT NULL,
    owner_started INTEGER,
    lease_until INTEGER NOT NULL
) STRICT;
";

/// The process of a run can be asked to stop.
const VERSION_7: &str = "ALTER TABLE progress ADD COLUMN stopping INTEGER NOT NULL DEFAULT 0;";

/// Bring the file to the newest version. Writes even if nothing changes, so that a full or read-only disk is detected now.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Fault> {
    // Locks the file at once, so that two processes do not migrate it at the same time.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    // An older embedctl would misread newer tables.
    if found > KNOWN {
        let known = KNOWN;
        return Err(LedgerError::TooNew { found, known }.into());
    }
    for step in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", KNOWN)?;
    Ok(transaction.commit()?)
}

/// The version of the file, 0 for an empty one.
fn version(transaction: &Transaction<'_>) -> Result<i64, Fault> {
    let pragma = |name| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let tables: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let ours = pragma("application_id")? == APPLICATION_ID;
    if !ours && tables > 0 {
        return Err(Fault::Unusable("is the SQLite database of another program"));
    }
    Ok(pragma("user_version")?)
}
