// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonStore
import Synchronization

/// When each receiver's next notice is due, as far as this process knows; the store knows all of it.
final class NoticeDesk: Sendable {
    private let next = Mutex<[String: Instant]>([:])

    /// They are stored.
    func note(_ notices: [NoticeRecord]) {
        guard !notices.isEmpty else { return }
        next.withLock { next in
            for notice in notices {
                next[notice.endpoint] = min(next[notice.endpoint] ?? notice.dueAt, notice.dueAt)
            }
        }
    }

    func isDue(_ endpoint: String, at now: Instant) -> Bool {
        next.withLock { $0[endpoint].map { $0 <= now } ?? false }
    }

    /// Forgets what is due by now; what is due later, and what comes meanwhile, is noted anew.
    func take(_ endpoint: String) { next.withLock { $0[endpoint] = nil } }

    func note(_ endpoint: String, due: Instant) {
        next.withLock { $0[endpoint] = min($0[endpoint] ?? due, due) }
    }
}
