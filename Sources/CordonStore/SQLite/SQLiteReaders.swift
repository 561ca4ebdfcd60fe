// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A few threads with a read-only connection each: reading never waits for the writer, and never holds up a thread
/// that Swift's tasks share.
final class SQLiteReaders: Sendable {
    private typealias Job = @Sendable (SQLiteConnection) -> Void

    private let jobs = Mailbox<Job>(bound: StoreLimits.queuedReadsMax)
    private let endings: [Ending]

    init(_ connections: [SQLiteConnection]) {
        endings = connections.map { _ in Ending() }
        for (connection, ending) in zip(connections, endings) {
            let thread = Thread { [jobs] in
                while case .items(let taken) = jobs.take(upTo: 1, quietAfterMilliseconds: nil) {
                    for job in taken { job(connection) }
                }
                connection.close()
                ending.come()
            }
            thread.name = "cordon-reader"
            thread.start()
        }
    }

    deinit { jobs.close() }

    func read<Answer: Sendable>(
        _ work: @escaping @Sendable (SQLiteConnection) -> Result<Answer, StoreError>
    ) async throws(StoreError) -> Answer {
        let answer: Result<Answer, StoreError> = await withCheckedContinuation { waiter in
            switch jobs.post({ connection in waiter.resume(returning: work(connection)) }) {
            case .taken: break
            case .full: waiter.resume(returning: .failure(.readersBusy))
            case .closed: waiter.resume(returning: .failure(.closed))
            }
        }
        return try answer.get()
    }

    func close() async {
        jobs.close()
        for ending in endings { await ending.wait() }
    }
}

extension StoreError {
    static var readersBusy: StoreError {
        StoreError(.busy, "\(StoreLimits.queuedReadsMax) reads wait already: try again in a moment")
    }
}
