// SPDX-License-Identifier: Apache-2.0

/// What is known about a value before it exists: the declared type of a variable, a field or a result.
///
/// JSON has fewer types than expressions have, so a schema also says how JSON is read: an ISO 8601 string becomes a
/// `timestamp`, `"90s"` a `duration`, base64 text `bytes`, and a whole number a `double` where one is declared.
package indirect enum Schema: Sendable, Hashable {
    /// Nothing is known; checked when the expression runs.
    case any
    case null, bool, int, uint, double, string, bytes, timestamp, duration
    case list(Schema)
    /// A map whose keys are strings, as in JSON.
    case map(Schema)
    /// A map with keys of another type; never the schema of a JSON value.
    case keyedMap(key: Schema, value: Schema)
    case optional(Schema)
    case object(ObjectSchema)
    /// The type of a type, of an IP address, of a network.
    case type, address, network
}

/// A record with declared fields: selecting any other field is an author's mistake.
package struct ObjectSchema: Sendable, Hashable {
    package struct Field: Sendable, Hashable {
        package var schema: Schema
        /// May be absent: reading it needs `has()` or `.?`.
        package var isOptional: Bool

        package init(_ schema: Schema, isOptional: Bool = false) {
            self.schema = schema
            self.isOptional = isOptional
        }
    }

    /// What of a field that is not declared.
    package enum Openness: Sendable, Hashable {
        /// There is none.
        case closed
        /// Some holders have more than is declared: whatever else is read may be absent, and is of any type.
        case partly
        /// Whoever fills it adds fields of their own: they are read like declared ones, and are of any type.
        case open
    }

    /// As error texts name it: `alert`, `alert.identity`.
    package var name: String
    package var fields: [String: Field]
    package var openness: Openness

    package init(_ name: String, _ fields: [String: Field], openness: Openness = .closed) {
        self.name = name
        self.fields = fields
        self.openness = openness
    }

    package static func == (left: ObjectSchema, right: ObjectSchema) -> Bool {
        left.name == right.name && left.fields == right.fields && left.openness == right.openness
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(fields.count)
    }
}

extension Schema {
    package static func object(
        _ name: String, _ fields: [String: ObjectSchema.Field], openness: ObjectSchema.Openness = .closed
    ) -> Schema {
        .object(ObjectSchema(name, fields, openness: openness))
    }

    /// The name as an author would write it.
    package var name: String { StaticType(self).name }
}

extension Schema {
    init(_ type: StaticType) {
        switch type {
        case .dynamic, .parameter, .variable, .opaque: self = .any
        case .null: self = .null
        case .bool: self = .bool
        case .int: self = .int
        case .uint: self = .uint
        case .double: self = .double
        case .string: self = .string
        case .bytes: self = .bytes
        case .timestamp: self = .timestamp
        case .duration: self = .duration
        case .address: self = .address
        case .network: self = .network
        case .type: self = .type
        case .list(let element): self = .list(Schema(element))
        case .map(.string, let value): self = .map(Schema(value))
        case .map(let key, let value): self = .keyedMap(key: Schema(key), value: Schema(value))
        case .optional(let inner): self = .optional(Schema(inner))
        case .object(let object): self = .object(object)
        }
    }
}
