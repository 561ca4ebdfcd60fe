// SPDX-License-Identifier: Apache-2.0

/// A parsed expression: nodes in one array that name each other by index, so that a deep tree needs no deep
/// recursion to be released.
struct SyntaxTree: Sendable {
    var nodes: [SyntaxNode] = []
    var root = 0
    let scalars: [Unicode.Scalar]

    /// The source text of a node.
    func text(of index: Int) -> String {
        let part = scalars[nodes[index].start..<nodes[index].end]
        guard part.allSatisfy(\.isASCII) else {
            var out = String.UnicodeScalarView()
            out.append(contentsOf: part)
            return String(out)
        }
        // Explanations cut every part out of the source for every match: a copy of bytes, not of scalars.
        return String(unsafeUninitializedCapacity: part.count) { bytes in
            for (place, scalar) in part.enumerated() { bytes[place] = UInt8(truncatingIfNeeded: scalar.value) }
            return part.count
        }
    }
}

/// One piece of an expression and where it stands, in code points.
struct SyntaxNode: Sendable {
    /// A list element or a map entry; `?` before it leaves it out when the optional has no value.
    struct Entry: Sendable {
        var key: Int?
        var value: Int
        var isOptional: Bool
    }

    enum Kind: Sendable {
        case literal(Datum)
        case name(String, isAbsolute: Bool)
        case select(Int, field: String, isOptional: Bool)
        /// `has(operand.field)`.
        case test(Int, field: String, isOptional: Bool)
        case index(Int, Int, isOptional: Bool)
        case call(String, target: Int?, arguments: [Int])
        case and([Int])
        case or([Int])
        case choice(Int, Int, Int)
        case list([Entry])
        case map([Entry])
        case macro(Macro)
    }

    var kind: Kind
    var start: Int
    var end: Int
    /// What an error underlines: the field, the operator, the function's name.
    var mark: Range<Int>
    var height: Int

    /// The nodes directly below, in source order.
    var children: [Int] {
        switch kind {
        case .literal, .name: []
        case .select(let operand, _, _), .test(let operand, _, _): [operand]
        case .index(let operand, let key, _): [operand, key]
        case .call(_, let target, let arguments): (target.map { [$0] } ?? []) + arguments
        case .and(let operands), .or(let operands): operands
        case .choice(let condition, let yes, let no): [condition, yes, no]
        case .list(let entries), .map(let entries):
            entries.flatMap { entry in (entry.key.map { [$0] } ?? []) + [entry.value] }
        case .macro(let macro): [macro.range] + macro.bodies
        }
    }
}

/// A built-in form that binds names: a loop over a list or map, or `cel.bind`, `optMap`, `optFlatMap`.
struct Macro: Sendable {
    enum Form: String, Sendable {
        case all, exists, existsOne, map, filter, transformList, transformMap, transformMapEntry
        case bind, optMap, optFlatMap

        var isLoop: Bool { self != .bind && self != .optMap && self != .optFlatMap }
    }

    var form: Form
    var range: Int
    /// One or two names; two mean index and value, or key and value.
    var names: [String]
    var filter: Int?
    var body: Int

    var bodies: [Int] { (filter.map { [$0] } ?? []) + [body] }
}
