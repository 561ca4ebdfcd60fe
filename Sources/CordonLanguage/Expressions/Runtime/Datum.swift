// SPDX-License-Identifier: Apache-2.0

/// A value while an expression runs. JSON is wrapped where it lies and never converted as a whole.
enum Datum: Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case timestamp(Timestamp)
    /// Nanoseconds.
    case duration(Int64)
    case list([Datum])
    case map(DatumMap)
    /// A JSON list as it came; the lens says how its elements are read.
    case array([Value], Lens?)
    /// A JSON object as it came; the lens says how its members are read.
    case object([String: Value], Lens?)
    indirect case optional(Datum?)
    case type(String)
    indirect case address(IPAddress)
    indirect case network(IPNetwork)

    /// The type's name as the language writes it.
    var typeName: String {
        switch self {
        case .null: "null_type"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .timestamp: "google.protobuf.Timestamp"
        case .duration: "google.protobuf.Duration"
        case .list, .array: "list"
        case .map, .object: "map"
        case .optional: "optional_type"
        case .type: "type"
        case .address: "net.IP"
        case .network: "net.CIDR"
        }
    }

    /// The static type of a literal.
    var staticType: StaticType {
        switch self {
        case .null: .null
        case .bool: .bool
        case .int: .int
        case .uint: .uint
        case .double: .double
        case .string: .string
        case .bytes: .bytes
        default: .dynamic
        }
    }

    /// Whether a value of the declared type may look like this; parts are not looked into.
    func fits(_ type: StaticType) -> Bool {
        switch (type, self) {
        case (.dynamic, _), (.parameter, _), (.variable, _), (.opaque, _): true
        case (.null, .null), (.bool, .bool), (.int, .int), (.uint, .uint), (.double, .double): true
        case (.string, .string), (.bytes, .bytes), (.timestamp, .timestamp), (.duration, .duration): true
        case (.list, .list), (.list, .array), (.map, .map), (.map, .object), (.object, .map), (.object, .object): true
        case (.optional, .optional), (.type, .type), (.address, .address), (.network, .network): true
        case (_, .null): type.acceptsNull
        default: false
        }
    }

    /// The number of elements, or nil for what has none.
    var count: Int? {
        switch self {
        case .list(let items): items.count
        case .array(let items, _): items.count
        case .map(let map): map.count
        case .object(let members, _): members.count
        default: nil
        }
    }

    var isList: Bool {
        switch self {
        case .list, .array: true
        default: false
        }
    }

    /// What `optional.ofNonZeroValue` leaves out.
    var isZero: Bool {
        switch self {
        case .null: true
        case .bool(let flag): !flag
        case .int(let number): number == 0
        case .uint(let number): number == 0
        case .double(let number): number == 0
        case .string(let text): text.isEmpty
        case .bytes(let bytes): bytes.isEmpty
        case .timestamp(let time): time == Timestamp(seconds: 0, nanoseconds: 0)
        case .duration(let nanoseconds): nanoseconds == 0
        case .optional(let inner): inner == nil
        default: count == 0
        }
    }

    /// The element of a list; the index is known to exist.
    func element(_ index: Int) throws(Fault) -> Datum {
        switch self {
        case .list(let items): items[index]
        case .array(let items, let lens): try Datum(items[index], lens)
        default: .null
        }
    }

    /// All elements of a list.
    func elements() throws(Fault) -> [Datum] {
        guard case .array(let items, let lens) = self else {
            if case .list(let items) = self { return items }
            return []
        }
        var out: [Datum] = []
        out.reserveCapacity(items.count)
        for item in items { out.append(try Datum(item, lens)) }
        return out
    }

    /// Keys in any order, for what does not depend on it.
    func unorderedKeys() -> [Datum] {
        if case .object(let members, _) = self { return members.keys.map { .string($0) } }
        return keys()
    }

    /// Keys in a fixed order: that of the literal, or of the bytes of JSON's keys, so that each run sees the same.
    func keys() -> [Datum] {
        switch self {
        case .map(let map): map.entries.map(\.key)
        case .object(let members, _): members.keys.sorted { $0.precedes($1) }.map { .string($0) }
        default: []
        }
    }
}
