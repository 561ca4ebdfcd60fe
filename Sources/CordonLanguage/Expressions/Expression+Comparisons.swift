// SPDX-License-Identifier: Apache-2.0

extension Expression {
    /// A path that the expression compares with a text written out, by `==`, `!=` or `in`.
    package struct Comparison: Sendable, Hashable {
        package var path: [String]
        package var text: String
        /// Where the text stands in the source, in code points.
        package var offset: Int
        package var width: Int
    }

    /// All of them, in the order of the source.
    package var comparisons: [Comparison] {
        program.tree.nodes.indices.flatMap(comparisons(at:)).sorted { $0.offset < $1.offset }
    }

    private func comparisons(at index: Int) -> [Comparison] {
        guard case .call(let name, _, _) = program.tree.nodes[index].kind else { return [] }
        let operands = program.tree.nodes[index].children
        guard operands.count == 2 else { return [] }
        switch name {
        case "_==_", "_!=_":
            return [comparison(operands[0], operands[1]), comparison(operands[1], operands[0])].compactMap { $0 }
        case "@in":
            guard case .list(let entries) = program.tree.nodes[operands[1]].kind else { return [] }
            return entries.compactMap { comparison(operands[0], $0.value) }
        default: return []
        }
    }

    private func comparison(_ side: Int, _ other: Int) -> Comparison? {
        let node = program.tree.nodes[other]
        guard case .literal(.string(let text)) = node.kind, let path = path(of: side) else { return nil }
        return Comparison(path: path, text: text, offset: node.start, width: node.end - node.start)
    }
}
