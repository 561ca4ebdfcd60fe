// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// Copies the write-ahead log into the database on a thread and a connection of its own, so that no commit waits for
/// it; the writer lends a hand only when the log outgrows its bound, because under steady load only a moment without
/// writing lets the log start over.
final class SQLiteCheckpointer: Sendable {
    private enum Request { case copy, empty }

    private let requests = Mailbox<Request>(bound: 4)
    /// The log's size at which the next request is due.
    private let nextAt = Mutex(StoreLimits.checkpointPages)
    private let ending = Ending()

    init(_ connection: SQLiteConnection, folder: String, health: StoreHealth) {
        let thread = Thread { [requests, ending] in
            while case .items(let asked) = requests.take(upTo: 1, quietAfterMilliseconds: nil) {
                if health.fault != nil { continue }
                do throws(SQLiteFailure) {
                    _ = try connection.checkpoint(truncates: asked.contains(.empty))
                } catch {
                    // No room is no harm here: what could not be copied stays in the log.
                    if error.endsTheStore { health.note(StoreError(error, in: folder)) }
                }
            }
            if health.fault != nil { connection.abandonLog() }
            connection.close()
            ending.come()
        }
        thread.name = "cordon-checkpoint"
        thread.start()
    }

    deinit { requests.close() }

    /// Called by the writer between two batches.
    func look(after writer: SQLiteConnection) {
        let pages = writer.walPages
        let isDue = nextAt.withLock { next in
            if pages < StoreLimits.checkpointPages { next = StoreLimits.checkpointPages }
            guard pages >= next else { return false }
            next = pages + StoreLimits.checkpointPages
            return true
        }
        if isDue { _ = requests.post(.copy) }
        guard pages >= StoreLimits.walPagesMax else { return }
        // Busy means that the other thread is copying just now; anything worse the next commit will meet too.
        _ = try? writer.checkpoint(truncates: false)
    }

    func emptyLog() { _ = requests.post(.empty) }

    func close() async {
        requests.close()
        await ending.wait()
    }
}
