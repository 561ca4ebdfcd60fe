// SPDX-License-Identifier: Apache-2.0

import CSQLite
import CordonCore

/// Stores batches of operations on the writing connection, each batch in one transaction with one sync.
///
/// Every operation begins with its own comparison, so that one that lost skips only itself. An error that none of
/// these foresaw undoes the batch, which is then done again with a savepoint around each operation.
final class SQLiteJournal {
    typealias Answer = PendingWrite.Answer

    let connection: SQLiteConnection
    let folder: StateFolder
    private let freeBytesMin: Int
    let statements: JournalStatements
    /// Where the next entry stands in the log over all streams.
    private(set) var nextPlace: Int64
    /// The stream of the last entry, of which the next is likely one more. Only a rollback makes a stream unknown again.
    private var lastStream: (name: String, id: Int64)?
    /// The touches that are stored and still count, so that to count them for each reservation reads none. As with the
    /// last stream, a rollback makes them unknown again.
    var touches: Standing?
    var touchesForgotAt: Int64 = 0

    init(_ connection: SQLiteConnection, folder: StateFolder, freeBytesMin: Int) throws(SQLiteFailure) {
        self.connection = connection
        self.folder = folder
        self.freeBytesMin = freeBytesMin
        statements = try JournalStatements(connection)
        nextPlace = Int64(try connection.answer("SELECT ifnull(max(place) + 1, 0) FROM entry")) ?? 0
    }

    /// Stores what can be stored and answers each operation; throws when the fate of the whole batch is one.
    func store(_ operations: [WriteOperation]) throws(SQLiteFailure) -> [Answer] {
        do throws(SQLiteFailure) {
            return try transaction(operations, isGuarded: false)
        } catch {
            guard error.isOfOneOperation else { throw error }
            return try transaction(operations, isGuarded: true)
        }
    }

    private func transaction(_ operations: [WriteOperation], isGuarded: Bool) throws(SQLiteFailure) -> [Answer] {
        let refusal = refusalOfNewWork(operations)
        let firstPlace = nextPlace
        do throws(SQLiteFailure) {
            try statements.begin.execute()
            var answers: [Answer] = []
            answers.reserveCapacity(operations.count)
            for operation in operations {
                if let refusal, operation.takesOnWork {
                    answers.append(.failure(refusal))
                } else {
                    answers.append(isGuarded ? try guarded(operation) : try apply(operation))
                }
            }
            try statements.commit.execute()
            // Durable from here: a crash before the waiters are told only leaves them to read what is stored.
            return answers
        } catch {
            nextPlace = firstPlace
            lastStream = nil
            touches = nil
            // SQLite may have rolled back by itself; a rollback that fails leaves an open transaction to be seen.
            if connection.isInTransaction { try statements.rollback.execute() }
            throw error
        }
    }

    private func guarded(_ operation: WriteOperation) throws(SQLiteFailure) -> Answer {
        let firstPlace = nextPlace
        try statements.savepoint.execute()
        do throws(SQLiteFailure) {
            let answer = try apply(operation)
            try statements.release.execute()
            return answer
        } catch {
            guard error.isOfOneOperation else { throw error }
            nextPlace = firstPlace
            lastStream = nil
            touches = nil
            try statements.rollbackToSavepoint.execute()
            try statements.release.execute()
            return .failure(StoreError(error, in: folder.path))
        }
    }

    private func refusalOfNewWork(_ operations: [WriteOperation]) -> StoreError? {
        guard operations.contains(where: \.takesOnWork), let shortage = folder.shortage(below: freeBytesMin) else {
            return nil
        }
        return StoreError(.full, "\(shortage) (\(folder.path))")
    }

    private func apply(_ operation: WriteOperation) throws(SQLiteFailure) -> Answer {
        switch operation {
        case .accept(let alert, let headers, let entry): try accept(alert, headers, entry)
        case .record(let reading): try record(reading)
        case .commit(let change): try commit(change)
        case .commitSession(let change): try commit(change)
        case .publish(let definition): try publish(definition)
        case .grant(let token, let entry): try grant(token, entry)
        case .note(let entry, let notices): try note(entry, notices)
        case .settle(let notices, let forgotten): try settle(notices, forgotten)
        case .expire(let alerts, let entry): try expire(alerts, entry)
        case .revoke(let token, let at, let entry): try revoke(token, at, entry)
        }
    }

    func append(_ entries: [Entry]) throws(SQLiteFailure) {
        for entry in entries { try append(entry) }
    }

    /// Answers with the body of the line, where it alone is stored.
    @discardableResult
    func append(_ entry: Entry) throws(SQLiteFailure) -> ArraySlice<UInt8>? {
        let stream = try number(ofStream: entry.stream)
        let body = LineFrame.body(of: entry)
        let insert = statements.insertEntry
        insert.bind(nextPlace)
        insert.bind(stream)
        insert.bind(entry.number)
        insert.bind(entry.at.milliseconds)
        insert.bind(entry.kind)
        insert.bind(body == nil ? 0 : LineFrame.form)
        insert.bind(entry.leaf)
        insert.bind(body ?? entry.bytes[...])
        try insert.execute()
        nextPlace += 1
        return body
    }

    private func number(ofStream name: String) throws(SQLiteFailure) -> Int64 {
        if let lastStream, lastStream.name.utf8.elementsEqual(name.utf8) { return lastStream.id }
        let id = try storedNumber(ofStream: name)
        lastStream = (name, id)
        return id
    }

    private func storedNumber(ofStream name: String) throws(SQLiteFailure) -> Int64 {
        let select = statements.streamOfName
        select.bind(name)
        let known = try select.step() ? select.int64(0) : nil
        select.reset()
        if let known { return known }
        statements.insertStream.bind(name)
        try statements.insertStream.execute()
        return connection.lastInsertedRow
    }

    /// The number of the stream's last entry, 0 when it has none.
    func lastNumber(of stream: String) throws(SQLiteFailure) -> Int {
        let select = statements.lastNumber
        defer { select.reset() }
        select.bind(stream)
        return try select.step() ? select.int(0) : 0
    }
}
