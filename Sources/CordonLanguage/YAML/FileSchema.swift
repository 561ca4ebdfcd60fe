// SPDX-License-Identifier: Apache-2.0

/// The shape of a kind of file, as a JSON Schema (draft 2020-12) says it to an editor.
package indirect enum FileSchema: Sendable, Hashable {
    case any
    /// A map that no file showed from inside.
    case unseen
    case text, flag, duration, percentage
    case whole(ClosedRange<Int64>?)
    case number(ClosedRange<Double>?)
    case words([String])
    case list(FileSchema)
    /// A map with the fields of the house, and no others.
    case record([String: FileSchema], required: Set<String>)
    /// A map with the author's own keys.
    case open(FileSchema)
    case either([FileSchema])
    /// One of the definitions beside the schema: what stands within itself.
    case reference(String)

    /// What fits whatever fits any of these.
    static func merged(_ schemas: [FileSchema]) -> FileSchema {
        var out: [FileSchema] = []
        for schema in schemas {
            if case .either(let several) = schema { out = several.reduce(out, added) } else { out = added(out, schema) }
        }
        switch out.count {
        case 0: return .any
        case 1: return out[0]
        default: return .either(out)
        }
    }

    private static func added(_ known: [FileSchema], _ schema: FileSchema) -> [FileSchema] {
        if schema == .any { return known.isEmpty ? [.any] : known }
        var out = known.filter { $0 != .any }
        for (index, other) in out.enumerated() {
            guard let both = joined(other, schema) else { continue }
            out[index] = both
            return out
        }
        return out + [schema]
    }

    /// One schema for two of a kind; `nil` when they are of different kinds.
    private static func joined(_ left: FileSchema, _ right: FileSchema) -> FileSchema? {
        switch (left, right) {
        case _ where left == right: left
        case (.unseen, .record), (.unseen, .open): right
        case (.record, .unseen), (.open, .unseen): left
        case (.list(let a), .list(let b)): .list(merged([a, b]))
        case (.open(let a), .open(let b)): .open(merged([a, b]))
        case (.record(let a, let needed), .record(let b, let alsoNeeded)):
            .record(a.merging(b) { merged([$0, $1]) }, required: needed.intersection(alsoNeeded))
        default: nil
        }
    }

    /// The same with one definition for every map that has these fields, at any depth, and that definition: a step that
    /// holds steps holds all that a step may be, and not what the files happened to show there.
    package func naming(_ name: String, having fields: Set<String>) -> (FileSchema, definition: FileSchema) {
        var found: [FileSchema] = []
        let schema = replaced { schema in
            guard case .record(let own, _) = schema, fields.isSubset(of: own.keys) else { return nil }
            found.append(schema)
            return .reference(name)
        }
        return (schema, FileSchema.merged(found))
    }

    /// The same with other schemas in place of some; what is within comes before what is around.
    package func replaced(_ change: (FileSchema) -> FileSchema?) -> FileSchema {
        let inner: FileSchema =
            switch self {
            case .list(let item): .list(item.replaced(change))
            case .open(let item): .open(item.replaced(change))
            case .record(let fields, let required):
                .record(fields.mapValues { $0.replaced(change) }, required: required)
            case .either(let several): FileSchema.merged(several.map { $0.replaced(change) })
            case .any, .unseen, .text, .flag, .duration, .percentage, .whole, .number, .words, .reference: self
            }
        return change(inner) ?? inner
    }

    /// The same with another schema for a field, wherever a map has all of `beside`: what the loaders look up by name.
    package func choosing(_ field: String, _ schema: FileSchema, beside: Set<String>) -> FileSchema {
        replaced { map in
            guard case .record(var fields, let required) = map, fields[field] != nil, beside.isSubset(of: fields.keys)
            else { return nil }
            fields[field] = schema
            return .record(fields, required: required)
        }
    }

    package var value: Value {
        switch self {
        case .reference(let name): ["$ref": .string("#/$defs/\(name)")]
        case .any: [:]
        case .unseen: ["type": "object"]
        case .text: ["type": "string"]
        case .flag: ["type": "boolean"]
        // Some are worked out when the step begins: a hole is left to the loaders.
        case .duration: ["type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$|^[$][{].*[}]$"]
        case .percentage: ["type": "string", "pattern": "^[0-9]+([.][0-9]+)?%$"]
        case .whole(let range):
            bounded("integer", range.map { (.int($0.lowerBound), .int($0.upperBound)) })
        case .number(let range):
            bounded("number", range.map { (.double($0.lowerBound), .double($0.upperBound)) })
        case .words(let words): ["type": "string", "enum": .array(words.map(Value.string))]
        case .list(let item): ["type": "array", "items": item.value]
        case .record(let fields, let required):
            [
                "type": "object", "properties": .object(fields.mapValues(\.value)),
                "required": .array(required.sorted().map(Value.string)), "additionalProperties": false,
            ]
        case .open(let item): ["type": "object", "additionalProperties": item.value]
        case .either(let several): ["anyOf": .array(several.map(\.value))]
        }
    }

    private func bounded(_ type: String, _ range: (Value, Value)?) -> Value {
        guard let range else { return ["type": .string(type)] }
        return ["type": .string(type), "minimum": range.0, "maximum": range.1]
    }
}
