// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

extension Playbook.Guards {
    /// What changes of how far a playbook lets itself go. What is looser counts as riskier.
    func differences(to new: Playbook.Guards) -> [Difference] {
        aboutConfidence(new) + aboutRisk(new)
            + about(protection.deny, new.protection.deny, does: "denies everything about")
            + about(protection.ask, new.protection.ask, does: "asks before it touches")
            + (limits ?? IdentityLimits()).differences(to: new.limits ?? IdentityLimits())
            + aboutSurge(new) + aboutRequirements(new)
    }

    private func aboutConfidence(_ new: Playbook.Guards) -> [Difference] {
        var found = told(confidence?.min, new.confidence?.min, isRiskier: { ($1 ?? 0) < ($0 ?? 0) }) {
            $0.map { "acts unasked from a confidence of \($0.short) on" } ?? "acts unasked however sure the source is"
        }
        if let before = confidence?.below, let after = new.confidence?.below {
            found += told(before, after, isRiskier: GuardAnswer.isLooser) { "below that confidence: '\($0.rawValue)'" }
        }
        return found
    }

    private func aboutRisk(_ new: Playbook.Guards) -> [Difference] {
        switch (risk, new.risk) {
        case (nil, nil): return []
        case (nil, let after?):
            return [Difference("acts only from a risk score of \(after.actAt.short) on, was at any")]
        case (let before?, nil):
            return [Difference("acts at any risk score, was from \(before.actAt.short) on", riskier: true)]
        case (let before?, let after?):
            return told(before.actAt, after.actAt, isRiskier: >) { "acts from a risk score of \($0.short) on" }
                + told(before.add, after.add, isRiskier: <) { "a signal adds \($0.short) to the risk score" }
                + told(before.halfLifeMilliseconds, after.halfLifeMilliseconds, isRiskier: <) {
                    "half of a risk score is left after \(spanText($0))"
                }
        }
    }

    private func about(_ old: [ProtectedEntry], _ new: [ProtectedEntry], does: String) -> [Difference] {
        var found: [Difference] = []
        for entry in old where !new.contains(entry) {
            guard let later = new.first(where: { $0.text == entry.text }) else {
                found.append(Difference("no longer \(does) \(entry.words)", riskier: true))
                continue
            }
            let isShorter = (later.until?.milliseconds ?? .max) < (entry.until?.milliseconds ?? .max)
            found.append(Difference("\(does) \(later.words), was \(entry.words)", riskier: isShorter))
        }
        let come = new.filter { entry in !old.contains { $0.text == entry.text } }
        return found + come.map { Difference("\(does) \($0.words)") }
    }

    private func aboutSurge(_ new: Playbook.Guards) -> [Difference] {
        switch (surge, new.surge) {
        case (nil, nil): []
        case (nil, _?): [Difference("has a guard of its own against surges")]
        case (_?, nil): [Difference("has no guard of its own against surges any more", riskier: true)]
        case (let before?, let after?):
            told(before.factor, after.factor, isRiskier: <) { "a surge is \($0.short) times what is usual" }
                + told(before.windowMilliseconds, after.windowMilliseconds, isRiskier: !=) {
                    "a surge is counted within \(spanText($0))"
                }
                + told(before.cap, after.cap, isRiskier: <) { "no surge is what has up to \($0) signals" }
                + told(before.then, after.then, isRiskier: GuardAnswer.isLooser) { "in a surge: '\($0.rawValue)'" }
        }
    }

    private func aboutRequirements(_ new: Playbook.Guards) -> [Difference] {
        var found: [Difference] = []
        for old in requirements where !new.requirements.contains(old) {
            guard let later = new.requirements.first(where: { $0.that == old.that }) else {
                found.append(Difference("no longer requires \(old.that.source)", riskier: true))
                continue
            }
            let (before, after) = (old.otherwise.rawValue, later.otherwise.rawValue)
            found.append(
                Difference(
                    "where \(old.that.source) does not hold: '\(after)', was '\(before)'",
                    riskier: GuardAnswer.isLooser(old.otherwise, later.otherwise)))
        }
        let come = new.requirements.filter { later in !requirements.contains { $0.that == later.that } }
        return found + come.map { Difference("requires \($0.that.source), else '\($0.otherwise.rawValue)'") }
    }
}

extension IdentityLimits {
    /// Those that a playbook can have.
    fileprivate func differences(to new: IdentityLimits) -> [Difference] {
        told(perRun, new.perRun, isRiskier: Self.isMore) { "one run changes \(Self.most($0)) unasked" }
            + told(perPlaybook, new.perPlaybook, isRiskier: Self.isMore) { "touches \(Self.most($0)) an hour" }
            + told(share, new.share, isRiskier: { ($1 ?? 1) > ($0 ?? 1) }) {
                "touches " + ($0.map { "\(($0 * 100).short) % at most" } ?? "whatever share") + " of the identities"
            }
            + told(over, new.over, isRiskier: GuardAnswer.isLooser) { "over a limit: '\($0.rawValue)'" }
    }

    private static func isMore(_ old: Int?, _ new: Int?) -> Bool { (new ?? .max) > (old ?? .max) }

    private static func most(_ count: Int?) -> String {
        count.map { "\($0) at most" } ?? "as many as the installation lets it"
    }
}

/// One sentence where two values differ.
func told<Part: Equatable>(
    _ before: Part, _ after: Part, isRiskier: (_ before: Part, _ after: Part) -> Bool, _ words: (Part) -> String
) -> [Difference] {
    guard before != after else { return [] }
    return [Difference("\(words(after)), was: \(words(before))", riskier: isRiskier(before, after))]
}

extension GuardAnswer {
    fileprivate static func isLooser(_ old: GuardAnswer, _ new: GuardAnswer) -> Bool {
        let rungs = allCases
        return (rungs.firstIndex(of: new) ?? 0) < (rungs.firstIndex(of: old) ?? 0)
    }
}

extension ProtectedEntry {
    fileprivate var words: String {
        text + (until.map { " until \($0)" } ?? "") + (because.map { " (\($0))" } ?? "")
    }
}

extension Double {
    /// As an author writes it.
    var short: String { Value.double(self).json }
}
