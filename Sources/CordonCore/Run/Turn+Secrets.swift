// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// Secrets that a step issued. The journal holds their handles alone, so a process that ends takes them with it: what was
/// issued and delivered to nobody is taken back then, and issued anew.
extension Turn {
    /// A call was not sent because what it would carry is in memory no more.
    mutating func loseSecret(_ id: String, _ call: Call, _ reason: String) {
        // An earlier delivery of it may have arrived: then nothing is missing.
        if run.step(id)?.doubt != nil { return giveUp(id, call, reason) }
        guard run.conclusion == nil, run.rollback == nil, !id.hasPrefix(Step.undoPrefix),
            let handle = call.arguments.secretHandle,
            let origin = run.steps.first(where: { $0.result?["secret"] == .string(handle) }), !origin.isLost,
            isUndoable(origin)
        else { return stop(id, reason) }
        let users = run.steps.filter { !$0.isUndo && ($0.id == id || $0.arguments?.secretHandle == handle) }
        if let taken = users.first(where: hasHanded) {
            return stop(id, "\(reason); step '\(taken.id)' had handed it on, so it is not taken back by itself")
        }
        // What another has under way with it is awaited: its outcome says whether it was handed on.
        if users.contains(where: { $0.id != id && $0.isCalling }) {
            let until = now.adding(milliseconds: Limits.verifyPollMilliseconds)
            return emit(
                .retryScheduled(
                    step: id, Step.BackOff(until: until, purpose: call.purpose, attempt: call.attempt), reason: reason))
        }
        // A part that is over is gone through anew, or nobody would come to what stands in it.
        let places = ([origin] + users).compactMap { place($0.id) }
        let around = Set(places.flatMap { parts(around: $0.line.id, $0.scope) })
        let over = around.filter { run.step($0)?.hasEnded == true }.sorted()
        emit(.secretLost(step: origin.id, users: users.map(\.id) + over, reason: reason))
    }

    /// Whether the act gave a secret that never came here: its answer was lost, or a probe found that it took effect.
    mutating func takesBackLost(_ id: String, _ contract: Contract) -> Bool {
        guard contract.issuesSecret, !id.hasPrefix(Step.undoPrefix), let step = run.step(id), !step.isLost,
            step.result?["secret"] == nil, run.rollback == nil, isUndoable(step)
        else { return false }
        emit(
            .secretLost(step: id, users: [], reason: "it took effect, and the answer that holds its secret never came"))
        return true
    }

    /// Takes back what nobody can use any more, and lets its step begin anew.
    mutating func replaceLost() {
        guard run.rollback == nil else { return }
        for step in run.steps where step.isLost {
            guard undoNext([step.id]), run.conclusion == nil else { continue }
            emit(.stepReopened(step: step.id))
        }
    }

    /// Something is still being taken back.
    var isReplacing: Bool {
        run.steps.contains { $0.isLost && !$0.isUndone && run.step(Step.undoID(of: $0.id))?.hasEnded != true }
    }

    private func hasHanded(_ step: Step) -> Bool {
        guard step.hasActed || step.mayHaveActed || step.doubt != nil else { return false }
        return place(step.id)?.line.act.map { Capability.named($0.capability)?.isWrite ?? true } ?? true
    }
}

extension Value {
    /// The handle of an issued secret among a call's arguments.
    package var secretHandle: String? {
        guard let text = self["secret"]?.stringValue, text.hasPrefix(Value.handlePrefix) else { return nil }
        return text
    }

    package static let handlePrefix = "‹issued:"

    /// The same whichever time the secret was issued: people agree to the delivery, not to a call's number.
    var withoutHandle: Value {
        guard secretHandle != nil, case .object(var members) = self else { return self }
        members["secret"] = .string(Value.handlePrefix)
        return .object(members)
    }

    /// What stands in the journal for the secret that a call was answered with.
    package static func handle(ofCall id: String) -> String { "\(handlePrefix)\(id)›" }
}
