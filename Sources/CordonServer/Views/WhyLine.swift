// SPDX-License-Identifier: Apache-2.0

package import CordonCore

/// Why a run stands where it stands, in one line for a person.
///
/// - Parameter reasons: why the steps that try again do, where their history was looked at.
package func whyLine(_ run: Run, now: Instant, reasons: [String: String] = [:]) -> String {
    switch run.phase {
    case .ended(let ending):
        let at = run.endedAt ?? run.updatedAt
        return "\(ending.rawValue) \(spanText(now.since(at))) ago; nothing moves it any more"
    case .asked(let ask):
        let place = ask.step.map { " at step '\($0)'" } ?? ""
        let next = run.nextCommand.map { "; next: \($0)" } ?? ""
        let closed = run.closedNote.map { "; \($0)" } ?? ""
        return "waits for a person\(place) since \(spanText(now.since(run.updatedAt))): \(ask.reason)\(closed)\(next)"
    case .running:
        let ending = run.cancelRequestedBy.map { "; ends then, as \($0) asked" } ?? ""
        return (runningLine(run, now, reasons) ?? "nothing will wake it: this is an error, please report it") + ending
    }
}

/// The nearest thing that will move it: an open call, then the timer that is due first, then the end of a halt.
private func runningLine(_ run: Run, _ now: Instant, _ reasons: [String: String]) -> String? {
    if run.isQueued { return "waits in line: \(run.gate?.reason ?? "")" }
    for step in run.steps {
        if case .calling(let call) = step.phase { return callingLine(step, call, now) }
    }
    let timers = run.steps.compactMap { timerLine($0, now, reasons[$0.id]) }
    if let first = timers.min(by: { $0.at < $1.at }) { return first.text }
    for step in run.steps {
        if case .halted = step.phase {
            return "waits at step '\(step.id)' for the end of a halt: \(step.note ?? "automation is halted")"
        }
    }
    return nil
}

private func callingLine(_ step: Step, _ call: Call, _ now: Instant) -> String {
    let again = call.delivery > 1 ? ", sent \(call.delivery) times" : ""
    let what = call.purpose == .act && call.effectClass == .read ? "a reading" : call.purpose.text
    let left = call.deadline.since(now)
    let end = left > 0 ? "given up in \(spanText(left))" : "overdue since \(spanText(-left))"
    return "waits for \(call.provider) to answer \(call.capability) (\(what), step '\(step.id)', "
        + "call #\(call.number)\(again)); sent \(spanText(now.since(call.intendedAt))) ago, \(end)"
}

private func timerLine(_ step: Step, _ now: Instant, _ reason: String?) -> (at: Instant, text: String)? {
    func when(_ at: Instant) -> String { at > now ? "in \(spanText(at.since(now)))" : "now" }
    switch step.phase {
    case .backingOff(let backOff):
        return (
            backOff.until,
            "waits at step '\(step.id)' to \(backOff.purpose.verb) again \(when(backOff.until)) (try \(backOff.attempt))"
                + (reason.map { ": \($0)" } ?? "")
        )
    case .waiting(let until): return (until, "waits at step '\(step.id)'; looks again \(when(until))")
    case .pending, .calling, .halted, .uncertain, .asking, .open, .finished, .skipped, .failed, .stopped: break
    }
    guard let hold = step.hold, hold.state == .standing else { return nil }
    return (hold.until, "holds what step '\(step.id)' did; the hold ends \(when(hold.until))")
}

extension Run {
    /// Short, for a list's column.
    var waitsFor: String? {
        switch phase {
        case .ended: nil
        case .asked(let ask):
            switch ask.kind {
            case .proposal: "an approver"
            case .unknownOutcome: "a person: unknown outcome"
            case .stoppedStep: "a person: stopped step"
            case .undecided: "a person: undecided"
            case .paused: "a person: paused"
            case .undoConflict: "a person: undo conflict"
            case .holdEnded: "a person: a hold's end"
            case .question: "an answer"
            case .queued: "another run"
            }
        case .running:
            switch wake {
            case .call:
                steps.lazy.compactMap {
                    if case .calling(let call) = $0.phase { "\(call.provider): \(call.capability)" } else { nil }
                }
                .first
            case .timer(let at): "the timer of \(at)"
            case .halt: "the end of a halt"
            case .queue: "another run of its subject"
            case .person, nil: nil
            }
        }
    }

    /// What the person who is asked can do.
    var nextCommand: String? {
        guard case .asked(let ask) = phase else { return nil }
        return switch ask.kind {
        // Consent is to what was shown: the plan and its digest stand in 'run show'.
        case .proposal: "cordon run show \(id), and under its plan cordon run resume \(id) --plan DIGEST --reason …"
        case .stoppedStep, .paused: "cordon run resume \(id) --reason …"
        case .unknownOutcome: "cordon run resolve \(id) --took-effect yes|no --reason …"
        case .undecided: "cordon run cancel \(id) --reason …"
        case .undoConflict: "cordon run resume \(id) --force, or cordon run skip \(id) \(ask.step ?? "STEP")"
        case .holdEnded: "cordon run hold \(id) \(ask.step ?? "STEP") --then undo|keep --reason …"
        case .queued: "cordon run resume \(id) --reason …"
        case .question: "cordon run answer \(id) \(ask.step ?? "STEP") CHOICE --shown DIGEST --reason …"
        }
    }
}

extension Call.Purpose {
    fileprivate var text: String {
        switch self {
        case .before: "reading the state before the change"
        case .act: "the change"
        case .probe: "asking whether the change happened"
        case .readBack: "reading the state back"
        case .measure: "asking for what a condition is weighed by"
        case .undo: "setting back what was changed"
        case .control: "using what the subject holds, before the change"
        case .verify: "using what the subject holds, after the change"
        }
    }

    fileprivate var verb: String {
        switch self {
        case .before: "read the state"
        case .act: "try"
        case .probe: "ask whether it happened"
        case .readBack: "read the state back"
        case .measure: "look"
        case .undo: "set back what was changed"
        case .control: "use what the subject holds"
        case .verify: "use what the subject holds"
        }
    }
}

/// `250 ms`, `4 s`, `12 min`, `3 h`, `5 d`; never negative.
func spanText(_ milliseconds: Int64) -> String {
    let span = max(0, milliseconds)
    return switch span {
    case ..<1000: "\(span) ms"
    case ..<120_000: "\(span / 1000) s"
    case ..<7_200_000: "\(span / 60_000) min"
    case ..<172_800_000: "\(span / 3_600_000) h"
    default: "\(span / 86_400_000) d"
    }
}
