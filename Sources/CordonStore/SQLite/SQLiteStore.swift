// SPDX-License-Identifier: Apache-2.0

import CSQLite
package import CordonCore

/// The store in one SQLite file: one writer that shares each sync among all who wait for one, readers beside it, and
/// a write-ahead log synced at every commit. Its promises are those of `Store`, through crashes and power cuts.
package final class SQLiteStore: Store {
    package enum Mode: Sendable, Hashable {
        /// Opens the store in this folder for one process at a time, and makes it where there is none.
        case readWrite(String)
        /// Opens it beside whoever writes; every writing verb throws `readOnly`.
        case readOnly(String)
    }

    package struct Options: Sendable, Hashable {
        package var readers = StoreLimits.readersDefault
        package var queuedWritesMax = StoreLimits.queuedWritesMax
        /// Below this much free disk, `accept` and a `record` that opens runs throw `full`.
        package var freeBytesMin = StoreLimits.freeBytesMin
        /// A bound for the database file, in pages of 4 KiB; `nil` leaves it to the disk.
        package var pagesMax: Int?

        package init() {}
    }

    let folder: StateFolder
    let readers: SQLiteReaders
    let health = StoreHealth()
    let description: String
    let freeBytesMin: Int
    private let writing: Writing?

    /// What only a store that is open for writing has.
    private struct Writing {
        let lock: FolderLock
        let writer: SQLiteWriter
        let checkpointer: SQLiteCheckpointer
    }

    /// Opens the store. This reads and may write the disk on the calling thread: it belongs at a process's start.
    package init(_ mode: Mode, options: Options = Options()) throws(StoreError) {
        freeBytesMin = options.freeBytesMin
        switch mode {
        case .readWrite(let path):
            folder = StateFolder(path: path)
            try folder.prepare()
            let lock = try FolderLock(folder)
            let opening = SQLiteOpening(folder: folder, options: options)
            let journal = try opening.journal()
            let checkpointer = SQLiteCheckpointer(
                try opening.checkpointConnection(), folder: folder.path, health: health)
            readers = SQLiteReaders(try opening.readConnections())
            let writer = SQLiteWriter(
                journal, bound: options.queuedWritesMax, checkpointer: checkpointer, health: health)
            writing = Writing(lock: lock, writer: writer, checkpointer: checkpointer)
            description = "SQLite \(String(cString: sqlite3_libversion())), WAL, synchronous=FULL"
        case .readOnly(let path):
            folder = StateFolder(path: path)
            readers = SQLiteReaders(try SQLiteOpening(folder: folder, options: options).readConnections())
            writing = nil
            description = "SQLite \(String(cString: sqlite3_libversion())), read-only"
        }
    }

    /// Transactions and operations so far.
    var counters: SQLiteWriter.Counters { writing?.writer.counters ?? SQLiteWriter.Counters() }

    package func accept(_ alert: Alert, entry: Entry) async throws(StoreError) -> Acceptance {
        alert.requireReceived(entry)
        return try await store(.accept(alert, headers: HeaderText.encode(alert.headers), entry))
    }

    package func record(_ reading: Reading) async throws(StoreError) {
        reading.requireShape()
        _ = try await store(.record(reading))
    }

    package func commit(_ change: RunChange) async throws(StoreError) {
        change.requireShape()
        _ = try await store(.commit(change))
    }

    package func publish(_ definition: Definition) async throws(StoreError) {
        _ = try await store(.publish(definition))
    }

    package func note(_ entry: Entry, notices: [NoticeRecord]) async throws(StoreError) {
        _ = try await store(.note(entry, notices))
    }

    package func expire(_ alerts: [AlertID], entry: Entry) async throws(StoreError) {
        _ = try await store(.expire(alerts, entry))
    }

    package func grant(_ token: TokenRecord, entry: Entry) async throws(StoreError) {
        _ = try await store(.grant(token, entry))
    }

    package func revoke(token id: String, at: Instant, entry: Entry) async throws(StoreError) {
        _ = try await store(.revoke(token: id, at: at, entry))
    }

    func store(_ operation: WriteOperation) async throws(StoreError) -> Acceptance {
        guard let writing else {
            throw StoreError(.readOnly, "the store in \(folder.path) is open read-only: nothing can be stored in it")
        }
        return try await writing.writer.store(operation)
    }

    /// The writer goes first and lets its queue be stored. Whoever closes last empties the log into the database, and
    /// readers can't: what was overwritten for good would lie in the file until the next process came.
    package func close() async {
        await writing?.writer.close()
        await readers.close()
        await writing?.checkpointer.close()
        writing?.lock.release()
    }
}
