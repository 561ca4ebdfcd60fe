// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// The one writer of a database, on a thread of its own: it drains the queue of operations batch by batch. While one
/// batch is being synced the next one gathers by itself, so nothing ever waits for company.
final class SQLiteWriter: Sendable {
    struct Counters {
        var commits = 0
        var operations = 0
    }

    private let queue: Mailbox<PendingWrite>
    private let health: StoreHealth
    private let counted = Mutex(Counters())
    private let ending = Ending()

    var counters: Counters { counted.withLock { $0 } }

    /// Starts the thread, which owns the journal and its connection from here on.
    init(_ open: OpenJournal, bound: Int, checkpointer: SQLiteCheckpointer, health: StoreHealth) {
        queue = Mailbox(bound: bound)
        self.health = health
        let thread = Thread { [queue, ending, weak self] in
            Self.drain(queue, open.journal, checkpointer, health) { operations in
                self?.counted.withLock {
                    $0.commits += 1
                    $0.operations += operations
                }
            }
            open.journal.connection.close()
            ending.come()
        }
        thread.name = "cordon-writer"
        thread.start()
    }

    deinit { queue.close() }

    func store(_ operation: WriteOperation) async throws(StoreError) -> Acceptance {
        let answer = await withCheckedContinuation { waiter in
            let pending = PendingWrite(operation, waiter)
            switch queue.post(pending) {
            case .taken: break
            case .full: pending.answer(.failure(.queueFull))
            case .closed: pending.answer(.failure(.closed))
            }
        }
        return try answer.get()
    }

    /// Lets what is queued be stored; returns when the thread is done and its connection closed.
    func close() async {
        queue.close()
        await ending.wait()
    }

    private static func drain(
        _ queue: Mailbox<PendingWrite>, _ journal: SQLiteJournal, _ checkpointer: SQLiteCheckpointer,
        _ health: StoreHealth, count: (Int) -> Void
    ) {
        var isQuiet = false
        while true {
            let delivery = queue.take(
                upTo: StoreLimits.batchOperationsMax, weighing: StoreLimits.batchBytesMax, each: \.bytes,
                quietAfterMilliseconds: isQuiet ? nil : StoreLimits.idleMilliseconds)
            switch delivery {
            case .items(let batch):
                isQuiet = false
                store(batch, journal, health)
                count(batch.count)
                checkpointer.look(after: journal.connection)
            case .quiet:
                isQuiet = true
                checkpointer.emptyLog()
            case .closed: return
            }
        }
    }

    private static func store(_ batch: [PendingWrite], _ journal: SQLiteJournal, _ health: StoreHealth) {
        if let fault = health.fault { return batch.forEach { $0.answer(.failure(fault)) } }
        do throws(SQLiteFailure) {
            let answers = try journal.store(batch.map(\.operation))
            for (pending, answer) in zip(batch, answers) { pending.answer(answer) }
        } catch {
            let failure = StoreError(error, in: journal.folder.path)
            if error.endsTheStore {
                health.note(failure)
                journal.connection.abandonLog()
            }
            for pending in batch { pending.answer(.failure(failure)) }
        }
    }
}

/// The journal on its way from the thread that opened it to the writer's thread.
///
/// `@unchecked Sendable`: whoever opened it lets go of it when the writer starts.
struct OpenJournal: @unchecked Sendable {
    let journal: SQLiteJournal
}

/// Whether the store can still be believed. A failed sync is final: only a new process that reads the disk again knows
/// what is stored.
final class StoreHealth: Sendable {
    private let first = Mutex<StoreError?>(nil)

    var fault: StoreError? { first.withLock { $0 } }

    /// Remembers the fault that ends the store; only the first counts.
    func note(_ failure: StoreError) { first.withLock { if $0 == nil { $0 = failure } } }
}

extension StoreError {
    static var queueFull: StoreError {
        StoreError(.busy, "\(StoreLimits.queuedWritesMax) writes wait already: try again in a moment")
    }
}
