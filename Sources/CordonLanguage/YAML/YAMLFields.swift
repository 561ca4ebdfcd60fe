// SPDX-License-Identifier: Apache-2.0

/// The fields of one map. It remembers which were asked for, so that `refuseUnknown` can report the rest.
///
/// An absent optional field gives `nil` without a word; a present one of the wrong type gives `nil` and a diagnostic.
package final class YAMLFields {
    package let node: YAMLNode
    private let reader: YAMLReader
    private let entries: [String: YAMLEntry]
    private let order: [YAMLEntry]
    private var known: [String] = []

    init(reader: YAMLReader, node: YAMLNode, entries: [YAMLEntry]) {
        self.reader = reader
        self.node = node
        order = entries
        self.entries = Dictionary(entries.map { ($0.key, $0) }) { first, _ in first }
    }

    /// The keys as written, in the order of the file.
    package var keys: [String] {
        reader.shapes?.askKeys(node)
        return order.map(\.key)
    }

    /// The field's node, if it is there; marks the field as known.
    package func node(_ key: String, required: Bool = false) -> YAMLNode? { node(key, required: required, nil) }

    /// `shape` is what the caller makes of it; a schema needs to know that also where the field is absent.
    private func node(
        _ key: String, required: Bool, _ shape: @autoclosure () -> YAMLShapes.Shape?
    ) -> YAMLNode? {
        reader.shapes?.ask(node, field: key, required: required, shape())
        if !known.contains(key) { known.append(key) }
        if let entry = entries[key] { return entry.value }
        if required { reader.report(.missingField, at: node, "the field '\(key)' is missing") }
        return nil
    }

    package func has(_ key: String) -> Bool { node(key) != nil }

    /// Where the key itself stands, for mistakes about the field as such.
    package func place(of key: String) -> Place? { entries[key]?.place }

    package func string(_ key: String, required: Bool = false) -> String? {
        node(key, required: required, .text).flatMap { reader.string($0, key) }
    }

    package func bool(_ key: String, required: Bool = false) -> Bool? {
        node(key, required: required, .flag).flatMap { reader.bool($0, key) }
    }

    package func int(_ key: String, required: Bool = false, in range: ClosedRange<Int64>? = nil) -> Int64? {
        node(key, required: required, .whole(range)).flatMap { reader.int($0, key, in: range) }
    }

    package func number(_ key: String, required: Bool = false, in range: ClosedRange<Double>? = nil) -> Double? {
        node(key, required: required, .number(range)).flatMap { reader.number($0, key, in: range) }
    }

    /// A duration such as `15m`, in milliseconds.
    package func milliseconds(_ key: String, required: Bool = false, in range: ClosedRange<Int64>? = nil) -> Int64? {
        node(key, required: required, .duration).flatMap { reader.milliseconds($0, key, in: range) }
    }

    package func percentage(_ key: String, required: Bool = false) -> Double? {
        node(key, required: required, .percentage).flatMap { reader.percentage($0, key) }
    }

    package func oneOf<Word: CaseIterable & RawRepresentable<String>>(
        _ key: String, _ type: Word.Type, required: Bool = false
    ) -> Word? {
        node(key, required: required, .words(Word.allCases.map(\.rawValue))).flatMap { reader.oneOf($0, key, type) }
    }

    /// The items of a list; each keeps its place.
    package func list(_ key: String, required: Bool = false) -> [YAMLNode]? {
        node(key, required: required, .list(nil)).flatMap { reader.list($0, key) }
    }

    /// A list of texts; items of another type are reported one by one.
    package func strings(_ key: String, required: Bool = false) -> [String]? {
        node(key, required: required, .list(.text)).flatMap { reader.list($0, key) }?
            .compactMap { reader.string($0, "an item of \(key)") }
    }

    /// The fields of a nested map.
    package func mapping(_ key: String, required: Bool = false) -> YAMLFields? {
        node(key, required: required, .map).flatMap { reader.mapping($0, key) }
    }

    /// A list of maps; items of another type are reported one by one.
    package func mappings(_ key: String, required: Bool = false) -> [YAMLFields]? {
        node(key, required: required, .list(.map)).flatMap { reader.list($0, key) }?
            .compactMap { reader.mapping($0, "an item of \(key)") }
    }

    /// The whole subtree as a value.
    package func value(_ key: String, required: Bool = false) -> Value? { node(key, required: required)?.value }

    /// Adds a mistake about a field, at its value, or at the map when the field is absent.
    package func report(
        _ code: String, _ key: String, _ message: String, _ suggestion: String? = nil, isYoung: Bool = false
    ) {
        reader.report(code, at: entries[key]?.value ?? node, isYoung: isYoung, message, suggestion)
    }

    /// Reports every field that nobody asked for. Ask for all optional fields first.
    package func refuseUnknown() {
        for entry in order where !known.contains(entry.key) {
            let suggestion =
                (nearest(to: entry.key, among: known) ?? nearest(to: entry.key.lowercased(), among: known)).map {
                    "did you mean '\($0)'?"
                }
                ?? "known here: \(known.joined(separator: ", "))"
            reader.report(
                YAMLCode.unknownField.rawValue, at: entry.place, width: entry.width,
                "the field '\(entry.key.prefix(40))' is unknown", suggestion)
        }
    }
}
