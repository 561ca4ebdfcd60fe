// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// What people say an alarm was, once they know.
package enum Label: String, Sendable, Hashable, CaseIterable {
    case truePositive = "true_positive"
    case falsePositive = "false_positive"
}

/// A label, as its setter gave it; a later one for the same alert stands instead of it.
package struct Labeling: Sendable, Hashable {
    package var label: Label
    package var by: String
    package var reason: String
    package var at: Instant

    package init(label: Label, by: String, reason: String, at: Instant) {
        self.label = label
        self.by = by
        self.reason = reason
        self.at = at
    }
}

/// From which share of runs that went wrong on a playbook only proposes.
package struct BreakerRule: Sendable, Hashable {
    /// How many of the playbook's latest runs are looked at.
    package var last: Int
    /// 0 to 1.
    package var share: Double
    /// So many must have gone wrong whatever their share is.
    package var atLeast: Int

    package init(last: Int, share: Double, atLeast: Int) {
        self.last = last
        self.share = share
        self.atLeast = atLeast
    }
}

/// One run of a playbook as far as its breaker looks at it.
package struct Trial: Sendable, Hashable {
    package var run: RunID
    package var alert: AlertID
    package var at: Instant
    /// `nil` while it lives: then only its label counts.
    package var ending: Run.Ending?

    package init(run: RunID, alert: AlertID, at: Instant, ending: Run.Ending?) {
        self.run = run
        self.alert = alert
        self.at = at
        self.ending = ending
    }

    package init(_ run: Run) {
        var ending: Run.Ending?
        if case .ended(let how) = run.phase { ending = how }
        self.init(run: run.id, alert: run.alert, at: run.endedAt ?? run.openedAt, ending: ending)
    }
}

/// The latest runs of one playbook, the latest last; each is there once.
package struct TrialBook: Sendable, Hashable {
    package private(set) var trials: [Trial] = []

    package init() {}

    package mutating func add(_ trial: Trial) {
        trials.removeAll { $0.run == trial.run }
        let place = trials.lastIndex { ($0.at, $0.run.text) < (trial.at, trial.run.text) }.map { $0 + 1 } ?? 0
        trials.insert(trial, at: place)
        if trials.count > Limits.trialsKept { trials.removeFirst(trials.count - Limits.trialsKept) }
    }

    /// - Parameter since: the breaker was closed then, by a person who knows of what was before.
    package func count(_ rule: BreakerRule, _ labels: [AlertID: Labeling], since: Instant?) -> BreakerCount {
        var count = BreakerCount()
        let looked = trials.filter { trial in
            (since.map { trial.at > $0 } ?? true) && (trial.ending != nil || labels[trial.alert] != nil)
        }
        for trial in looked.suffix(rule.last) {
            count.of += 1
            switch (labels[trial.alert]?.label, trial.ending) {
            case (.falsePositive, _): count.falsePositives += 1
            case (_, .undone): count.undone += 1
            case (_, .stopped): count.failed += 1
            case (_, .completed), (_, .cancelled), (_, nil): break
            }
        }
        return count
    }
}

package struct BreakerCount: Sendable, Hashable {
    package var of = 0
    package var failed = 0
    package var undone = 0
    package var falsePositives = 0

    package init() {}

    package var wrong: Int { failed + undone + falsePositives }

    package func isOver(_ rule: BreakerRule) -> Bool {
        wrong >= rule.atLeast && Double(wrong) >= rule.share * Double(of)
    }

    package var words: String {
        "of its last \(of) runs \(failed) failed, \(undone) were undone, \(falsePositives) were false alarms"
    }

    package var value: [String: Value] {
        [
            "of": .int(Int64(of)), "failed": .int(Int64(failed)), "undone": .int(Int64(undone)),
            "false_positives": .int(Int64(falsePositives)),
        ]
    }

    package init?(_ body: Value) {
        guard let of = body["of"]?.intValue, let failed = body["failed"]?.intValue,
            let undone = body["undone"]?.intValue, let falsePositives = body["false_positives"]?.intValue
        else { return nil }
        self.of = Int(of)
        self.failed = Int(failed)
        self.undone = Int(undone)
        self.falsePositives = Int(falsePositives)
    }
}

/// A breaker that is open: until a person closes it, with a reason, its playbook only proposes.
package struct OpenBreaker: Sendable, Hashable {
    package var since: Instant
    package var count: BreakerCount

    package init(since: Instant, count: BreakerCount) {
        self.since = since
        self.count = count
    }
}
