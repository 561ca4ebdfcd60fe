// SPDX-License-Identifier: Apache-2.0

extension Datum {
    /// The JSON form of a result, every copy of a shared part counted: times and durations as text, bytes as base64, an absent optional as null.
    func value(_ budget: inout Budget) throws(Fault) -> Value {
        try budget.make(Budget.elementBytes)
        switch self {
        case .null: return .null
        case .bool(let flag): return .bool(flag)
        case .int(let number): return .int(number)
        case .uint(let number):
            guard let whole = Int64(exactly: number) else {
                throw Fault(.notJSON, "\(number) does not fit the integers of JSON here; write string(…)")
            }
            return .int(whole)
        case .double(let number):
            guard number.isFinite else { throw Fault(.notJSON, "\(NumberText.shortest(number)) has no JSON form") }
            return .double(number)
        case .string(let text): return .string(text)
        case .bytes(let bytes): return .string(Base64.encode(bytes))
        case .timestamp(let time): return .string(time.text)
        case .duration(let nanoseconds): return .string(DurationText.text(nanoseconds))
        case .array(let items, _): return .array(items)
        case .object(let members, _): return .object(members)
        case .list(let items):
            var out: [Value] = []
            out.reserveCapacity(items.count)
            for item in items { out.append(try item.value(&budget)) }
            return .array(out)
        case .map(let map): return try Self.object(of: map, &budget)
        case .optional(let inner): return try inner?.value(&budget) ?? .null
        case .type(let name): return .string(name)
        case .address(let address): return .string(address.text)
        case .network(let network): return .string(network.text)
        }
    }

    private static func object(of map: DatumMap, _ budget: inout Budget) throws(Fault) -> Value {
        var members: [String: Value] = [:]
        members.reserveCapacity(map.count)
        for entry in map.entries {
            let name: String
            switch entry.key {
            case .string(let text): name = text
            case .bool(let flag): name = "\(flag)"
            case .int(let number): name = "\(number)"
            case .uint(let number): name = "\(number)"
            default: throw Fault(.notJSON, "a key of type \(entry.key.typeName) has no JSON form")
            }
            guard members.updateValue(try entry.value.value(&budget), forKey: name) == nil else {
                throw Fault(.notJSON, "two keys of the map are both '\(name)' in JSON")
            }
        }
        return .object(members)
    }
}
