// SPDX-License-Identifier: Apache-2.0

/// One session of an agent: what was approved for it, what it has used, and what may still be done in it.
///
/// `handle` decides and changes nothing, `apply` changes and decides nothing; folding the entries of its stream gives
/// its state. What its parents may do holds for it too: that is the book's to say, not the session's.
package struct AgentSession: Sendable, Hashable {
    package private(set) var opening: Opening
    /// The first of those that delegated to it; itself when nobody did.
    package private(set) var root: String
    /// How many delegated before it.
    package private(set) var depth: Int
    /// Which runtime opened it, by the name of its token.
    package private(set) var runtime: String
    package private(set) var openedAt: Instant
    /// What is approved now: `opening.approved` and its extensions.
    package internal(set) var approved: Approval
    /// What it used itself, as the history last tells.
    package internal(set) var used = Usage()
    package internal(set) var isolation: Mark?
    package internal(set) var limit = Limit.none
    /// Who set the limit that stands.
    package internal(set) var limitation: Mark?
    /// The crossings for which an alert was made.
    package internal(set) var raised: Set<Crossing> = []
    /// The idempotency keys of its extensions.
    package internal(set) var extensions: Set<String> = []
    package internal(set) var sawSkew = false
    package internal(set) var closing: Mark?
    /// Counts the changes of what may be done in it: what a change is compared with.
    package internal(set) var revision = 1
    /// The number of its stream's last entry.
    package internal(set) var number = 1

    package init(_ opening: Opening, root: String, depth: Int, runtime: String, at now: Instant) {
        self.opening = opening
        self.root = root
        self.depth = depth
        self.runtime = runtime
        openedAt = now
        approved = opening.approved
    }

    package var id: String { opening.id }
    package var isClosed: Bool { closing != nil }
    /// Its stream in the history.
    package var stream: String { AgentSession.stream(of: id) }

    package static func stream(of id: String) -> String { "ses_" + id }

    /// What holds for this one alone.
    package var ownState: State {
        if isClosed { return .closed }
        if isolation != nil { return .isolated }
        switch limit {
        case .none: return .open
        case .slow: return .slow
        case .readOnly: return .readOnly
        }
    }
}

extension AgentSession {
    /// What its runtime says once, and its owner approved.
    package struct Opening: Sendable, Hashable {
        package var id: String
        package var agent: String
        package var owner: String
        package var approver: String?
        /// Whose ids of sessions these are, where alerts say it.
        package var issuer: String?
        package var parent: String?
        package var scope: [String]
        package var resources: [String]
        package var approved: Approval
        package var whenExceeded: WhenExceeded

        package init(
            id: String, agent: String, owner: String, approver: String? = nil, issuer: String? = nil,
            parent: String? = nil, scope: [String] = [], resources: [String] = [], approved: Approval,
            whenExceeded: WhenExceeded = .allow
        ) {
            self.id = id
            self.agent = agent
            self.owner = owner
            self.approver = approver
            self.issuer = issuer
            self.parent = parent
            self.scope = scope
            self.resources = resources
            self.approved = approved
            self.whenExceeded = whenExceeded
        }
    }

    /// What enforcement points are told from the moment that a boundary is passed, before any run decides.
    package enum WhenExceeded: String, Sendable, Hashable, CaseIterable {
        case allow
        case readOnly = "read_only"
        case stepUp = "step_up"
        case deny
    }

    package enum Limit: String, Sendable, Hashable, CaseIterable {
        case none
        case slow
        case readOnly = "read_only"
    }

    /// In the order of strictness.
    package enum State: String, Sendable, Hashable, CaseIterable, Comparable {
        case open
        case slow
        case readOnly = "read_only"
        case isolated
        case closed

        private var rank: Int { State.allCases.firstIndex(of: self) ?? 0 }

        package static func < (left: State, right: State) -> Bool { left.rank < right.rank }
    }

    package enum Boundary: String, Sendable, Hashable, CaseIterable {
        case duration
        case bytes
        case calls
    }

    package struct Approval: Sendable, Hashable {
        package var durationSeconds: Int64
        /// `nil`: not bounded.
        package var bytes: Int64?
        package var calls: Int64?

        package init(durationSeconds: Int64, bytes: Int64? = nil, calls: Int64? = nil) {
            self.durationSeconds = durationSeconds
            self.bytes = bytes
            self.calls = calls
        }

        package subscript(_ boundary: Boundary) -> Int64? {
            switch boundary {
            case .duration: durationSeconds
            case .bytes: bytes
            case .calls: calls
            }
        }
    }

    /// What is added to an approval.
    package struct Extension: Sendable, Hashable {
        package var durationSeconds: Int64
        package var bytes: Int64
        package var calls: Int64

        package init(durationSeconds: Int64 = 0, bytes: Int64 = 0, calls: Int64 = 0) {
            self.durationSeconds = durationSeconds
            self.bytes = bytes
            self.calls = calls
        }
    }

    /// Totals since it was opened.
    package struct Usage: Sendable, Hashable {
        package var bytes: Int64
        package var calls: Int64

        package init(bytes: Int64 = 0, calls: Int64 = 0) {
            self.bytes = bytes
            self.calls = calls
        }

        /// Totals only grow: a report that comes late changes nothing.
        package func joined(_ other: Usage) -> Usage {
            Usage(bytes: max(bytes, other.bytes), calls: max(calls, other.calls))
        }

        package func adding(_ other: Usage) -> Usage {
            Usage(
                bytes: clamped(bytes.addingReportingOverflow(other.bytes)),
                calls: clamped(calls.addingReportingOverflow(other.calls)))
        }
    }

    /// A boundary passed: at level 1 the whole of what was approved, at each further one twice the level before.
    package struct Crossing: Sendable, Hashable {
        package var boundary: Boundary
        package var approved: Int64
        package var level: Int

        package init(boundary: Boundary, approved: Int64, level: Int) {
            self.boundary = boundary
            self.approved = approved
            self.level = level
        }
    }

    /// Who did something to a session, why, and when.
    package struct Mark: Sendable, Hashable {
        package var by: String
        package var reason: String
        package var at: Instant

        package init(by: String, reason: String, at: Instant) {
            self.by = by
            self.reason = reason
            self.at = at
        }
    }

    /// Who asks for a change.
    package struct Act: Sendable, Hashable {
        package var by: String
        package var reason: String
        /// The idempotency key of the call that asks, which the run's history names too.
        package var key: String?

        package init(by: String, reason: String, key: String? = nil) {
            self.by = by
            self.reason = reason
            self.key = key
        }
    }
}

private func clamped(_ sum: (partialValue: Int64, overflow: Bool)) -> Int64 { sum.overflow ? .max : sum.partialValue }

extension AgentSession.Opening {
    /// What names a session: it stands in paths, in the history and in requests of enforcement points.
    package static func isID(_ text: String) -> Bool {
        (1...Limits.sessionIDBytesMax).contains(text.utf8.count) && text.first != "."
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
