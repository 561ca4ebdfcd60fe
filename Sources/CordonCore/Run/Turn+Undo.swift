// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

extension Turn {
    // MARK: Undo

    /// The step changed something that its connector can set back, and that nobody has set back yet.
    func isUndoable(_ step: Step) -> Bool {
        // An act in doubt counts too: setting back what did not happen changes nothing.
        guard step.hasActed || step.doubt != nil || step.mayHaveActed, !step.isUndone, !step.isUndo,
            let place = place(step.id), let act = place.line.act,
            let contract = contract(place), contract.effectClass.isWrite, contract.canUndo
        else { return false }
        return act.undo == .byConnector
    }

    /// Undoes what the run did, the last first: all of it, which also ends it, or the named steps.
    mutating func rollBack(_ steps: [String]?, _ by: String, _ reason: String) {
        // The undo of all of it takes the place of the undo of some.
        guard run.rollback == nil || steps == nil && run.rollback?.steps != nil else { return }
        let wasLive = run.isLive
        emit(.rollbackRequested(Run.Rollback(steps: steps, by: by, reason: reason)))
        askAnew(steps, by, reason)
        guard steps == nil else { return }
        if run.conclusion?.ending != .undone {
            emit(.runConcluded(Run.Conclusion(ending: .undone, by: by, reason: reason)))
        }
        if wasLive { leaveAll("what the run did is undone: \(reason)") }
    }

    /// An undo that a person left out is asked for now.
    private mutating func askAnew(_ steps: [String]?, _ by: String, _ reason: String) {
        for step in run.steps where step.isUndo && step.phase == .skipped {
            let forward = Step.forwardID(of: step.id)
            guard steps?.contains(where: { forward == $0 || forward.hasPrefix($0 + ".") }) ?? true else { continue }
            emit(.stepStopped(step: step.id, reason: "it was left out, and is asked for anew"))
            emit(.runResumed(step: step.id, isForced: false, by: by, reason: reason))
        }
    }

    mutating func rollBackNext() {
        guard let rollback = run.rollback else { return }
        // Nothing is undone beside a call whose effect is not known yet.
        let isBusy = run.steps.contains { !$0.isUndo && $0.isAwaited }
        guard !isBusy, undoNext(rollback.steps) else { return }
        emit(.rollbackFinished)
        if rollback.steps == nil { keepRest() }
    }

    /// What has no undo stands on, and nobody waits for its hold.
    private mutating func keepRest() {
        for step in run.steps {
            guard var hold = step.hold, !hold.hasEnded, hold.state != .lifting else { continue }
            hold.state = .kept
            emit(.holdChanged(step: step.id, hold, by: "the workflow", reason: "it has no undo"))
        }
    }

    /// Moves the undo of the last of these steps that acted. True when all of them are undone, or left by a person.
    mutating func undoNext(_ ids: [String]?) -> Bool {
        let named = run.steps.filter { step in
            !step.isUndo && ids?.contains { step.id == $0 || step.id.hasPrefix($0 + ".") } ?? true
        }
        // What is under way is awaited: it would take effect after its undo.
        if named.contains(where: \.isAwaited) { return false }
        let targets = named.filter(isUndoable)
        for step in targets.sorted(by: { $0.actedNumber ?? .max > $1.actedNumber ?? .max }) where !driveUndo(step.id) {
            return false
        }
        return true
    }

    /// True when the undo has ended, one way or another.
    private mutating func driveUndo(_ id: String) -> Bool {
        let undo = Step.undoID(of: id)
        if run.step(undo)?.phase ?? .pending == .pending { beginUndo(undo, of: id) }
        return run.step(undo)?.hasEnded == true
    }

    private mutating func beginUndo(_ id: String, of forward: String) {
        // A step that would prove, send again or be tried anew what is now undone is over. One that waits for a person
        // still does when only its hold has ended: what comes after it was not to happen without it.
        let isLeft = run.step(forward)?.phase == .stopped && run.rollback == nil
        if run.step(forward)?.hasEnded == false, !isLeft {
            emit(.stepSkipped(step: forward, reason: "what it did is undone before it was done with"))
        }
        emit(.stepStarted(step: id, deadline: now.adding(milliseconds: within(id))))
        guard let contract = contract(of: forward) else {
            return stop(id, "no provider of this run offers what would be undone")
        }
        if run.step(id)?.hasActed == true { return finishOrProve(id) }
        let looksFirst = contract.readsState && run.step(id)?.isForced != true
        intend(id, looksFirst ? .before : .undo, attempt: 1)
    }

    /// Compare and set: what the provider says now must still be what the run wrote.
    mutating func weighLiveState(_ id: String, attempt: Int) {
        let forward = run.step(Step.forwardID(of: id))
        guard let contract = contract(of: id), let live = run.step(id)?.before else {
            return stop(id, "no provider of this run offers what would be undone")
        }
        // What it took and doesn't show yet nobody else has set back: it is undone all the same.
        if contract.isSame(live, forward?.before), !mayStillShow(Step.forwardID(of: id)) {
            if let doubt = run.step(id)?.doubt {
                // It was this run's own undo that took effect, and nobody had said so.
                emit(
                    .callResolved(
                        step: id, number: doubt.number, tookEffect: true, by: "probe", reason: "the provider shows it"))
                return emit(.stepFinished(step: id, isVerified: true, note: nil))
            }
            return emit(.stepFinished(step: id, isVerified: true, note: Step.foundAsBefore))
        }
        if let forward, let wrote = forward.after, !contract.isSame(live, wrote), !showsLate(forward.id, live) {
            return stop(
                id,
                "somebody changed it since: it is neither what the run wrote nor what was before; undo it all the same "
                    + "with 'cordon run resume --force', or leave it with 'cordon run skip'", asking: .undoConflict)
        }
        if contract.revivesCredentials, !hasEndedCredentials(where: place(id).flatMap { provider($0) }) {
            return stop(
                id,
                "undone, it would give back what the subject held before, and this run ended none of that; end its "
                    + "tokens first, then undo it with 'cordon run resume --force', or leave it with 'cordon run skip'",
                asking: .undoConflict)
        }
        intend(id, .undo, attempt: attempt)
    }

    private func hasEndedCredentials(where provider: String?) -> Bool {
        run.steps.contains { step in
            guard !step.isUndo, step.hasActed, let place = place(step.id), self.provider(place) == provider,
                let capability = place.line.act?.capability
            else { return false }
            return Capability.named(capability)?.endsCredentials == true
        }
    }

    /// The state was read back after an undo: is it what it was before?
    func isRestored(_ id: String) -> Bool {
        guard let contract = contract(of: id) else { return false }
        return contract.isSame(run.step(id)?.after, run.step(Step.forwardID(of: id))?.before)
    }

    // MARK: Holds

    /// An effect that took place begins to be held, proved or not: containment always has an end.
    mutating func beginHold(_ id: String, _ place: Spot) {
        guard !id.hasPrefix(Step.undoPrefix), let hold = place.line.hold, run.step(id)?.hold == nil else { return }
        switch milliseconds(hold.span, place) {
        case .success(let number):
            let bounded = max(0, min(number, Limits.holdMillisecondsMax))
            emit(.holdStarted(step: id, until: now.adding(milliseconds: bounded)))
        case .failure(let error):
            let state = Step.Hold(until: now, state: .asking)
            emit(.holdStarted(step: id, until: now))
            emit(
                .holdChanged(
                    step: id, state, by: "the workflow",
                    reason: "how long it holds could not be computed: \(error.reason)"
                ))
        }
    }

    mutating func liftHolds() {
        for step in run.steps {
            guard let hold = step.hold else { continue }
            switch hold.state {
            case .standing: if hold.until <= now { endHold(step.id, hold) }
            case .lifting: lift(step.id, hold)
            case .asking, .kept, .undone: break
            }
        }
    }

    private mutating func endHold(_ id: String, _ standing: Step.Hold) {
        var hold = standing
        var reason = "its time is up"
        hold.state = .asking
        if let place = place(id), let rule = place.line.hold {
            switch (rule.unless?.decide(variables(in: id, showing: rule.unless)), rule.then) {
            case (.isTrue, _):
                hold.state = .kept
                reason = "its 'unless' holds"
            case (.undecided(let error), _): reason = "its 'unless' gave no answer: \(error.message)"
            case (_, .undo): hold.state = .lifting
            case (_, .keep): hold.state = .kept
            case (_, .page): break
            }
        }
        emit(.holdChanged(step: id, hold, by: Step.Hold.byTime, reason: reason))
    }

    /// Restores run whatever else is the matter with the run.
    private mutating func lift(_ id: String, _ lifting: Step.Hold) {
        guard let step = run.step(id) else { return }
        // What became of the act is found out first.
        guard step.doubt == nil, !step.isCalling else { return }
        var hold = lifting
        guard isUndoable(step) else {
            hold.state = step.isUndone ? .undone : .asking
            return emit(
                .holdChanged(step: id, hold, by: Step.Hold.byTime, reason: "its provider offers no undo for it"))
        }
        guard driveUndo(id), run.step(id)?.isUndone != true else { return }
        hold.state = .kept
        emit(.holdChanged(step: id, hold, by: "a person", reason: "its undo was left out"))
    }
}

extension Run {
    /// What other actors had put back before this run did, as the events of its own transition tell.
    package func putBacks(_ events: [Event], _ definition: RunDefinition, at now: Instant) -> [Mark] {
        guard let subject else { return [] }
        let found = events.compactMap { event -> String? in
            if case .stepFinished(let step, _, Step.foundAsBefore?) = event { step } else { nil }
        }
        guard !found.isEmpty else { return [] }
        let turn = Turn(self, definition, .none, now)
        // What is put back elsewhere is no state of the subject's own.
        return found.compactMap { turn.place($0)?.line.act }.filter { $0.at == nil }.map(\.capability).map {
            Mark(
                what: .putBack(capability: $0), subject: subject.key, playbook: playbook.name, at: now, cause: id.text)
        }
    }

    /// The capabilities whose effect it holds for a time: what their provider shows now is not what was before.
    package func held(_ definition: RunDefinition) -> Set<String> {
        let turn = Turn(self, definition, .none, updatedAt)
        return Set(
            steps.compactMap { step in
                guard let hold = step.hold, !hold.hasEnded, turn.isUndoable(step) else { return nil }
                guard let place = turn.place(step.id), let act = place.line.act else { return nil }
                return act.at == nil ? act.capability : turn.provider(place).map { "\($0): \(act.capability)" }
            })
    }
}

extension Step {
    /// Of an undo that found nothing to do: somebody else did it.
    package static let foundAsBefore = "it was as before already"

    var isCalling: Bool { if case .calling = phase { true } else { false } }

    /// A call of it has an outcome to come, from the provider or from a person.
    fileprivate var isAwaited: Bool { if case .uncertain = phase { true } else { isCalling } }
}
