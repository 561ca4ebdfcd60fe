// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonLanguage
package import CordonStore
import Synchronization

/// Appends to a stream of the history that belongs to no row. Another writer may be first: then it reads on.
package final class StreamWriter: Sendable {
    /// Who read or exported what, and why.
    package static let custody = "custody"

    private static let pageRows = 500

    package let stream: String
    private let store: any Store
    private let clock: any WallClock
    private let last = Mutex(0)

    package init(_ stream: String, store: any Store, clock: any WallClock) {
        self.stream = stream
        self.store = store
        self.clock = clock
    }

    /// Durable when it returns.
    @discardableResult
    package func append(_ kind: String, _ body: Value) async throws(StoreError) -> Entry {
        while true {
            let number = try await lastNumber() + 1
            let entry = Chronicle().entry(stream, number, clock.now, kind, body)
            do throws(StoreError) {
                try await store.note(entry)
                last.withLock { $0 = max($0, number) }
                return entry
            } catch {
                // Somebody took the number: what there is now is read again.
                guard error.code == .conflict else { throw error }
            }
        }
    }

    private func lastNumber() async throws(StoreError) -> Int {
        var seen = last.withLock { $0 }
        while true {
            let page = try await store.history(stream, from: seen + 1, limit: StreamWriter.pageRows)
            seen = page.last?.entry.number ?? seen
            guard page.count == StreamWriter.pageRows else { break }
        }
        let found = seen
        last.withLock { $0 = max($0, found) }
        return found
    }
}
