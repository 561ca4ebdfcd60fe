// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// What is to be done about one signal, and every reason for it.
package struct Decision: Sendable, Hashable, Named {
    package static var prefix: String { "dec_" }

    package enum Verdict: String, Sendable, Hashable, CaseIterable {
        case enforce
        case propose
        case shadow
        case ignore
        /// A guard forbids it: nothing is done, and nobody can agree to it.
        case deny
        /// Nothing certain to act on: a person is asked.
        case undecided
    }

    /// One thing that was weighed, with the numbers and values used.
    package struct Reason: Sendable, Hashable {
        /// `trigger`, `subject`, `mode`: the guard that spoke.
        package var guardName: String
        package var verdict: Verdict
        package var because: String
        package var inputs: Value

        package init(guardName: String, verdict: Verdict, because: String, inputs: Value = .null) {
            self.guardName = guardName
            self.verdict = verdict
            self.because = because
            self.inputs = inputs
        }
    }

    /// What one playbook makes of the signal.
    package struct Match: Sendable, Hashable {
        package var playbook: Run.Pin
        package var workflow: Run.Pin
        package var verdict: Verdict
        package var reasons: [Reason]
        package var resolution: Resolution
        /// The run it opens, when it opens one.
        package var run: RunID?
        /// The live run that the signal joins instead.
        package var joins: RunID?

        package init(
            playbook: Run.Pin, workflow: Run.Pin, verdict: Verdict, reasons: [Reason], resolution: Resolution,
            run: RunID? = nil
        ) {
            self.playbook = playbook
            self.workflow = workflow
            self.verdict = verdict
            self.reasons = reasons
            self.resolution = resolution
            self.run = run
        }
    }

    package var id: DecisionID
    package var signal: SignalID
    package var alert: AlertID
    package var at: Instant
    /// The gravest of the matches; `ignore` when no playbook's trigger holds.
    package var verdict: Verdict
    package var matches: [Match]
    /// How many playbooks were asked, and under which inventory.
    package var playbooksAsked: Int
    package var inventoryDigest: String

    package init(
        id: DecisionID, signal: SignalID, alert: AlertID, at: Instant, verdict: Verdict, matches: [Match],
        playbooksAsked: Int, inventoryDigest: String
    ) {
        self.id = id
        self.signal = signal
        self.alert = alert
        self.at = at
        self.verdict = verdict
        self.matches = matches
        self.playbooksAsked = playbooksAsked
        self.inventoryDigest = inventoryDigest
    }
}

extension Decision {
    package var value: Value {
        [
            "id": .string(id.text), "signal": .string(signal.text), "alert": .string(alert.text),
            "at": .string(at.description), "verdict": .string(verdict.rawValue),
            "matches": .array(matches.map(\.value)), "playbooks_asked": .int(Int64(playbooksAsked)),
            "inventory": .string(inventoryDigest),
        ]
    }
}

extension Decision.Match {
    package var value: Value {
        record([
            "playbook": playbook.value, "workflow": workflow.value, "verdict": .string(verdict.rawValue),
            "reasons": .array(reasons.map(\.value)), "subject": resolution.value, "run": run.map { .string($0.text) },
            "joins": joins.map { .string($0.text) },
        ])
    }
}

extension Decision.Reason {
    package var value: Value {
        record([
            "guard": .string(guardName), "verdict": .string(verdict.rawValue), "because": .string(because),
            "inputs": inputs == .null ? nil : inputs,
        ])
    }
}

extension Signal {
    package var value: Value {
        record([
            "id": .string(id.text), "alert": .string(alert.text), "source": .string(source), "kind": .string(kind),
            "received_at": .string(receivedAt.description), "occurred_at": occurredAt.map { .string($0.description) },
            "severity": .string(severity.rawValue), "confidence": confidence.map(Value.double),
            "attributes": attributes,
            "event_key": eventKey.map(Value.string), "about": about?.value,
        ])
    }
}
