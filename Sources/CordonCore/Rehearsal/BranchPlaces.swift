// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// Where the ways of a definition stand in its file.
package struct BranchPlaces {
    private let document: YAMLDocument
    private let steps: [String: YAMLNode]

    package init(_ bytes: [UInt8], file: String) throws(Diagnostics) {
        document = try YAMLDocument.parse(bytes, file: file, limits: .definition)
        steps = document.root.stepsByID
    }

    /// What an author reads of a way that no case takes.
    package func diagnostic(_ branch: Branch, severity: Diagnostic.Severity) -> Diagnostic {
        let root = branch.line.isEmpty ? document.root : steps[branch.line] ?? document.root
        let entry = branch.paths.lazy.compactMap { BranchPlaces.entry(at: $0, root) }.first
        return document.diagnostic(
            DefinitionCode.uncovered.rawValue, at: entry?.place ?? root.place, width: entry?.width ?? 1,
            severity: severity, message: "no case covers that \(branch.text)")
    }

    private static func entry(at path: [String], _ root: YAMLNode) -> YAMLEntry? {
        var node: YAMLNode? = root
        var found: YAMLEntry?
        for word in path {
            found = node?.entries?.first { $0.key == word }
            node = found?.value
        }
        return found
    }
}

extension YAMLNode {
    /// The steps of a workflow's file by their ids, the first of each. A step is a map with an `id`; lists and maps of any
    /// depth may hold some.
    var stepsByID: [String: YAMLNode] {
        var steps: [String: YAMLNode] = [:]
        find(&steps)
        return steps
    }

    private func find(_ steps: inout [String: YAMLNode]) {
        for item in items ?? [] {
            if let id = item["id"]?.scalar?.text, steps[id] == nil { steps[id] = item }
            item.find(&steps)
        }
        for entry in entries ?? [] { entry.value.find(&steps) }
    }
}
