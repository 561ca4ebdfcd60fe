// SPDX-License-Identifier: Apache-2.0

/// An identity that a run of a playbook may change: what limits count.
package struct Touch: Sendable, Hashable {
    package var subject: String
    package var playbook: String
    package var kind: Subject.Kind
    package var provider: String
    package var owner: String?
    package var at: Instant

    package init(
        subject: String, playbook: String, kind: Subject.Kind, provider: String, owner: String?, at: Instant
    ) {
        self.subject = subject
        self.playbook = playbook
        self.kind = kind
        self.provider = provider
        self.owner = owner
        self.at = at
    }

    package init(_ subject: Subject, playbook: String, at: Instant) {
        self.init(
            subject: subject.key, playbook: playbook, kind: subject.kind, provider: subject.provider,
            owner: subject.owner, at: at)
    }

    /// Among whom identities are counted.
    package enum Scope: Sendable, Hashable {
        case all
        case playbook(String)
        case provider(String)
        case owner(String)
        case kind(Subject.Kind)

        package var text: String {
            switch self {
            case .all: "all playbooks"
            case .playbook(let name): "playbook \(name)"
            case .provider(let name): "provider \(name)"
            case .owner(let name): "owner \(name)"
            case .kind(let kind): "kind \(kind.rawValue)"
            }
        }
    }

    package func isIn(_ scope: Scope) -> Bool {
        switch scope {
        case .all: true
        case .playbook(let name): playbook == name
        case .provider(let name): provider == name
        case .owner(let name): owner == name
        case .kind(let kind): self.kind == kind
        }
    }
}

/// A touch that is stored only while these bounds hold.
package struct Reservation: Sendable, Hashable {
    package struct Bound: Sendable, Hashable {
        package var scope: Touch.Scope
        package var most: Int

        package init(scope: Touch.Scope, most: Int) {
            self.scope = scope
            self.most = most
        }
    }

    package var touch: Touch
    package var bounds: [Bound]

    package init(touch: Touch, bounds: [Bound]) {
        self.touch = touch
        self.bounds = bounds
    }
}

/// What guards remember of one identity beside that it was touched.
package struct Mark: Sendable, Hashable {
    package enum What: Sendable, Hashable {
        /// A signal made it likelier that something is wrong.
        case risk(add: Double, halfLifeMilliseconds: Int64)
        /// Another actor had put back what a run changed.
        case putBack(capability: String)
    }

    package var what: What
    package var subject: String
    package var playbook: String
    package var at: Instant
    /// The signal, or the run.
    package var cause: String

    package init(what: What, subject: String, playbook: String, at: Instant, cause: String) {
        self.what = what
        self.subject = subject
        self.playbook = playbook
        self.at = at
        self.cause = cause
    }
}

extension Mark {
    /// How long it counts at all.
    var reachMilliseconds: Int64 {
        switch what {
        case .risk(_, let halfLife): halfLife * Limits.riskHalfLivesKept
        case .putBack: Limits.driftWindowMillisecondsMax
        }
    }
}

/// All that guards remember of what one alert gave; stored with it, or not at all.
package struct GuardMarks: Sendable, Hashable {
    package var at: Instant
    package var reservations: [Reservation] = []
    package var marks: [Mark] = []
    /// How many signals each playbook matched.
    package var matched: [String: Int] = [:]

    package init(at: Instant) { self.at = at }

    package var isEmpty: Bool { reservations.isEmpty && marks.isEmpty && matched.isEmpty }

    package mutating func add(_ other: GuardMarks) {
        reservations += other.reservations
        marks += other.marks
        matched.merge(other.matched, uniquingKeysWith: +)
    }
}

/// What guards need to know of what was decided before. A value: the same standing gives the same decision, and what is
/// stored gives the same standing.
package struct Standing: Sendable, Hashable {
    /// How far back each thing is looked at, at most.
    package static let touchMilliseconds: Int64 = 3_600_000
    package static let matchedMilliseconds = Limits.surgeHistoryMilliseconds + Limits.surgeWindowMillisecondsMax
    package static let markMilliseconds = Limits.riskHalfLifeMillisecondsMax * Limits.riskHalfLivesKept

    private struct Pair: Sendable, Hashable {
        var subject: String
        var playbook: String
    }

    private var touches: [Pair: Touch] = [:]
    /// Of `touches`.
    private var tally = TouchTally()
    private var marks: [String: [Mark]] = [:]
    /// Signals that matched, by playbook and minute.
    private var matched: [String: [Int64: Int]] = [:]
    /// The surges that are on: when each was noticed.
    package var surges: [String: Instant] = [:]
    /// The breakers that are open, by playbook.
    package var breakers: [String: OpenBreaker] = [:]
    /// How far each digest was let.
    package var ladder = Ladder()

    package init() {}

    /// All that it remembers of identities, in an order of its own.
    package var allTouches: [Touch] {
        touches.values.sorted { ($0.subject, $0.playbook) < ($1.subject, $1.playbook) }
    }
    package var allMarks: [Mark] { marks.sorted { $0.key < $1.key }.flatMap(\.value) }
    /// By the playbook and the minute.
    package var allMatched: [String: [Int64: Int]] { matched }

    // MARK: Taking in

    package mutating func add(_ touch: Touch) {
        let pair = Pair(subject: touch.subject, playbook: touch.playbook)
        let known = touches[pair]
        if let known, known.at > touch.at { return }
        touches[pair] = touch
        // An identity that moved to another owner is no longer one of the first's.
        if let known, known.scopes != touch.scopes { tally = TouchTally(touches.values) } else { tally.add(touch) }
    }

    /// The same mark is one, also when it comes from the store and from the decision that is on its way there.
    package mutating func add(_ mark: Mark) {
        // Told twice only shortly after another: it is among the latest.
        if marks[mark.subject]?.suffix(Limits.marksCompared).contains(mark) == true { return }
        marks[mark.subject, default: []].append(mark)
    }

    package mutating func addMatched(_ count: Int, of playbook: String, minute: Int64) {
        matched[playbook, default: [:]][minute, default: 0] += count
    }

    package mutating func add(_ all: GuardMarks) {
        for reservation in all.reservations { add(reservation.touch) }
        for mark in all.marks { add(mark) }
        for (playbook, count) in all.matched { addMatched(count, of: playbook, minute: all.at.minute) }
    }

    /// Takes back what was not stored after all. An earlier touch of the same identity goes with it: the store, which
    /// knows it, still refuses what would be one too many.
    package mutating func remove(_ all: GuardMarks) {
        let before = touches.count
        for touch in all.reservations.map(\.touch) {
            let pair = Pair(subject: touch.subject, playbook: touch.playbook)
            if touches[pair] == touch { touches[pair] = nil }
        }
        if touches.count < before { tally = TouchTally(touches.values) }
        for mark in all.marks {
            guard let index = marks[mark.subject]?.lastIndex(of: mark) else { continue }
            marks[mark.subject]?.remove(at: index)
            if marks[mark.subject]?.isEmpty == true { marks[mark.subject] = nil }
        }
        for (playbook, count) in all.matched {
            guard let known = matched[playbook]?[all.at.minute] else { continue }
            matched[playbook]?[all.at.minute] = known > count ? known - count : nil
            if matched[playbook]?.isEmpty == true { matched[playbook] = nil }
        }
    }

    /// Forgets what no window reaches any more, so that it does not grow for ever.
    package mutating func forget(before now: Instant) {
        let kept = touches.filter { now.since($0.value.at) < Self.touchMilliseconds }
        if kept.count < touches.count { (touches, tally) = (kept, TouchTally(kept.values)) }
        for (subject, all) in marks {
            let kept = all.filter { now.since($0.at) < $0.reachMilliseconds }
            marks[subject] = kept.isEmpty ? nil : kept
        }
        let first = now.adding(milliseconds: -Self.matchedMilliseconds).minute
        for (playbook, minutes) in matched {
            let kept = minutes.filter { $0.key >= first }
            matched[playbook] = kept.isEmpty ? nil : kept
        }
    }

    // MARK: Counting

    /// How many distinct identities were touched in the scope within the hour before, but for these.
    package func count(in scope: Touch.Scope, beside subjects: Set<String> = [], at now: Instant) -> Int {
        tally.count(in: scope, from: now.adding(milliseconds: 1 - Self.touchMilliseconds), beside: subjects)
    }

    /// One part of an identity's score: what it was worth, and what is left of it.
    package struct Part: Sendable, Hashable {
        package var mark: Mark
        package var add: Double
        package var left: Double
    }

    /// The parts of the identity's score, the youngest first.
    package func riskParts(of subject: String, at now: Instant) -> [Part] {
        (marks[subject] ?? []).compactMap { mark -> Part? in
            guard case .risk(let add, let halfLife) = mark.what else { return nil }
            let age = max(0, now.since(mark.at))
            guard age < halfLife * Limits.riskHalfLivesKept else { return nil }
            return Part(mark: mark, add: add, left: decayed(add, age, halfLife))
        }
        .sorted { ($0.mark.at, $0.mark.cause) > ($1.mark.at, $1.mark.cause) }
    }

    package func risk(of subject: String, at now: Instant) -> Double {
        // Summed in one order, so that a restart gives the same last digit.
        riskParts(of: subject, at: now).reduce(0) { $0 + $1.left }
    }

    /// The identities that have a score, with it, the gravest first.
    package func risks(at now: Instant) -> [(subject: String, score: Double)] {
        marks.keys.map { ($0, risk(of: $0, at: now)) }.filter { $0.1 > 0 }
            .sorted { ($1.1, $0.0) < ($0.1, $1.0) }
    }

    /// How often another actor put back what was changed of the subject with one of these capabilities.
    package func putBacks(of subject: String, _ capabilities: Set<String>, within: Int64, at now: Instant) -> Int {
        (marks[subject] ?? []).count { mark in
            guard case .putBack(let capability) = mark.what else { return false }
            return capabilities.contains(capability) && now.since(mark.at) < within
        }
    }

    /// The subjects whose changes others put back, with how often.
    package func putBacks(within: Int64, at now: Instant) -> [(subject: String, times: Int)] {
        marks.compactMap { subject, all -> (String, Int)? in
            let times = all.count { mark in
                if case .putBack = mark.what { now.since(mark.at) < within } else { false }
            }
            return times > 0 ? (subject, times) : nil
        }
        .sorted { $0.0 < $1.0 }
    }

    /// What was touched within the hour before.
    package func touched(at now: Instant) -> [Touch] {
        touches.values.filter { now.since($0.at) < Self.touchMilliseconds }
    }

    /// Signals that matched within the window, and the median of the windows of the day before it.
    package func pace(of playbook: String, window: Int64, at now: Instant) -> (matched: Int, median: Double) {
        guard let minutes = matched[playbook] else { return (0, 0) }
        let span = max(1, window / 60_000)
        let windows = max(1, Int(Limits.surgeHistoryMilliseconds / 60_000 / span))
        let last = now.minute
        var sums = [Int](repeating: 0, count: windows + 1)
        for (minute, count) in minutes where minute <= last {
            let index = Int((last - minute) / span)
            if index < sums.count { sums[index] += count }
        }
        let before = sums.dropFirst().sorted()
        let middle = before.count / 2
        let median = before.count % 2 == 1 ? Double(before[middle]) : Double(before[middle - 1] + before[middle]) / 2
        return (sums[0], median)
    }
}

/// Halved once in each half-life.
private func decayed(_ add: Double, _ age: Int64, _ halfLife: Int64) -> Double {
    // Whole half-lives exactly, the rest by the one function: no library of mathematics is needed, and every machine
    // gives the same.
    var left = add
    for _ in 0..<(age / max(1, halfLife)) { left /= 2 }
    let rest = Double(age % max(1, halfLife)) / Double(max(1, halfLife))
    return left * halved(rest)
}

/// 2 to the power of −x for x from 0 to 1: the series of e to the power of −x·ln 2, to the last digit of a double.
private func halved(_ x: Double) -> Double {
    let y = -x * 0.693_147_180_559_945_3
    var term = 1.0
    var sum = 1.0
    for n in 1...20 {
        term *= y / Double(n)
        sum += term
    }
    return sum
}
