-- The tables as version 2 of the schema made them: what it stored is read for ever. Never changed.
CREATE TABLE entry (
    place INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    leaf BLOB NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX entry_of_stream ON entry (stream, number);
CREATE TRIGGER entry_never_changes BEFORE UPDATE ON entry
    BEGIN SELECT RAISE(ABORT, 'an entry of the history never changes'); END;
CREATE TRIGGER entry_never_leaves BEFORE DELETE ON entry
    BEGIN SELECT RAISE(ABORT, 'an entry of the history never leaves'); END;

CREATE TABLE alert (
    place INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    delivery TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    headers TEXT NOT NULL,
    body_digest TEXT NOT NULL,
    origin_proof TEXT NOT NULL,
    state TEXT NOT NULL,
    UNIQUE (source, delivery)
) STRICT;
CREATE INDEX alert_received ON alert (id) WHERE state = 'received';
-- Apart from its alert, so that a change of state does not write a long body again.
CREATE TABLE alert_body (place INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;

CREATE TABLE signal (
    place INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    alert TEXT NOT NULL,
    kind TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX signal_of_alert ON signal (alert);

CREATE TABLE decision (
    place INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    signal TEXT NOT NULL,
    alert TEXT NOT NULL,
    verdict TEXT NOT NULL,
    at INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX decision_of_alert ON decision (alert);

CREATE TABLE run (
    place INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    number INTEGER NOT NULL,
    phase TEXT NOT NULL,
    wake TEXT,
    due_at INTEGER,
    updated_at INTEGER NOT NULL,
    ended_at INTEGER,
    subject TEXT NOT NULL,
    severity TEXT NOT NULL,
    decision TEXT NOT NULL,
    alert TEXT NOT NULL,
    playbook TEXT NOT NULL,
    playbook_digest TEXT NOT NULL,
    workflow TEXT NOT NULL,
    workflow_digest TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    snapshot BLOB NOT NULL
) STRICT;
CREATE INDEX run_of_alert ON run (alert);
CREATE INDEX run_live ON run (id) WHERE ended_at IS NULL;
CREATE INDEX run_due ON run (due_at) WHERE ended_at IS NULL AND due_at IS NOT NULL;
CREATE INDEX run_without_wake ON run (id) WHERE ended_at IS NULL AND wake IS NULL;

CREATE TABLE definition (
    digest TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    source BLOB NOT NULL,
    published_at INTEGER NOT NULL
) STRICT;

CREATE TABLE token (
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE INDEX run_of_subject ON run (subject) WHERE ended_at IS NULL;
PRAGMA application_id = 1131570286;
PRAGMA user_version = 2;
