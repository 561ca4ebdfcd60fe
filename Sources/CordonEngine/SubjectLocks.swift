// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Lets one task at a time decide about a subject, first come first served. Locks of several subjects are taken in the
/// order of their names, so that no two tasks wait for each other.
struct SubjectLocks: ~Copyable, Sendable {
    /// Who waits for each subject that is taken.
    private let taken = Mutex<[String: [CheckedContinuation<Void, Never>]]>([:])

    func whileLocked<Answer: Sendable>(
        _ subjects: Set<String>, _ deed: () async throws -> Answer
    ) async rethrows -> Answer {
        let names = subjects.sorted()
        for name in names { await take(name) }
        defer { for name in names { release(name) } }
        return try await deed()
    }

    private func take(_ name: String) async {
        await withCheckedContinuation { continuation in
            let isFree = taken.withLock { taken in
                guard taken[name] != nil else {
                    taken[name] = []
                    return true
                }
                taken[name]?.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    private func release(_ name: String) {
        let next = taken.withLock { taken -> CheckedContinuation<Void, Never>? in
            guard var waiting = taken[name], !waiting.isEmpty else {
                taken[name] = nil
                return nil
            }
            let first = waiting.removeFirst()
            taken[name] = waiting
            return first
        }
        next?.resume()
    }
}
