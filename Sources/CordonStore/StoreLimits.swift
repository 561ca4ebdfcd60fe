// SPDX-License-Identifier: Apache-2.0

/// Every bound of the stores, by name.
package enum StoreLimits {
    // Writing
    /// Writes that wait for the writer; one more is refused with `busy`.
    package static let queuedWritesMax = 4096
    /// Operations that share one transaction and one sync.
    package static let batchOperationsMax = 256
    package static let batchBytesMax = 2 * 1024 * 1024
    /// Below this much free disk no new work is taken on, so that what has begun can be finished.
    package static let freeBytesMin = 64 * 1024 * 1024

    /// Closings that one more lets go of, of those that are old or too many.
    package static let closingsForgottenAtOnce = 16

    // Reading
    /// Rows that one page can hold, whatever a query asks for.
    package static let rowsPerPageMax = 10_000
    package static let queuedReadsMax = 4096
    package static let readersDefault = 2
    /// Statements that one connection keeps prepared.
    package static let preparedStatementsMax = 128

    // The write-ahead log
    /// Pages in the log after which the checkpoint thread copies them into the database.
    package static let checkpointPages = 4000
    /// Pages in the log after which the writer itself finishes the copying, so that the log can start over.
    package static let walPagesMax = 16_000
    /// Quiet time after which the log is emptied.
    package static let idleMilliseconds = 2000
    /// How long a connection waits for a lock of another process.
    package static let lockWaitMilliseconds: Int32 = 5000
    package static let writerCacheKibibytes = 32 * 1024
    package static let readerCacheKibibytes = 8 * 1024
}
