// SPDX-License-Identifier: Apache-2.0

/// How JSON is read where a schema says more than JSON can: text as a timestamp, a whole number as a double.
/// There is no lens where nothing needs reading, so undeclared JSON costs nothing.
final class Lens: Sendable {
    enum Reading: Sendable {
        case asInt, asUint, asDouble, asTimestamp, asDuration, asBytes, asAddress, asNetwork
        /// Every element of a list, every member of a map.
        case each(Lens)
        case members(Members)
    }

    /// The lenses of an object's members. Most schemas have a few: to look through them is quicker than to hash a name.
    struct Members: Sendable {
        private let few: [(name: String, lens: Lens)]
        private let many: [String: Lens]
        private static let fewMax = 8

        init(_ lenses: [String: Lens]) {
            let isFew = lenses.count <= Self.fewMax
            few = isFew ? lenses.map { (name: $0.key, lens: $0.value) } : []
            many = isFew ? [:] : lenses
        }

        subscript(_ name: String) -> Lens? {
            for member in few where member.name == name { return member.lens }
            return many.isEmpty ? nil : many[name]
        }
    }

    let reading: Reading

    init(_ reading: Reading) { self.reading = reading }

    static func of(_ schema: Schema) -> Lens? {
        switch schema {
        case .int: return Lens(.asInt)
        case .uint: return Lens(.asUint)
        case .double: return Lens(.asDouble)
        case .timestamp: return Lens(.asTimestamp)
        case .duration: return Lens(.asDuration)
        case .bytes: return Lens(.asBytes)
        case .address: return Lens(.asAddress)
        case .network: return Lens(.asNetwork)
        case .list(let element): return of(element).map { Lens(.each($0)) }
        case .map(let value), .keyedMap(_, let value): return of(value).map { Lens(.each($0)) }
        case .object(let object):
            let lenses = object.fields.compactMapValues { of($0.schema) }
            return lenses.isEmpty ? nil : Lens(.members(Members(lenses)))
        case .optional(let inner): return of(inner)
        case .any, .null, .bool, .string, .type: return nil
        }
    }

    /// The lens of one member of an object.
    func member(_ name: String) -> Lens? {
        switch reading {
        case .each(let lens): lens
        case .members(let lenses): lenses[name]
        default: nil
        }
    }

    func read(_ value: Value) throws(Fault) -> Datum {
        switch (reading, value) {
        case (.asDouble, .int(let number)): return .double(Double(number))
        case (.asInt, .double(let number)):
            if let whole = Int64(exactly: number) { return .int(whole) }
        case (.asUint, .int(let number)):
            guard let whole = UInt64(exactly: number) else { throw misread("uint", value) }
            return .uint(whole)
        case (.asUint, .double(let number)):
            guard let whole = UInt64(exactly: number) else { throw misread("uint", value) }
            return .uint(whole)
        case (.asTimestamp, .string(let text)):
            guard let time = Timestamp(text) else { throw misread("timestamp", value) }
            return .timestamp(time)
        case (.asDuration, .string(let text)):
            guard let nanoseconds = DurationText.parse(text) else { throw misread("duration", value) }
            return .duration(nanoseconds)
        case (.asBytes, .string(let text)):
            guard let bytes = Base64.decode(text) else { throw misread("bytes", value) }
            return .bytes(bytes)
        case (.asAddress, .string(let text)): return .address(try IPAddress(parsing: text))
        case (.asNetwork, .string(let text)): return .network(try IPNetwork(parsing: text))
        default: break
        }
        return try Datum(value, nil)
    }

    private func misread(_ type: String, _ value: Value) -> Fault {
        let shown = (try? Datum(value, nil).brief) ?? value.typeName
        return Fault(.badConversion, "\(shown) is declared a \(type) and is none")
    }
}

extension Datum {
    /// JSON as a datum; lists and objects are wrapped where they lie.
    @inline(__always)
    init(_ value: Value, _ lens: Lens?) throws(Fault) {
        switch value {
        case .null: self = .null
        case .bool(let flag): self = .bool(flag)
        case .array(let items):
            if case .each(let inner)? = lens?.reading { self = .array(items, inner) } else { self = .array(items, nil) }
        case .object(let members): self = .object(members, lens)
        case .int(let number):
            if let lens { self = try lens.readInt(value) } else { self = .int(number) }
        case .double(let number):
            if let lens { self = try lens.read(value) } else { self = .double(number) }
        case .string(let text):
            if let lens { self = try lens.read(value) } else { self = .string(text) }
        }
    }
}

extension Lens {
    func readInt(_ value: Value) throws(Fault) -> Datum {
        if case .asInt = reading, case .int(let number) = value { return .int(number) }
        return try read(value)
    }
}
