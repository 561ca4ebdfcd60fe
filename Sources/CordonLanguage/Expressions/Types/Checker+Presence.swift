// SPDX-License-Identifier: Apache-2.0

/// Which optional fields a condition has made sure of: `has(a.b) && a.b > 1` reads `a.b` rightly.
extension Checker {
    /// A text that names the same place wherever it is read, or nil for what is no path.
    func path(of node: Int) -> String? {
        switch tree.nodes[node].kind {
        case .name(let name, let isAbsolute):
            if !isAbsolute, let local = local(name) { return "\(name)#\(local.identity)" }
            return name
        case .select(let operand, let field, _), .test(let operand, let field, _):
            return path(of: operand).map { "\($0).\(field)" }
        case .index(let operand, let key, _):
            guard let base = path(of: operand) else { return nil }
            switch tree.nodes[key].kind {
            case .literal(.string(let text)): return "\(base).\(text)"
            case .literal(.int(let number)): return "\(base)[\(number)]"
            default: return nil
            }
        default: return nil
        }
    }

    /// The paths that exist for sure when the node is true, or when it is false.
    func facts(_ node: Int, when outcome: Bool) -> Set<String> {
        switch tree.nodes[node].kind {
        case .test: outcome ? Set(path(of: node).map { [$0] } ?? []) : []
        case .call("!_", nil, let arguments): facts(arguments[0], when: !outcome)
        case .call("hasValue", let target?, _): outcome ? Set(path(of: target).map { [$0] } ?? []) : []
        case .call("@in", nil, let arguments): outcome ? keyFact(arguments[0], arguments[1]) : []
        case .and(let operands): combined(operands.map { facts($0, when: outcome) }, isUnion: outcome)
        case .or(let operands): combined(operands.map { facts($0, when: outcome) }, isUnion: !outcome)
        default: []
        }
    }

    private func keyFact(_ key: Int, _ holder: Int) -> Set<String> {
        guard let text = literalString(key), let base = path(of: holder) else { return [] }
        return ["\(base).\(text)"]
    }

    private func combined(_ sets: [Set<String>], isUnion: Bool) -> Set<String> {
        guard let first = sets.first else { return [] }
        return sets.dropFirst().reduce(first) { isUnion ? $0.union($1) : $0.intersection($1) }
    }
}
