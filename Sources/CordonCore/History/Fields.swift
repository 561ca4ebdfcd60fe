// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// A stored record that can't be read back: the record names the place, nothing is guessed.
package struct UnreadableRecord: Error, Sendable, Hashable, CustomStringConvertible {
    /// `callReturned.outcome.kind` and the like.
    package var place: String
    package var reason: String

    package init(place: String, reason: String) {
        self.place = place
        self.reason = reason
    }

    package var description: String { "\(place): \(reason)" }

    static let unknownEvent = "this version knows no such event"
    static let unknownWord = "is not known to this version"

    /// The record is whole, as far as can be told: what reads it is older than what wrote it.
    package var isOfNewerVersion: Bool { reason.hasSuffix(Self.unknownEvent) || reason.hasSuffix(Self.unknownWord) }
}

/// Reads the members of a stored JSON object, naming the place of what is missing or of the wrong type.
struct Fields {
    private let parent: String
    private let name: String?
    private let map: JSONView

    /// Spelled only when somebody must be told: of millions of lines nobody is.
    var place: String { name.map { "\(parent).\($0)" } ?? parent }

    init(_ value: Value, _ place: String) throws(UnreadableRecord) { try self.init(.tree(value), place) }

    init(_ map: JSONView, _ place: String) throws(UnreadableRecord) { try self.init(map, place, nil) }

    private init(_ map: JSONView, _ parent: String, _ name: String?) throws(UnreadableRecord) {
        (self.parent, self.name, self.map) = (parent, name, map)
        guard map.isObject else {
            throw UnreadableRecord(place: place, reason: "expected a map, found \(map.value.typeName)")
        }
    }

    func optional(_ key: String) -> Value? {
        guard let member = map[key], !member.isNull else { return nil }
        return member.value
    }

    /// Whether there is such a member, and it is no `null`.
    func has(_ key: String) -> Bool { map.has(key) }

    /// The member as it stands, a stored `null` too.
    func present(_ key: String) -> Value? { map[key]?.value }

    func optionalString(_ key: String) throws(UnreadableRecord) -> String? {
        has(key) ? try string(key) : nil
    }

    func strings(_ key: String) throws(UnreadableRecord) -> [String] {
        try list(key) { (value, place) throws(UnreadableRecord) in
            guard let text = value.stringValue else {
                throw UnreadableRecord(place: place, reason: "expected string, found \(value.typeName)")
            }
            return text
        }
    }

    /// A map whose values are all text.
    func texts(_ key: String) throws(UnreadableRecord) -> [String: String] {
        guard let members = try value(key).objectValue else { throw wrong(key, "map") }
        var texts: [String: String] = [:]
        for (name, value) in members {
            guard let text = value.stringValue else { throw wrong("\(key).\(name)", "string") }
            texts[name] = text
        }
        return texts
    }

    func value(_ key: String) throws(UnreadableRecord) -> Value {
        try member(key).value
    }

    private func member(_ key: String) throws(UnreadableRecord) -> JSONView {
        guard let member = map[key] else { throw missing(key) }
        return member
    }

    func string(_ key: String) throws(UnreadableRecord) -> String {
        if let text = map.string(key) { return text }
        _ = try member(key)
        throw wrong(key, "string")
    }

    func int(_ key: String) throws(UnreadableRecord) -> Int {
        if let number = map.int(key) { return Int(number) }
        _ = try member(key)
        throw wrong(key, "int")
    }

    func optionalInt(_ key: String) throws(UnreadableRecord) -> Int? { has(key) ? try int(key) : nil }

    func ids<Noun>(_ key: String, _ type: ID<Noun>.Type = ID<Noun>.self) throws(UnreadableRecord) -> [ID<Noun>] {
        var ids: [ID<Noun>] = []
        for text in try strings(key) {
            guard let id = ID<Noun>(text) else { throw wrong(key, "ids of kind \(Noun.prefix)") }
            ids.append(id)
        }
        return ids
    }

    func bool(_ key: String) throws(UnreadableRecord) -> Bool {
        guard let flag = try value(key).boolValue else { throw wrong(key, "bool") }
        return flag
    }

    func instant(_ key: String) throws(UnreadableRecord) -> Instant {
        if let number = map.int(key) { return Instant(milliseconds: number) }
        _ = try member(key)
        throw wrong(key, "instant in milliseconds")
    }

    func optionalInstant(_ key: String) throws(UnreadableRecord) -> Instant? {
        has(key) ? try instant(key) : nil
    }

    func id<Noun>(_ key: String, _ type: ID<Noun>.Type = ID<Noun>.self) throws(UnreadableRecord) -> ID<Noun> {
        guard let id = ID<Noun>(try string(key)) else { throw wrong(key, "id of kind \(Noun.prefix)") }
        return id
    }

    func oneOf<Choice: RawRepresentable<String>>(
        _ key: String, _ type: Choice.Type = Choice.self
    ) throws(UnreadableRecord) -> Choice {
        let text = try string(key)
        guard let choice = Choice(rawValue: text) else {
            throw UnreadableRecord(place: "\(place).\(key)", reason: "'\(text)' " + UnreadableRecord.unknownWord)
        }
        return choice
    }

    func fields(_ key: String) throws(UnreadableRecord) -> Fields { try Fields(member(key), place, key) }

    func optionalFields(_ key: String) throws(UnreadableRecord) -> Fields? {
        guard let member = map[key], !member.isNull else { return nil }
        return try Fields(member, place, key)
    }

    func list<Item>(
        _ key: String, _ read: (Value, String) throws(UnreadableRecord) -> Item
    ) throws(UnreadableRecord) -> [Item] {
        guard let values = try value(key).arrayValue else { throw wrong(key, "list") }
        var items: [Item] = []
        items.reserveCapacity(values.count)
        for (index, value) in values.enumerated() { items.append(try read(value, "\(place).\(key)[\(index)]")) }
        return items
    }

    private func missing(_ key: String) -> UnreadableRecord {
        UnreadableRecord(place: "\(place).\(key)", reason: "is missing")
    }

    private func wrong(_ key: String, _ expected: String) -> UnreadableRecord {
        UnreadableRecord(
            place: "\(place).\(key)", reason: "expected \(expected), found \(present(key)?.typeName ?? "nothing")")
    }
}

/// Builds a stored JSON object, leaving out what is absent.
func record(_ members: [String: Value?]) -> Value { .object(members.compactMapValues { $0 }) }

extension Value {
    init(_ instant: Instant) { self = .int(instant.milliseconds) }
    init(_ number: Int) { self = .int(Int64(number)) }
}
