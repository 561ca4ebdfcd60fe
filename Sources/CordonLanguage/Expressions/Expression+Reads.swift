// SPDX-License-Identifier: Apache-2.0

extension Expression {
    /// The paths that the expression reads of its variables, each from the variable's name on, as long as fields follow:
    /// `alert.identity.kind == "service"` reads `["alert", "identity", "kind"]`. Sorted, each once.
    package var reads: [[String]] {
        var found: Set<[String]> = []
        var waiting = [program.tree.root]
        while let node = waiting.popLast() {
            if let path = path(of: node) {
                found.insert(path)
            } else {
                waiting += program.tree.nodes[node].children
            }
        }
        return found.sorted { $0.lexicographicallyPrecedes($1) }
    }

    func path(of node: Int) -> [String]? {
        if case .variable(let slot) = program.resolution.references[node] {
            return [program.resolution.variables[slot]]
        }
        switch program.tree.nodes[node].kind {
        case .select(let operand, let field, _), .test(let operand, let field, _):
            return path(of: operand).map { $0 + [field] }
        case .index(let operand, let key, _):
            guard case .literal(.string(let field)) = program.tree.nodes[key].kind else { return nil }
            return path(of: operand).map { $0 + [field] }
        default: return nil
        }
    }
}
