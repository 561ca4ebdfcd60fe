// SPDX-License-Identifier: Apache-2.0

/// Why an expression has no value: what went wrong and which part of the source asked for it.
package struct EvaluationError: Error, Sendable, Hashable {
    package enum Code: String, Sendable, Hashable, CaseIterable {
        case noSuchKey = "no such key"
        case noSuchVariable = "no such variable"
        case noSuchFunction = "no such function"
        case noSuchOverload = "no such overload"
        case indexOutOfRange = "index out of range"
        case divisionByZero = "division by zero"
        case overflow = "overflow"
        case outOfRange = "out of range"
        case badConversion = "bad conversion"
        case badArgument = "bad argument"
        case badPattern = "bad pattern"
        case repeatedKey = "repeated key"
        case unsupportedKey = "unsupported key"
        case noValue = "no value"
        case wrongType = "wrong type"
        case notJSON = "no JSON form"
        case costExceeded = "cost exceeded"
        case bytesExceeded = "bytes exceeded"

        /// Kept for ever: `cordon explain X070` tells more.
        package var number: String {
            switch self {
            case .noSuchKey: "X050"
            case .noSuchVariable: "X051"
            case .noSuchFunction: "X052"
            case .noSuchOverload: "X053"
            case .indexOutOfRange: "X054"
            case .divisionByZero: "X055"
            case .overflow: "X056"
            case .outOfRange: "X057"
            case .badConversion: "X058"
            case .badArgument: "X059"
            case .badPattern: "X060"
            case .repeatedKey: "X061"
            case .unsupportedKey: "X062"
            case .noValue: "X063"
            case .wrongType: "X064"
            case .notJSON: "X065"
            case .costExceeded: "X070"
            case .bytesExceeded: "X071"
            }
        }
    }

    package var code: Code
    package var message: String
    /// Where in the source, in code points.
    package var offset: Int
    package var width: Int
    /// For a missing key: what was looked into, as the source writes it; the key; the keys that were there.
    package var path: String?
    package var key: String?
    package var knownKeys: [String]

    init(
        _ code: Code, _ message: String, offset: Int = 0, width: Int = 0, path: String? = nil, key: String? = nil,
        knownKeys: [String] = []
    ) {
        self.code = code
        self.message = message
        self.offset = offset
        self.width = width
        self.path = path
        self.key = key
        self.knownKeys = knownKeys
    }

    /// Equal by code alone.
    package static func == (left: Self, right: Self) -> Bool { left.code == right.code }
    package func hash(into hasher: inout Hasher) { hasher.combine(code) }

    /// Most keys that an error lists of the map in which one was missing.
    package static let knownKeysMax = 20
}

/// An error on its way up through the evaluator; one word wide, so that carrying it costs nothing when all is well.
final class Fault: Error, Sendable {
    let code: EvaluationError.Code
    let message: String
    /// The syntax node that failed; negative until the evaluator fills it in.
    let node: Int
    let key: String?
    let container: Datum?

    init(
        _ code: EvaluationError.Code, _ message: String, node: Int = -1, key: String? = nil, in container: Datum? = nil
    ) {
        self.code = code
        self.message = message
        self.node = node
        self.key = key
        self.container = container
    }

    func at(_ node: Int) -> Fault {
        self.node >= 0 ? self : Fault(code, message, node: node, key: key, in: container)
    }

    /// A spent budget ends the evaluation: `||` and `&&` must not absorb it.
    var isFinal: Bool { code == .costExceeded || code == .bytesExceeded }

    static func noOverload(_ function: String, _ arguments: Datum...) -> Fault {
        let types = arguments.map(\.typeName).joined(separator: ", ")
        return Fault(.noSuchOverload, "'\(function)' does not take (\(types))")
    }
}
