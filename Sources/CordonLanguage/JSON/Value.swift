// SPDX-License-Identifier: Apache-2.0

/// A JSON value (RFC 8259), the one currency between alerts, expressions, requests and the history.
///
/// Numbers keep their kind: a literal without fraction or exponent that fits 64 bits is `int`, anything else
/// is `double`, so identifiers above 2^53 stay exact.
package enum Value: Sendable, Hashable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([Value])
    case object([String: Value])
}

extension Value {
    /// The member of an object, or `nil` when this is no object or has no such member.
    package subscript(_ key: String) -> Value? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    /// The value at a path of member names: `value.at("repository", "owner", "login")`.
    package func at(_ path: String...) -> Value? {
        var here: Value? = self
        for key in path { here = here?[key] }
        return here
    }

    package var stringValue: String? { if case .string(let text) = self { text } else { nil } }
    package var intValue: Int64? { if case .int(let number) = self { number } else { nil } }
    package var boolValue: Bool? { if case .bool(let flag) = self { flag } else { nil } }
    package var arrayValue: [Value]? { if case .array(let items) = self { items } else { nil } }
    package var objectValue: [String: Value]? { if case .object(let members) = self { members } else { nil } }
    package var isNull: Bool { self == .null }

    /// The JSON type's name, as error texts use it.
    package var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "bool"
        case .int: "int"
        case .double: "double"
        case .string: "string"
        case .array: "list"
        case .object: "map"
        }
    }
}

extension Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral, ExpressibleByFloatLiteral
{
    package init(stringLiteral text: String) { self = .string(text) }
    package init(integerLiteral number: Int64) { self = .int(number) }
    package init(booleanLiteral flag: Bool) { self = .bool(flag) }
    package init(floatLiteral number: Double) { self = .double(number) }
    package init(arrayLiteral items: Value...) { self = .array(items) }
    package init(dictionaryLiteral members: (String, Value)...) {
        self = .object(Dictionary(members) { _, last in last })
    }
    package init(nilLiteral: ()) { self = .null }
}
