// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// One turn of a run's machine while it decides: each event it emits is applied at once, so that the next decision
/// sees the state it makes. Nothing leaves it but the events.
struct Turn {
    private(set) var run: Run
    let definition: RunDefinition
    let now: Instant
    private(set) var events: [Event] = []

    init(_ run: Run, _ definition: RunDefinition, _ now: Instant) {
        self.run = run
        self.definition = definition
        self.now = now
    }

    mutating func emit(_ event: Event) {
        run.apply(event, at: now)
        events.append(event)
    }

    /// Goes through the steps in order until something has to be waited for, or all are done.
    mutating func advance() {
        guard case .running = run.phase else { return }
        for step in run.steps {
            switch step.phase {
            case .finished, .skipped: continue
            case .pending:
                if let by = run.cancelRequestedBy { return end(.cancelled, reason: "cancelled by \(by)") }
                begin(step.id)
                if run.step(step.id)?.phase == .skipped { continue }
                return
            case .calling, .backingOff, .uncertain, .stopped: return
            }
        }
        end(.completed, reason: "every step is done")
    }

    mutating func end(_ ending: Run.Ending, reason: String) {
        let open = run.steps.compactMap { step in step.doubt.map { "\(step.id)#\($0.number)" } }
        let unknown = open.isEmpty ? "" : "; the outcome of \(open.joined(separator: ", ")) is unknown"
        emit(.runEnded(ending, reason: reason + unknown))
    }

    // MARK: A step's begin

    private mutating func begin(_ id: String) {
        guard let line = definition.workflow.step(id) else {
            return stop(id, "the pinned workflow has no step '\(id)'")
        }
        if let condition = line.condition {
            switch condition.decide(run.variables) {
            case .isTrue: break
            case .isFalse: return emit(.stepSkipped(step: id, reason: "its condition is false"))
            case .undecided(let error): return stop(id, "its condition gave no answer: \(error.message)")
            }
        }
        emit(.stepStarted(step: id, deadline: now.adding(milliseconds: line.withinMilliseconds)))
        guard let contract = definition.contracts[line.capability] else {
            return stop(id, "no provider offers '\(line.capability)' for \(run.subject?.provider ?? "this run")")
        }
        // A step that acted before (a person had it tried anew) goes straight to the proof.
        if run.step(id)?.hasActed == true { return finishOrProve(id) }
        intend(id, contract.readsState && contract.effectClass.isWrite ? .before : .act, attempt: 1)
    }

    // MARK: Intents

    /// Makes and seals the next call, or stops the step when it can't be built.
    mutating func intend(_ id: String, _ purpose: Call.Purpose, attempt: Int) {
        guard let line = definition.workflow.step(id), let step = run.step(id),
            let contract = definition.contracts[line.capability], let provider = run.subject?.provider
        else { return stop(id, "the step has no provider to call") }
        // Once a person wants the end, nothing more is done to the world; it may still be asked what was done.
        if purpose == .act, run.cancelRequestedBy != nil { return stop(id, "cancelled before it acted") }
        let stepDeadline = step.deadline ?? now.adding(milliseconds: line.withinMilliseconds)
        // What was done may be asked about once more even when the step's time is up: the clock went on while nobody ran.
        let asksWhatWasDone = purpose == .probe || purpose == .readBack
        guard asksWhatWasDone || now < stepDeadline else {
            return stop(id, "out of time: the step's time was up before its call could begin")
        }
        guard step.calls < Limits.callsPerStepMax else {
            return stop(
                id, "the step made \(step.calls) calls, the limit is \(Limits.callsPerStepMax) (callsPerStepMax)")
        }
        let arguments: Value
        switch line.arguments.render(run.variables) {
        case .success(let value): arguments = value
        case .failure(let error): return stop(id, "its parameters could not be computed: \(error.message)")
        }
        let draft = CallDraft(
            run: run.id, step: id, number: step.calls + 1, purpose: purpose, capability: line.capability,
            provider: provider, arguments: arguments)
        switch definition.sealer.seal(draft) {
        case .failure(let refusal): stop(id, refusal.reason)
        case .success(let seal):
            let timeout = now.adding(milliseconds: contract.timeoutMilliseconds)
            let deadline = asksWhatWasDone ? timeout : min(timeout, stepDeadline)
            let call = Call(
                number: draft.number, purpose: purpose, attempt: attempt, capability: line.capability,
                provider: provider, effectClass: contract.effectClass, arguments: arguments, seal: seal,
                intendedAt: now, deadline: deadline)
            emit(.callIntended(step: id, call))
        }
    }

    /// The act took effect: prove it where the provider can be asked, else finish.
    mutating func finishOrProve(_ id: String) {
        guard let line = definition.workflow.step(id), let contract = definition.contracts[line.capability] else {
            return stop(id, "the pinned workflow has no step '\(id)'")
        }
        if contract.readsState && contract.effectClass.isWrite {
            intend(id, .readBack, attempt: 1)
        } else {
            emit(.stepFinished(step: id, isVerified: false, note: nil))
            advance()
        }
    }

    /// The step can't go on by itself: a person is asked. While an act that must not be done twice is in doubt, the
    /// question is what became of it: a step that begins anew would act again.
    mutating func stop(_ id: String, _ reason: String) {
        if let call = run.step(id)?.doubt, !call.effectClass.mayBeIntendedAnew {
            let question =
                "nobody knows whether \(call.capability) took effect (\(reason)); say so with 'cordon run resolve'"
            return emit(.runAsked(Run.Ask(kind: .unknownOutcome, step: id, reason: question)))
        }
        emit(.stepStopped(step: id, reason: reason))
        if let by = run.cancelRequestedBy { return end(.cancelled, reason: "cancelled by \(by)") }
        emit(.runAsked(Run.Ask(kind: .stoppedStep, step: id, reason: reason)))
    }
}
