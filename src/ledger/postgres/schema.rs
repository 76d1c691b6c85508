//! The tables of a ledger, version by version.

use tokio_postgres::Client;

use crate::ledger::LedgerError;
use crate::ledger::postgres::fault::Fault;

/// The steps from each version to the next; the first creates version 1. Once released they are only added to, never changed.
const MIGRATIONS: [&str; 1] = [VERSION_1];

/// The newest version.
pub(super) const KNOWN: i64 = MIGRATIONS.len() as i64;

/// Taken to create or change the tables. Both numbers mean something to embedctl only: the letters `EmCt`, and what for.
const LOCK: &str = "SELECT pg_advisory_xact_lock(1164788596, 1)";

/// The tables are as in SQLite but for these: a run is held by a worker through its lease, and `fence` counts how often it
/// was taken. A shared run has members instead, and each of its jobs is held by one of them, again with a fence. `batch` tells a worker whose connection broke whether its last write came through. Times are nanoseconds
/// since 1970, except those that only the database's clock may judge.
const VERSION_1: &str = "
CREATE SCHEMA IF NOT EXISTS embedctl;
CREATE TABLE embedctl.version (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    number bigint NOT NULL
);
INSERT INTO embedctl.version (number) VALUES (1);
CREATE TABLE embedctl.looker (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin text,
    web_url text
);
INSERT INTO embedctl.looker (origin) VALUES (NULL);
CREATE TABLE embedctl.here (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    looker bigint NOT NULL
);
INSERT INTO embedctl.here (looker) SELECT id FROM embedctl.looker;
CREATE TABLE embedctl.worker (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    machine text NOT NULL,
    pid bigint NOT NULL,
    program text NOT NULL,
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease_until timestamptz NOT NULL,
    grace interval NOT NULL,
    batch bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
CREATE TABLE embedctl.run (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    looker bigint NOT NULL,
    command text NOT NULL,
    created_at bigint NOT NULL,
    request text
);
CREATE TABLE embedctl.progress (
    run bigint PRIMARY KEY,
    worker bigint,
    fence bigint NOT NULL DEFAULT 0,
    taken_at timestamptz,
    stopping boolean NOT NULL DEFAULT false,
    open bigint NOT NULL DEFAULT 0,
    done bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    undone bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
CREATE TABLE embedctl.member (
    run bigint NOT NULL,
    worker bigint NOT NULL,
    joined_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    done bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (run, worker)
) WITH (fillfactor = 50);
CREATE TABLE embedctl.job (
    run bigint NOT NULL,
    number bigint NOT NULL,
    subject text NOT NULL,
    also text,
    state smallint NOT NULL DEFAULT 0,
    spec text,
    outcome text,
    worker bigint,
    fence bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (run, number)
);
CREATE INDEX job_free ON embedctl.job (run, number) WHERE state = 0 AND worker IS NULL;
CREATE INDEX job_in_hand ON embedctl.job (worker) WHERE state = 0 AND worker IS NOT NULL;
CREATE INDEX job_open ON embedctl.job (subject) WHERE state = 0;
CREATE INDEX job_open_also ON embedctl.job (also) WHERE state = 0 AND also IS NOT NULL;
CREATE INDEX job_also ON embedctl.job (also) WHERE also IS NOT NULL;
CREATE INDEX job_subject ON embedctl.job (subject, run, number);
CREATE INDEX job_not_done ON embedctl.job (run, state, number) WHERE state <> 1;
CREATE TABLE embedctl.event (
    run bigint NOT NULL,
    job bigint NOT NULL,
    number bigint NOT NULL,
    fence bigint NOT NULL,
    step text NOT NULL,
    what smallint NOT NULL,
    at bigint NOT NULL,
    data text,
    PRIMARY KEY (run, job, number)
);
CREATE TABLE embedctl.key (
    looker bigint NOT NULL,
    looker_user_id text NOT NULL,
    key_id text NOT NULL,
    external_user_id text NOT NULL,
    client_id text NOT NULL,
    purpose text NOT NULL,
    state smallint NOT NULL,
    minted_at bigint NOT NULL,
    revoke_at bigint,
    PRIMARY KEY (looker, looker_user_id, key_id)
);
CREATE INDEX key_due ON embedctl.key (revoke_at) WHERE revoke_at IS NOT NULL AND state <> 2;
CREATE TABLE embedctl.pace (
    looker bigint PRIMARY KEY,
    free_at timestamptz NOT NULL DEFAULT 'epoch',
    held_until timestamptz NOT NULL DEFAULT 'epoch',
    month date NOT NULL DEFAULT 'epoch',
    calls bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
CREATE TABLE embedctl.permit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    looker bigint NOT NULL,
    looker_user_id text NOT NULL,
    worker bigint NOT NULL
);
";

/// Create the tables, or bring them to the newest version.
pub(super) async fn migrate(db: &Client) -> Result<(), Fault> {
    // Most runs find what they need, and lock nothing.
    if version(db).await? == KNOWN {
        return Ok(());
    }
    db.batch_execute("BEGIN").await?;
    let migrated = migrate_locked(db).await;
    let end = if migrated.is_ok() {
        "COMMIT"
    } else {
        "ROLLBACK"
    };
    let ended = db.batch_execute(end).await;
    migrated?;
    Ok(ended?)
}

async fn migrate_locked(db: &Client) -> Result<(), Fault> {
    // Two processes that meet a fresh database must not both create the tables.
    db.batch_execute(LOCK).await?;
    let found = version(db).await?;
    // An older embedctl would misread newer tables.
    if found > KNOWN {
        let known = KNOWN;
        return Err(LedgerError::TooNew { found, known }.into());
    }
    for step in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        db.batch_execute(step).await?;
    }
    Ok(())
}

/// The version of the tables, 0 if there are none.
pub(super) async fn version(db: &Client) -> Result<i64, Fault> {
    // Read from the catalog itself: what this connection has seen before is out of date once it has waited for the lock.
    let there = "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace
            ON pg_namespace.oid = pg_class.relnamespace
        WHERE nspname = 'embedctl' AND relname = 'version')";
    if !db
        .query_typed_one(there, &[])
        .await?
        .try_get::<_, bool>(0)?
    {
        return Ok(0);
    }
    let row = db
        .query_typed_one("SELECT number FROM embedctl.version", &[])
        .await?;
    Ok(row.try_get(0)?)
}
