// SPDX-License-Identifier: Apache-2.0

package import CordonCore

/// What `accept` did.
package enum Acceptance: Sendable, Hashable {
    case stored
    /// The delivery was known: the id is that of the alert stored first.
    case duplicate(of: AlertID)
}

/// What reading one alert gave; stored in one transaction, once.
package struct Reading: Sendable, Hashable {
    package var alert: AlertID
    /// `read` or `quarantined`.
    package var state: Alert.State
    package var signals: [SignalRecord]
    package var decisions: [DecisionRecord]
    /// Runs that the decisions opened; each a run's first change, with `expectedNumber` 0.
    package var opened: [RunChange]
    /// The alert's own entries (it has one already, from `accept`).
    package var entries: [Entry]
    /// What guards remember of it.
    package var guards: GuardMarks?
    /// What people are told of the decisions themselves; what the runs ask is with the runs.
    package var notices: [NoticeRecord]
    /// What its source closed by it.
    package var closings: [Closing] = []
    /// Which runs, opened by it or joined, are about what of its source.
    package var concerns: [Concern] = []

    package init(
        alert: AlertID, state: Alert.State, signals: [SignalRecord] = [], decisions: [DecisionRecord] = [],
        opened: [RunChange] = [], entries: [Entry], guards: GuardMarks? = nil, notices: [NoticeRecord] = []
    ) {
        self.guards = guards
        self.notices = notices
        self.alert = alert
        self.state = state
        self.signals = signals
        self.decisions = decisions
        self.opened = opened
        self.entries = entries
    }
}

/// An event by its source's own name of it. Compared byte by byte, as a database does: two spellings of one Unicode text
/// are two names.
package struct EventKey: Sendable, Hashable {
    package var source: String
    package var name: String

    package init(source: String, name: String) {
        self.source = source
        self.name = name
    }

    package static func == (left: EventKey, right: EventKey) -> Bool {
        left.source.utf8.elementsEqual(right.source.utf8) && left.name.utf8.elementsEqual(right.name.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        for byte in source.utf8 { hasher.combine(byte) }
        hasher.combine(0xFF as UInt8)  // No byte of UTF-8: it parts the two.
        for byte in name.utf8 { hasher.combine(byte) }
    }
}

package struct SignalRecord: Sendable, Hashable {
    package var id: SignalID
    package var alert: AlertID
    package var kind: String
    package var receivedAt: Instant
    /// JSON of the whole signal.
    package var body: [UInt8]
    /// The event that it tells of, where its source names events. It is told when a signal is stored; a row that is read
    /// comes without.
    package var event: EventKey?

    package init(
        id: SignalID, alert: AlertID, kind: String, receivedAt: Instant, body: [UInt8], event: EventKey? = nil
    ) {
        self.event = event
        self.id = id
        self.alert = alert
        self.kind = kind
        self.receivedAt = receivedAt
        self.body = body
    }
}

package struct DecisionRecord: Sendable, Hashable {
    package var id: DecisionID
    package var signal: SignalID
    package var alert: AlertID
    /// `enforce`, `propose`, `shadow`, `ignore` or `undecided`.
    package var verdict: String
    package var at: Instant
    /// JSON of the whole decision, all inputs included.
    package var body: [UInt8]

    package init(id: DecisionID, signal: SignalID, alert: AlertID, verdict: String, at: Instant, body: [UInt8]) {
        self.id = id
        self.signal = signal
        self.alert = alert
        self.verdict = verdict
        self.at = at
        self.body = body
    }
}

/// A run's row: the columns that queries need, and what gives the run as it stands: a snapshot and the entries after it.
package struct RunRecord: Sendable, Hashable {
    package var id: RunID
    package var decision: DecisionID
    package var alert: AlertID
    package var playbook: String
    package var playbookDigest: String
    package var workflow: String
    package var workflowDigest: String
    /// `Subject.key`, or empty when the subject is not resolved.
    package var subject: String
    package var severity: Signal.Severity
    /// The run's phase, one word: `running`, `asked`, `ended` …
    package var phase: String
    /// What will move the run next: `call`, `timer`, `person`; `nil` only when it has ended.
    package var wake: String?
    /// When its earliest timer is due; indexed.
    package var dueAt: Instant?
    /// The number of the run's last entry.
    package var number: Int
    package var openedAt: Instant
    package var updatedAt: Instant
    package var endedAt: Instant?
    /// JSON of the run's state after entry `snapshotNumber`; folding the run's entries up to there gives the same. In a
    /// change, an empty one leaves what is stored as it is.
    package var snapshot: [UInt8]
    /// 0 where no snapshot is stored: then the entries alone tell the run. In a change it is not looked at.
    package var snapshotNumber: Int
    /// What was read with the row: the entries after the snapshot, up to `number`. In a change it is not looked at.
    package var tail: [Entry]

    package init(
        id: RunID, decision: DecisionID, alert: AlertID, playbook: String, playbookDigest: String, workflow: String,
        workflowDigest: String, subject: String, severity: Signal.Severity, phase: String, wake: String?,
        dueAt: Instant?, number: Int, openedAt: Instant, updatedAt: Instant, endedAt: Instant?, snapshot: [UInt8],
        snapshotNumber: Int? = nil, tail: [Entry] = []
    ) {
        self.id = id
        self.decision = decision
        self.alert = alert
        self.playbook = playbook
        self.playbookDigest = playbookDigest
        self.workflow = workflow
        self.workflowDigest = workflowDigest
        self.subject = subject
        self.severity = severity
        self.phase = phase
        self.wake = wake
        self.dueAt = dueAt
        self.number = number
        self.openedAt = openedAt
        self.updatedAt = updatedAt
        self.endedAt = endedAt
        self.snapshot = snapshot
        self.snapshotNumber = snapshotNumber ?? (snapshot.isEmpty ? 0 : number)
        self.tail = tail
    }
}

/// One compare-and-set step of one run: its next entries and its new row, or nothing.
package struct RunChange: Sendable, Hashable {
    /// The number of the run's last stored entry; 0 opens the run.
    package var expectedNumber: Int
    package var run: RunRecord
    /// Numbered `expectedNumber + 1 ... run.number`.
    package var entries: [Entry]
    /// What guards remember of it; its reservations have no bounds.
    package var guards: GuardMarks?
    /// What people are told of it.
    package var notices: [NoticeRecord]

    package init(
        expectedNumber: Int, run: RunRecord, entries: [Entry], guards: GuardMarks? = nil, notices: [NoticeRecord] = []
    ) {
        self.guards = guards
        self.notices = notices
        self.expectedNumber = expectedNumber
        self.run = run
        self.entries = entries
    }
}

/// A definition's source as its author wrote it, named for ever by the digest of its bytes.
package struct Definition: Sendable, Hashable {
    package typealias Kind = Library.Source.Kind

    /// `sha256:` and hex.
    package var digest: String
    package var kind: Kind
    package var name: String
    package var source: [UInt8]
    package var publishedAt: Instant

    package init(digest: String, kind: Kind, name: String, source: [UInt8], publishedAt: Instant) {
        self.digest = digest
        self.kind = kind
        self.name = name
        self.source = source
        self.publishedAt = publishedAt
    }
}

/// An access token as it is kept: never the token, only a hash of it.
package struct TokenRecord: Sendable, Hashable {
    package var id: String
    package var name: String
    package var role: String
    /// Hex SHA-256 of the token (which holds 256 random bits, so a slow hash would add nothing).
    package var hash: String
    package var createdAt: Instant
    package var expiresAt: Instant?
    package var revokedAt: Instant?

    package init(
        id: String, name: String, role: String, hash: String, createdAt: Instant, expiresAt: Instant? = nil,
        revokedAt: Instant? = nil
    ) {
        self.id = id
        self.name = name
        self.role = role
        self.hash = hash
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.revokedAt = revokedAt
    }
}

/// Rows that are no history, and that the history accounts for: what guards remember, which events are known, and what
/// belongs to no alert.
package struct RememberedRows: Sendable, Hashable {
    package static let orphansMax = 1000

    package var touches: [Touch]
    package var marks: [Mark]
    /// How many signals a playbook matched in a minute.
    package var tallies: [TallyKey: Int]
    package var events: [EventKey: String]
    /// The ids of signals and decisions whose alert is not there, no more than `orphansMax` of them.
    package var orphans: [String] = []

    package init(
        touches: [Touch] = [], marks: [Mark] = [], tallies: [TallyKey: Int] = [:], events: [EventKey: String] = [:]
    ) {
        (self.touches, self.marks, self.tallies, self.events) = (touches, marks, tallies, events)
    }
}

/// One minute of one playbook, counted from 1970.
package struct TallyKey: Sendable, Hashable {
    package var playbook: String
    package var minute: Int64

    package init(playbook: String, minute: Int64) { (self.playbook, self.minute) = (playbook, minute) }
}

/// An entry with its place in the log over all streams.
package struct IndexedEntry: Sendable, Hashable {
    package var index: Int
    package var entry: Entry

    package init(index: Int, entry: Entry) {
        self.index = index
        self.entry = entry
    }
}

package struct AlertQuery: Sendable, Hashable {
    package var id: AlertID?
    package var state: Alert.State?
    package var source: String?
    /// The source's own name of the delivery.
    package var delivery: String?
    /// Only alerts with a smaller id (the next page, newest first) or, oldest first, with a larger one.
    package var beyond: AlertID?
    package var oldestFirst = false
    package var limit = 100

    package init() {}
}

package struct DecisionQuery: Sendable, Hashable {
    package var id: DecisionID?
    package var alert: AlertID?
    package var verdict: String?
    package var beyond: DecisionID?
    package var limit = 100

    package init() {}
}

package struct RunQuery: Sendable, Hashable {
    package var id: RunID?
    package var alert: AlertID?
    package var phase: String?
    package var playbook: String?
    package var subject: String?
    /// Only runs whose `wake` is this word.
    package var wake: String?
    /// Only runs that have not ended.
    package var onlyLive = false
    /// Only live runs whose timer is due at this instant or before; earliest first.
    package var dueBy: Instant?
    /// Whether the entries after each run's snapshot are read with it. Without them a row says what it waits for and is
    /// quickly read, and to fold it is refused.
    package var readsTails = true
    package var beyond: RunID?
    package var oldestFirst = false
    package var limit = 100

    package init() {}
}

/// The store's own health, for `doctor` and the metrics.
package struct Vitals: Sendable, Hashable {
    /// `SQLite 3.40.1, WAL, synchronous=FULL` or the like.
    package var description: String
    package var alerts: Int
    package var runs: Int
    package var liveRuns: Int
    /// Live runs that nothing will ever wake: must be 0.
    package var runsWithoutWake: Int
    package var entries: Int
    package var bytesOnDisk: Int
    /// Transactions committed and operations in them since it was opened.
    package var commits: Int
    package var operations: Int
    /// Notices that nobody was told yet.
    package var noticesWaiting: Int
    /// Why no new work is taken on, with the way out; `nil` while it is.
    package var shortage: String?

    package init(
        description: String, alerts: Int, runs: Int, liveRuns: Int, runsWithoutWake: Int, entries: Int,
        bytesOnDisk: Int, commits: Int, operations: Int, noticesWaiting: Int = 0, shortage: String? = nil
    ) {
        self.noticesWaiting = noticesWaiting
        self.shortage = shortage
        self.description = description
        self.alerts = alerts
        self.runs = runs
        self.liveRuns = liveRuns
        self.runsWithoutWake = runsWithoutWake
        self.entries = entries
        self.bytesOnDisk = bytesOnDisk
        self.commits = commits
        self.operations = operations
    }
}
