// SPDX-License-Identifier: Apache-2.0

import CSQLite

/// What libsqlite3 answered instead of success, before it is put into the store's words.
struct SQLiteFailure: Error {
    /// The extended result code.
    var code: Int32
    var message: String
    /// What was being done, as SQL or in words.
    var deed: String

    /// The code without its extension.
    var primaryCode: Int32 { code & 0xff }

    /// Whether nothing that the database says can be believed from here on: a failed sync above all.
    var endsTheStore: Bool {
        switch primaryCode {
        case SQLITE_FULL, SQLITE_READONLY, SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH, SQLITE_BUSY, SQLITE_LOCKED: false
        default: !isOfOneOperation
        }
    }

    /// Whether the fault lies in one operation alone, so that its neighbors in the batch can go on without it.
    var isOfOneOperation: Bool {
        switch primaryCode {
        case SQLITE_CONSTRAINT, SQLITE_TOOBIG, SQLITE_MISMATCH, SQLITE_RANGE: true
        default: false
        }
    }
}

extension StoreError {
    /// The sentence for a failure in the store of `folder`.
    init(_ failure: SQLiteFailure, in folder: String) {
        let cause = "\(failure.message) (SQLite \(failure.code), \(failure.deed))"
        switch failure.primaryCode {
        case SQLITE_FULL, SQLITE_TOOBIG:
            self.init(.full, "no room is left for the store in \(folder): free some disk and try again; \(cause)")
        case SQLITE_READONLY, SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH:
            self.init(.readOnly, "the store in \(folder) can't be opened for this: check who may write there; \(cause)")
        case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_MISMATCH:
            self.init(.corrupt, "\(folder)/\(StateFolder.databaseName) is damaged or no store: \(cause)")
        case SQLITE_CONSTRAINT:
            self.init(.conflict, "someone else stored it first: \(cause)")
        case SQLITE_BUSY, SQLITE_LOCKED:
            self.init(.busy, "another program holds the database in \(folder): close it and try again; \(cause)")
        default:
            self.init(.unavailable, "the store in \(folder) failed and must be opened anew: \(cause)")
        }
    }
}
