// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// One thing that is otherwise in a later version of a definition, in a sentence for its reviewer.
package struct Difference: Sendable, Hashable {
    package var text: String
    /// More is done, to more, with less consent or less of a way back; or nobody can tell.
    package var isRiskier: Bool

    package init(_ text: String, riskier: Bool = false) {
        self.text = text
        isRiskier = riskier
    }
}

/// How a condition's reach changed, as far as its outermost parts tell.
enum ConditionChange {
    /// `does` is what happens when it holds: `acts`, `is done`.
    static func differences(_ old: Expression?, _ new: Expression?, does: String) -> [Difference] {
        switch (old, new) {
        case (nil, nil): return []
        case (nil, let new?): return [Difference("\(does) less: only if \(new.source)")]
        case (let old?, nil): return [Difference("\(does) always, was only if \(old.source)", riskier: true)]
        case (let old?, let new?): return old == new ? [] : parts(old, new, does)
        }
    }

    private static func parts(_ old: Expression, _ new: Expression, _ does: String) -> [Difference] {
        let (gone, come) = changes(old.conjuncts, new.conjuncts)
        let isSeveral = old.conjuncts.count > 1 || new.conjuncts.count > 1
        if isSeveral, !gone.isEmpty || !come.isEmpty, gone.isEmpty || come.isEmpty {
            return gone.map { Difference("\(does) more: the condition no longer asks for \($0)", riskier: true) }
                + come.map { Difference("\(does) less: the condition asks for \($0) too") }
        }
        let (lost, found) = changes(old.disjuncts, new.disjuncts)
        if old.disjuncts.count > 1 || new.disjuncts.count > 1, lost.isEmpty != found.isEmpty {
            return lost.map { Difference("\(does) less: \($0) is no longer enough") }
                + found.map { Difference("\(does) more: \($0) is enough now", riskier: true) }
        }
        let (before, after) = isSeveral ? (gone, come) : ([old.source], [new.source])
        return [
            Difference(
                "\(does) otherwise: the condition asks for \(after.joined(separator: " && ")), "
                    + "was \(before.joined(separator: " && "))", riskier: true)
        ]
    }

    private static func changes(_ old: [String], _ new: [String]) -> (gone: [String], come: [String]) {
        (old.filter { !new.contains($0) }, new.filter { !old.contains($0) })
    }
}

/// A span as people write it.
func spanText(_ milliseconds: Int64) -> String { YAMLDuration.text(milliseconds: milliseconds) }

extension Arguments {
    /// As its author wrote it, on one line.
    package var text: String {
        switch self {
        case .literal(.string(let text)): text
        case .literal(let value): value.json
        case .template(let template): template.source
        case .list(let items): "[" + items.map(\.text).joined(separator: ", ") + "]"
        case .map(let members):
            "{ " + members.keys.sorted().map { "\($0): \(members[$0]?.text ?? "")" }.joined(separator: ", ") + " }"
        }
    }

    /// A span, whether it is a number of milliseconds or worked out later.
    var spanText: String {
        if case .literal(.int(let number)) = self { return CordonCore.spanText(number) }
        return text
    }
}
