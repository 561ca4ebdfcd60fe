// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// One remediation, as a value: `handle` decides and changes nothing, `apply` changes and decides nothing.
///
/// Folding the events of a run gives the run (`Run.fold`). What is to be done next follows from the state alone
/// (`commands`), so a command that was lost is found by looking.
package struct Run: Sendable, Hashable, Named {
    package static var prefix: String { "run_" }

    /// How a run stands, in one word; it follows from the rest.
    package enum Phase: Sendable, Hashable {
        case running
        /// Waits for a person, and for nothing sooner.
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
            /// What would be undone is no longer what the run wrote.
            case undoConflict = "undo_conflict"
            /// A hold's time is up, and the workflow leaves to people what follows.
            case holdEnded = "hold_ended"
            /// An approval or a task.
            case question
            /// Nobody is asked: another run has the subject in hand, and this one begins after it.
            case queued
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
        /// Every step finished or was skipped, and every hold has ended.
        case completed
        /// A person ended it before its end; what it had done stands, but for holds that ended by undo.
        case cancelled
        /// What it had done was undone.
        case undone
        /// The workflow ended it before its end: a step failed, or people declined.
        case stopped
    }

    /// That the way forward is over, and how the run will end once its calls and holds have.
    package struct Conclusion: Sendable, Hashable {
        package var ending: Ending
        package var by: String
        package var reason: String

        package init(ending: Ending, by: String, reason: String) {
            self.ending = ending
            self.by = by
            self.reason = reason
        }
    }

    /// That effects are being undone, the last first, before anything else happens.
    package struct Rollback: Sendable, Hashable {
        /// `nil`: all of them.
        package var steps: [String]?
        package var by: String
        package var reason: String

        package init(steps: [String]?, by: String, reason: String) {
            self.steps = steps
            self.by = by
            self.reason = reason
        }
    }

    /// That a signal's source says, by a later alert, that what it told of is over.
    package struct Closed: Sendable, Hashable {
        package var signal: SignalID
        package var alert: AlertID
        package var asOf: Instant

        package init(signal: SignalID, alert: AlertID, asOf: Instant) {
            self.signal = signal
            self.alert = alert
            self.asOf = asOf
        }
    }

    /// What is fixed when it is opened; `Run+Fields.swift` shows its members.
    var fixed: Fixed

    // What changes.
    /// What a person is asked before anything is done.
    package var gate: Ask?
    /// Who paused it.
    package var pause: Ask?
    package var conclusion: Conclusion?
    package var rollback: Rollback?
    package var ending: Ending?
    package var steps: [Step]
    /// Later signals of the same group.
    package var joined: [SignalID]
    /// Those of its signals whose source says that what they told of is over.
    package var closed: [Closed] = []
    package var updatedAt: Instant
    package var endedAt: Instant?
    /// The number of its last entry.
    package var number: Int

    package init(opening: Opening, at now: Instant) {
        fixed = Fixed(opening, at: now)
        steps = opening.steps.map(Step.init(id:))
        joined = []
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
    package var called: [Run.Pin]
    package var subject: Subject?
    package var severity: Signal.Severity
    package var inputs: Value
    /// The ids of the workflow's outermost lines, in order.
    package var steps: [String]
    /// Set when a person is asked before anything is done.
    package var gate: Run.Ask?
    package var isShared: Bool
    package var objectsMax: Int?
    package var undoable: [String]

    package init(
        id: RunID, decision: DecisionID, signal: SignalID, alert: AlertID, playbook: Run.Pin, workflow: Run.Pin,
        called: [Run.Pin] = [], subject: Subject?, severity: Signal.Severity, inputs: Value, steps: [String],
        gate: Run.Ask? = nil, isShared: Bool = false, objectsMax: Int? = nil, undoable: [String] = []
    ) {
        self.undoable = undoable
        self.isShared = isShared
        self.objectsMax = objectsMax
        self.id = id
        self.decision = decision
        self.signal = signal
        self.alert = alert
        self.playbook = playbook
        self.workflow = workflow
        self.called = called
        self.subject = subject
        self.severity = severity
        self.inputs = inputs
        self.steps = steps
        self.gate = gate
    }
}

/// What moves a run. Present tense; nothing here is stored as such.
package enum RunInput: Sendable, Hashable {
    /// What became of one delivery of a call's intent; that of an earlier delivery counts no more.
    case callReturned(step: String, number: Int, delivery: Int = 1, Outcome)
    /// Some timer of the run is due, or what forbade its writes may be gone.
    case timerFired
    /// A person answers an approval or a task, on what they were shown.
    case answer(step: String, Person, choice: String, shown: String, reason: String)
    /// A person lets it go on: approves the proposal, ends a pause, or has stopped steps tried anew (one, or all).
    /// `isForced` undoes although the live state is no longer what the run wrote.
    /// `plan`: what they saw of a proposal.
    case resume(step: String?, isForced: Bool, by: String, reason: String, plan: AgreedPlan? = nil)
    /// A person goes on without a stopped step; what is to be undone stays when it is an undo.
    case skip(step: String, by: String, reason: String)
    case pause(by: String, reason: String)
    /// A person ends it: what was done stands until its holds end, or is undone first.
    case cancel(undo: Bool, by: String, reason: String)
    /// A person says what became of the call whose outcome is unknown. `nil`: of the only one.
    case resolve(step: String?, tookEffect: Bool, by: String, reason: String)
    /// A person undoes what the run did (all of it when no steps are named), also after its end.
    case undo(steps: [String]?, by: String, reason: String)
    /// A person ends a hold before its time, or answers what follows it.
    case endHold(step: String, keep: Bool, by: String, reason: String)
    case extendHold(step: String, until: Instant, by: String, reason: String)
    /// A later signal of the same group.
    case join(SignalID, AlertID)
    /// The source says by this alert that what the signal told of is over.
    case close(SignalID, by: AlertID, asOf: Instant)
    /// No other run has its subject in hand any more.
    case begin
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
    /// The end of a halt.
    case halt
    /// The run that has the subject in hand.
    case queue

    package var word: String {
        switch self {
        case .call: "call"
        case .timer: "timer"
        case .person: "person"
        case .halt: "halt"
        case .queue: "queue"
        }
    }
}

extension Run {
    package var isLive: Bool { endedAt == nil }

    /// It waits for another run to be done with its subject.
    package var isQueued: Bool { isLive && gate?.kind == .queued }

    /// It is changing its subject, or about to: not asked, not merely holding.
    package var isMoving: Bool {
        guard isLive, gate == nil else { return false }
        return rollback != nil
            || steps.contains { step in
                switch step.phase {
                case .calling, .backingOff, .waiting: true
                case .pending, .halted, .uncertain, .asking, .open, .finished, .skipped, .failed, .stopped: false
                }
            }
    }

    /// Its next call waits for the end of a halt; it goes on by itself then.
    package var isHalted: Bool {
        guard isLive, gate == nil, pause == nil else { return false }
        return steps.contains { if case .halted = $0.phase { true } else { false } }
    }

    /// Everything that people are asked, the most pressing first.
    package var asks: [Ask] {
        guard isLive, !isQueued else { return [] }
        let questions = steps.flatMap { step -> [Ask?] in
            guard case .asking(let question) = step.phase else { return [step.ask, step.holdAsk] }
            return [Ask(kind: .question, step: step.id, reason: question.text), step.holdAsk]
        }
        return ([gate, pause] + questions).compactMap { $0 }
    }

    package var phase: Phase {
        if let ending { return .ended(ending) }
        guard !hasOpenCall, let ask = asks.first else { return .running }
        return .asked(ask)
    }

    private var hasOpenCall: Bool {
        isLive && steps.contains { if case .calling = $0.phase { true } else { false } }
    }

    /// What follows from the state: the open calls, and the earliest timer.
    package var commands: [Command] {
        guard isLive else { return [] }
        var all: [Command] = steps.compactMap { step in
            if case .calling(let call) = step.phase { .perform(step: step.id, call) } else { nil }
        }
        if let dueAt { all.append(.wake(at: dueAt)) }
        return all
    }

    /// `nil` only for a run that has ended; the store counts live runs without one, and the count must be 0.
    package var wake: Wake? {
        guard isLive else { return nil }
        if hasOpenCall { return .call }
        // Before timers: whoever lifts a halt looks for those that wait for it, and timers are found by their time.
        if steps.contains(where: { if case .halted = $0.phase { true } else { false } }) { return .halt }
        if isQueued { return .queue }
        if let dueAt { return .timer(dueAt) }
        return asks.isEmpty ? nil : .person
    }

    /// When its earliest timer is due, whatever else it waits for. While the way forward is barred, waits and questions
    /// stand still: their timers would fire and nothing would follow.
    package var dueAt: Instant? {
        guard isLive else { return nil }
        let isBarred = gate != nil || pause != nil || rollback != nil || conclusion != nil
        var earliest: Instant?
        for step in steps {
            let hold = step.hold.flatMap { $0.state == .standing ? $0.until : nil }
            let timer = isBarred && !step.isInFlight ? nil : step.timer
            for at in [timer, hold].compactMap({ $0 }) { earliest = min(earliest ?? at, at) }
        }
        return earliest
    }

    package var phaseWord: String {
        switch phase {
        case .running: "running"
        case .asked: "asked"
        case .ended: "ended"
        }
    }

    /// Who asked for its end.
    package var cancelRequestedBy: String? { conclusion?.by }
}

extension Run {
    /// What whoever is asked should know: that the source has taken back what the run was opened about. `nil` where it has
    /// not.
    package var closedNote: String? {
        guard let last = closed.max(by: { $0.asOf < $1.asOf }) else { return nil }
        let all = 1 + joined.count
        let what = all == 1 ? "what it alerted of" : "\(closed.count) of the \(all) things it alerted of"
        return "its source closed \(what) as of \(last.asOf) (\(last.alert))"
    }
}

extension Run {
    /// What its effects leave in use the longest, unless they were undone: contained but for that.
    package var residual: Step.Exposure? {
        steps.filter { !$0.isUndone }.compactMap(\.exposure).max { $0.until < $1.until }
    }
}
