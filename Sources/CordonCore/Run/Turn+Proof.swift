// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

extension Turn {
    /// A control is taken first, where there is one to take, then the state is read, then it is acted. An act that may
    /// have happened already leaves nothing to be taken a control of.
    mutating func beginAct(_ id: String, _ contract: Contract) {
        let step = run.step(id)
        let isUntouched = step?.doubt == nil && step?.mayHaveActed != true
        if contract.effectClass.isWrite, contract.proof?.asksItself == true, isUntouched {
            return intend(id, .control, attempt: 1)
        }
        readOrAct(id, contract)
    }

    /// Something was used before, and nothing has been done since: what is done now is proved by what works now.
    func takesControlAnew(_ id: String) -> Bool {
        guard let step = run.step(id) else { return false }
        return step.control != nil && step.doubt == nil && !step.mayHaveActed
    }

    private mutating func readOrAct(_ id: String, _ contract: Contract) {
        intend(id, contract.readsState && contract.effectClass.isWrite ? .before : .act, attempt: 1)
    }

    /// Containment does not wait for a proof: whatever became of the control, the step goes on.
    mutating func weighControl(_ id: String, _ call: Call, _ outcome: Outcome) {
        if outcome == .lost, call.attempt < Limits.controlAttemptsMax {
            return intend(id, .control, attempt: call.attempt + 1)
        }
        goOnWithout(id, objection(id, call, outcome))
    }

    private func objection(_ id: String, _ call: Call, _ outcome: Outcome) -> Step.Proof? {
        guard let rule = contract(of: id)?.proof else { return nil }
        switch outcome.kind {
        case .done, .already:
            return rule.objection(to: outcome.result, call.arguments).map { Step.Proof(.nothing, $0) }
        case .later, .refused, .unknown:
            return Step.Proof(.noControl, "no control was taken before: \(outcome.reason ?? "no reason given")")
        }
    }

    /// The same for a control that can't be asked for at all.
    mutating func goOnWithoutControl(_ id: String, _ reason: String) {
        goOnWithout(id, Step.Proof(.noControl, "no control was taken before: \(reason)"))
    }

    private mutating func goOnWithout(_ id: String, _ proof: Step.Proof?) {
        guard let contract = contract(of: id) else {
            return stop(id, "no provider of this run offers what the step asks for")
        }
        if let proof { emit(.proofTaken(step: id, proof)) }
        readOrAct(id, contract)
    }

    // MARK: After the act

    /// From now on the provider has the time that it is known to take.
    mutating func awaitEffect(_ id: String, _ contract: Contract, isAnswered: Bool) {
        guard let lag = contract.lagMilliseconds, contract.effectClass.isWrite, let step = run.step(id), !step.isUndo,
            contract.readsState || contract.proof?.asksItself == true
        else { return }
        if !isAnswered, let known = step.proofUntil, known > now { return }
        emit(.proofAwaited(step: id, until: now.adding(milliseconds: lag)))
    }

    /// The state shows the effect, or there is none to read. Does whoever holds what was contained see it too?
    mutating func prove(_ id: String, _ call: Call?) {
        guard let step = run.step(id), !step.isUndo, step.proof?.verdict.isFinal != true,
            let contract = contract(of: id),
            contract.effectClass.isWrite, let rule = contract.proof
        else { return finish(id) }
        if rule.asksItself {
            guard step.control != nil else { return finish(id, Step.Proof(.noControl, "no control was taken before")) }
            return intend(id, .verify, attempt: 1)
        }
        guard let before = step.before, let call else {
            return finish(id, Step.Proof(.noControl, "nobody looked before"))
        }
        if let objection = rule.objection(to: before, call.arguments) {
            return finish(id, Step.Proof(.nothing, objection))
        }
        weigh(rule, id, call, step.after ?? .null)
    }

    /// What the subject holds was used again.
    mutating func weighVerify(_ id: String, _ call: Call) {
        guard let rule = contract(of: id)?.proof else { return finish(id) }
        weigh(rule, id, call, run.step(id)?.seen ?? .null)
    }

    private mutating func weigh(_ rule: ProofRule, _ id: String, _ call: Call, _ seen: Value) {
        switch rule.isShown(seen, call.arguments) {
        case .isTrue: finish(id, Step.Proof(.inEffect, rule.shown))
        case .isFalse: poll(id, call, rule.missing)
        case .undecided(let error): stop(id, "the proof gave no answer: \(error.message)")
        }
    }

    private mutating func finish(_ id: String, _ proof: Step.Proof? = nil) {
        noteExposure(id)
        if let proof { emit(.proofTaken(step: id, proof)) }
        let isProved = proof?.verdict == .inEffect
        if isSeen(id) {
            let note = wasSeenBefore(id) ? "was so before the call" : nil
            return emit(.stepFinished(step: id, isVerified: true, note: note))
        }
        let contract = contract(of: id)
        let isUnjudged = !isProved && contract?.readsState == true && contract?.effectClass.isWrite == true
        emit(
            .stepFinished(
                step: id, isVerified: isProved, note: isUnjudged ? "read back; nothing says what must be seen" : nil))
    }

    /// Until when it is looked whether an effect is there: as long as the provider is known to take, or as the step has.
    func lookingUntil(_ id: String, _ call: Call) -> Instant {
        let deadline = run.step(id)?.deadline ?? now
        return call.purpose.looksForEffect ? run.step(id)?.proofUntil ?? deadline : deadline
    }

    /// Why nobody looks any longer.
    func notInEffect(_ id: String, _ call: Call, _ what: String) -> String {
        guard run.step(id)?.proofUntil != nil, let lag = contract(of: id)?.lagMilliseconds else {
            return what
        }
        return "not in effect after \(lag / 1000) s, which is as long as the provider is known to take: \(what)"
    }
}

extension Step.Proof.Verdict {
    /// Looking once more can't change it.
    fileprivate var isFinal: Bool {
        switch self {
        case .nothing, .noControl: true
        case .inEffect, .notInEffect: false
        }
    }
}

extension Call.Purpose {
    /// It is asked again and again until the effect shows.
    var looksForEffect: Bool { self == .readBack || self == .verify }
}
