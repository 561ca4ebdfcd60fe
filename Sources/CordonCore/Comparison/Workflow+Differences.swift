// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

extension Workflow {
    /// What changes for people and identities when `new` takes the place of this one; called workflows are looked up in
    /// what stands beside each.
    package func differences(
        to new: Workflow, among old: [String: Workflow] = [:], and later: [String: Workflow] = [:]
    ) -> [Difference] {
        var found = aboutInputs(new)
        if title != new.title { found.append(Difference("is called '\(new.title)', was '\(title)'")) }
        let (before, after) = (allLines, new.allLines)
        for line in before where !after.contains(where: { $0.id == line.id }) { found.append(line.gone) }
        for line in after where !before.contains(where: { $0.id == line.id }) { found.append(line.come) }
        found += aboutOrder(new)
        for line in before {
            if let other = after.first(where: { $0.id == line.id }) { found += line.differences(to: other) }
        }
        return found + aboutWorst(WorstCase(of: self, among: old), WorstCase(of: new, among: later))
    }

    private func aboutInputs(_ new: Workflow) -> [Difference] {
        var found: [Difference] = []
        for name in Set(inputs.map(\.name)).union(new.inputs.map(\.name)).sorted() {
            let before = inputs.first { $0.name == name }
            let after = new.inputs.first { $0.name == name }
            guard before != after else { continue }
            switch (before, after) {
            case (nil, let after?): found.append(Difference("takes the input \(name): \(after.text)"))
            case (let before?, nil): found.append(Difference("no longer takes the input \(name): \(before.text)"))
            case (let before?, let after?):
                found.append(
                    Difference("the input \(name) is \(after.text), was \(before.text)", riskier: true))
            case (nil, nil): break
            }
        }
        return found
    }

    /// Steps of both that stand in another order or another part: as few as explain the rest.
    private func aboutOrder(_ new: Workflow) -> [Difference] {
        let common = Set(allLines.map(\.id)).intersection(new.allLines.map(\.id))
        let before = allLines.map(\.id).filter(common.contains)
        let after = new.allLines.map(\.id).filter(common.contains)
        let kept = longestCommon(before, after)
        var found: [Difference] = []
        for (place, id) in after.enumerated() {
            let isElsewhere = parts(around: id) != new.parts(around: id)
            guard !kept.contains(id) || isElsewhere else { continue }
            let line = new.step(id)
            let neighbor = place == 0 ? "comes first" : "comes after '\(after[place - 1])'"
            let inside = new.parts(around: id).last.map { ", inside '\($0)'" } ?? ""
            let touches = line?.act != nil || line?.question != nil
            found.append(Difference("step '\(id)' is moved: it \(neighbor)\(inside)", riskier: touches))
        }
        return found
    }

    private func longestCommon(_ left: [String], _ right: [String]) -> Set<String> {
        var table = [[Int]](repeating: [Int](repeating: 0, count: right.count + 1), count: left.count + 1)
        for i in left.indices.reversed() {
            for j in right.indices.reversed() {
                table[i][j] =
                    left[i] == right[j] ? table[i + 1][j + 1] + 1 : Swift.max(table[i + 1][j], table[i][j + 1])
            }
        }
        var (i, j) = (0, 0)
        var kept: Set<String> = []
        while i < left.count, j < right.count {
            if left[i] == right[j] {
                kept.insert(left[i])
                i += 1
                j += 1
            } else if table[i + 1][j] >= table[i][j + 1] {
                i += 1
            } else {
                j += 1
            }
        }
        return kept
    }

    private func aboutWorst(_ old: WorstCase, _ new: WorstCase) -> [Difference] {
        var found: [Difference] = []
        func compare(_ name: String, _ before: Int, _ after: Int, less: Bool = false) {
            guard before != after else { return }
            found.append(
                Difference("at worst \(name): \(after), was \(before)", riskier: less ? after < before : after > before)
            )
        }
        compare("changes", old.writes.values.reduce(0, +), new.writes.values.reduce(0, +))
        compare("changes that can't be undone", old.irreversible, new.irreversible)
        compare("steps", old.steps, new.steps)
        compare("questions to people", old.questions, new.questions, less: true)
        if old.longestHoldMilliseconds != new.longestHoldMilliseconds {
            let text = { (span: Int64) in span == 0 ? "none" : spanText(span) }
            found.append(
                Difference(
                    "at worst a hold stands: \(text(new.longestHoldMilliseconds)), "
                        + "was \(text(old.longestHoldMilliseconds))"))
        }
        return found
    }
}

extension Workflow.Input {
    fileprivate var text: String {
        var text = kind.rawValue
        if let standard { text += ", \(standard.stringValue ?? standard.json) unless given" }
        if let max { text += ", at most \(spanText(max))" }
        return text
    }
}
