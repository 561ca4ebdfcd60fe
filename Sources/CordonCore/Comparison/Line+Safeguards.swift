// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// What stands between a step and its effect, or ends that: holds and people.
extension Workflow.Line {
    func aboutHold(_ new: Workflow.Line) -> [Difference] {
        switch (hold, new.hold) {
        case (nil, nil): return []
        case (nil, let after?): return [Difference("step '\(id)' holds \(after.text)")]
        case (let before?, nil):
            return [Difference("step '\(id)' no longer ends by itself; it held \(before.text)", riskier: true)]
        case (let before?, let after?): return aboutHold(before, after)
        }
    }

    private func aboutHold(_ old: Workflow.Hold, _ new: Workflow.Hold) -> [Difference] {
        var found: [Difference] = []
        if old.span != new.span {
            var words = "holds \(new.span.spanText), was \(old.span.spanText)"
            var isShorter = true
            if case .literal(.int(let before)) = old.span, case .literal(.int(let after)) = new.span {
                isShorter = after < before
                words = "holds \(isShorter ? "shorter" : "longer"): " + words.dropFirst("holds ".count)
            }
            found.append(Difference("step '\(id)' \(words)", riskier: isShorter))
        }
        if old.then != new.then {
            found.append(
                Difference(
                    "step '\(id)': when its hold ends, '\(new.then.rawValue)', was '\(old.then.rawValue)'",
                    riskier: true))
        }
        if old.unless != new.unless {
            let text = { (unless: Expression?) in unless?.source ?? "nothing" }
            found.append(
                Difference(
                    "step '\(id)' is kept at its hold's end on \(text(new.unless)), was \(text(old.unless))",
                    riskier: true))
        }
        return found
    }

    func aboutConsent(
        _ old: Workflow.Consent?, _ new: Workflow.Consent?, isGate: Bool
    ) -> [Difference] {
        switch (old, new) {
        case (nil, nil): return []
        case (nil, let after?): return [Difference("step '\(id)' needs the approval of \(after.by.text)")]
        case (let before?, nil):
            return [Difference("step '\(id)' no longer needs the approval of \(before.by.text)", riskier: true)]
        case (let before?, let after?): return aboutConsent(before, after)
        }
    }

    private func aboutConsent(_ old: Workflow.Consent, _ new: Workflow.Consent) -> [Difference] {
        var found: [Difference] = []
        func told<Part: Equatable>(_ part: KeyPath<Workflow.Consent, Part>, _ risk: Bool, _ words: (Part) -> String) {
            guard old[keyPath: part] != new[keyPath: part] else { return }
            let (before, after) = (words(old[keyPath: part]), words(new[keyPath: part]))
            found.append(Difference("step '\(id)': \(after), was: \(before)", riskier: risk))
        }
        told(\.by, true) { "asks \($0.text)" }
        told(\.quorum, new.quorum < old.quorum) { "\($0) \($0 == 1 ? "answer is" : "answers are") enough" }
        told(\.excluded, !Set(old.excluded).isSubset(of: new.excluded)) {
            "may not answer: " + ($0.isEmpty ? "nobody" : $0.joined(separator: ", "))
        }
        told(\.excludesAuthor, old.excludesAuthor) {
            $0 ? "whoever put it in force may not answer" : "whoever put it in force may answer"
        }
        told(\.choices, true) { "offers \($0.joined(separator: ", "))" }
        told(\.text, false) { "asks '\($0 ?? "")'" }
        told(\.withinMilliseconds, new.withinMilliseconds < old.withinMilliseconds) {
            "waits \(spanText($0)) for an answer"
        }
        told(\.remindMilliseconds, false) { $0.map { "reminds every \(spanText($0))" } ?? "reminds nobody" }
        told(\.escalate, new.escalate.isWeaker(than: old.escalate)) {
            $0.map { "turns to \($0.to) after \(spanText($0.afterMilliseconds))" } ?? "turns to nobody else"
        }
        told(\.silence, true) { "nobody's answer means '\($0.word)'" }
        return found
    }
}

extension Workflow.Escalation? {
    /// Nobody else is turned to any more, somebody else than before, or later.
    fileprivate func isWeaker(than old: Workflow.Escalation?) -> Bool {
        guard let old else { return false }
        return self?.to != old.to || (self?.afterMilliseconds ?? .max) > old.afterMilliseconds
    }
}

extension Workflow.Hold {
    fileprivate var text: String { "for \(span.spanText), then '\(then.rawValue)'" }
}

extension Workflow.Consent.Silence {
    fileprivate var word: String {
        switch self {
        case .keep: "keep"
        case .skip: "skip"
        case .abort: "abort"
        case .choice(let choice): choice
        }
    }
}
