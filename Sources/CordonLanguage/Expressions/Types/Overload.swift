// SPDX-License-Identifier: Apache-2.0

/// One way to call a function: its parameters (the receiver first) and its result.
struct Overload: Sendable, Hashable {
    var parameters: [StaticType]
    var result: StaticType
    var isMember: Bool

    /// `string.(int) -> string`: a dot behind the first type makes it the receiver. Capital letters are parameters.
    init(_ text: Substring) {
        var reader = SignatureReader(text)
        var receiver: [StaticType] = []
        if reader.peek != "(" {
            receiver = [reader.type()]
            reader.expect(".")
        }
        reader.expect("(")
        parameters = receiver
        while reader.peek != ")" {
            parameters.append(reader.type())
            if reader.peek == "," { reader.expect(",") }
        }
        reader.expect(")")
        reader.expect("-")
        reader.expect(">")
        result = reader.type()
        isMember = !receiver.isEmpty
    }

    init(parameters: [StaticType], result: StaticType, isMember: Bool) {
        self.parameters = parameters
        self.result = result
        self.isMember = isMember
    }
}

/// Reads the little notation of `Signatures`; a slip there is the programmer's, so it traps.
struct SignatureReader {
    private let characters: [Character]
    private var position = 0

    init(_ text: Substring) { characters = text.filter { $0 != " " } }

    var peek: Character { position < characters.count ? characters[position] : "\0" }

    mutating func expect(_ character: Character) {
        precondition(peek == character, "signature \(String(characters)) at \(position)")
        position += 1
    }

    mutating func type() -> StaticType {
        var word = ""
        while peek.isLetter || peek == "_" || peek == "<" || (peek == ">" && word.hasPrefix("<")) {
            word.append(peek)
            position += 1
        }
        guard peek == "(", !word.isEmpty else { return Self.named(word, []) }
        expect("(")
        var parts = [type()]
        while peek == "," {
            expect(",")
            parts.append(type())
        }
        expect(")")
        return Self.named(word, parts)
    }

    static let plain: [String: StaticType] = [
        "dyn": .dynamic, "null": .null, "bool": .bool, "int": .int, "uint": .uint, "double": .double,
        "string": .string, "bytes": .bytes, "timestamp": .timestamp, "duration": .duration, "ip": .address,
        "cidr": .network, "type": .type(.dynamic),
    ]

    private static func named(_ word: String, _ parts: [StaticType]) -> StaticType {
        if let plain = plain[word], parts.isEmpty { return plain }
        switch (word, parts.count) {
        case ("list", 1): return .list(parts[0])
        case ("map", 2): return .map(parts[0], parts[1])
        case ("optional_type", 1): return .optional(parts[0])
        case ("type", 1): return .type(parts[0])
        default: break
        }
        if word.hasPrefix("<") { return .parameter(String(word.dropFirst().dropLast())) }
        if word.count == 1, parts.isEmpty, word.first?.isUppercase == true { return .parameter(word) }
        return .opaque(word, parts)
    }
}
