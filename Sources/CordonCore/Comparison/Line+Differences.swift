// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

extension Workflow.Line {
    /// What the step is, in few words.
    package var words: String {
        switch kind {
        case .act(let act): act.capability + (act.at.map { " at \($0.text)" } ?? "")
        case .approve(let consent): "\(consent.by.text) approves"
        case .task(let consent): "\(consent.by.text) is asked: \(consent.text ?? "")"
        case .wait(.span(let span)): "wait \(span.spanText)"
        case .wait(.condition(let until)): "wait until \(until.condition.source)"
        case .parallel(let branches): "\(branches.count) branches"
        case .ladder(let ladder): "\(ladder.rungs.count) rungs until \(ladder.condition.source)"
        case .call(let name, _): "call \(name)"
        case .undo(let names): "undo \(names.joined(separator: ", "))"
        }
    }

    var gone: Difference {
        switch kind {
        case .act(let act) where act.undo == .notNeeded:
            Difference("step '\(id)' is gone: \(words)", riskier: act.capability.hasPrefix("evidence."))
        case .act: Difference("step '\(id)' is gone: \(words) is no longer done")
        case .approve: Difference("step '\(id)' is gone: nobody approves any more", riskier: true)
        case .task: Difference("step '\(id)' is gone: nobody is asked any more", riskier: true)
        case .undo(let names):
            Difference("step '\(id)' is gone: \(names.joined(separator: ", ")) is not undone by it", riskier: true)
        case .wait, .parallel, .ladder, .call: Difference("step '\(id)' is gone: \(words)", riskier: true)
        }
    }

    var come: Difference {
        switch kind {
        case .act(let act):
            switch act.undo {
            case .notNeeded: Difference("step '\(id)' is new: \(words)")
            case .byConnector: Difference("step '\(id)' is new and changes something: \(words)", riskier: true)
            case .none(let reason):
                Difference("step '\(id)' is new and can't be undone: \(words) (\(reason))", riskier: true)
            }
        case .approve, .task, .wait: Difference("step '\(id)' is new: \(words)")
        case .parallel, .ladder, .call, .undo: Difference("step '\(id)' is new: \(words)", riskier: true)
        }
    }

    func differences(to new: Workflow.Line) -> [Difference] {
        var found = aboutKind(new)
        let more = ConditionChange.differences(condition, new.condition, does: "step '\(id)' is done")
        found += more
        found += aboutConsent(consent, new.consent, isGate: true)
        found += aboutHold(new) + aboutEach(new)
        func told<Part: Equatable>(
            _ name: String, _ before: Part, _ after: Part, _ text: (Part) -> String, _ risk: Bool
        ) {
            guard before != after else { return }
            found.append(Difference("step '\(id)': \(name) \(text(after)), was \(text(before))", riskier: risk))
        }
        told("on error it does", onError, new.onError, { "'\($0.rawValue)'" }, new.onError != .page || onError == .undo)
        told("may take", withinMilliseconds, new.withinMilliseconds, spanText, false)
        told("is tried", retry.attempts, new.retry.attempts, { "\($0) times" }, false)
        told("waits before a new try", retry.firstMilliseconds, new.retry.firstMilliseconds, spanText, false)
        told("comes after", after, new.after, { $0?.text ?? "the step before it" }, true)
        return found
    }

    private func aboutKind(_ new: Workflow.Line) -> [Difference] {
        switch (kind, new.kind) {
        case (.act(let old), .act(let act)): return aboutAct(old, act)
        case (.approve(let old), .approve(let consent)), (.task(let old), .task(let consent)):
            return aboutConsent(old, consent, isGate: false)
        // Their steps are compared one by one.
        case (.parallel(let old), .parallel(let branches)): return aboutBranches(old, branches)
        case (.ladder(let old), .ladder(let ladder)):
            return part("climbs until", old.condition.source, ladder.condition.source)
                + part("is weighed by", old.measure.text, ladder.measure.text) + aboutBranches(old.rungs, ladder.rungs)
        case (.wait(.condition(let old)), .wait(.condition(let until))): return aboutWait(old, until)
        case (.call(let old, let before), .call(let name, let after)) where old == name:
            return part("hands \(name)", before.text, after.text)
        case (let old, let kind) where old == kind: return []
        default: return [Difference("step '\(id)' is now: \(new.words), was: \(words)", riskier: true)]
        }
    }

    private func part(_ does: String, _ before: String, _ after: String, isRiskier: Bool = true) -> [Difference] {
        guard before != after else { return [] }
        return [Difference("step '\(id)' \(does) \(after), was \(before)", riskier: isRiskier)]
    }

    private func aboutWait(_ old: Workflow.Until, _ new: Workflow.Until) -> [Difference] {
        let end = { (goesOn: Bool) in goesOn ? "'continue'" : "'fail'" }
        return part("waits until", old.condition.source, new.condition.source)
            + part("is weighed by", old.measure.text, new.measure.text)
            + part("looks every", spanText(old.everyMilliseconds), spanText(new.everyMilliseconds), isRiskier: false)
            + part(
                "waits for", spanText(old.forMilliseconds), spanText(new.forMilliseconds),
                isRiskier: new.forMilliseconds < old.forMilliseconds)
            + part("when its time is up does", end(old.goesOn), end(new.goesOn), isRiskier: new.goesOn)
    }

    /// Which steps of both stand in which branch; what comes and goes is told by itself.
    private func aboutBranches(_ old: [Workflow.Branch], _ new: [Workflow.Branch]) -> [Difference] {
        let common = Set(old.flatMap(\.lines).map(\.id)).intersection(new.flatMap(\.lines).map(\.id))
        let text = { (branches: [Workflow.Branch]) in
            branches.map { branch in
                let ids = branch.lines.map(\.id).filter(common.contains).joined(separator: ", ")
                return "'\(branch.name)'" + (ids.isEmpty ? "" : " (\(ids))")
            }.joined(separator: ", ")
        }
        return part("has the branches", text(old), text(new))
    }

    private func aboutAct(_ old: Workflow.Act, _ new: Workflow.Act) -> [Difference] {
        var found: [Difference] = part(
            "when nobody knows whether it took effect does", old.onUnknown.text, new.onUnknown.text,
            isRiskier: new.onUnknown != .ask)
        if old.capability != new.capability {
            found.append(Difference("step '\(id)' does \(new.capability), was \(old.capability)", riskier: true))
        }
        if old.arguments != new.arguments {
            found.append(
                Difference(
                    "step '\(id)' does it with \(new.arguments.text), was \(old.arguments.text)", riskier: true))
        }
        if old.at != new.at {
            let (now, was) = (new.at?.text ?? "the subject's provider", old.at?.text ?? "the subject's provider")
            found.append(Difference("step '\(id)' is done at \(now), was at \(was)", riskier: true))
        }
        switch (old.undo, new.undo) {
        case (.byConnector, .none(let reason)):
            found.append(Difference("step '\(id)' can no longer be undone: \(reason)", riskier: true))
        case (.none, .byConnector): found.append(Difference("step '\(id)' can be undone now"))
        case (.none(let before), .none(let after)) where before != after:
            found.append(Difference("step '\(id)' is not undone because: \(after), was: \(before)"))
        default: break
        }
        switch (old.verify, new.verify) {
        case (nil, nil): break
        case (let before?, nil):
            found.append(Difference("step '\(id)' is no longer proved by \(before.source)", riskier: true))
        case (nil, let after?): found.append(Difference("step '\(id)' is proved by \(after.source)"))
        case (let before?, let after?) where before != after:
            found.append(
                Difference("step '\(id)' is proved by \(after.source), was \(before.source)", riskier: true))
        default: break
        }
        return found
    }

    private func aboutEach(_ new: Workflow.Line) -> [Difference] {
        guard each != new.each else { return [] }
        let text = { (each: Workflow.Each?) in
            each.map { "for each of \($0.list.source), at most \($0.max), \($0.parallel) at a time" } ?? "once"
        }
        let isMore =
            (new.each?.max ?? 1) > (each?.max ?? 1) || (new.each?.parallel ?? 1) > (each?.parallel ?? 1)
            || new.each?.list != each?.list
        return [Difference("step '\(id)' is done \(text(new.each)), was \(text(each))", riskier: isMore)]
    }
}

extension Workflow.Measure? {
    fileprivate var text: String {
        map { "\($0.capability) with \($0.arguments.text)" + ($0.at.map { " at \($0.text)" } ?? "") }
            ?? "what is known already"
    }
}

extension Workflow.OnUnknown {
    fileprivate var text: String {
        switch self {
        case .ask: "'ask'"
        case .accept(let reason): "'accept' (\(reason))"
        case .repeat(let reason): "'repeat' (\(reason))"
        }
    }
}

extension Workflow.After {
    fileprivate var text: String {
        switch self {
        case .step(let id): "'\(id)'"
        case .hold(let id): "the hold of '\(id)'"
        }
    }
}
