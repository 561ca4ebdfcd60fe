// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

extension Turn {
    /// Goes through a block's lines in order and moves what can be moved. True when all of them have ended.
    mutating func walk(_ lines: [Workflow.Line], _ scope: Scope) -> Bool {
        var isBlocked = false
        var isDone = true
        for line in lines where run.isLive && run.conclusion == nil && run.rollback == nil {
            let id = scope.prefix + line.id
            let hasEnded = isReady(line, id, scope, isBlocked) ? drive(line, id, scope) : run.step(id)?.hasEnded == true
            if !hasEnded {
                isDone = false
                // What comes after something else holds up nobody.
                if line.after == nil { isBlocked = true }
            }
        }
        return isDone && run.conclusion == nil && run.rollback == nil
    }

    private mutating func isReady(_ line: Workflow.Line, _ id: String, _ scope: Scope, _ isBlocked: Bool) -> Bool {
        guard let after = line.after else { return !isBlocked }
        guard run.step(id)?.phase ?? .pending == .pending else { return true }
        let first = run.step(scope.prefix + after.step)
        // What it issued may be taken back: then it ends anew.
        let isOver = first.map { $0.hasEnded || ($0.isLeft && isPassed(after.step, scope)) }
        let hasEnded = first?.isLost != true && (isOver ?? isPassed(after.step, scope))
        switch after {
        case .step: return hasEnded
        case .hold:
            if first?.hold?.state == .kept { return true }
            let isUndone = first?.isUndone == true || first?.hold?.state == .undone
            if isUndone || hasEnded && first?.hold == nil {
                emit(.stepSkipped(step: id, reason: "'\(after.step)' holds nothing that was kept"))
            }
            return false
        }
    }

    /// A part that the step stands in is over, skipped or not climbed so far: what did not come to be, or was left in it,
    /// never will.
    private func isPassed(_ name: String, _ scope: Scope) -> Bool {
        parts(around: name, scope).contains { run.step($0)?.hasEnded == true }
    }

    /// The ids of the steps that a step stands in.
    func parts(around name: String, _ scope: Scope) -> [String] {
        var workflow: Workflow? = definition.workflow
        if !scope.prefix.isEmpty {
            let caller = place(String(scope.prefix.dropLast()))?.line.kind
            workflow = if case .call(let name, _)? = caller { definition.called[name] } else { nil }
        }
        return (workflow?.parts(around: name) ?? []).map { scope.prefix + $0 }
    }

    /// Moves one step as far as it goes. True when it has ended.
    mutating func drive(_ line: Workflow.Line, _ id: String, _ scope: Scope) -> Bool {
        if run.step(id)?.isLost == true { return false }
        switch run.step(id)?.phase ?? .pending {
        case .pending: begin(line, id, scope)
        case .open: driveOpen(line, id, scope)
        case .waiting(let until): if until <= now { look(line, id) }
        case .asking(let question): attend(question, line, id)
        case .halted(let backOff): release(id, backOff)
        case .calling, .backingOff, .uncertain, .stopped, .finished, .skipped, .failed: break
        }
        return run.step(id)?.hasEnded == true
    }

    /// What forbade the call may be gone: the step goes on with a new span of time. A key's time is not renewed: its
    /// provider may have forgotten it.
    private mutating func release(_ id: String, _ backOff: Step.BackOff) {
        guard let provider = place(id).flatMap({ provider($0, backOff.purpose) }), haltReason(provider) == nil else {
            return
        }
        if backOff.redelivers?.effectClass == .keyed { return goOn(id, backOff) }
        emit(.stepStarted(step: id, deadline: latestEnd(id)))
        // A control from before the halt would prove that time went by.
        if backOff.purpose == .act, backOff.redelivers == nil, takesControlAnew(id), let contract = contract(of: id) {
            return beginAct(id, contract)
        }
        goOn(id, backOff)
    }

    // MARK: Begin

    private mutating func begin(_ line: Workflow.Line, _ id: String, _ scope: Scope) {
        guard run.steps.count < Limits.stepsPerRunMax else {
            return stop(
                id, "the run has \(run.steps.count) steps, the limit is \(Limits.stepsPerRunMax) (stepsPerRunMax)")
        }
        guard let place = place(id) else { return stop(id, "the pinned workflow has no step '\(id)'") }
        if run.step(id)?.permit == nil, let condition = line.condition, line.each == nil || !place.isItem {
            switch condition.decide(variables(place)) {
            case .isTrue: break
            case .isFalse: return emit(.stepSkipped(step: id, reason: Step.falseCondition))
            case .undecided(let error): return stop(id, "its condition gave no answer: \(error.message)")
            }
        }
        emit(.stepStarted(step: id, deadline: latestEnd(id)))
        // To nothing nobody has to agree.
        if let each = line.each, !place.isItem, run.step(id)?.items == nil, isEmpty(each, place) {
            return openItems(each, place, id)
        }
        if line.consent != nil, !place.isItem, !isPermitted(place, id) { return }
        if let each = line.each, !place.isItem { return openItems(each, place, id) }
        start(line, id, place)
    }

    private mutating func start(_ line: Workflow.Line, _ id: String, _ place: Spot) {
        switch line.kind {
        case .act(let act): startAct(act, id)
        case .approve(let consent): ask(.approve, consent, place, id)
        case .task(let consent): ask(.task, consent, place, id)
        case .wait(.span(let span)):
            switch milliseconds(span, place) {
            case .failure(let error): stop(id, "how long it waits could not be computed: \(error.reason)")
            case .success(let number):
                let bounded = max(0, min(number, Limits.stepWithinMillisecondsMax))
                emit(.waitScheduled(step: id, until: now.adding(milliseconds: bounded)))
            }
        case .wait(.condition(let until)): measure(until.measure, line, id)
        case .parallel, .ladder, .undo:
            emit(.stepOpened(step: id, items: nil, inputs: nil, until: openEnd(line, id)))
        case .call(let name, let arguments):
            guard let inner = definition.called[name] else { return stop(id, "the workflow '\(name)' is not pinned") }
            switch arguments.render(variables(place)) {
            case .success(let inputs):
                emit(.stepOpened(step: id, items: nil, inputs: inner.filled(inputs), until: openEnd(line, id)))
            case .failure(let error): stop(id, "what it hands in could not be computed: \(error.message)")
            }
        }
    }

    private mutating func startAct(_ act: Workflow.Act, _ id: String) {
        guard let contract = contract(of: id) else {
            let place = place(id).flatMap { provider($0) } ?? act.at?.text ?? "this run"
            return stop(id, "no provider offers '\(act.capability)' for \(place)")
        }
        // A step that acted before (a person had it tried anew) goes straight to the proof.
        if run.step(id)?.hasActed == true { return finishOrProve(id) }
        beginAct(id, contract)
    }

    // MARK: Lists

    private func isEmpty(_ each: Workflow.Each, _ place: Spot) -> Bool {
        if case .value(.array(let items)) = each.list.evaluate(variables(place)) { items.isEmpty } else { false }
    }

    /// An empty list means nothing to do; one that can't be read or is too long means nothing is done.
    private mutating func openItems(_ each: Workflow.Each, _ place: Spot, _ id: String) {
        if let items = run.step(id)?.items { return emit(.stepOpened(step: id, items: items, inputs: nil)) }
        switch each.list.evaluate(variables(place)) {
        case .error(let error): stop(id, "its list could not be computed: \(error.message)")
        case .value(let value):
            guard let items = value.arrayValue else { return stop(id, "its list is no list but \(value.typeName)") }
            guard items.count <= each.max else {
                return stop(id, "its list has \(items.count) items, its 'max' is \(each.max); nothing was done")
            }
            if let excess = excess(of: items.count, place, id) { return stop(id, excess) }
            if items.isEmpty {
                return emit(.stepFinished(step: id, isVerified: false, note: "its list is empty: nothing to do"))
            }
            emit(.stepOpened(step: id, items: items, inputs: nil))
        }
    }

    /// Why a list is more than one run may change unasked. What people agreed to item by item is theirs, and what a
    /// person let go on by force.
    private func excess(of count: Int, _ place: Spot, _ id: String) -> String? {
        guard let most = run.objectsMax, run.step(id)?.isForced != true,
            place.line.changesItems(definition.called)
        else { return nil }
        let before =
            1
            + run.steps.reduce(0) { sum, step in
                guard step.id != id, let items = step.items,
                    self.place(step.id)?.line.changesItems(definition.called) == true
                else { return sum }
                return sum + items.count
            }
        guard before + count > most else { return nil }
        return
            "its list has \(count) items and the run changed \(before) object\(before == 1 ? "" : "s") before, its limit is \(most) (per_run); "
            + "nothing of the list was done: let it go on with 'cordon run resume --step \(id) --force', or leave it "
            + "with 'cordon run skip'"
    }

    private mutating func driveOpen(_ line: Workflow.Line, _ id: String, _ scope: Scope) {
        if let until = run.step(id)?.openUntil, until <= now { return endOverdue(id) }
        if let each = line.each, let items = run.step(id)?.items { return driveItems(line, each, items.count, id) }
        switch line.kind {
        case .parallel(let branches):
            var isDone = true
            for branch in branches where !walk(branch.lines, scope) { isDone = false }
            if isDone { emit(.stepFinished(step: id, isVerified: false, note: nil)) }
        case .ladder(let ladder): climb(ladder, line, id, scope)
        case .call(let name, _):
            guard let inner = definition.called[name], let inputs = run.step(id)?.inputs else {
                return stop(id, "the workflow '\(name)' is not pinned")
            }
            if walk(inner.lines, Scope(prefix: id + ".", inputs: inputs)) {
                emit(.stepFinished(step: id, isVerified: false, note: nil))
            }
        case .undo(let names):
            if undoNext(names.map { scope.prefix + $0 }) {
                emit(.stepFinished(step: id, isVerified: false, note: nil))
            }
        case .act, .approve, .task, .wait: break
        }
    }

    private mutating func driveItems(_ line: Workflow.Line, _ each: Workflow.Each, _ count: Int, _ id: String) {
        var underWay = 0
        for index in 1...count where run.conclusion == nil && run.rollback == nil {
            let item = "\(id).\(index)"
            let phase = run.step(item)?.phase ?? .pending
            // Nothing new begins beside an item that waits for a person.
            if phase == .pending, underWay >= each.parallel { return }
            guard let scope = place(item)?.scope else { return stop(id, "item \(index) is gone") }
            if !drive(line, item, scope) { underWay += 1 }
        }
        guard underWay == 0, run.conclusion == nil, run.rollback == nil else { return }
        let failed = (1...count).count { run.step("\(id).\($0)")?.phase == .failed }
        emit(.stepFinished(step: id, isVerified: false, note: failed == 0 ? nil : "\(failed) of \(count) items failed"))
    }

    // MARK: Conditions

    /// Asks for what a condition is weighed by; weighs it at once where nothing has to be asked.
    private mutating func measure(_ measure: Workflow.Measure?, _ line: Workflow.Line, _ id: String) {
        if measure == nil { weigh(line, id) } else { intend(id, .measure, attempt: 1) }
    }

    /// The next look of a wait; for a wait of a span the only one.
    private mutating func look(_ line: Workflow.Line, _ id: String) {
        switch line.kind {
        case .wait(.span): emit(.stepFinished(step: id, isVerified: false, note: nil))
        case .wait(.condition(let until)):
            if until.measure != nil, now >= run.step(id)?.deadline ?? now { return timeIsUp(until, id) }
            measure(until.measure, line, id)
        case .act, .approve, .task, .parallel, .ladder, .call, .undo: break
        }
    }

    /// Weighs the condition of a wait or a ladder by what was measured.
    mutating func weigh(_ line: Workflow.Line, _ id: String) {
        switch line.kind {
        case .wait(.condition(let until)): weighWait(until, id)
        case .ladder(let ladder): weighLadder(ladder, id)
        case .wait(.span), .act, .approve, .task, .parallel, .call, .undo: break
        }
    }

    private mutating func weighWait(_ until: Workflow.Until, _ id: String) {
        switch until.condition.decide(variables(in: id)) {
        case .isTrue: emit(.stepFinished(step: id, isVerified: true, note: nil))
        case .undecided(let error): stop(id, "its condition gave no answer: \(error.message)")
        case .isFalse:
            let deadline = run.step(id)?.deadline ?? now
            guard now < deadline else { return timeIsUp(until, id) }
            emit(.waitScheduled(step: id, until: min(now.adding(milliseconds: until.everyMilliseconds), deadline)))
        }
    }

    private mutating func timeIsUp(_ until: Workflow.Until, _ id: String) {
        if until.goesOn {
            emit(.stepFinished(step: id, isVerified: false, note: "its time was up before its condition held"))
        } else {
            stop(id, "its time was up before its condition held")
        }
    }

    private mutating func climb(_ ladder: Workflow.Ladder, _ line: Workflow.Line, _ id: String, _ scope: Scope) {
        let rounds = run.step(id)?.rounds ?? 0
        guard rounds <= ladder.rungs.count else {
            return stop(id, "the pinned workflow's ladder has no rung \(rounds)")
        }
        if rounds > 0, !walk(ladder.rungs[rounds - 1].lines, scope) { return }
        guard run.conclusion == nil, run.rollback == nil else { return }
        measure(ladder.measure, line, id)
    }

    private mutating func weighLadder(_ ladder: Workflow.Ladder, _ id: String) {
        let rounds = run.step(id)?.rounds ?? 0
        switch ladder.condition.decide(variables(in: id, showing: ladder.condition)) {
        case .isTrue:
            let note =
                rounds == 0
                ? "it held before the first rung" : "it holds after '\(ladder.rungs.prefix(rounds).last?.name ?? "")'"
            emit(.stepFinished(step: id, isVerified: true, note: note))
        case .undecided(let error): stop(id, "its condition gave no answer: \(error.message)")
        case .isFalse where rounds >= ladder.rungs.count: stop(id, "every rung was climbed, and its condition is false")
        case .isFalse: emit(.rungFinished(step: id, rounds: rounds + 1))
        }
    }
}
