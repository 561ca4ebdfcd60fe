// SPDX-License-Identifier: Apache-2.0

package import CordonCore
import CordonLanguage
package import CordonStore

// How long it takes until what an alert tells of is contained, measured for each run whose playbook has an objective.

extension Engine {
    /// Counts a containment that this transition brought, by the playbook that is in force.
    func countContainment(_ transition: Transition, at now: Instant) {
        let finished = transition.events.compactMap { event -> String? in
            if case .stepFinished(let step, _, _) = event { step } else { nil }
        }
        guard !finished.isEmpty else { return }
        let run = transition.run
        guard let playbook = library.playbooks.first(where: { $0.name == run.playbook.name }),
            let step = playbook.containedBy, finished.contains(step),
            let within = playbook.containedWithinMilliseconds, let arrivedAt = run.alert.arrivedAt
        else { return }
        let objective = Objective(step, withinMilliseconds: within, run, receivedAt: arrivedAt, at: now)
        guard let after = objective.containedAfterMilliseconds else { return }
        count { $0.contained(after: after, isLate: objective.state == .missed) }
    }
}

extension Store {
    /// How a run stands against the objective of the playbook that it is pinned to; `nil` for one without.
    package func objective(of run: Run, at now: Instant) async throws(StoreError) -> Objective? {
        guard let stored = try await definition(run.playbook.digest),
            let said = Playbook.objective(in: stored.source), let step = said.step, let within = said.milliseconds,
            let arrivedAt = run.alert.arrivedAt
        else { return nil }
        return Objective(step, withinMilliseconds: within, run, receivedAt: arrivedAt, at: now)
    }
}

extension Counts {
    /// Seconds up to which containments are counted.
    static let containmentBounds: [Int64] = [1, 5, 15, 60, 300, 900, 3600]

    mutating func contained(after milliseconds: Int64, isLate: Bool) {
        if isLate { objectivesMissed += 1 } else { objectivesMet += 1 }
        containmentMilliseconds += milliseconds
        let bound = Counts.containmentBounds.firstIndex { milliseconds <= $0 * 1000 }
        if let bound { containments[bound, default: 0] += 1 }
    }

    /// A histogram of Prometheus: each bucket holds those of the smaller ones too.
    var containmentText: String {
        let name = "cordon_containment_seconds"
        var out = "# HELP \(name) From an alert's arrival to the end of the step that contains, by the objective.\n"
        out += "# TYPE \(name) histogram\n"
        var sum = 0
        for (place, bound) in Counts.containmentBounds.enumerated() {
            sum += containments[place] ?? 0
            out += "\(name)_bucket{le=\"\(bound)\"} \(sum)\n"
        }
        let all = objectivesMet + objectivesMissed
        out += "\(name)_bucket{le=\"+Inf\"} \(all)\n"
        out += "\(name)_sum \(Double(containmentMilliseconds) / 1000)\n\(name)_count \(all)\n"
        return out
    }
}
