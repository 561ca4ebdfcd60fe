// SPDX-License-Identifier: Apache-2.0

extension Expression {
    /// The paths whose own values can become part of the result, as long as fields follow: of
    /// `signal.kind == "x" ? subject.id : signal.repository` these are `subject.id` and `signal.repository`. What is only
    /// compared or counted as true or false does not pass. Sorted, each once.
    package var passes: [[String]] {
        var found: Set<[String]> = []
        var waiting = [program.tree.root]
        while let node = waiting.popLast() {
            if case .test = program.tree.nodes[node].kind { continue }
            if let path = path(of: node) {
                found.insert(path)
            } else {
                waiting += carriers(of: node)
            }
        }
        return found.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// The nodes directly below whose values can go into this node's.
    private func carriers(of node: Int) -> [Int] {
        let node = program.tree.nodes[node]
        switch node.kind {
        case .and, .or, .test: return []
        case .choice(_, let yes, let no): return [yes, no]
        case .index(let operand, _, _): return [operand]
        case .call(let name, _, _) where Self.yieldsTruth.contains(name): return []
        case .macro(let macro):
            switch macro.form {
            case .all, .exists, .existsOne: return []
            case .filter: return [macro.range]
            case .map, .transformList, .transformMap, .transformMapEntry, .bind, .optMap, .optFlatMap:
                return [macro.range, macro.body]
            }
        case .literal, .name, .select, .call, .list, .map: return node.children
        }
    }

    /// Functions that answer true or false.
    private static let yieldsTruth: Set<String> = [
        "!_", "@in", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "startsWith", "endsWith", "contains", "matches",
        "hasValue", "isIP", "isCIDR", "ip.isCanonical", "isUnspecified", "isLoopback", "isGlobalUnicast",
        "isLinkLocalMulticast", "isLinkLocalUnicast", "containsIP", "containsCIDR", "math.isNaN", "math.isInf",
        "math.isFinite",
    ]
}
