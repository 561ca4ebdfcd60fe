// SPDX-License-Identifier: Apache-2.0

extension Parser {
    /// What a postfix made of an operand.
    enum Postfix {
        case done(Operand)
        /// A bracket opened that needs an operand.
        case opened
    }

    /// Takes signs and one value; nil when a bracket opened that another value must follow in.
    mutating func operand() throws(ExpressionErrors) -> Operand? {
        let isNegative = try signs()
        let start = isNegative ? tokens[position - 1].start : token.start
        switch token.kind {
        case .integer, .double, .string, .bytes: return try literal(isNegative: isNegative)
        case .name: return try nameOrCall(from: start)
        case .sign(.dot):
            position += 1
            guard case .name = token.kind else { throw unexpected("a name after '.'") }
            return try nameOrCall(isAbsolute: true, from: start)
        case .sign(.open):
            position += 1
            try enter(.group(start: start))
        case .sign(.openList):
            position += 1
            if take(.closeList) { return Operand(node: try add(.list([]), from: start), start: start) }
            try enter(.list(start: start, entries: [], isOptional: take(.question)))
        case .sign(.openMap):
            position += 1
            if take(.closeMap) { return Operand(node: try add(.map([]), from: start), start: start) }
            try enter(.map(start: start, entries: [], key: nil, isOptional: take(.question)))
        default: throw unexpected("a value")
        }
        return nil
    }

    /// Takes a run of one sign. True when its last minus belongs to the number behind it.
    private mutating func signs() throws(ExpressionErrors) -> Bool {
        let first = position
        while isAt(.not) || isAt(.minus) {
            guard tokens[position].kind == tokens[first].kind else { throw unexpected("a value") }
            position += 1
        }
        var count = position - first
        let isNegative = count > 0 && tokens[first].kind == .sign(.minus) && isAtNumber
        if isNegative { count -= 1 }
        if count > 0 { open.append(.prefix(token: first, count: count)) }
        return isNegative
    }

    private var isAtNumber: Bool {
        switch token.kind {
        case .integer(_, let isUnsigned): !isUnsigned
        case .double: true
        default: false
        }
    }

    /// `.field`, `.?field`, `.method(…)`, `[index]` or `[?index]` behind an operand; nil when none stands there.
    mutating func postfix(_ operand: Operand) throws(ExpressionErrors) -> Postfix? {
        if take(.dot) { return try selection(of: operand) }
        if take(.openList) {
            let mark = tokens[position - 1].start..<tokens[position - 1].end
            try enter(.index(of: operand, isOptional: take(.question), mark: mark))
            return .opened
        }
        if isAt(.openMap), isTypeName(operand.node) {
            throw failure(
                .unexpectedToken, "there are no message types here", at: token.start..<token.end,
                suggestion: "write a map: {\"field\": value}")
        }
        return nil
    }

    private func isTypeName(_ node: Int) -> Bool {
        switch tree.nodes[node].kind {
        case .name, .select: true
        default: false
        }
    }

    private mutating func selection(of operand: Operand) throws(ExpressionErrors) -> Postfix {
        let isOptional = take(.question)
        let mark = token.start..<token.end
        let field: String
        switch token.kind {
        case .name(let name) where !Token.literalWords.contains(name): field = name
        case .quotedName(let name): field = name
        default: throw unexpected("a field's name after '.'")
        }
        let isQuoted = token.kind != .name(field)
        position += 1
        guard !isOptional, !isQuoted, isAt(.open) else {
            let kind = SyntaxNode.Kind.select(operand.node, field: field, isOptional: isOptional)
            return .done(Operand(node: try add(kind, from: operand.start, mark: mark), start: operand.start))
        }
        guard let call = try openCall(field, target: operand.node, from: operand.start, mark: mark) else {
            return .opened
        }
        return .done(call)
    }

    private mutating func literal(isNegative: Bool) throws(ExpressionErrors) -> Operand {
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
        return Operand(node: try add(.literal(datum), from: start), start: start)
    }

    private mutating func nameOrCall(isAbsolute: Bool = false, from start: Int) throws(ExpressionErrors) -> Operand? {
        guard case .name(let name) = token.kind else { throw unexpected("a name") }
        let mark = token.start..<token.end
        if !isAbsolute, let literal = Self.literals[name] {
            position += 1
            return Operand(node: try add(.literal(literal), from: start), start: start)
        }
        guard name != "in" else { throw unexpected("a value") }
        guard !Token.reservedWords.contains(name) else {
            throw failure(.reservedWord, "'\(name)' is a reserved word", at: mark, suggestion: "choose another name")
        }
        position += 1
        if isAt(.open) { return try openCall(isAbsolute ? ".\(name)" : name, target: nil, from: start, mark: mark) }
        return Operand(node: try add(.name(name, isAbsolute: isAbsolute), from: start, mark: mark), start: start)
    }

    private static let literals: [String: Datum] = ["true": .bool(true), "false": .bool(false), "null": .null]
}
