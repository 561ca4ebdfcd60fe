// SPDX-License-Identifier: Apache-2.0

extension Parser {
    /// Something that waits for an operand: an operator with its left side, or an open bracket.
    enum Open {
        /// A run of one sign, `!` or `-`, from this token on.
        case prefix(token: Int, count: Int)
        case binary(function: String, level: Int, left: Operand, mark: Range<Int>)
        case junction(isOr: Bool, operands: [Int], start: Int, mark: Range<Int>)
        /// Behind the `?` of a choice.
        case yes(condition: Operand, mark: Range<Int>)
        /// Behind the `:` of a choice.
        case no(condition: Operand, yes: Int, mark: Range<Int>)
        case group(start: Int)
        case index(of: Operand, isOptional: Bool, mark: Range<Int>)
        case call(function: String, target: Int?, start: Int, mark: Range<Int>, arguments: [Int])
        case list(start: Int, entries: [SyntaxNode.Entry], isOptional: Bool)
        case map(start: Int, entries: [SyntaxNode.Entry], key: Int?, isOptional: Bool)
    }

    mutating func enter(_ form: Open) throws(ExpressionErrors) {
        nesting += 1
        guard nesting <= limits.depthMax else { throw tooDeep(at: token.start..<token.end) }
        open.append(form)
    }

    mutating func leave() {
        nesting -= 1
        open.removeLast()
    }

    /// Ends what the operand ends, as far as the tokens go: nil when another operand must follow, the root at the end.
    mutating func finish(_ operand: Operand) throws(ExpressionErrors) -> Int? {
        var operand = operand
        while true {
            if let longer = try postfix(operand) {
                guard case .done(let next) = longer else { return nil }
                operand = next
            } else if case .prefix(let first, let count)? = open.last {
                open.removeLast()
                operand = try signed(operand, first, count)
            } else if try operation(&operand) {
                return nil
            } else {
                operand = try reduced(operand, to: -1)
                guard let form = open.last else { return operand.node }
                guard let closed = try close(form, operand) else { return nil }
                operand = closed
            }
        }
    }

    /// The operand with what stands around it, or nil when that needs another operand.
    private mutating func close(_ form: Open, _ operand: Operand) throws(ExpressionErrors) -> Operand? {
        switch form {
        case .yes(let condition, let mark):
            try expect(.colon, to: "between the two results of '?'")
            open.removeLast()
            try enter(.no(condition: condition, yes: operand.node, mark: mark))
            return nil
        case .no(let condition, let yes, let mark):
            leave()
            let node = try add(.choice(condition.node, yes, operand.node), from: condition.start, mark: mark)
            return Operand(node: node, start: condition.start)
        case .group(let start):
            try expect(.close, to: "to close the bracket")
            leave()
            return Operand(node: operand.node, start: start)
        case .index(let holder, let isOptional, let mark):
            try expect(.closeList, to: "after the index")
            leave()
            let kind = SyntaxNode.Kind.index(holder.node, operand.node, isOptional: isOptional)
            return Operand(node: try add(kind, from: holder.start, mark: mark), start: holder.start)
        case .call(let function, let target, let start, let mark, let arguments):
            return try nextArgument(function, target, start, mark, arguments + [operand.node])
        case .list(let start, let entries, let isOptional):
            let entry = SyntaxNode.Entry(key: nil, value: operand.node, isOptional: isOptional)
            return try nextElement(start, entries + [entry])
        case .map(let start, let entries, let key?, let isOptional):
            let entry = SyntaxNode.Entry(key: key, value: operand.node, isOptional: isOptional)
            return try nextEntry(start, entries + [entry])
        case .map(let start, let entries, nil, let isOptional):
            try expect(.colon, to: "after the map's key")
            open[open.count - 1] = .map(start: start, entries: entries, key: operand.node, isOptional: isOptional)
            return nil
        case .prefix, .binary, .junction: preconditionFailure("operators are reduced before a bracket is closed")
        }
    }

    private mutating func nextArgument(
        _ function: String, _ target: Int?, _ start: Int, _ mark: Range<Int>, _ arguments: [Int]
    ) throws(ExpressionErrors) -> Operand? {
        if take(.comma) {
            // The grammar has no trailing comma in calls.
            if isAt(.close) { throw unexpected("an argument") }
            open[open.count - 1] = .call(
                function: function, target: target, start: start, mark: mark, arguments: arguments)
            return nil
        }
        try expect(.close, to: "or ',' after the argument")
        leave()
        return try call(function, target, arguments, from: start, mark: mark)
    }

    private mutating func nextElement(
        _ start: Int, _ entries: [SyntaxNode.Entry]
    ) throws(ExpressionErrors) -> Operand? {
        if take(.comma), !isAt(.closeList) {
            open[open.count - 1] = .list(start: start, entries: entries, isOptional: take(.question))
            return nil
        }
        try expect(.closeList, to: "or ',' in the list")
        leave()
        return Operand(node: try add(.list(entries), from: start), start: start)
    }

    private mutating func nextEntry(
        _ start: Int, _ entries: [SyntaxNode.Entry]
    ) throws(ExpressionErrors) -> Operand? {
        if take(.comma), !isAt(.closeMap) {
            open[open.count - 1] = .map(start: start, entries: entries, key: nil, isOptional: take(.question))
            return nil
        }
        try expect(.closeMap, to: "or ',' in the map")
        leave()
        return Operand(node: try add(.map(entries), from: start), start: start)
    }
}
