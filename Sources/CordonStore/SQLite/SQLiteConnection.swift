// SPDX-License-Identifier: Apache-2.0

import CSQLite

/// One connection to one database file, with its prepared statements.
///
/// It is opened without SQLite's own mutexes: one thread at a time may use it, and it is handed over only as a whole,
/// from the thread that opened it to the thread that will use it until its end. Hence `@unchecked Sendable`.
final class SQLiteConnection: @unchecked Sendable {
    private let handle: OpaquePointer
    private var statements: [String: SQLiteStatement] = [:]
    /// Pages in the write-ahead log after this connection's last commit.
    private(set) var walPages = 0

    /// `path` is a file name, or a `file:` URI where `isURI`.
    init(path: String, flags: Int32, isURI: Bool = false) throws(SQLiteFailure) {
        var opened: OpaquePointer?
        let all = flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | (isURI ? SQLITE_OPEN_URI : 0)
        let code = sqlite3_open_v2(path, &opened, all, nil)
        guard let opened else { throw SQLiteFailure(code: code, message: "out of memory", deed: "open \(path)") }
        handle = opened
        guard code == SQLITE_OK else {
            let failure = failure(code, "open \(path)")
            sqlite3_close_v2(opened)
            throw failure
        }
        sqlite3_busy_timeout(handle, StoreLimits.lockWaitMilliseconds)
        _ = cordon_harden(handle)
    }

    deinit { close() }

    private var isClosed = false

    func close() {
        guard !isClosed else { return }
        isClosed = true
        for statement in statements.values { statement.finalize() }
        statements = [:]
        sqlite3_close_v2(handle)
    }

    /// The statement for this SQL, prepared once.
    func statement(_ sql: String) throws(SQLiteFailure) -> SQLiteStatement {
        if let known = statements[sql] { return known }
        if statements.count >= StoreLimits.preparedStatementsMax {
            for statement in statements.values { statement.finalize() }
            statements = [:]
        }
        var prepared: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard code == SQLITE_OK, let prepared else { throw failure(code, sql) }
        let statement = SQLiteStatement(prepared, of: self)
        statements[sql] = statement
        return statement
    }

    /// Runs SQL that is not worth keeping: schema and pragmas.
    func execute(_ sql: String) throws(SQLiteFailure) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw failure(code, sql) }
    }

    /// The first column of the first row, as text: what a pragma answers.
    func answer(_ sql: String) throws(SQLiteFailure) -> String {
        let asked = try statement(sql)
        defer { asked.reset() }
        return try asked.step() ? asked.text(0) : ""
    }

    /// Rows that the last INSERT, UPDATE or DELETE touched.
    var changes: Int32 { sqlite3_changes(handle) }

    var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(handle) }

    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    /// Copies what can be copied from the log into the database, and tells how many pages the log holds and how many
    /// of them are copied. `truncates` empties the log too, unless someone still reads from it.
    func checkpoint(truncates: Bool) throws(SQLiteFailure) -> (logPages: Int, copiedPages: Int) {
        var logPages: Int32 = 0
        var copiedPages: Int32 = 0
        let mode = truncates ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE
        let code = sqlite3_wal_checkpoint_v2(handle, nil, mode, &logPages, &copiedPages)
        guard code == SQLITE_OK || code & 0xff == SQLITE_BUSY else { throw failure(code, "checkpoint") }
        return (Int(logPages), Int(copiedPages))
    }

    /// Counts the log's pages from now on. This takes the place of SQLite's own checkpoints inside a commit.
    func watchLog() {
        let this = Unmanaged.passUnretained(self).toOpaque()
        sqlite3_wal_hook(
            handle,
            { this, _, _, pages in
                // The hook lives no longer than its connection, which `this` points to.
                guard let this else { return SQLITE_OK }
                Unmanaged<SQLiteConnection>.fromOpaque(this).takeUnretainedValue().walPages = Int(pages)
                return SQLITE_OK
            }, this)
    }

    /// After a failed sync nothing more may be copied: what the kernel says about the log can't be trusted.
    func abandonLog() { _ = cordon_no_checkpoint_on_close(handle) }

    func failure(_ code: Int32, _ deed: String) -> SQLiteFailure {
        let message = sqlite3_errmsg(handle).map { String(cString: $0) } ?? "unknown"
        return SQLiteFailure(code: code, message: message, deed: deed)
    }
}
