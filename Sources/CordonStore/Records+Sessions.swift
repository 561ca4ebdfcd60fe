// SPDX-License-Identifier: Apache-2.0

package import CordonCore

/// An agent session's row: the snapshot that the system runs on, and the columns that queries need.
package struct SessionRecord: Sendable, Hashable {
    package var id: String
    /// The first of those that delegated to it; itself when nobody did.
    package var root: String
    /// The number of its stream's last entry.
    package var number: Int
    package var openedAt: Instant
    package var updatedAt: Instant
    package var closedAt: Instant?
    /// JSON of the session's state; folding its entries gives the same.
    package var snapshot: [UInt8]

    package init(
        id: String, root: String, number: Int, openedAt: Instant, updatedAt: Instant, closedAt: Instant?,
        snapshot: [UInt8]
    ) {
        self.id = id
        self.root = root
        self.number = number
        self.openedAt = openedAt
        self.updatedAt = updatedAt
        self.closedAt = closedAt
        self.snapshot = snapshot
    }
}

/// One compare-and-set step of one session: its next entries and its new row, or nothing.
package struct SessionCommit: Sendable, Hashable {
    /// The number of its last stored entry; 0 opens it.
    package var expectedNumber: Int
    package var session: SessionRecord
    /// Numbered `expectedNumber + 1 ... session.number`.
    package var entries: [Entry]
    /// What receivers are told of it.
    package var notices: [NoticeRecord]

    package init(expectedNumber: Int, session: SessionRecord, entries: [Entry], notices: [NoticeRecord] = []) {
        self.notices = notices
        self.expectedNumber = expectedNumber
        self.session = session
        self.entries = entries
    }
}

/// One page of sessions in the order of their ids.
package struct SessionQuery: Sendable, Hashable {
    package var id: String?
    /// Only those whose root is not closed, the closed ones among them too.
    package var onlyLive = false
    package var beyond: String?
    package var limit = 100

    package init() {}
}

extension SessionCommit {
    func requireShape() {
        precondition(!entries.isEmpty, "a session's change holds at least one entry: its number is what is compared")
        precondition(
            session.number == expectedNumber + entries.count, "a session's number is that of its last entry")
        for (offset, entry) in entries.enumerated() {
            precondition(
                entry.stream == AgentSession.stream(of: session.id) && entry.number == expectedNumber + offset + 1,
                "a session's entries stand in its own stream, numbered without gaps")
        }
    }
}

extension StoreError {
    static func overtaken(_ change: SessionCommit) -> StoreError {
        StoreError(
            .conflict, "session \(change.session.id) no longer stands at entry \(change.expectedNumber): read it again")
    }
}
