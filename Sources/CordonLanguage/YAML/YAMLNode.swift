// SPDX-License-Identifier: Apache-2.0

/// A piece of a YAML file that still knows where it stood.
package struct YAMLNode: Sendable, Hashable {
    package indirect enum Content: Sendable, Hashable {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        case mapping([YAMLEntry])
    }

    package var content: Content
    package var place: Place
    /// How many code points of its first line it takes; what a caret underlines.
    package var width: Int

    package var scalar: YAMLScalar? { if case .scalar(let scalar) = content { scalar } else { nil } }
    package var items: [YAMLNode]? { if case .sequence(let items) = content { items } else { nil } }
    package var entries: [YAMLEntry]? { if case .mapping(let entries) = content { entries } else { nil } }

    /// The value of an entry of a mapping.
    package subscript(_ key: String) -> YAMLNode? { entries?.first { $0.key == key }?.value }

    /// The whole subtree without its places: unquoted `true`, `null`, `~` and numbers typed, everything else text.
    package var value: Value {
        switch content {
        case .scalar(let scalar): scalar.value
        case .sequence(let items): .array(items.map(\.value))
        case .mapping(let entries):
            .object(Dictionary(entries.map { ($0.key, $0.value.value) }) { first, _ in first })
        }
    }

    /// The type's name as messages use it, with its article.
    package var typeName: String {
        switch content {
        case .sequence: "a list"
        case .mapping: "a map"
        case .scalar(let scalar):
            switch scalar.value {
            case .null: "nothing"
            case .bool: "true or false"
            case .int: "a whole number"
            case .double: "a number"
            case .string, .array, .object: "text"
            }
        }
    }
}

/// A mapping's entry; keys are always text.
package struct YAMLEntry: Sendable, Hashable {
    package var key: String
    package var place: Place
    package var width: Int
    package var value: YAMLNode
}

/// A leaf as written: its text after unquoting and folding, and how it was written.
package struct YAMLScalar: Sendable, Hashable {
    package enum Style: Sendable, Hashable {
        case plain, quoted
        /// `|` or `>`.
        case block
    }

    package var text: String
    package var style: Style

    package init(text: String, style: Style) {
        self.text = text
        self.style = style
    }

    /// Unquoted `true`, `false`, `null`, `~`, nothing and JSON's numbers are typed; all else is text.
    package var value: Value {
        guard style == .plain else { return .string(text) }
        switch text {
        case "", "~", "null": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        default: break
        }
        guard let first = text.utf8.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first),
            let number = try? JSON.parse(text)
        else { return .string(text) }
        return number
    }

    /// Whether other YAML readers take this unquoted word for true, false or null: `yes`, `Off`, `TRUE`, `n`.
    var isAmbiguousWord: Bool {
        guard style == .plain, text.utf8.count <= 5, text != "true", text != "false", text != "null" else {
            return false
        }
        return ["y", "n", "yes", "no", "on", "off", "true", "false", "null"].contains(text.lowercased())
    }

    /// Whether other YAML readers take this unquoted text for a number and this one does not, or not for the same:
    /// octal `017`, `0x1F`, `1_000`, sexagesimal `22:30`, `+1`, `.5`, `5.`, `.inf`, and numbers beyond a double.
    var isAmbiguousNumber: Bool {
        guard style == .plain else { return false }
        if case .string = value { return YAMLNumber.isNumber(text) }
        return false
    }
}
