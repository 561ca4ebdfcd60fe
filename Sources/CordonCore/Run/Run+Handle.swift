// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// What a run is decided by besides its own state: the pinned workflow, what its provider's capabilities promise,
/// and the seal of its calls. All of it is fixed while the run lives.
package struct RunDefinition: Sendable {
    package var workflow: Workflow
    package var contracts: [String: Contract]
    package var sealer: any Sealer

    package init(workflow: Workflow, contracts: [String: Contract], sealer: any Sealer) {
        self.workflow = workflow
        self.contracts = contracts
        self.sealer = sealer
    }
}

/// What a provider promises of one capability.
package struct Contract: Sendable, Hashable {
    package var effectClass: EffectClass
    /// The provider can be asked for the subject's state: before the change, after it, and when in doubt.
    package var readsState: Bool
    package var timeoutMilliseconds: Int64

    package init(
        effectClass: EffectClass, readsState: Bool,
        timeoutMilliseconds: Int64 = Limits.callTimeoutMillisecondsDefault
    ) {
        self.effectClass = effectClass
        self.readsState = readsState
        self.timeoutMilliseconds = timeoutMilliseconds
    }
}

/// What `handle` decided: the events, and the run that they make.
package struct Transition: Sendable, Hashable {
    package var run: Run
    package var events: [Event]

    package init(run: Run, events: [Event]) {
        self.run = run
        self.events = events
    }
}

extension Run {
    /// A new run with its first events: it is asked about, or its first call is intended, in the commit that opens it.
    package static func open(_ opening: Opening, _ definition: RunDefinition, at now: Instant) -> Transition {
        var turn = Turn(Run(opening: opening, at: now), definition, now)
        turn.emit(.runOpened(opening))
        if let gate = opening.gate {
            turn.emit(.runAsked(gate))
        } else {
            turn.advance()
        }
        return Transition(run: turn.run, events: turn.events)
    }

    /// Decides what follows from an input. Changes nothing; the events, once stored, change it.
    package func handle(
        _ input: RunInput, _ definition: RunDefinition, at now: Instant
    ) -> Result<Transition, Refusal> {
        var turn = Turn(self, definition, now)
        let refusal: Refusal?
        switch (phase, input) {
        case (.running, .callReturned(let step, let number, let outcome)):
            refusal = turn.take(step, number, outcome)
        case (.running, .timerFired): refusal = turn.wakeDueSteps()
        case (.running, .resume): refusal = Refusal(.wrongPhase, "the run is not waiting for a person")
        case (.running, .cancel(let by, let reason)): refusal = turn.cancel(by, reason)
        case (.running, .resolve): refusal = Refusal(.wrongPhase, "no call of the run has an unknown outcome")

        case (.asked, .callReturned(let step, let number, let outcome)):
            refusal = turn.take(step, number, outcome)
        case (.asked, .timerFired): refusal = nil
        case (.asked(let ask), .resume(let by, let reason)): refusal = turn.resume(ask, by, reason)
        case (.asked, .cancel(let by, let reason)): refusal = turn.cancel(by, reason)
        case (.asked(let ask), .resolve(let tookEffect, let by, let reason)):
            refusal = turn.resolve(ask, tookEffect, by, reason)

        case (.ended, .callReturned), (.ended, .timerFired), (.ended, .resume), (.ended, .cancel), (.ended, .resolve):
            refusal = Refusal(.wrongPhase, "the run has ended")
        }
        if let refusal { return .failure(refusal) }
        return .success(Transition(run: turn.run, events: turn.events))
    }
}

extension Turn {
    /// An outcome counts only for the call that is open: a late or repeated one is refused.
    mutating func take(_ id: String, _ number: Int, _ outcome: Outcome) -> Refusal? {
        guard let step = run.step(id), case .calling(let call) = step.phase, call.number == number else {
            return Refusal(.noSuchCall, "\(run.id)/\(id)#\(number) is not open")
        }
        settle(id, call, outcome)
        return nil
    }

    mutating func wakeDueSteps() -> Refusal? {
        for step in run.steps {
            guard case .backingOff(let backOff) = step.phase, backOff.until <= now else { continue }
            goOn(step.id, backOff)
        }
        return nil
    }

    mutating func resume(_ ask: Run.Ask, _ by: String, _ reason: String) -> Refusal? {
        switch ask.kind {
        case .proposal, .stoppedStep, .paused:
            emit(.runResumed(by: by, reason: reason))
            advance()
            return nil
        case .unknownOutcome:
            return Refusal(
                .wrongPhase, "say what became of the call first: cordon run resolve \(run.id) --took-effect yes|no")
        case .undecided:
            return Refusal(
                .wrongPhase, "the run has nothing certain to act on: \(ask.reason); it can only be cancelled")
        }
    }

    /// A call that is open or in doubt is never dropped: the run ends once its outcome is stored.
    mutating func cancel(_ by: String, _ reason: String) -> Refusal? {
        if run.cancelRequestedBy != nil { return Refusal(.wrongPhase, "the run is being cancelled already") }
        emit(.runCancelRequested(by: by, reason: reason))
        for step in run.steps {
            switch step.phase {
            // Ends when its outcome is stored, or when a person has said what it was.
            case .calling, .uncertain: return nil
            case .backingOff(let backOff):
                leave(step, backOff)
                if step.doubt != nil { return nil }
            case .pending, .finished, .skipped, .stopped: continue
            }
        }
        end(.cancelled, reason: reason)
        return nil
    }

    /// The step waits no longer. What became of its act, where that is in doubt, is found out before the run ends.
    private mutating func leave(_ step: Step, _ backOff: Step.BackOff) {
        let reason = "cancelled while it waited to try again"
        if let call = backOff.redelivers, call.purpose == .act {
            lookInto(step.id, call, reason)
        } else if step.doubt != nil {
            stop(step.id, reason)
        } else {
            emit(.stepStopped(step: step.id, reason: reason))
        }
    }

    mutating func resolve(_ ask: Run.Ask, _ tookEffect: Bool, _ by: String, _ reason: String) -> Refusal? {
        guard ask.kind == .unknownOutcome, let id = ask.step, let step = run.step(id),
            case .uncertain(let call) = step.phase
        else { return Refusal(.wrongPhase, "no call of the run has an unknown outcome") }
        emit(.callResolved(step: id, number: call.number, tookEffect: tookEffect, by: by, reason: reason))
        emit(.runResumed(by: by, reason: reason))
        // The person took their time: what follows has a new span of it.
        let within = definition.workflow.step(id)?.withinMilliseconds ?? Limits.stepWithinMillisecondsDefault
        emit(.stepStarted(step: id, deadline: now.adding(milliseconds: within)))
        if tookEffect { finishOrProve(id) } else { intend(id, .act, attempt: 1) }
        return nil
    }
}

extension Run {
    /// What expressions of the workflow may use.
    package var variables: [String: Value] {
        var steps: [String: Value] = [:]
        for step in self.steps { steps[step.id] = step.expressionValue }
        return ["inputs": inputs, "subject": subject?.expressionValue ?? .null, "steps": .object(steps)]
    }

    /// The same inside one step: with what was read before and after its act.
    package func variables(in id: String) -> [String: Value] {
        var all = variables
        let step = step(id)
        all["before"] = step?.before ?? .null
        all["after"] = step?.after ?? .null
        all["result"] = step?.result ?? .null
        return all
    }
}
