// SPDX-License-Identifier: Apache-2.0

extension Value {
    /// Compact JSON with names sorted as RFC 8785 sorts them; a number that is not finite becomes `null`.
    package var jsonBytes: [UInt8] {
        var writer = JSONWriter()
        writer.value(self)
        return writer.bytes
    }

    /// `jsonBytes` as text.
    package var json: String { String(decoding: jsonBytes, as: UTF8.self) }

    /// Sorted, two spaces a level, for people.
    package var prettyJSON: String {
        var writer = JSONWriter()
        writer.pretty(self, indent: 0)
        return writer.text
    }

    /// The one text of this value under RFC 8785: what digests and signatures cover.
    ///
    /// An integer beyond 2^53 keeps all its digits, so that two values never share a text; RFC 8785 itself knows
    /// doubles alone there. Throws `notFinite` for infinity and not-a-number.
    package var canonicalJSON: [UInt8] {
        get throws(JSONError) {
            var writer = JSONWriter()
            writer.value(self)
            if writer.metNonFinite { throw JSONError(.notFinite) }
            return writer.bytes
        }
    }
}

extension JSONWriter {
    package mutating func value(_ tree: Value) {
        switch tree {
        case .null: null()
        case .bool(let flag): value(flag)
        case .int(let number): value(number)
        case .double(let number): value(number)
        case .string(let text): value(text)
        case .array(let items):
            beginArray()
            for item in items { value(item) }
            endArray()
        case .object(let members):
            beginObject()
            for member in sorted(members) { field(member.key, member.value) }
            endObject()
        }
    }

    fileprivate mutating func pretty(_ tree: Value, indent: Int) {
        switch tree {
        case .array(let items) where !items.isEmpty:
            lines(items, "[", "]", indent: indent) { writer, item in writer.pretty(item, indent: indent + 1) }
        case .object(let members) where !members.isEmpty:
            lines(sorted(members), "{", "}", indent: indent) { writer, member in
                writer.quoted(member.key)
                writer.literal(": ")
                writer.pretty(member.value, indent: indent + 1)
            }
        default:
            needsComma = false
            value(tree)
        }
    }

    private mutating func lines<Item>(
        _ items: [Item], _ opening: StaticString, _ closing: StaticString, indent: Int,
        write: (inout JSONWriter, Item) -> Void
    ) {
        literal(opening)
        for (index, item) in items.enumerated() {
            literal(index == 0 ? "\n" : ",\n")
            bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * (indent + 1)))
            write(&self, item)
        }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * indent))
        literal(closing)
    }
}

private func sorted(_ members: [String: Value]) -> [(key: String, value: Value)] {
    members.sorted { isBeforeInUTF16($0.key, $1.key) }
}

/// Orders by UTF-16 code units, as RFC 8785 does, reading UTF-8: the orders differ only where a lead byte of a
/// supplementary character (F0 and up, whose surrogates begin with D8) meets one of U+E000 to U+FFFF (EE, EF).
func isBeforeInUTF16(_ left: String, _ right: String) -> Bool {
    func rank(_ byte: UInt8) -> UInt8 {
        switch byte {
        case 0xF0...: byte - 2
        case 0xEE...: byte + 10
        default: byte
        }
    }
    return left.utf8.lexicographicallyPrecedes(right.utf8) { rank($0) < rank($1) }
}
