// SPDX-License-Identifier: Apache-2.0

extension Playbook {
    /// What changes for people and identities when `new` takes the place of this one.
    package func differences(to new: Playbook) -> [Difference] {
        aboutMode(new) + aboutTrigger(new) + guards.differences(to: new.guards) + aboutRun(new) + aboutRest(new)
    }

    private func aboutMode(_ new: Playbook) -> [Difference] {
        guard mode != new.mode else { return [] }
        let ladder = Mode.allCases
        let isRaised = (ladder.firstIndex(of: new.mode) ?? 0) > (ladder.firstIndex(of: mode) ?? 0)
        let words = isRaised ? "does more by itself" : "does less by itself"
        return [Difference("\(words): mode \(new.mode.rawValue), was \(mode.rawValue)", riskier: isRaised)]
    }

    private func aboutTrigger(_ new: Playbook) -> [Difference] {
        var found: [Difference] = []
        if trigger.signalKind != new.trigger.signalKind {
            found.append(
                Difference("reacts to \(new.trigger.signalKind), was \(trigger.signalKind)", riskier: true))
        }
        found += ConditionChange.differences(trigger.condition, new.trigger.condition, does: "acts on")
        if trigger.onUndecided != new.trigger.onUndecided {
            let (before, after) = (trigger.onUndecided.rawValue, new.trigger.onUndecided.rawValue)
            found.append(
                Difference(
                    "when its condition gives no answer it does '\(after)', was '\(before)'",
                    riskier: new.trigger.onUndecided != .ask))
        }
        if trigger.subjectKind != new.trigger.subjectKind || trigger.subjectPath != new.trigger.subjectPath {
            found.append(
                Difference(
                    "acts on \(new.trigger.subjectText), was \(trigger.subjectText)", riskier: true))
        }
        if trigger.groupMilliseconds != new.trigger.groupMilliseconds {
            let text = { (span: Int64?) in span.map { "signals of \(spanText($0)) share a run" } ?? "each has a run" }
            found.append(
                Difference(
                    "groups otherwise: \(text(new.trigger.groupMilliseconds)), was: \(text(trigger.groupMilliseconds))",
                    riskier: (new.trigger.groupMilliseconds ?? 0) < (trigger.groupMilliseconds ?? 0)))
        }
        return found
            + told(trigger.perSubject, new.trigger.perSubject, isRiskier: { $1 == .many }) {
                $0 == .many ? "shares its subject with other runs" : "has its subject to itself"
            }
    }

    private func aboutRun(_ new: Playbook) -> [Difference] {
        if workflow != new.workflow {
            return [Difference("runs the workflow \(new.workflow), was \(workflow)", riskier: true)]
        }
        return Set(arguments.keys).union(new.arguments.keys).sorted().compactMap { name in
            let (before, after) = (arguments[name], new.arguments[name])
            guard before != after else { return nil }
            return Difference(
                "hands in \(name): \(after?.text ?? "the workflow's own"), was \(before?.text ?? "the workflow's own")",
                riskier: true)
        }
    }

    private func aboutRest(_ new: Playbook) -> [Difference] {
        var found: [Difference] = []
        if owner != new.owner { found.append(Difference("belongs to \(new.owner), was \(owner)")) }
        if title != new.title { found.append(Difference("is called '\(new.title)', was '\(title)'")) }
        found += told(containedBy, new.containedBy, isRiskier: { $1 != $0 }) {
            $0.map { "counts as contained by '\($0)'" } ?? "counts as contained by no step"
        }
        if containedWithinMilliseconds != new.containedWithinMilliseconds {
            let text = { (span: Int64?) in span.map(spanText) ?? "none" }
            let (before, after) = (containedWithinMilliseconds, new.containedWithinMilliseconds)
            found.append(
                Difference(
                    "the objective of containment is \(text(after)), was \(text(before))",
                    riskier: (after ?? .max) > (before ?? .max)))
        }
        for framework in Set(maps.keys).union(new.maps.keys).sorted() where maps[framework] != new.maps[framework] {
            let text = { (entries: [String]?) in entries.map { $0.joined(separator: ", ") } ?? "nothing" }
            found.append(
                Difference("answers \(text(new.maps[framework])) of \(framework), was \(text(maps[framework]))"))
        }
        return found
    }
}

extension Playbook.Trigger {
    fileprivate var subjectText: String {
        "the \(subjectKind.rawValue) of signal.\(subjectPath.joined(separator: "."))"
    }
}
