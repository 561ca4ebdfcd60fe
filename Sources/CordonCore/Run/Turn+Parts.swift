// SPDX-License-Identifier: Apache-2.0

// A step that holds other steps may be bounded as every step: then what stands in it has no more time than it.

extension Turn {
    /// When a step that begins now must have ended: within its own time, and within that of what it stands in.
    func latestEnd(_ id: String) -> Instant {
        let own = now.adding(milliseconds: within(id))
        return holders(of: id).compactMap { run.step($0)?.openUntil }.min().map { min(own, $0) } ?? own
    }

    /// The same for a part, where its author bounded it or what it stands in is bounded. Under `each` it is each item's
    /// own.
    func openEnd(_ line: Workflow.Line, _ id: String) -> Instant? {
        let end = latestEnd(id)
        let isBounded = line.withinMilliseconds < Limits.stepWithinMillisecondsMax
        return isBounded || end < now.adding(milliseconds: within(id)) ? end : nil
    }

    /// The steps that a step stands in: the parts of its workflow, its list, the step that called its workflow, and all
    /// that those stand in.
    private func holders(of id: String) -> [String] {
        // Most runs bound no part.
        guard run.steps.contains(where: { $0.openUntil != nil }) else { return [] }
        var found: [String] = []
        var here: String? = id.hasPrefix(Step.undoPrefix) ? nil : id
        while let inner = here, let place = place(inner) {
            if place.isItem { found.append(place.scope.prefix + place.line.id) }
            found += parts(around: place.line.id, place.scope)
            here = place.scope.prefix.isEmpty ? nil : String(place.scope.prefix.dropLast())
            if let here { found.append(here) }
        }
        return found
    }

    static var overdue: String { "out of time: what stands in it had not ended" }

    /// A part that the step stands in is over, or waits for a person: nothing of it goes forward, and nobody is asked about
    /// it beside the part.
    func isInOverPart(_ id: String) -> Bool {
        holders(of: id).contains { run.step($0).map { $0.hasEnded || $0.phase == .stopped } ?? false }
    }

    /// Its time is up: what waits inside it is left, what is under way gets its outcome and does nothing after it.
    mutating func endOverdue(_ id: String) {
        let reason = Turn.overdue
        for inner in run.steps.map(\.id) where isInside(inner, id) {
            // One that is looked into may end the run, and with it all the others.
            guard run.step(id)?.phase == .open, let step = run.step(inner) else { return }
            switch step.phase {
            case .asking, .waiting, .open: emit(.stepStopped(step: inner, reason: reason))
            // Nobody is asked about it beside the part.
            case .stopped where step.ask != nil: emit(.stepStopped(step: inner, reason: reason))
            case .backingOff(let backOff), .halted(let backOff):
                // One that waits to ask again what was done has no call to send again, and is in doubt all the same.
                if let call = backOff.redelivers.flatMap({ $0.purpose.isChange ? $0 : nil }) ?? step.doubt {
                    lookInto(inner, call, reason)
                } else {
                    emit(.stepStopped(step: inner, reason: reason))
                }
            case .pending, .calling, .uncertain, .stopped, .finished, .skipped, .failed: break
            }
        }
        guard run.step(id)?.phase == .open else { return }
        stop(id, reason)
    }

    private func isInside(_ inner: String, _ id: String) -> Bool {
        !inner.hasPrefix(Step.undoPrefix) && inner != id && holders(of: inner).contains(id)
    }

    /// A part that is tried anew takes with it what was left in it: nobody is asked about those.
    mutating func resumeInside(_ id: String, _ by: String, _ reason: String) {
        for step in run.steps where step.phase == .stopped && step.ask == nil && isInside(step.id, id) {
            emit(.runResumed(step: step.id, isForced: false, by: by, reason: reason))
        }
    }
}

extension Step {
    /// Where its part is over nothing of it will move any more.
    var isLeft: Bool { phase == .stopped || phase == .pending }
}
