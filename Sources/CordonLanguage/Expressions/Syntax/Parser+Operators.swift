// SPDX-License-Identifier: Apache-2.0

/// Operators, from those that bind least: `? :`, `||`, `&&`, comparisons, sums, products, signs.
extension Parser {
    private static let orLevel = 0
    private static let andLevel = 1

    /// How tightly a binary operator binds, and the function it stands for.
    private var binary: (level: Int, function: String)? {
        switch token.kind {
        case .sign(.less), .sign(.lessEqual), .sign(.greater), .sign(.greaterEqual), .sign(.equal), .sign(.notEqual):
            (2, "_\(tokenText)_")
        case .name("in"): (2, "@in")
        case .sign(.plus), .sign(.minus): (3, "_\(tokenText)_")
        case .sign(.times), .sign(.over), .sign(.percent): (4, "_\(tokenText)_")
        default: nil
        }
    }

    private var tokenText: String {
        if case .sign(let sign) = token.kind { sign.rawValue } else { "" }
    }

    /// Takes the operator behind an operand, which then waits for its right side; false when there is none.
    mutating func operation(_ operand: inout Operand) throws(ExpressionErrors) -> Bool {
        let mark = token.start..<token.end
        if let (level, function) = binary {
            let left = try reduced(operand, to: level)
            open.append(.binary(function: function, level: level, left: left, mark: mark))
        } else if isAt(.and) || isAt(.or) {
            try junction(operand, isOr: isAt(.or), mark)
        } else if isAt(.question) {
            operand = try reduced(operand, to: -1)
            // Between ? and : only a bracket may hold another choice.
            if case .yes? = open.last { return false }
            open.append(.yes(condition: operand, mark: mark))
        } else {
            return false
        }
        position += 1
        return true
    }

    private mutating func junction(_ operand: Operand, isOr: Bool, _ mark: Range<Int>) throws(ExpressionErrors) {
        let left = try reduced(operand, to: isOr ? Self.orLevel : Self.andLevel)
        if case .junction(isOr, let operands, let start, let first)? = open.last {
            open[open.count - 1] = .junction(isOr: isOr, operands: operands + [left.node], start: start, mark: first)
        } else {
            open.append(.junction(isOr: isOr, operands: [left.node], start: left.start, mark: mark))
        }
    }

    /// The operand with all waiting operators that bind at least as tightly; junctions of the same level go on.
    mutating func reduced(_ operand: Operand, to level: Int) throws(ExpressionErrors) -> Operand {
        var right = operand
        while true {
            switch open.last {
            case .binary(let function, let own, let left, let mark)? where own >= level:
                open.removeLast()
                let kind = SyntaxNode.Kind.call(function, target: nil, arguments: [left.node, right.node])
                right = Operand(node: try add(kind, from: left.start, mark: mark), start: left.start)
            case .junction(let isOr, let operands, let start, let mark)?
            where (isOr ? Self.orLevel : Self.andLevel) > level:
                open.removeLast()
                let all = operands + [right.node]
                right = Operand(node: try add(isOr ? .or(all) : .and(all), from: start, mark: mark), start: start)
            default: return right
            }
        }
    }

    /// Puts a run of signs before an operand, the last sign innermost.
    mutating func signed(_ operand: Operand, _ first: Int, _ count: Int) throws(ExpressionErrors) -> Operand {
        var operand = operand
        for sign in (first..<first + count).reversed() {
            let function = tokens[sign].kind == .sign(.not) ? "!_" : "-_"
            let mark = tokens[sign].start..<tokens[sign].end
            let kind = SyntaxNode.Kind.call(function, target: nil, arguments: [operand.node])
            operand = Operand(node: try add(kind, from: mark.lowerBound, mark: mark), start: mark.lowerBound)
        }
        return operand
    }
}
