// SPDX-License-Identifier: Apache-2.0

package import CordonConnectors
package import CordonCore

/// Why a run stands where it stands, in one line for a person.
///
/// - Parameters:
///   - reasons: why the steps that try again do, where their history was looked at.
///   - places: where its calls stand in line, by step; `nil` where no server runs, so that nobody knows.
package func whyLine(
    _ run: Run, now: Instant, reasons: [String: String] = [:], places: [String: Lane.Place]? = nil
) -> String {
    switch run.phase {
    case .ended(let ending):
        let at = run.endedAt ?? run.updatedAt
        return "\(ending.rawValue) \(spanText(now.since(at))) ago; nothing moves it any more"
    case .asked(let ask):
        let place = ask.step.map { " at step '\($0)'" } ?? ""
        let next = run.nextCommand.map { "; next: \($0)" } ?? ""
        let closed = run.closedNote.map { "; \($0)" } ?? ""
        let who = ask.kind == .question ? ask.step.flatMap { run.step($0)?.askedText } ?? "" : ""
        let since = spanText(now.since(run.updatedAt))
        return "waits for a person\(place) since \(since): \(ask.reason)\(who)\(closed)\(next)"
    case .running:
        let ending = run.cancelRequestedBy.map { "; ends then, as \($0) asked" } ?? ""
        return (runningLine(run, now, reasons, places) ?? "nothing will wake it: this is an error, please report it")
            + ending
    }
}

/// The nearest thing that will move it: an open call, then the timer that is due first, then the end of a halt.
private func runningLine(
    _ run: Run, _ now: Instant, _ reasons: [String: String], _ places: [String: Lane.Place]?
) -> String? {
    if run.isQueued { return "waits in line: \(run.gate?.reason ?? "")" }
    for step in run.steps {
        if case .calling(let call) = step.phase { return callingLine(step, call, now, places) }
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

private func callingLine(
    _ step: Step, _ call: Call, _ now: Instant, _ places: [String: Lane.Place]?
) -> String {
    let again = call.delivery > 1 ? ", delivery \(call.delivery)" : ""
    let what = call.purpose == .act && call.effectClass == .read ? "a reading" : call.purpose.text
    let which = "\(what), step '\(step.id)', call #\(call.number)\(again)"
    let ago = "intended \(spanText(now.since(call.intendedAt))) ago"
    if let place = places?[step.id] {
        return "waits in line for \(call.provider), \(place.text(now)): \(call.capability) (\(which)); \(ago)"
    }
    let doubt = places == nil ? "; no server runs, so nobody knows whether it left" : ""
    return "waits for \(call.provider) to answer \(call.capability) (\(which)); \(ago)\(doubt)"
}

extension Lane.Place {
    /// `41 before it, 3 a second`.
    fileprivate func text(_ now: Instant) -> String {
        let pace = perSecondMax.map { "\($0) a second" } ?? "\(concurrentMax) at a time"
        let alone = aloneUntil.map { "; \(reason ?? "left alone"), for \(spanText($0.since(now))) more" } ?? ""
        return "\(ahead) before it, \(pace)\(alone)"
    }
}

extension Step {
    /// Whom its question is for, how many have answered, and until when.
    fileprivate var askedText: String? {
        guard case .asking(let question) = phase else { return nil }
        return
            " (for \(question.by.joined(separator: ", ")): \(question.answers.count) of \(question.quorum) answered, "
            + "until \(question.deadline))"
    }
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
