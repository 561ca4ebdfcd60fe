// SPDX-License-Identifier: Apache-2.0

/// Every line that a run of one workflow can come to, those of called workflows too, by the id that its step has in the
/// run; items of lists share their line's.
package struct WorkflowMap: Sendable {
    package struct Spot: Sendable {
        package var step: String
        package var workflow: String
        package var line: Workflow.Line
    }

    /// In the order of the files.
    package let spots: [Spot]
    private let places: [String: Int]

    package init(_ workflow: Workflow, among workflows: [Workflow]) {
        var spots: [Spot] = []
        let byName = Dictionary(workflows.map { ($0.name, $0) }) { first, _ in first }
        WorkflowMap.walk(workflow, "", byName, [workflow.name], &spots)
        self.spots = spots
        places = Dictionary(spots.enumerated().map { ($0.element.step, $0.offset) }) { first, _ in first }
    }

    private static func walk(
        _ workflow: Workflow, _ prefix: String, _ all: [String: Workflow], _ above: [String], _ spots: inout [Spot]
    ) {
        for line in workflow.allLines {
            spots.append(Spot(step: prefix + line.id, workflow: workflow.name, line: line))
            // A circle is a mistake that the loader tells; here it must only end.
            guard case .call(let name, _) = line.kind, let inner = all[name], !above.contains(name) else { continue }
            walk(inner, prefix + line.id + ".", all, above + [name], &spots)
        }
    }

    /// The line of a step as a run names it: an item's, a called one's, an undo's.
    package func spot(of step: String) -> Spot? {
        let words = Step.forwardID(of: step).split(separator: ".", omittingEmptySubsequences: false)
        return places[words.filter { Int($0) == nil }.joined(separator: ".")].map { spots[$0] }
    }

    package var steps: [String] { spots.map(\.step) }
    package var capabilities: Set<String> { Set(spots.flatMap(\.line.capabilities)) }
    /// What of it is asked of the subject's provider.
    package var ownCapabilities: Set<String> { Set(spots.flatMap(\.line.ownCapabilities)) }
    /// What acts; what is only measured left out.
    package var acts: Set<String> { Set(spots.compactMap(\.line.act?.capability)) }
    package var workflows: Set<String> { Set(spots.map(\.workflow)) }
}
