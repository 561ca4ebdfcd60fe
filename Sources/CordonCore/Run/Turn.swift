// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// One turn of a run's machine while it decides: each event it emits is applied at once, so that the next decision
/// sees the state it makes. Nothing leaves it but the events.
struct Turn {
    private(set) var run: Run
    let definition: RunDefinition
    let halts: Halts
    let now: Instant
    private(set) var events: [Event] = []

    init(_ run: Run, _ definition: RunDefinition, _ halts: Halts, _ now: Instant) {
        self.run = run
        self.definition = definition
        self.halts = halts
        self.now = now
    }

    mutating func emit(_ event: Event) {
        run.apply(event, at: now)
        events.append(event)
    }

    /// Looks at the whole run again and again until nothing more happens: there is no program counter that could be
    /// wrong, what comes next follows from the definition and the state.
    mutating func advance() {
        var seen = -1
        while run.isLive, seen != events.count {
            seen = events.count
            pass()
        }
    }

    private mutating func pass() {
        liftHolds()
        replaceLost()
        if run.rollback != nil { return rollBackNext() }
        guard run.conclusion == nil else { return endConcluded() }
        guard run.gate == nil, run.pause == nil else { return }
        let isDone = walk(definition.workflow.lines, Scope(inputs: run.inputs))
        if isDone, !run.steps.contains(where: \.isUnsettled) {
            end(.completed, reason: "every step is done")
        }
    }

    /// A concluded run ends when its calls have their outcomes and its holds are over.
    private mutating func endConcluded() {
        guard let conclusion = run.conclusion, !run.steps.contains(where: \.isUnsettled), !isReplacing else { return }
        end(conclusion.ending, reason: conclusion.reason)
    }

    private mutating func end(_ ending: Run.Ending, reason: String) {
        let open = run.steps.compactMap { step in step.doubt.map { "\(step.id)#\($0.number)" } }
        let unknown = open.isEmpty ? "" : "; the outcome of \(open.joined(separator: ", ")) is unknown"
        let unproved = run.steps.compactMap { step in
            step.isUndone || step.proof?.verdict != .nothing ? nil : step.proof.map { "\(step.id) \($0.reason)" }
        }
        let proof = unproved.isEmpty ? "" : "; proved nothing: \(unproved.joined(separator: ", "))"
        let left = run.residual.flatMap { $0.until > now ? $0 : nil }.map {
            "; contained, residual exposure until \($0.until): \($0.of)"
        }
        emit(.runEnded(ending, reason: reason + unknown + proof + (left ?? "")))
    }

    /// The way forward is over: what waits is left, what is under way gets its outcome.
    mutating func conclude(_ ending: Run.Ending, _ by: String, _ reason: String) {
        guard run.conclusion == nil else { return }
        emit(.runConcluded(Run.Conclusion(ending: ending, by: by, reason: reason)))
        leaveAll("the run ends: \(reason)")
    }

    mutating func leaveAll(_ reason: String) {
        for step in run.steps where !step.isUndo { leave(step, reason) }
    }

    /// The step waits no longer. What became of its act, where that is in doubt, is found out before the run ends.
    private mutating func leave(_ step: Step, _ reason: String) {
        switch step.phase {
        case .calling, .uncertain, .pending, .finished, .skipped, .failed, .stopped: break
        case .asking, .waiting, .open: emit(.stepStopped(step: step.id, reason: reason))
        case .backingOff(let backOff), .halted(let backOff):
            if let call = backOff.redelivers, call.purpose.isChange {
                lookInto(step.id, call, reason)
            } else {
                stop(step.id, reason)
            }
        }
    }

    // MARK: Stops

    /// The step can't go on by itself. While an act that must not be done twice is in doubt, the question is what became
    /// of it: a step that begins anew would act again.
    mutating func stop(_ id: String, _ reason: String, asking kind: Run.Ask.Kind = .stoppedStep) {
        if let call = run.step(id)?.doubt, !call.effectClass.mayBeIntendedAnew {
            if settleBeforehand(id, call, reason) { return }
            let question =
                "nobody knows whether \(call.capability) took effect (\(reason)); say so with 'cordon run resolve'"
            return emit(.runAsked(Run.Ask(kind: .unknownOutcome, step: id, reason: question)))
        }
        // It took effect, seen or not: what it leaves in use is told.
        noteExposure(id, isSeen: false)
        let isUndo = id.hasPrefix(Step.undoPrefix)
        if run.conclusion != nil && !isUndo || isInOverPart(id) {
            return emit(.stepStopped(step: id, reason: reason))
        }
        let policy = isUndo ? .page : place(id)?.line.onError ?? .page
        switch policy {
        case .page:
            emit(.stepStopped(step: id, reason: reason))
            emit(.runAsked(Run.Ask(kind: kind, step: id, reason: reason)))
        case .continue: emit(.stepFailed(step: id, reason: reason))
        case .stop:
            emit(.stepFailed(step: id, reason: reason))
            conclude(.stopped, "the workflow", "step '\(id)' failed: \(reason)")
        case .undo:
            emit(.stepFailed(step: id, reason: reason))
            rollBack(nil, "the workflow", "step '\(id)' failed: \(reason)")
        }
    }

    /// What the workflow's author said of a doubt beforehand holds as if a person had said it now, but for a new act of
    /// a run that is to end.
    private mutating func settleBeforehand(_ id: String, _ call: Call, _ reason: String) -> Bool {
        guard call.purpose == .act, let act = place(id)?.line.act, !id.hasPrefix(Step.undoPrefix) else { return false }
        switch act.onUnknown {
        case .ask: return false
        case .accept(let because):
            emit(
                .callResolved(
                    step: id, number: call.number, tookEffect: true, by: Workflow.Act.settler,
                    reason: "\(because) (\(reason))"))
            finishOrProve(id)
        case .repeat(let because):
            guard run.conclusion == nil, run.rollback == nil else { return false }
            emit(
                .callResolved(
                    step: id, number: call.number, tookEffect: false, by: Workflow.Act.settler,
                    reason: "\(because) (\(reason))"))
            intendAgain(id, call, reason)
        }
        return true
    }

    // MARK: Intents

    /// Makes and seals the next call, or stops the step when it can't be built.
    mutating func intend(_ id: String, _ purpose: Call.Purpose, attempt: Int) {
        guard let place = place(id), let step = run.step(id), let provider = provider(place, purpose),
            let capability = place.capability(purpose), let contract = contract(place, purpose)
        else { return stop(id, "no provider of this run offers what the step asks for") }
        if let reason = obstacle(step, contract, purpose, provider) { return reason.apply(&self, id, purpose, attempt) }
        let arguments: Value
        switch render(place, step, purpose) {
        case .success(let value): arguments = value
        case .failure(let error): return stop(id, "its parameters could not be computed: \(error.message)")
        }
        let draft = CallDraft(
            run: run.id, step: id, number: step.calls + 1, purpose: purpose, capability: capability,
            provider: provider, arguments: arguments)
        switch definition.sealer.seal(draft) {
        case .failure(let refusal) where purpose == .control: goOnWithoutControl(id, refusal.reason)
        case .failure(let refusal): stop(id, refusal.reason)
        case .success(let seal):
            let span = contract.timeoutMilliseconds
            let timeout = now.adding(
                milliseconds: purpose == .control ? min(span, Limits.controlMillisecondsMax) : span)
            let deadline = purpose.asksWhatWasDone ? timeout : min(timeout, step.deadline ?? timeout)
            let call = Call(
                number: draft.number, purpose: purpose, attempt: attempt, capability: capability,
                provider: provider, effectClass: purpose == .undo ? .convergent : contract.effectClass,
                arguments: arguments, seal: seal, intendedAt: now, deadline: deadline)
            emit(.callIntended(step: id, call))
        }
    }

    /// Why a call is not intended now.
    private enum Obstacle {
        case stop(String)
        case halt(String)

        func apply(_ turn: inout Turn, _ id: String, _ purpose: Call.Purpose, _ attempt: Int) {
            switch self {
            case .stop(let reason): turn.stop(id, reason)
            case .halt(let reason):
                let backOff = Step.BackOff(until: turn.now, purpose: purpose, attempt: attempt)
                turn.emit(.stepHalted(step: id, backOff, reason: reason))
            }
        }
    }

    private func obstacle(
        _ step: Step, _ contract: Contract, _ purpose: Call.Purpose, _ provider: String
    ) -> Obstacle? {
        // Once the end is wanted, nothing more is done to the world; it may still be asked what was done.
        if purpose == .act, run.conclusion != nil { return .stop("cancelled before it acted") }
        if !purpose.asksWhatWasDone, isInOverPart(step.id) { return .stop(Turn.overdue) }
        if purpose == .act, contract.effectClass.isWrite, let reason = haltReason(provider) { return .halt(reason) }
        // What was done may be asked about once more even when the step's time is up: the clock went on while nobody ran.
        guard purpose.asksWhatWasDone || now < step.deadline ?? now.adding(milliseconds: 1) else {
            return .stop("out of time: the step's time was up before its call could begin")
        }
        guard step.calls < Limits.callsPerStepMax else {
            return .stop("the step made \(step.calls) calls, the limit is \(Limits.callsPerStepMax) (callsPerStepMax)")
        }
        return nil
    }

    /// Restores are never halted: what stands must be able to end.
    func haltReason(_ provider: String) -> String? {
        if run.rollback != nil { return "what the run did is being undone first" }
        return run.pause.map { "paused by \($0.reason)" }
            ?? halts.reason(playbook: run.playbook.name, provider: provider)
    }

    private func render(_ place: Spot, _ step: Step, _ purpose: Call.Purpose) -> Result<Value, EvaluationError> {
        if step.isUndo {
            let forward = run.step(Step.forwardID(of: step.id))
            var members = forward?.arguments?.objectValue ?? [:]
            members["before"] = forward?.before ?? .null
            members["live"] = live(step, beside: forward)
            // What was made is named by what its making answered.
            if contract(place)?.undoTakesResult == true, let made = forward?.result { members["result"] = made }
            return .success(.object(members))
        }
        let template = purpose == .measure ? place.line.measure?.arguments : place.line.act?.arguments
        let rendered = template.map { $0.render(variables(place, namedIn: $0)) } ?? .success(.object([:]))
        guard purpose == .act, contract(place)?.actTakesBefore == true else { return rendered }
        return rendered.map { arguments in
            var members = arguments.objectValue ?? [:]
            members["before"] = step.before ?? .null
            return .object(members)
        }
    }

    /// What an undo has just compared: a connector that can hands its version on, so that nobody comes in between. An
    /// entry holds the two readings only where both are small.
    private func live(_ undo: Step, beside forward: Step?) -> Value {
        let bytes = [undo.before, forward?.before].compactMap { $0?.jsonBytes.count }.reduce(0, +)
        return bytes <= Limits.resultBytesMax ? undo.before ?? .null : .null
    }

    /// The act took effect: it begins to be held, and is proved where the provider can be asked.
    ///
    /// - Parameter isAnswered: just now: what an earlier delivery may have done sets no time any more.
    mutating func finishOrProve(_ id: String, isAnswered: Bool = false) {
        guard let place = place(id), let contract = contract(place) else {
            return stop(id, "no provider of this run offers what the step asks for")
        }
        if takesBackLost(id, contract) { return }
        beginHold(id, place)
        awaitEffect(id, contract, isAnswered: isAnswered)
        if contract.readsState && contract.effectClass.isWrite {
            intend(id, .readBack, attempt: 1)
        } else {
            prove(id, nil)
        }
    }

    /// Tells until when what was issued before may be used, and that what an earlier step left is over.
    ///
    /// - Parameter isSeen: the provider shows the effect; one that it does not show ends nothing.
    mutating func noteExposure(_ id: String, isSeen: Bool = true) {
        guard let step = run.step(id), !step.isUndo, step.hasActed, let place = place(id),
            let capability = place.line.act?.capability
        else { return }
        // One item of a list ends one of many, also in a workflow that is called for each: its step's id has a number in it.
        if isSeen, run.steps.contains(where: { $0.exposure != nil }),
            !id.split(separator: ".").contains(where: { Int($0) != nil })
        {
            // What it ended was issued before it acted.
            for other in run.steps
            where other.id != id && other.exposure?.endedBy.contains(capability) == true
                && other.actedNumber ?? .max < step.actedNumber ?? 0
            {
                guard self.place(other.id).flatMap({ provider($0) }) == provider(place) else { continue }
                emit(.exposureEnded(step: other.id, by: id))
            }
        }
        guard step.exposure == nil, let residual = contract(place)?.residual else { return }
        let known = ["before": step.before ?? .null, "after": step.after ?? .null, "with": step.arguments ?? .null]
        if let exposure = residual.exposure(known, at: now) { emit(.exposureFound(step: id, exposure)) }
    }
}

extension Step {
    /// Something of it is still to be settled before its run may end.
    fileprivate var isUnsettled: Bool {
        switch phase {
        case .calling, .backingOff, .halted, .uncertain: return true
        case .stopped where isUndo: return true
        case .pending where isUndo && startedAt != nil: return true
        case .pending, .asking, .waiting, .open, .finished, .skipped, .failed, .stopped: break
        }
        return hold.map { !$0.hasEnded } ?? false
    }
}

extension Call.Purpose {
    package var asksWhatWasDone: Bool { self == .probe || looksForEffect }
}
