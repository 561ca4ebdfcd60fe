// SPDX-License-Identifier: Apache-2.0

import CSQLite

/// One prepared statement: values are bound in order, then it is run or stepped through, then it is reset.
///
/// Bound bytes are copied into one piece of memory that the statement keeps, so that binding allocates nothing.
/// It belongs to its connection, and so to the thread that uses that connection.
final class SQLiteStatement {
    private let handle: OpaquePointer
    private unowned let connection: SQLiteConnection
    private var bound: Int32 = 0
    private var bindFailure: Int32 = SQLITE_OK
    private var arena: UnsafeMutableRawBufferPointer
    private var arenaUsed = 0
    private var arenaWanted = 0
    private var isFinal = false

    /// What one statement may keep; larger values are copied by SQLite.
    private static let arenaBytesMax = 128 * 1024

    init(_ handle: OpaquePointer, of connection: SQLiteConnection) {
        self.handle = handle
        self.connection = connection
        arena = .allocate(byteCount: 1024, alignment: 16)
    }

    deinit { arena.deallocate() }

    /// Called by the connection, last of all.
    func finalize() {
        guard !isFinal else { return }
        isFinal = true
        sqlite3_finalize(handle)
    }

    // Binding, in the order of the statement's parameters

    func bind(_ text: String) {
        bound += 1
        // Native strings have contiguous bytes; a bridged one is copied first.
        let code = text.utf8.withContiguousStorageIfAvailable { bindText(UnsafeRawBufferPointer($0)) }
        note(code ?? Array(text.utf8).withUnsafeBytes(bindText))
    }

    func bind(_ text: String?) { if let text { bind(text) } else { bindNull() } }

    func bind(_ bytes: [UInt8]) { bind(bytes[...]) }

    func bind(_ bytes: ArraySlice<UInt8>) {
        bound += 1
        note(bytes.withUnsafeBytes(bindBlob))
    }

    func bind(_ number: Int) { bind(Int64(number)) }

    func bind(_ number: Int64) {
        bound += 1
        note(sqlite3_bind_int64(handle, bound, number))
    }

    func bind(_ number: Int64?) { if let number { bind(number) } else { bindNull() } }

    func bind(_ number: Double?) {
        guard let number else { return bindNull() }
        bound += 1
        note(sqlite3_bind_double(handle, bound, number))
    }

    private func bindNull() {
        bound += 1
        note(sqlite3_bind_null(handle, bound))
    }

    private func bindText(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        guard let kept = keep(bytes) else {
            let characters = bytes.bindMemory(to: CChar.self).baseAddress
            return cordon_bind_text_copy(handle, bound, characters, Int32(clamping: bytes.count))
        }
        return sqlite3_bind_text(handle, bound, kept.assumingMemoryBound(to: CChar.self), Int32(bytes.count), nil)
    }

    private func bindBlob(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        // A null pointer would bind NULL, which an empty array is not.
        if bytes.isEmpty { return sqlite3_bind_zeroblob(handle, bound, 0) }
        guard let kept = keep(bytes) else {
            return cordon_bind_blob_copy(handle, bound, bytes.baseAddress, UInt64(bytes.count))
        }
        return sqlite3_bind_blob(handle, bound, kept, Int32(bytes.count), nil)
    }

    /// A copy that lives until the statement is reset, or `nil` when there is no room for it this time.
    private func keep(_ bytes: UnsafeRawBufferPointer) -> UnsafeMutableRawPointer? {
        arenaWanted += bytes.count
        guard let base = arena.baseAddress, arenaUsed + bytes.count <= arena.count else { return nil }
        let place = base + arenaUsed
        if let source = bytes.baseAddress { place.copyMemory(from: source, byteCount: bytes.count) }
        arenaUsed += bytes.count
        return place
    }

    private func note(_ code: Int32) { if code != SQLITE_OK { bindFailure = code } }

    // Running

    /// Runs a statement that answers no rows.
    func execute() throws(SQLiteFailure) {
        defer { reset() }
        while try step() {}
    }

    /// Whether there is a row; its columns are read before the next step.
    func step() throws(SQLiteFailure) -> Bool {
        guard bindFailure == SQLITE_OK else { throw failure(bindFailure) }
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code: throw failure(code)
        }
    }

    func reset() {
        sqlite3_reset(handle)
        bound = 0
        bindFailure = SQLITE_OK
        if arenaWanted > arena.count, arena.count < Self.arenaBytesMax {
            arena.deallocate()
            arena = .allocate(byteCount: min(arenaWanted * 2, Self.arenaBytesMax), alignment: 16)
        }
        arenaUsed = 0
        arenaWanted = 0
    }

    private func failure(_ code: Int32) -> SQLiteFailure {
        connection.failure(code, sql)
    }

    var sql: String { sqlite3_sql(handle).map { String(cString: $0) } ?? "" }

    // Columns of the present row

    func text(_ column: Int32) -> String {
        guard let start = sqlite3_column_text(handle, column) else { return "" }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

    func bytes(_ column: Int32) -> [UInt8] {
        guard let start = sqlite3_column_blob(handle, column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }

    /// The same where they lie: only until the next step.
    func withBytes<Answer>(_ column: Int32, _ use: (UnsafeBufferPointer<UInt8>) -> Answer) -> Answer {
        let start = sqlite3_column_blob(handle, column)?.assumingMemoryBound(to: UInt8.self)
        return use(UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }

    func int64(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    func double(_ column: Int32) -> Double { sqlite3_column_double(handle, column) }

    func int(_ column: Int32) -> Int { Int(int64(column)) }

    func optionalInt64(_ column: Int32) -> Int64? { isNull(column) ? nil : int64(column) }

    private func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }
}
