// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// One remediation, as a value: `handle` decides and changes nothing, `apply` changes and decides nothing.
///
/// Folding the events of a run gives the run (`Run.fold`). What is to be done next follows from the state alone
/// (`commands`), so a command that was lost is found by looking.
package struct Run: Sendable, Hashable, Named {
    package static var prefix: String { "run_" }

    package enum Phase: Sendable, Hashable {
        case running
        /// Waits for a person.
        case asked(Ask)
        case ended(Ending)
    }

    /// A name with the digest of what it named when the run was opened.
    package struct Pin: Sendable, Hashable {
        package var name: String
        package var digest: String

        package init(name: String, digest: String) {
            self.name = name
            self.digest = digest
        }
    }

    /// What a person is asked, and why.
    package struct Ask: Sendable, Hashable {
        package enum Kind: String, Sendable, Hashable, CaseIterable {
            /// The playbook proposes; an approver says go.
            case proposal
            /// Nobody knows whether a call took effect.
            case unknownOutcome = "unknown_outcome"
            /// A step can't go on: refused, out of tries, not effective, undecided.
            case stoppedStep = "stopped_step"
            /// The alert's subject is unknown or ambiguous, or the trigger gave no answer.
            case undecided
            /// An operator paused it.
            case paused
        }

        package var kind: Kind
        package var step: String?
        package var reason: String

        package init(kind: Kind, step: String? = nil, reason: String) {
            self.kind = kind
            self.step = step
            self.reason = reason
        }
    }

    package enum Ending: String, Sendable, Hashable, CaseIterable {
        /// Every step finished or was skipped.
        case completed
        /// A person ended it before its end; what it had done stands.
        case cancelled
    }

    // Fixed when it is opened.
    package var id: RunID
    package var decision: DecisionID
    package var signal: SignalID
    package var alert: AlertID
    package var playbook: Pin
    package var workflow: Pin
    package var subject: Subject?
    package var severity: Signal.Severity
    package var inputs: Value
    package var openedAt: Instant

    // What changes.
    package var phase: Phase
    package var steps: [Step]
    /// Who asked for the run's end while a call was still open: it ends when the call's outcome is stored.
    package var cancelRequestedBy: String?
    package var updatedAt: Instant
    package var endedAt: Instant?
    /// The number of its last entry.
    package var number: Int

    package init(opening: Opening, at now: Instant) {
        id = opening.id
        decision = opening.decision
        signal = opening.signal
        alert = opening.alert
        playbook = opening.playbook
        workflow = opening.workflow
        subject = opening.subject
        severity = opening.severity
        inputs = opening.inputs
        openedAt = now
        phase = .running
        steps = opening.steps.map(Step.init(id:))
        updatedAt = now
        number = 0
    }

    package func step(_ id: String) -> Step? { steps.first { $0.id == id } }
}

/// What a run begins with; the body of its first event.
package struct Opening: Sendable, Hashable {
    package var id: RunID
    package var decision: DecisionID
    package var signal: SignalID
    package var alert: AlertID
    package var playbook: Run.Pin
    package var workflow: Run.Pin
    package var subject: Subject?
    package var severity: Signal.Severity
    package var inputs: Value
    /// The ids of the workflow's steps, in order.
    package var steps: [String]
    /// Set when a person is asked before anything is done.
    package var gate: Run.Ask?

    package init(
        id: RunID, decision: DecisionID, signal: SignalID, alert: AlertID, playbook: Run.Pin, workflow: Run.Pin,
        subject: Subject?, severity: Signal.Severity, inputs: Value, steps: [String], gate: Run.Ask? = nil
    ) {
        self.id = id
        self.decision = decision
        self.signal = signal
        self.alert = alert
        self.playbook = playbook
        self.workflow = workflow
        self.subject = subject
        self.severity = severity
        self.inputs = inputs
        self.steps = steps
        self.gate = gate
    }
}

/// What moves a run. Present tense; nothing here is stored as such.
package enum RunInput: Sendable, Hashable {
    case callReturned(step: String, number: Int, Outcome)
    /// Some timer of the run is due.
    case timerFired
    /// A person lets it go on: approves the proposal, or has the stopped step tried anew.
    case resume(by: String, reason: String)
    /// A person ends it; what was done stands.
    case cancel(by: String, reason: String)
    /// A person says what became of the call whose outcome is unknown.
    case resolve(tookEffect: Bool, by: String, reason: String)
}

/// What is to be done for a run now. Imperative; follows from the state.
package enum Command: Sendable, Hashable {
    case perform(step: String, Call)
    case wake(at: Instant)
}

/// Why a live run will move again; committed with every state.
package enum Wake: Sendable, Hashable {
    case call
    case timer(Instant)
    case person

    package var word: String {
        switch self {
        case .call: "call"
        case .timer: "timer"
        case .person: "person"
        }
    }
}

extension Run {
    package var isLive: Bool { endedAt == nil }

    /// What follows from the state: the open calls, and the earliest timer.
    package var commands: [Command] {
        guard case .running = phase else { return [] }
        return steps.compactMap { step in
            switch step.phase {
            case .calling(let call): .perform(step: step.id, call)
            case .backingOff(let backOff): .wake(at: backOff.until)
            case .pending, .uncertain, .finished, .skipped, .stopped: nil
            }
        }
    }

    /// `nil` only for a run that has ended; the store counts live runs without one, and the count must be 0.
    package var wake: Wake? {
        switch phase {
        case .ended: return nil
        case .asked: return .person
        case .running:
            var earliest: Instant?
            for command in commands {
                switch command {
                case .perform: return .call
                case .wake(let at): earliest = min(earliest ?? at, at)
                }
            }
            return earliest.map(Wake.timer)
        }
    }

    package var dueAt: Instant? { if case .timer(let at) = wake { at } else { nil } }

    package var phaseWord: String {
        switch phase {
        case .running: "running"
        case .asked: "asked"
        case .ended: "ended"
        }
    }
}
