-- A ledger as embedctl 0.1.0 leaves it behind in the middle of an `apply`, after its second version of the tables.
-- Never changed: it must keep opening.
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
CREATE INDEX job_done ON job (subject, run, number) WHERE state = 1;
INSERT INTO run VALUES (1, x'0195509a300070008000000000000002', 'apply', 1772366400000000000, '{"manifest":"users.csv"}');
INSERT INTO progress VALUES (1, 1, 4711, 'ci-7', 'another boot', 1, 1772366400000000000, 1772366460000000000, 1, 1, 0, 0);
INSERT INTO job VALUES (1, 0, 'acme-1', 1, '{"key":"ensure"}', '{"outcome":"created"}');
INSERT INTO job VALUES (1, 1, 'acme-2', 0, '{"key":"ensure"}', NULL);
INSERT INTO event VALUES (1, 0, 0, 'create', 0, 1772366400500000000, NULL);
INSERT INTO event VALUES (1, 0, 1, 'create', 1, 1772366400600000000, NULL);
INSERT INTO event VALUES (1, 1, 0, 'create', 0, 1772366400700000000, NULL);
PRAGMA application_id = 1164788596;
PRAGMA user_version = 2;
