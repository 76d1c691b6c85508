-- A ledger as embedctl 0.1.0 leaves it behind in the middle of a `rotate-id`, after its fifth version of the tables.
-- Never changed: it must keep opening.
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
INSERT INTO "event" VALUES(1,0,0,'equip',0,1772366400500000000,NULL);
CREATE TABLE here (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    looker INTEGER NOT NULL
) STRICT;
INSERT INTO "here" VALUES(1,2);
CREATE TABLE job (
    run INTEGER NOT NULL,
    number INTEGER NOT NULL,
    subject TEXT NOT NULL,
    state INTEGER NOT NULL,
    spec TEXT,
    outcome TEXT, also TEXT,
    PRIMARY KEY (run, number)
) STRICT, WITHOUT ROWID;
INSERT INTO "job" VALUES(1,0,'acme-1',0,'{"key":"ensure"}',NULL,'acme-2');
CREATE TABLE "key" (
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
INSERT INTO "key" VALUES(1,'12','7','acme-42','client-7','embedctl:1:2',1,1772366400000000000,NULL);
INSERT INTO "key" VALUES(2,'12','8','acme-42','client-8','embedctl:1:2',1,1772366400000000000,1772452800000000000);
CREATE TABLE looker (
    id INTEGER PRIMARY KEY,
    origin TEXT,
    web_url TEXT
) STRICT;
INSERT INTO "looker" VALUES(1,'https://old.looker.com','https://old.looker.com');
INSERT INTO "looker" VALUES(2,'https://acme.looker.com:19999','https://acme.looker.com');
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
INSERT INTO "progress" VALUES(1,1,4711,'ci-7','another boot',1,1772366400000000000,1772366460000000000,1,0,0,0);
CREATE TABLE run (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    command TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    request TEXT
, looker INTEGER NOT NULL DEFAULT 1) STRICT;
INSERT INTO "run" VALUES(1,X'0195509A300070008000000000000005','rotate-id',1772366400000000000,'{"keys_to":"file:k"}',2);
CREATE INDEX job_open ON job (subject) WHERE state = 0;
CREATE INDEX job_not_done ON job (run, state, number) WHERE state <> 1;
CREATE INDEX job_done ON job (subject, run, number) WHERE state = 1;
CREATE INDEX job_open_also ON job (also) WHERE state = 0 AND also IS NOT NULL;
CREATE INDEX key_due ON key (revoke_at) WHERE revoke_at IS NOT NULL AND state <> 2;
PRAGMA application_id = 1164788596;
PRAGMA user_version = 5;
