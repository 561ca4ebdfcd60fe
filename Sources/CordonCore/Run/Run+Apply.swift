// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

extension Run {
    /// The run that these events tell of, or `nil` when the first is no `runOpened`.
    package static func fold(_ history: [(at: Instant, event: Event)]) -> Run? {
        guard let first = history.first, case .runOpened(let opening) = first.event else { return nil }
        var run = Run(opening: opening, at: first.at)
        for line in history { run.apply(line.event, at: line.at) }
        return run
    }

    /// Changes the state as the event says, and decides nothing: whatever is in a stored event holds.
    package mutating func apply(_ event: Event, at now: Instant) {
        number += 1
        updatedAt = now
        switch event {
        case .runOpened: break
        case .runAsked(let ask): take(ask)
        case .runResumed(let step, let isForced, _, _, _): resume(step, isForced: isForced)
        case .runPaused(let by, let reason): pause = Ask(kind: .paused, reason: "\(by): \(reason)")
        case .runConcluded(let conclusion): conclude(conclusion)
        case .rollbackRequested(let rollback):
            self.rollback = rollback
            ending = nil
            endedAt = nil
        case .rollbackFinished: rollback = nil
        case .signalJoined(let signal, _): joined.append(signal)
        case .signalClosed(let signal, let alert, let asOf):
            closed.removeAll { $0.signal == signal }
            closed.append(Closed(signal: signal, alert: alert, asOf: asOf))
        case .runMigrated(let migration): apply(migration)
        case .runEnded(let ending, _):
            self.ending = ending
            endedAt = now
        case .stepStarted, .stepOpened, .stepSkipped, .stepFinished, .stepFailed, .stepStopped, .stepHalted,
            .waitScheduled, .rungFinished:
            applyStep(event, now)
        case .questionAsked, .questionReminded, .questionEscalated, .answerGiven, .questionClosed:
            applyQuestion(event)
        case .holdStarted(let id, let until): change(id) { $0.hold = Step.Hold(until: until) }
        case .exposureFound(let id, let exposure): change(id) { $0.exposure = exposure }
        case .exposureEnded(let id, _): change(id) { $0.exposure = nil }
        case .proofAwaited(let id, let until): change(id) { $0.proofUntil = until }
        case .proofTaken(let id, let proof): change(id) { $0.proof = proof }
        case .holdChanged(let id, let hold, _, let reason):
            change(id) { step in
                step.hold = hold
                step.holdAsk = hold.state == .asking ? Ask(kind: .holdEnded, step: id, reason: reason) : nil
            }
        case .secretLost(let id, let users, let reason):
            change(id) {
                $0.isLost = true
                $0.note = reason
            }
            for user in users { change(user) { $0.reopen() } }
        case .stepReopened(let id):
            change(id) { $0.reopen() }
            change(Step.undoID(of: id)) { $0.reopen() }
        case .callIntended, .callRedelivered, .callReturned, .callResolved, .retryScheduled: applyCall(event)
        }
    }

    private mutating func applyStep(_ event: Event, _ now: Instant) {
        switch event {
        case .stepStarted(let id, let deadline):
            change(id) {
                $0.startedAt = $0.startedAt ?? now
                $0.deadline = deadline
            }
        case .stepOpened(let id, let items, let inputs, let until):
            change(id) {
                $0.phase = .open
                $0.openUntil = until
                $0.items = items
                $0.inputs = inputs
            }
        case .stepSkipped(let id, let reason): end(id, .skipped, reason, now)
        case .stepFinished(let id, let isVerified, let note):
            end(id, .finished, note, now)
            change(id) { $0.isVerified = isVerified }
            if id.hasPrefix(Step.undoPrefix) { change(Step.forwardID(of: id)) { $0.takeBack() } }
        case .stepFailed(let id, let reason): end(id, .failed, reason, now)
        case .stepStopped(let id, let reason): end(id, .stopped, reason, now)
        case .stepHalted(let id, let backOff, let reason):
            change(id) {
                $0.phase = .halted(backOff)
                $0.note = reason
            }
        case .waitScheduled(let id, let until):
            change(id) {
                $0.phase = .waiting(until: until)
                $0.rounds += 1
            }
        case .rungFinished(let id, let rounds):
            change(id) {
                $0.phase = .open
                $0.rounds = rounds
            }
        default: break
        }
    }

    private mutating func applyQuestion(_ event: Event) {
        switch event {
        case .questionAsked(let id, let question): change(id) { $0.phase = .asking(question) }
        case .questionReminded(let id, let next): change(id) { $0.changeQuestion { $0.nextReminder = next } }
        case .questionEscalated(let id, let to):
            change(id) { step in
                step.changeQuestion { question in
                    question.escalatesAt = nil
                    question.by.append(to)
                }
            }
        case .answerGiven(let id, let answer): change(id) { $0.changeQuestion { $0.answers.append(answer) } }
        case .questionClosed(let id, let choice, _): change(id) { $0.close(choice) }
        default: break
        }
    }

    private mutating func applyCall(_ event: Event) {
        switch event {
        case .callIntended(let id, let call):
            change(id) {
                $0.phase = .calling(call)
                $0.calls = call.number
                if call.purpose == .act { $0.arguments = call.arguments }
                if call.purpose == .control { $0.forgetProof() }
            }
        case .callRedelivered(let id, _, let delivery, let deadline):
            change(id) { $0.redeliver(delivery: delivery, deadline: deadline) }
        case .callReturned(let id, _, let outcome):
            let number = self.number
            change(id) { $0.take(outcome, entry: number) }
        case .callResolved(let id, _, let tookEffect, let by, _):
            let number = self.number
            change(id) {
                $0.resolve(tookEffect: tookEffect, entry: number)
                if !tookEffect, by == Workflow.Act.settler { $0.mayHaveActed = true }
            }
        case .retryScheduled(let id, let backOff, _): change(id) { $0.phase = .backingOff(backOff) }
        default: break
        }
    }

    /// A step that no line of the opening names comes to be with its first event.
    private mutating func change(_ id: String, _ body: (inout Step) -> Void) {
        if let index = steps.firstIndex(where: { $0.id == id }) { return body(&steps[index]) }
        var step = Step(id: id)
        body(&step)
        steps.append(step)
    }

    private mutating func end(_ id: String, _ phase: Step.Phase, _ note: String?, _ now: Instant) {
        change(id) {
            $0.phase = phase
            $0.note = note
            $0.endedAt = now
            $0.ask = nil
        }
    }

    private mutating func take(_ ask: Ask) {
        guard let id = ask.step else { return gate = ask }
        change(id) {
            $0.ask = ask
            if ask.kind == .unknownOutcome { $0.faceDoubt() }
        }
    }

    /// A person let the run go on: what was stopped begins anew, with a new span of time.
    private mutating func resume(_ id: String?, isForced: Bool) {
        if id == nil {
            gate = nil
            pause = nil
        }
        for index in steps.indices where id == nil || steps[index].id == id {
            if steps[index].phase == .stopped { steps[index].beginAnew(isForced: isForced) }
        }
    }

    /// Nobody is asked any more how to go forward; what undoes still may ask.
    private mutating func conclude(_ conclusion: Conclusion) {
        self.conclusion = conclusion
        gate = nil
        pause = nil
        for index in steps.indices where steps[index].phase == .stopped && !steps[index].isUndo {
            steps[index].ask = nil
        }
    }
}

extension Step {
    mutating func beginAnew(isForced: Bool) {
        phase = .pending
        startedAt = nil
        endedAt = nil
        note = nil
        ask = nil
        self.isForced = isForced
    }

    /// A control is taken anew: what was proved with an earlier one is over.
    fileprivate mutating func forgetProof() {
        control = nil
        seen = nil
        proof = nil
    }

    /// As if it had not begun, but for the numbers of its calls and what it keeps as evidence.
    fileprivate mutating func reopen() {
        beginAnew(isForced: false)
        (deadline, before, after, result, arguments, actedNumber, doubt) = (nil, nil, nil, nil, nil, nil, nil)
        (isVerified, hasActed, isUndone, mayHaveActed, isLost) = (false, false, false, false, false)
        (control, seen, proof, proofUntil) = (nil, nil, nil, nil)
        (hold, holdAsk, exposure) = (nil, nil, nil)
    }

    fileprivate mutating func takeBack() {
        isUndone = true
        doubt = nil
        if hold != nil { hold?.state = .undone }
        holdAsk = nil
    }

    fileprivate mutating func changeQuestion(_ body: (inout Question) -> Void) {
        guard case .asking(var question) = phase else { return }
        body(&question)
        phase = .asking(question)
    }

    fileprivate mutating func close(_ choice: String) {
        guard case .asking(let question) = phase else { return }
        let people = question.answers.filter { $0.choice == choice }.map(\.by)
        if question.kind == .gate, choice == Workflow.Consent.approve {
            permit = Permit(by: people, shown: question.shown)
        } else {
            result = ["choice": .string(choice), "by": .array(people.map(Value.string))]
        }
        phase = .pending
    }

    fileprivate mutating func redeliver(delivery: Int, deadline: Instant) {
        var open: Call? {
            switch phase {
            case .calling(let call): call
            case .backingOff(let backOff), .halted(let backOff): backOff.redelivers
            case .uncertain(let call): call
            case .pending, .asking, .waiting, .open, .finished, .skipped, .failed, .stopped: nil
            }
        }
        guard var call = open else { return }
        call.delivery = delivery
        call.deadline = deadline
        phase = .calling(call)
    }

    /// The open call keeps the step in `calling` until the events after this one say where it goes; only an
    /// outcome that nobody knows changes the phase by itself, so that it can never be overlooked.
    fileprivate mutating func take(_ outcome: Outcome, entry: Int) {
        // A reading that polls says the same many times: one blob is named once.
        for item in outcome.evidence where !evidence.contains(item) { evidence.append(item) }
        guard case .calling(let call) = phase else { return }
        switch outcome.kind {
        case .unknown:
            phase = .uncertain(call)
            if call.redeliveryClass.isWrite { doubt = call }
        case .later, .refused: break
        case .done, .already:
            switch call.purpose {
            case .before:
                // What is read after an act that may have taken effect is no before-image any more. An undo compares with
                // what is so now.
                if isUndo || doubt == nil && !mayHaveActed || before == nil { before = outcome.result }
            case .act, .undo:
                result = outcome.result
                hasActed = true
                actedNumber = actedNumber ?? entry
                doubt = nil
            case .measure: result = outcome.result
            case .probe, .readBack: after = outcome.result
            case .control: control = outcome.result
            case .verify: seen = outcome.result
            }
        }
    }

    /// A person is asked about the act in doubt, whatever was tried since to find out.
    fileprivate mutating func faceDoubt() {
        if let doubt { phase = .uncertain(doubt) }
    }

    fileprivate mutating func resolve(tookEffect: Bool, entry: Int) {
        hasActed = tookEffect
        if tookEffect { actedNumber = actedNumber ?? entry }
        doubt = nil
        ask = nil
        phase = .pending
    }
}
