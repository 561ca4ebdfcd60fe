// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

extension Turn {
    /// Stores an open call's outcome and decides what follows from it.
    mutating func settle(_ id: String, _ call: Call, _ outcome: Outcome) {
        emit(.callReturned(step: id, number: call.number, outcome))
        awaitLate(id, call, outcome)
        // What was to be done with it is left.
        if [.before, .measure, .control].contains(call.purpose), isInOverPart(id) { return stop(id, Turn.overdue) }
        if call.purpose == .control { return weighControl(id, call, outcome) }
        switch outcome.kind {
        case .done, .already: carryOn(id, call, outcome)
        case .later: tryLater(id, call, outcome)
        case .refused where outcome.lacksSecret: loseSecret(id, call, refusalText(call, outcome))
        case .refused: giveUp(id, call, refusalText(call, outcome))
        case .unknown: faceUnknown(id, call, outcome)
        }
    }

    /// The call stood in line and left later than its intent foresaw: what it may have done shows later as well.
    private mutating func awaitLate(_ id: String, _ call: Call, _ outcome: Outcome) {
        guard outcome.kind == .unknown, call.purpose == .act, call.redeliveryClass.isWrite, now > call.deadline,
            let lag = contract(of: id)?.lagMilliseconds
        else { return }
        emit(.proofAwaited(step: id, until: now.adding(milliseconds: lag)))
    }

    private mutating func carryOn(_ id: String, _ call: Call, _ outcome: Outcome) {
        switch call.purpose {
        case .before:
            if isUndo(id) { weighLiveState(id, attempt: call.attempt) } else { weighPrecondition(id, call) }
        case .act, .undo: finishOrProve(id, isAnswered: true)
        case .probe: weighProbe(id, call)
        case .readBack: weighProof(id, call)
        case .verify: weighVerify(id, call)
        // Whatever became of it, it was weighed before.
        case .control: break
        case .measure:
            guard let line = place(id)?.line else { return stop(id, "the pinned workflow has no step '\(id)'") }
            weigh(line, id)
        }
    }

    /// Whether the state just read is still what the act was planned for.
    private mutating func weighPrecondition(_ id: String, _ call: Call) {
        guard let wanted = contract(of: id)?.precondition else {
            return intend(id, .act, attempt: 1)
        }
        // Looked at again before a later try, it is that try.
        if proofBefore(id) { return intend(id, .act, attempt: call.attempt) }
        // With what the state was asked with: the act is asked with the same.
        switch wanted.decide(["before": run.step(id)?.before ?? .null, "with": call.arguments]) {
        case .isTrue: intend(id, .act, attempt: call.attempt)
        case .isFalse: stop(id, "nothing was done: somebody changed it since this was planned")
        case .undecided(let error): stop(id, "nothing was done: the precondition gave no answer: \(error.message)")
        }
    }

    /// The state was read back: does it show what the step is for?
    private mutating func weighProof(_ id: String, _ call: Call) {
        switch proof(of: id) {
        case nil, .isTrue: prove(id, call)
        case .isFalse: poll(id, call, "the provider answered, but the effect is not there: verify is false")
        case .undecided(let error): stop(id, "verify gave no answer: \(error.message)")
        }
    }

    /// Looks again later, as long as the effect may still come.
    mutating func poll(_ id: String, _ call: Call, _ missing: String) {
        // An eighth of the time waited so far: often at first, and few enough in a day for a journal.
        let waited = now.since(run.step(id)?.startedAt ?? now)
        let poll = max(Limits.verifyPollMilliseconds << Int64(min(call.attempt - 1, 5)), waited / 8)
        schedule(
            id, call, after: poll, reason: "the provider doesn't show the effect yet",
            exhausted: notInEffect(id, call, missing), isAnswered: true)
    }

    /// The state that was read back shows what the step is for.
    func isSeen(_ id: String) -> Bool { proof(of: id) == .isTrue }

    /// So did the state that was read before the act.
    func wasSeenBefore(_ id: String) -> Bool { proofBefore(id) }

    /// A probe after an unknown outcome: so it took effect, or it did not.
    private mutating func weighProbe(_ id: String, _ call: Call) {
        // What is resolved is the act in doubt, not the question about it.
        let number = run.step(id)?.doubt?.number ?? call.number
        switch proof(of: id) {
        case .isTrue:
            emit(
                .callResolved(
                    step: id, number: number, tookEffect: true, by: "probe", reason: "the provider shows it"))
            finishOrProve(id)
        case .isFalse where mayStillShow(id):
            let lag = contract(of: id)?.lagMilliseconds ?? 0
            let until = now.adding(milliseconds: max(Limits.verifyPollMilliseconds, lag / 8))
            emit(
                .retryScheduled(
                    step: id, Step.BackOff(until: until, purpose: .probe, attempt: call.attempt),
                    reason: "the provider may not show it yet"))
        case .isFalse:
            emit(
                .callResolved(
                    step: id, number: number, tookEffect: false, by: "probe",
                    reason: "the provider doesn't show it"))
            schedule(
                id, call, next: isUndo(id) ? .undo : .act, after: backOff(id, call),
                reason: "the provider shows that it did not happen",
                exhausted: "out of tries: the act did not take effect")
        case nil:
            stop(id, "the outcome is unknown, and neither the workflow nor the connector says what a probe must show")
        case .undecided(let error): stop(id, "the outcome is unknown, and verify gave no answer: \(error.message)")
        }
    }

    private func isUndo(_ id: String) -> Bool { id.hasPrefix(Step.undoPrefix) }

    /// Whether the state read back shows what the step is for; an undo is for what was before.
    private func proof(of id: String) -> Condition? {
        if isUndo(id) { return isRestored(id) ? .isTrue : .isFalse }
        return effect(of: id)
    }

    /// The provider took the act, or may have, and has not shown it: it is known to take longer than that.
    func mayStillShow(_ id: String) -> Bool {
        guard !isUndo(id), let step = run.step(id), let lag = contract(of: id)?.lagMilliseconds, !proofBefore(id),
            step.after == nil || proof(of: id) == .isFalse
        else { return false }
        let until =
            step.doubt.map { doubt in
                let usual = doubt.deadline.adding(milliseconds: lag)
                return step.proofUntil.map { max($0, usual) } ?? usual
            } ?? (step.hasActed ? step.proofUntil : nil)
        return until.map { $0 > now } ?? false
    }

    /// The effect was not there when it was last read back, and `live` shows it.
    func showsLate(_ id: String, _ live: Value) -> Bool {
        proof(of: id) == .isFalse && effect(of: id, after: live) == .isTrue
    }

    private func proofBefore(_ id: String) -> Bool {
        guard !isUndo(id), let before = run.step(id)?.before else { return false }
        return effect(of: id, after: before) == .isTrue
    }

    /// The workflow's word on what `after` must show, or else the connector's; of another state than was read back, where
    /// one is given.
    private func effect(of id: String, after other: Value? = nil) -> Condition? {
        guard let place = place(id), let act = place.line.act else { return nil }
        if let verify = act.verify {
            var all = variables(in: id, of: Set(verify.variables.keys))
            if let other { all["after"] = other }
            return verify.decide(all)
        }
        guard let probe = contract(place)?.probe, let step = run.step(id) else { return nil }
        return probe.decide([
            "before": step.before ?? .null, "after": other ?? step.after ?? .null, "with": step.arguments ?? .null,
        ])
    }

    private mutating func tryLater(_ id: String, _ call: Call, _ outcome: Outcome) {
        let asked = outcome.retryAfterMilliseconds.map { min($0, Limits.retryAfterMillisecondsMax) }
        schedule(
            id, call, after: max(asked ?? 0, backOff(id, call)), isTry: !outcome.wasWithheld,
            reason: outcome.reason ?? "the provider asked to wait",
            exhausted: "out of tries: \(outcome.reason ?? "the provider kept asking to wait")")
    }

    /// Nobody knows whether it happened. What may follow is fixed by the class, never guessed.
    private mutating func faceUnknown(_ id: String, _ call: Call, _ outcome: Outcome) {
        let reason = outcome.reason ?? "the outcome is unknown"
        switch call.redeliveryClass {
        case .read:
            // Nobody needs what a concluded run would read for its way forward.
            let isWanted = run.conclusion == nil || isUndo(id) || call.purpose.asksWhatWasDone
            if isWanted { redeliver(id, call, isLost: outcome == .lost, reason: reason) } else { stop(id, reason) }
        case .convergent, .keyed:
            if run.conclusion == nil || isUndo(id) {
                redeliver(id, call, isLost: outcome == .lost, reason: reason)
            } else {
                lookInto(id, call, reason)
            }
        case .probeable: lookInto(id, call, reason)
        case .once: stop(id, reason)
        }
    }

    /// Asks the provider what became of an act in doubt, or a person where the provider can't be asked.
    mutating func lookInto(_ id: String, _ call: Call, _ reason: String) {
        guard contract(of: id)?.readsState == true else { return stop(id, reason) }
        intend(id, .probe, attempt: call.attempt)
    }

    /// No further try of this call. An act that an earlier delivery may have done is looked into first.
    mutating func giveUp(_ id: String, _ call: Call, _ reason: String) {
        guard call.purpose.isChange, run.step(id)?.doubt != nil else { return stop(id, reason) }
        lookInto(id, call, "\(reason); an earlier delivery of it may have taken effect")
    }

    /// The same intent again. The first time at once: a crash or a cut line says nothing about the provider.
    private mutating func redeliver(_ id: String, _ call: Call, isLost: Bool, reason: String) {
        let attempts = retry(id).attempts
        guard call.delivery < (isLost ? Limits.attemptsMax : attempts) else {
            return giveUp(id, call, "out of tries, and the last outcome is unknown: \(reason)")
        }
        let deadline = max(run.step(id)?.deadline ?? now, lookingUntil(id, call))
        let isAtOnce = call.delivery == 1 || isLost
        let until = isAtOnce ? now : now.adding(milliseconds: backOff(id, call))
        // A crash may outlast the step's time, and what the provider remembers of a key.
        let isKeyed = call.redeliveryClass == .keyed
        let isInTime = until < deadline || isLost && !isKeyed
        let isWanted = call.purpose.asksWhatWasDone || !isInOverPart(id)
        guard isInTime, isWanted, !isKeyed || until < keyEnd(id, call) else {
            return giveUp(id, call, "out of time, and the last outcome is unknown: \(reason)")
        }
        if isAtOnce {
            sendAgain(id, call)
        } else {
            emit(
                .retryScheduled(
                    step: id,
                    Step.BackOff(until: until, purpose: call.purpose, attempt: call.attempt, redelivers: call),
                    reason: reason))
        }
    }

    /// Until when its provider surely remembers the key of a call, reckoned from its intent: no byte left before that.
    private func keyEnd(_ id: String, _ call: Call) -> Instant {
        let window = contract(of: id)?.keyWindowMilliseconds ?? Limits.keyWindowMillisecondsDefault
        return call.intendedAt.adding(milliseconds: window)
    }

    /// A halt is looked at before every write, and this may be the delivery that does it.
    private mutating func sendAgain(_ id: String, _ call: Call) {
        if call.purpose == .act, call.effectClass.isWrite, let reason = haltReason(call.provider) {
            let backOff = Step.BackOff(until: now, purpose: .act, attempt: call.attempt, redelivers: call)
            return emit(.stepHalted(step: id, backOff, reason: reason))
        }
        let timeout =
            place(id).flatMap { contract($0, call.purpose) }?.timeoutMilliseconds
            ?? Limits.callTimeoutMillisecondsDefault
        emit(
            .callRedelivered(
                step: id, number: call.number, delivery: call.delivery + 1,
                deadline: now.adding(milliseconds: timeout)))
    }

    /// What must hold for the act, or what an undo would overwrite, may have changed while it waited. After an act that
    /// may have happened nothing that is read is a before-image.
    func looksAgain(_ id: String, _ purpose: Call.Purpose) -> Bool {
        guard let step = run.step(id), let contract = contract(of: id) else { return false }
        return switch purpose {
        case .act: step.doubt == nil && !step.mayHaveActed && contract.precondition != nil
        case .undo: contract.readsState && !step.isForced
        case .before, .probe, .readBack, .measure, .control, .verify: false
        }
    }

    /// A step's wait is over.
    mutating func goOn(_ id: String, _ backOff: Step.BackOff) {
        guard let call = backOff.redelivers else {
            return intend(id, looksAgain(id, backOff.purpose) ? .before : backOff.purpose, attempt: backOff.attempt)
        }
        let isLate = now >= min(run.step(id)?.deadline ?? now, keyEnd(id, call))
        if call.redeliveryClass == .keyed, isLate {
            giveUp(id, call, "out of time, and the last outcome is unknown")
        } else {
            sendAgain(id, call)
        }
    }

    /// A new try after a wait, or a person when tries or time are used up. A call that an earlier delivery may have
    /// done is tried again as the same intent, so that its key stays the same.
    private mutating func schedule(
        _ id: String, _ call: Call, next purpose: Call.Purpose? = nil, after milliseconds: Int64, isTry: Bool = true,
        reason: String,
        exhausted: String, isAnswered: Bool = false
    ) {
        if run.conclusion != nil, !isUndo(id) { return giveUp(id, call, reason) }
        let limit = lookingUntil(id, call)
        let isPolling = call.purpose.looksForEffect
        // The last look is at the end of the time that the provider may take.
        let isBounded = isPolling && run.step(id)?.proofUntil != nil && now < limit
        let until =
            isBounded ? min(now.adding(milliseconds: milliseconds), limit) : now.adding(milliseconds: milliseconds)
        let redelivers = run.step(id)?.doubt?.number == call.number ? call : nil
        let tries = max(call.attempt, redelivers?.delivery ?? 1)
        let attempts = retry(id).attempts
        guard tries < attempts || isPolling || !isTry, isBounded || until < limit else {
            // Where nobody could look, nothing is known of the effect.
            if isAnswered, contract(of: id)?.proof != nil, !isUndo(id) {
                emit(.proofTaken(step: id, Step.Proof(.notInEffect, exhausted)))
            }
            return giveUp(id, call, exhausted)
        }
        emit(
            .retryScheduled(
                step: id,
                Step.BackOff(
                    until: until, purpose: purpose ?? call.purpose,
                    attempt: redelivers == nil && isTry ? call.attempt + 1 : call.attempt, redelivers: redelivers),
                reason: reason))
    }

    /// A new intent of an act whose last outcome nobody knows, after a wait and within its tries.
    mutating func intendAgain(_ id: String, _ call: Call, _ reason: String) {
        schedule(
            id, call, next: .act, after: backOff(id, call), reason: reason,
            exhausted: "out of tries, and every outcome was unknown: \(reason)")
    }

    /// Doubles with each try up to the limit, less up to a fifth by a number that is the call's own: many runs that
    /// failed together don't come back together, and the same state gives the same wait.
    private func backOff(_ id: String, _ call: Call) -> Int64 {
        let tries = max(call.attempt, call.delivery)
        let first = retry(id).firstMilliseconds
        let full = min(first << Int64(min(tries - 1, 16)), Limits.backOffMillisecondsMax)
        var mix: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in "\(run.id)#\(call.number)".utf8 { mix = (mix ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return full - Int64(mix % 1000) * full / 5000
    }

    /// A restore is tried longer than anything else.
    private func retry(_ id: String) -> Workflow.Retry {
        if isUndo(id) { return Workflow.Retry(attempts: Limits.attemptsMax) }
        return place(id)?.line.retry ?? Workflow.Retry()
    }

    private func refusalText(_ call: Call, _ outcome: Outcome) -> String {
        let status = outcome.status.map { " (HTTP \($0))" } ?? ""
        return "\(call.provider) refused \(call.capability)\(status): \(outcome.reason ?? "no reason given")"
    }
}
