// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation

/// As much of JSON Schema as the program's own schemas use: on every machine, beside a validator of another make where
/// there is one.
struct SchemaCheck {
    let root: Value

    /// What is wrong first, or `nil`.
    func complaint(_ value: Value) -> String? { complaint(value, root, "$") }

    /// The schema itself, where one only points to it.
    func resolved(_ schema: Value) -> Value {
        guard let name = schema["$ref"]?.stringValue?.split(separator: "/").last else { return schema }
        return root["$defs"]?[String(name)] ?? false
    }

    private func complaint(_ value: Value, _ pointer: Value, _ path: String) -> String? {
        let schema = resolved(pointer)
        if schema == false { return "\(path): the schema points to nothing" }
        if let choices = schema["anyOf"]?.arrayValue {
            return choices.contains { complaint(value, $0, path) == nil } ? nil : "\(path): fits none"
        }
        if let type = schema["type"]?.stringValue, type != name(value), !(type == "number" && name(value) == "integer")
        {
            return "\(path): \(name(value)) for \(type)"
        }
        if let words = schema["enum"]?.arrayValue, !words.contains(value) { return "\(path): \(value.json)" }
        if let pattern = schema["pattern"]?.stringValue, let text = value.stringValue,
            text.range(of: pattern, options: .regularExpression) == nil
        {
            return "\(path): \(text)"
        }
        if case .int(let number) = value, let least = schema["minimum"]?.intValue,
            let most = schema["maximum"]?.intValue,
            !(least...most).contains(number)
        {
            return "\(path): \(number)"
        }
        switch value {
        case .array(let items):
            guard let item = schema["items"] else { return nil }
            return items.indices.lazy.compactMap { complaint(items[$0], item, "\(path)[\($0)]") }.first
        case .object(let members): return complaint(members, schema, path)
        default: return nil
        }
    }

    private func complaint(_ members: [String: Value], _ schema: Value, _ path: String) -> String? {
        for key in schema["required"]?.arrayValue?.compactMap(\.stringValue) ?? [] where members[key] == nil {
            return "\(path): no \(key)"
        }
        for (key, value) in members.sorted(by: { $0.key < $1.key }) {
            if let below = schema["properties"]?[key] ?? open(schema) {
                if let found = complaint(value, below, "\(path).\(key)") { return found }
            } else if schema["additionalProperties"] == false {
                return "\(path): \(key) is unknown"
            }
        }
        return nil
    }

    private func open(_ schema: Value) -> Value? {
        guard let below = schema["additionalProperties"], below.objectValue != nil else { return nil }
        return below
    }

    private func name(_ value: Value) -> String {
        switch value {
        case .null: "null"
        case .bool: "boolean"
        case .int: "integer"
        case .double: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}
