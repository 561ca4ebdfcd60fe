// SPDX-License-Identifier: Apache-2.0

/// The tables, as the ordered list of changes that made them: a database's `user_version` counts those it has had.
enum Schema {
    /// "Crdn" in the file's header: this is a store of Cordon.
    static let applicationID = 0x4372_646E

    static var version: Int { migrations.count }

    static let migrations = [first, second, third, fourth, fifth, sixth, notices, sealedBodies, entryTimes, matters]

    /// What a commit writes is what the next reader can't tell from the rest of it:
    /// - A run's snapshot stands apart and is written once every so many entries: the entries after it tell the rest.
    /// - A stream is named once, and its entries by its number.
    /// - `form` 1: `bytes` is the body alone of a line of version 1, whose other members the columns give; 0: all of it.
    /// - A signal's or decision's body is found in the entry at `told_at`, where that is its body too.
    private static let third = """
        CREATE TABLE run_snapshot (place INTEGER PRIMARY KEY, number INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;
        INSERT INTO run_snapshot SELECT place, number, snapshot FROM run;
        ALTER TABLE run DROP COLUMN snapshot;

        CREATE TABLE stream (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
        INSERT INTO stream (name) SELECT stream FROM entry GROUP BY stream ORDER BY min(place);
        CREATE TABLE line (
            place INTEGER PRIMARY KEY,
            stream INTEGER NOT NULL,
            number INTEGER NOT NULL,
            at INTEGER NOT NULL,
            kind TEXT NOT NULL,
            form INTEGER NOT NULL,
            leaf BLOB NOT NULL,
            bytes BLOB NOT NULL
        ) STRICT;
        INSERT INTO line SELECT place, stream.id, number, at, kind, 0, leaf, bytes
            FROM entry JOIN stream ON stream.name = entry.stream ORDER BY place;
        DROP TABLE entry;
        ALTER TABLE line RENAME TO entry;
        CREATE UNIQUE INDEX entry_of_stream ON entry (stream, number);
        CREATE TRIGGER entry_never_changes BEFORE UPDATE ON entry
            BEGIN SELECT RAISE(ABORT, 'an entry of the history never changes'); END;
        CREATE TRIGGER entry_never_leaves BEFORE DELETE ON entry
            BEGIN SELECT RAISE(ABORT, 'an entry of the history never leaves'); END;

        ALTER TABLE signal ADD COLUMN told_at INTEGER;
        ALTER TABLE decision ADD COLUMN told_at INTEGER;
        """

    /// One run at a time has a subject in hand, so those of a subject are asked for at each signal.
    private static let second = """
        CREATE INDEX run_of_subject ON run (subject) WHERE ended_at IS NULL;
        """

    /// Agent sessions: few that live, and at each start all of those are read.
    private static let fourth = """
        CREATE TABLE session (
            place INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            root TEXT NOT NULL,
            number INTEGER NOT NULL,
            opened_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            closed_at INTEGER,
            snapshot BLOB NOT NULL
        ) STRICT;
        CREATE INDEX session_of_root ON session (root);
        CREATE INDEX session_live ON session (id) WHERE closed_at IS NULL;
        """

    /// An event of a source gives one signal, whatever deliveries tell of it.
    private static let fifth = """
        CREATE TABLE event (
            source TEXT NOT NULL,
            name TEXT NOT NULL,
            signal TEXT NOT NULL,
            PRIMARY KEY (source, name)
        ) STRICT, WITHOUT ROWID;
        """

    /// What guards count by: which identities each playbook touched and when last, what made an identity's score or was
    /// put back by another, and how many signals each playbook matched in a minute.
    private static let sixth = """
        CREATE TABLE touch (
            subject TEXT NOT NULL,
            playbook TEXT NOT NULL,
            kind TEXT NOT NULL,
            provider TEXT NOT NULL,
            owner TEXT,
            at INTEGER NOT NULL,
            PRIMARY KEY (subject, playbook)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX touch_at ON touch (at, playbook, provider, owner, kind);
        CREATE TABLE mark (
            place INTEGER PRIMARY KEY,
            what TEXT NOT NULL,
            subject TEXT NOT NULL,
            playbook TEXT NOT NULL,
            at INTEGER NOT NULL,
            cause TEXT NOT NULL,
            capability TEXT,
            weight REAL,
            half_life INTEGER
        ) STRICT;
        CREATE INDEX mark_at ON mark (at);
        CREATE TABLE tally (
            playbook TEXT NOT NULL,
            minute INTEGER NOT NULL,
            matched INTEGER NOT NULL,
            PRIMARY KEY (playbook, minute)
        ) STRICT, WITHOUT ROWID;
        """

    /// A period is handed to an auditor without reading the rest of the history. Entries come nearly in the order of
    /// their times, so the index grows at its end.
    private static let entryTimes = "CREATE INDEX entry_at ON entry (at);"

    /// What people are to be told, each row in the commit of what it tells. Few wait; what was told is kept for a while.
    private static let notices = """
        CREATE TABLE notice (
            place INTEGER PRIMARY KEY,
            key TEXT NOT NULL,
            endpoint TEXT NOT NULL,
            run TEXT,
            topic TEXT NOT NULL,
            made_at INTEGER NOT NULL,
            due_at INTEGER NOT NULL,
            state TEXT NOT NULL,
            settled_at INTEGER,
            attempts INTEGER NOT NULL,
            message TEXT,
            problem TEXT,
            body BLOB NOT NULL,
            UNIQUE (key, endpoint)
        ) STRICT;
        CREATE INDEX notice_waiting ON notice (endpoint, due_at) WHERE state = 'waiting';
        CREATE INDEX notice_of_run ON notice (run) WHERE run IS NOT NULL;
        CREATE INDEX notice_of_message ON notice (message) WHERE message IS NOT NULL;
        CREATE INDEX notice_settled ON notice (settled_at) WHERE settled_at IS NOT NULL;
        """

    /// What sources closed of what they alerted of, for alerts that come late; and which live run is about what of a source.
    private static let matters = """
        CREATE TABLE closing (
            place INTEGER PRIMARY KEY,
            source TEXT NOT NULL,
            key TEXT NOT NULL,
            as_of INTEGER NOT NULL,
            alert TEXT NOT NULL,
            received_at INTEGER NOT NULL,
            UNIQUE (source, key)
        ) STRICT;
        CREATE TABLE concern (
            run TEXT NOT NULL,
            signal TEXT NOT NULL,
            source TEXT NOT NULL,
            key TEXT NOT NULL,
            as_of INTEGER,
            PRIMARY KEY (run, signal)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX concern_of_matter ON concern (source, key);
        """

    /// Bodies are committed to with a salt that goes when they go; what tells a repeat is keyed; what was cut out is told.
    private static let sealedBodies = """
        ALTER TABLE alert_body ADD COLUMN salt BLOB;
        ALTER TABLE alert ADD COLUMN mark TEXT NOT NULL DEFAULT '';
        ALTER TABLE alert ADD COLUMN cuts TEXT NOT NULL DEFAULT '';
        """

    /// Rows of `alert`, `run` and `entry` are never deleted (those of `alert_body` are, by retention), so the largest row number is also their count.
    ///
    /// Each index is there for a query of the port, and is narrow, because every commit pays for it.
    private static let first = """
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
        """

    /// The version of an open file, 0 for one without tables; refuses a file that is not ours or too new.
    static func version(of connection: SQLiteConnection, in folder: String) throws(StoreError) -> Int {
        let found: (application: String, version: Int, tables: Int)
        do throws(SQLiteFailure) {
            found.application = try connection.answer("PRAGMA application_id")
            found.version = Int(try connection.answer("PRAGMA user_version")) ?? 0
            found.tables = Int(try connection.answer("SELECT count(*) FROM sqlite_schema")) ?? 0
        } catch { throw StoreError(error, in: folder) }
        if found == ("0", 0, 0) { return 0 }
        guard found.application == String(applicationID) else {
            throw StoreError(.corrupt, "\(folder)/\(StateFolder.databaseName) is another program's database")
        }
        guard found.version <= version else {
            throw StoreError(
                .tooNew,
                "the store in \(folder) has version \(found.version), this program knows \(version): use a newer one")
        }
        return found.version
    }

    /// Brings the database up to this program's version, one transaction a change.
    static func migrate(_ connection: SQLiteConnection, in folder: String) throws(StoreError) {
        let found = try version(of: connection, in: folder)
        do throws(SQLiteFailure) {
            for index in found..<migrations.count {
                try connection.execute(
                    """
                    BEGIN IMMEDIATE;
                    \(migrations[index])
                    PRAGMA application_id = \(applicationID);
                    PRAGMA user_version = \(index + 1);
                    COMMIT;
                    """)
            }
        } catch { throw StoreError(error, in: folder) }
    }
}
