// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// How long one run took to its four ends, as its lines tell; what did not happen has no time.
package struct RunTimes: Sendable, Hashable {
    package var run: String
    package var playbook: String
    package var subject: String
    /// From what happened, as the source says, to the alert's arrival.
    package var detect: Int64?
    /// From the alert's arrival to the decision.
    package var decide: Int64
    /// From the alert's arrival to the end of the step that contains: the objective's, or the first that changes anything.
    package var contain: Int64?
    /// From the containment to the end of the last step that undid something of it.
    package var restore: Int64?
    /// Containment within this span is the playbook's objective.
    package var within: Int64?

    /// - Parameter objective: the step that contains, and the span, as the playbook says them.
    package init(
        run: String, playbook: String, subject: String, occurredAt: Instant?, receivedAt: Instant, decidedAt: Instant,
        lines: [(at: Instant, event: Event)], objective: (step: String?, within: Int64?)
    ) {
        (self.run, self.playbook, self.subject) = (run, playbook, subject)
        detect = occurredAt.map { receivedAt.since($0) }
        decide = decidedAt.since(receivedAt)
        within = objective.within
        var changing: Set<String> = []
        var containedAt: Instant?
        var restoredAt: Instant?
        for (at, event) in lines {
            switch event {
            case .callIntended(let step, let call):
                if call.purpose == .act, call.effectClass.isWrite { changing.insert(step) }
            case .stepFinished(let step, _, _):
                if step != Step.forwardID(of: step) {
                    restoredAt = at
                } else if containedAt == nil, objective.step.map({ $0 == step }) ?? changing.contains(step) {
                    containedAt = at
                }
            default: continue
            }
        }
        contain = containedAt.map { $0.since(receivedAt) }
        if let containedAt, let restoredAt, restoredAt >= containedAt { restore = restoredAt.since(containedAt) }
    }

    /// Whether it contained later than its playbook's objective.
    package var isLate: Bool {
        guard let contain, let within else { return false }
        return contain > within
    }
}

/// Times of many runs: how many, the middle one, the one below which 95 of 100 lie, the longest.
package struct TimeSpread: Sendable, Hashable {
    package let count: Int
    package let median: Int64
    package let p95: Int64
    package let max: Int64

    /// Nothing of no times. Each figure is one of the times: the nearest rank.
    package init?(_ times: [Int64]) {
        let sorted = times.sorted()
        guard let last = sorted.last else { return nil }
        func rank(_ percent: Int) -> Int64 { sorted[(sorted.count * percent + 99) / 100 - 1] }
        (count, median, p95, max) = (sorted.count, rank(50), rank(95), last)
    }

    package var value: Value {
        [
            "count": .int(Int64(count)), "median_ms": .int(median), "p95_ms": .int(p95), "max_ms": .int(max),
        ]
    }
}

/// What a report says of one group of runs: a playbook's or an identity's.
package struct TimesReport: Sendable {
    package enum Grouping: String, Sendable, CaseIterable { case playbook, identity }

    /// One row for each group, in the order of their names.
    package static func rows(_ times: [RunTimes], by grouping: Grouping) -> [Value] {
        let groups = Dictionary(grouping: times) { grouping == .playbook ? $0.playbook : $0.subject }
        return groups.sorted { $0.key < $1.key }.map { name, runs in
            func spread(_ part: (RunTimes) -> Int64?) -> Value {
                TimeSpread(runs.compactMap(part))?.value ?? .null
            }
            return [
                grouping.rawValue: .string(name), "runs": .int(Int64(runs.count)), "detect": spread(\.detect),
                "decide": spread(\.decide), "contain": spread(\.contain), "restore": spread(\.restore),
                "not_contained": .int(Int64(runs.count { $0.contain == nil })),
                "late": .array(runs.filter(\.isLate).map { .string($0.run) }),
            ]
        }
    }
}
