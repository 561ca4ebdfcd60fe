// SPDX-License-Identifier: Apache-2.0

extension Parser {
    /// A value and everything behind it: `.field`, `.?field`, `.method(…)`, `[index]`, `[?index]`.
    mutating func member(isNegative: Bool) throws(ExpressionErrors) -> Int {
        let start = isNegative ? tokens[position - 1].start : token.start
        var node = try primary(isNegative: isNegative)
        while true {
            if take(.dot) {
                node = try selection(of: node, from: start)
            } else if take(.openList) {
                let mark = tokens[position - 1].start..<tokens[position - 1].end
                let isOptional = take(.question)
                let index = try expression()
                try expect(.closeList, to: "after the index")
                node = try add(.index(node, index, isOptional: isOptional), from: start, mark: mark)
            } else if isAt(.openMap), isTypeName(node) {
                throw failure(
                    .unexpectedToken, "there are no message types here", at: token.start..<token.end,
                    suggestion: "write a map: {\"field\": value}")
            } else {
                return node
            }
        }
    }

    private func isTypeName(_ node: Int) -> Bool {
        switch tree.nodes[node].kind {
        case .name, .select: true
        default: false
        }
    }

    private mutating func selection(of operand: Int, from start: Int) throws(ExpressionErrors) -> Int {
        let isOptional = take(.question)
        let mark = token.start..<token.end
        let field: String
        switch token.kind {
        case .name(let name) where !Token.literalWords.contains(name): field = name
        case .quotedName(let name): field = name
        default: throw unexpected("a field's name after '.'")
        }
        let isQuoted = tokens[position].kind != .name(field)
        position += 1
        guard !isOptional, !isQuoted, isAt(.open) else {
            return try add(.select(operand, field: field, isOptional: isOptional), from: start, mark: mark)
        }
        return try call(field, target: operand, from: start, mark: mark)
    }

    private mutating func primary(isNegative: Bool) throws(ExpressionErrors) -> Int {
        let start = token.start
        switch token.kind {
        case .integer, .double, .string, .bytes: return try literal(isNegative: isNegative)
        case .name: return try nameOrCall()
        case .sign(.dot):
            position += 1
            guard case .name = token.kind else { throw unexpected("a name after '.'") }
            return try nameOrCall(isAbsolute: true, from: start)
        case .sign(.open):
            position += 1
            let inner = try expression()
            try expect(.close, to: "to close the bracket")
            return inner
        case .sign(.openList): return try list()
        case .sign(.openMap): return try map()
        default: throw unexpected("a value")
        }
    }

    private mutating func literal(isNegative: Bool) throws(ExpressionErrors) -> Int {
        let token = token
        position += 1
        let start = isNegative ? tokens[position - 2].start : token.start
        let datum: Datum
        switch token.kind {
        case .integer(let number, let isUnsigned):
            if isUnsigned {
                datum = .uint(number)
            } else if isNegative, number <= Int64.min.magnitude {
                datum = .int(Int64(truncatingIfNeeded: 0 &- number))
            } else if !isNegative, number <= UInt64(Int64.max) {
                datum = .int(Int64(number))
            } else {
                throw failure(
                    .badNumber, "the number does not fit 64 bits with sign", at: start..<token.end,
                    suggestion: isNegative ? nil : "write it with u at the end")
            }
        case .double(let number): datum = .double(isNegative ? -number : number)
        case .string(let text): datum = .string(text)
        case .bytes(let bytes): datum = .bytes(bytes)
        default: throw unexpected("a value")
        }
        return try add(.literal(datum), from: start)
    }

    private mutating func nameOrCall(isAbsolute: Bool = false, from: Int? = nil) throws(ExpressionErrors) -> Int {
        guard case .name(let name) = token.kind else { throw unexpected("a name") }
        let mark = token.start..<token.end
        let start = from ?? token.start
        if !isAbsolute {
            let literal: Datum? =
                switch name {
                case "true": .bool(true)
                case "false": .bool(false)
                case "null": .null
                default: nil
                }
            if let literal {
                position += 1
                return try add(.literal(literal), from: start)
            }
        }
        guard name != "in" else { throw unexpected("a value") }
        guard !Token.reservedWords.contains(name) else {
            throw failure(.reservedWord, "'\(name)' is a reserved word", at: mark, suggestion: "choose another name")
        }
        position += 1
        if isAt(.open) {
            return try call(isAbsolute ? ".\(name)" : name, target: nil, from: start, mark: mark)
        }
        return try add(.name(name, isAbsolute: isAbsolute), from: start, mark: mark)
    }

    private mutating func list() throws(ExpressionErrors) -> Int {
        let start = token.start
        position += 1
        var entries: [SyntaxNode.Entry] = []
        while !isAt(.closeList) {
            let isOptional = take(.question)
            entries.append(SyntaxNode.Entry(key: nil, value: try expression(), isOptional: isOptional))
            guard take(.comma) else { break }
        }
        try expect(.closeList, to: "or ',' in the list")
        return try add(.list(entries), from: start)
    }

    private mutating func map() throws(ExpressionErrors) -> Int {
        let start = token.start
        position += 1
        var entries: [SyntaxNode.Entry] = []
        while !isAt(.closeMap) {
            let isOptional = take(.question)
            let key = try expression()
            try expect(.colon, to: "after the map's key")
            entries.append(SyntaxNode.Entry(key: key, value: try expression(), isOptional: isOptional))
            guard take(.comma) else { break }
        }
        try expect(.closeMap, to: "or ',' in the map")
        return try add(.map(entries), from: start)
    }
}
