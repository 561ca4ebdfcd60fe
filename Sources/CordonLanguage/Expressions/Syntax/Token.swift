// SPDX-License-Identifier: Apache-2.0

/// One word or sign of an expression's source.
struct Token: Sendable {
    enum Kind: Sendable, Equatable {
        case name(String)
        /// A name in back quotes, for fields such as `user-agent`.
        case quotedName(String)
        /// Digits without sign; the parser knows whether a minus belongs to them.
        case integer(UInt64, isUnsigned: Bool)
        case double(Double)
        case string(String)
        case bytes([UInt8])
        case sign(Sign)
        case end
    }

    enum Sign: String, Sendable {
        case and = "&&", or = "||", not = "!", question = "?", colon = ":"
        case less = "<", lessEqual = "<=", greater = ">", greaterEqual = ">=", equal = "==", notEqual = "!="
        case plus = "+", minus = "-", times = "*", over = "/", percent = "%"
        case dot = ".", comma = ",", open = "(", close = ")", openList = "[", closeList = "]"
        case openMap = "{", closeMap = "}"
    }

    var kind: Kind
    var start: Int
    var end: Int

    /// As an error text names it.
    var described: String {
        switch kind {
        case .name(let name): "'\(name)'"
        case .quotedName(let name): "'`\(name)`'"
        case .integer, .double: "a number"
        case .string: "a string"
        case .bytes: "a bytes literal"
        case .sign(let sign): "'\(sign.rawValue)'"
        case .end: "the end of the expression"
        }
    }

    static let reservedWords: Set<String> = [
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
        "namespace", "return", "var", "void", "while",
    ]
    static let literalWords: Set<String> = ["true", "false", "null", "in"]
}
