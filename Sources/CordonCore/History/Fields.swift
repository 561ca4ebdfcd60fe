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
}

/// Reads the members of a stored JSON object, naming the place of what is missing or of the wrong type.
struct Fields {
    let place: String
    private let map: JSONView

    init(_ value: Value, _ place: String) throws(UnreadableRecord) { try self.init(.tree(value), place) }

    init(_ map: JSONView, _ place: String) throws(UnreadableRecord) {
        guard map.isObject else {
            throw UnreadableRecord(place: place, reason: "expected a map, found \(map.value.typeName)")
        }
        self.place = place
        self.map = map
    }

    func optional(_ key: String) -> Value? {
        guard let value = present(key), value != .null else { return nil }
        return value
    }

    /// The member as it stands, a stored `null` too.
    func present(_ key: String) -> Value? { map[key]?.value }

    func optionalString(_ key: String) throws(UnreadableRecord) -> String? {
        optional(key) == nil ? nil : try string(key)
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
        guard let text = try member(key).stringValue else { throw wrong(key, "string") }
        return text
    }

    func int(_ key: String) throws(UnreadableRecord) -> Int {
        guard let number = try value(key).intValue else { throw wrong(key, "int") }
        return Int(number)
    }

    func optionalInt(_ key: String) throws(UnreadableRecord) -> Int? { optional(key) == nil ? nil : try int(key) }

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
        guard let number = try value(key).intValue else { throw wrong(key, "instant in milliseconds") }
        return Instant(milliseconds: number)
    }

    func optionalInstant(_ key: String) throws(UnreadableRecord) -> Instant? {
        optional(key) == nil ? nil : try instant(key)
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
            throw UnreadableRecord(place: "\(place).\(key)", reason: "'\(text)' is not known to this version")
        }
        return choice
    }

    func fields(_ key: String) throws(UnreadableRecord) -> Fields { try Fields(member(key), "\(place).\(key)") }

    func optionalFields(_ key: String) throws(UnreadableRecord) -> Fields? {
        guard let member = map[key], !member.isNull else { return nil }
        return try Fields(member, "\(place).\(key)")
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
