// SPDX-License-Identifier: Apache-2.0

/// A type as the checker knows it: every schema, and the parameters that overloads are written with.
indirect enum StaticType: Sendable, Hashable {
    case dynamic
    case null, bool, int, uint, double, string, bytes, timestamp, duration, address, network
    case list(StaticType)
    case map(StaticType, StaticType)
    case optional(StaticType)
    case type(StaticType)
    case object(ObjectSchema)
    /// A type declared by name alone, with its parameters.
    case opaque(String, [StaticType])
    /// `A` in a signature.
    case parameter(String)
    /// A parameter's place in one call, until the solver finds what stands there.
    case variable(Int)

    init(_ schema: Schema) {
        switch schema {
        case .any: self = .dynamic
        case .null: self = .null
        case .bool: self = .bool
        case .int: self = .int
        case .uint: self = .uint
        case .double: self = .double
        case .string: self = .string
        case .bytes: self = .bytes
        case .timestamp: self = .timestamp
        case .duration: self = .duration
        case .type: self = .type(.dynamic)
        case .address: self = .address
        case .network: self = .network
        case .list(let element): self = .list(StaticType(element))
        case .map(let value): self = .map(.string, StaticType(value))
        case .keyedMap(let key, let value): self = .map(StaticType(key), StaticType(value))
        case .optional(let inner): self = .optional(StaticType(inner))
        case .object(let object): self = .object(object)
        }
    }

    /// The name as conformance cases and error texts write it.
    var name: String {
        switch self {
        case .dynamic: "dyn"
        case .null: "null"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .timestamp: "timestamp"
        case .duration: "duration"
        case .address: "net.IP"
        case .network: "net.CIDR"
        case .list(let element): "list(\(element.name))"
        case .map(let key, let value): "map(\(key.name), \(value.name))"
        case .optional(let inner): "optional_type(\(inner.name))"
        case .type(.dynamic): "type"
        case .type(let inner): "type(\(inner.name))"
        case .object(let object): object.name
        case .opaque(let name, let parameters):
            parameters.isEmpty ? name : "\(name)(\(parameters.map(\.name).joined(separator: ", ")))"
        case .parameter(let name): "<\(name)>"
        case .variable: "dyn"
        }
    }

    /// The types inside, for kinds that compare part by part.
    var parts: [StaticType] {
        switch self {
        case .list(let element): [element]
        case .map(let key, let value): [key, value]
        case .optional(let inner): [inner]
        case .opaque(_, let parameters): parameters
        case .type(let inner): [inner]
        default: []
        }
    }

    /// The same kind of type with other parts.
    func with(_ parts: [StaticType]) -> StaticType {
        switch self {
        case .list: .list(parts[0])
        case .map: .map(parts[0], parts[1])
        case .optional: .optional(parts[0])
        case .opaque(let name, _): .opaque(name, parts)
        case .type: .type(parts[0])
        default: self
        }
    }

    /// Whether two types are the same but for their parts.
    func isSameKind(as other: StaticType) -> Bool {
        switch (self, other) {
        case (.list, .list), (.map, .map), (.optional, .optional), (.type, .type): true
        case (.opaque(let left, let a), .opaque(let right, let b)): left == right && a.count == b.count
        default: self == other
        }
    }

    var isNumeric: Bool { self == .int || self == .uint || self == .double }

    /// JSON's `null` may stand where one of these is declared.
    var acceptsNull: Bool {
        switch self {
        case .null, .dynamic, .object, .timestamp, .duration, .optional, .opaque: true
        default: false
        }
    }
}
