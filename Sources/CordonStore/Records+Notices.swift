// SPDX-License-Identifier: Apache-2.0

package import CordonCore

/// One notice for one endpoint: what is to be told, and how far that has come. Stored in the commit of what it tells.
package struct NoticeRecord: Sendable, Hashable {
    package enum State: String, Sendable, Hashable, CaseIterable {
        case waiting, delivered
        /// It could not be delivered in its time.
        case failed
        /// Nobody had to be told any more.
        case moot
        /// Delivered, and what it told of is settled.
        case closed
    }

    /// What the endpoints begin with that are programs: they are told of sessions by security events, in the order in
    /// which these were stored.
    package static let programPrefix = "receiver:"

    package var key: String
    /// The channel, and where it reaches several people, the one of them.
    package var endpoint: String
    package var run: RunID?
    /// What is gathered when there is much of it.
    package var topic: String
    package var madeAt: Instant
    /// When it is to be told, or tried again.
    package var dueAt: Instant
    package var state: State
    package var settledAt: Instant?
    package var attempts: Int
    /// The message that it went out in, with others perhaps.
    package var message: String?
    /// Why the last try failed.
    package var problem: String?
    /// JSON of the notice.
    package var body: [UInt8]

    package init(
        key: String, endpoint: String, run: RunID?, topic: String, madeAt: Instant, dueAt: Instant,
        state: State = .waiting, settledAt: Instant? = nil, attempts: Int = 0, message: String? = nil,
        problem: String? = nil, body: [UInt8]
    ) {
        self.key = key
        self.endpoint = endpoint
        self.run = run
        self.topic = topic
        self.madeAt = madeAt
        self.dueAt = dueAt
        self.state = state
        self.settledAt = settledAt
        self.attempts = attempts
        self.message = message
        self.problem = problem
        self.body = body
    }
}

extension NoticeRecord {
    package var isForPeople: Bool { !endpoint.hasPrefix(NoticeRecord.programPrefix) }
}

/// One page of notices: the newest first, or where `dueBy` is given the longest due first.
package struct NoticeQuery: Sendable, Hashable {
    /// `nil`: all that reach people, and none for programs (`NoticeRecord.programPrefix`).
    package var endpoint: String?
    package var state: NoticeRecord.State?
    package var run: RunID?
    package var message: String?
    /// Only waiting ones that are due at this instant or before.
    package var dueBy: Instant?
    package var limit = 100

    package init() {}
}

extension Store {
    package func note(_ entry: Entry) async throws(StoreError) { try await note(entry, notices: []) }
}
