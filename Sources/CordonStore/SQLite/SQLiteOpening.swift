// SPDX-License-Identifier: Apache-2.0

import CSQLite

/// Opens the connections of a store, with settings that are read back: a promise of durability that silently is none
/// is the worst that a store can do.
struct SQLiteOpening {
    let folder: StateFolder
    let options: SQLiteStore.Options

    /// The writing connection, its database brought up to this program's version.
    func journal() throws(StoreError) -> OpenJournal {
        let connection = try writable()
        try refuseForeign(connection, at: try Schema.version(of: connection, in: folder.path))
        try set(connection, "journal_mode", to: "wal", "WAL")
        try set(connection, "synchronous", to: "2", "FULL")
        try Schema.migrate(connection, in: folder.path)
        return try inOurWords { () throws(SQLiteFailure) in
            try connection.execute("PRAGMA cache_size = -\(StoreLimits.writerCacheKibibytes)")
            try connection.execute("PRAGMA temp_store = MEMORY")
            // What rows leave behind in a page that is written anyway is cleared: a body that is erased later has no copies.
            try connection.execute("PRAGMA secure_delete = FAST")
            if let pages = options.pagesMax { try connection.execute("PRAGMA max_page_count = \(pages)") }
            connection.watchLog()
            return OpenJournal(
                journal: try SQLiteJournal(connection, folder: folder, freeBytesMin: options.freeBytesMin))
        }
    }

    /// Nothing is stored where a trigger of somebody else's may change it.
    private func refuseForeign(_ connection: SQLiteConnection, at version: Int) throws(StoreError) {
        let found = try inOurWords { () throws(SQLiteFailure) in
            try Schema.differences(connection, at: version)
        }
        guard !found.isEmpty else { return }
        throw StoreError(
            .corrupt, "\(folder.database) was changed by another program: \(found.joined(separator: "; "))")
    }

    func checkpointConnection() throws(StoreError) -> SQLiteConnection {
        let connection = try writable()
        try set(connection, "synchronous", to: "2", "FULL")
        try inOurWords { () throws(SQLiteFailure) in try connection.execute("PRAGMA wal_autocheckpoint = 0") }
        return connection
    }

    func readConnections() throws(StoreError) -> [SQLiteConnection] {
        var connections: [SQLiteConnection] = []
        for _ in 0..<max(1, options.readers) { connections.append(try readConnection()) }
        return connections
    }

    /// A reader needs the log's index beside the file, and makes it where it may. Where it may not, a file without a
    /// log can still be read: nobody is writing to it.
    private func readConnection() throws(StoreError) -> SQLiteConnection {
        do throws(StoreError) {
            return try reader(path: folder.database, isURI: false)
        } catch {
            guard error.code == .readOnly, folder.exists, !folder.hasLog else { throw error }
            return try reader(path: "file:\(percentEncoded(folder.database))?immutable=1", isURI: true)
        }
    }

    private func reader(path: String, isURI: Bool) throws(StoreError) -> SQLiteConnection {
        guard folder.exists else {
            throw StoreError(.readOnly, "there is no store in \(folder.path): start the server there first")
        }
        let connection = try inOurWords { () throws(SQLiteFailure) in
            let connection = try SQLiteConnection(path: path, flags: SQLITE_OPEN_READONLY, isURI: isURI)
            try connection.execute("PRAGMA cache_size = -\(StoreLimits.readerCacheKibibytes)")
            return connection
        }
        guard try Schema.version(of: connection, in: folder.path) == Schema.version else {
            throw StoreError(
                .readOnly, "the store in \(folder.path) is older: open it for writing once, to bring it up")
        }
        return connection
    }

    private func writable() throws(StoreError) -> SQLiteConnection {
        try inOurWords { () throws(SQLiteFailure) in
            try SQLiteConnection(path: folder.database, flags: SQLITE_OPEN_READWRITE)
        }
    }

    private func set(
        _ connection: SQLiteConnection, _ pragma: String, to expected: String, _ value: String
    ) throws(StoreError) {
        let found = try inOurWords { () throws(SQLiteFailure) in
            try connection.execute("PRAGMA \(pragma) = \(value)")
            return try connection.answer("PRAGMA \(pragma)")
        }
        guard found == expected else {
            throw StoreError(
                .unavailable, "\(folder.database) has \(pragma) \(found), not \(value): is it on a network disk?")
        }
    }

    private func inOurWords<Answer>(
        _ work: () throws(SQLiteFailure) -> Answer
    ) throws(StoreError) -> Answer {
        do { return try work() } catch { throw StoreError(error, in: folder.path) }
    }
}

/// A path as it stands in a URI: all but letters, digits, `/`, `.`, `-` and `_` as `%` and two hex digits.
private func percentEncoded(_ path: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var out: [UInt8] = []
    for byte in path.utf8 {
        let scalar = Unicode.Scalar(byte)
        if scalar.properties.isAlphabetic && scalar.isASCII || "0123456789/.-_".unicodeScalars.contains(scalar) {
            out.append(byte)
        } else {
            out += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: out, as: UTF8.self)
}
