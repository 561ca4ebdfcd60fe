// SPDX-License-Identifier: Apache-2.0

extension Datum {
    /// The member of a map or object, or nil when it has none by that name.
    @inline(__always)
    func member(_ name: String) throws(Fault) -> Datum? {
        switch self {
        case .object(let members, let lens):
            guard let place = members.index(forKey: name) else { return nil }
            let found = members[place]
            // The dictionary compares by canonical equivalence; a key must be the same code points.
            guard found.key.isSame(as: name) else { return nil }
            if let lens { return try Datum(found.value, lens.member(name)) }
            return try Datum(found.value, nil)
        case .map(let map): return map[.string(ExactString(text: name))]
        default: return nil
        }
    }

    /// The value under any key, or nil.
    func value(forKey key: Datum) throws(Fault) -> Datum? {
        switch self {
        case .object:
            guard case .string(let name) = key else { return nil }
            return try member(name)
        case .map(let map): return MapKey(key).flatMap { map[$0] }
        default: return nil
        }
    }

    /// The place in a list that a number names, whole doubles included; nil for other types.
    var listIndex: Int? {
        switch self {
        case .int(let number): Int(number)
        case .uint(let number): Int(exactly: number) ?? Int.max
        case .double(let number): Int(exactly: number)
        default: nil
        }
    }

    var isMap: Bool {
        switch self {
        case .map, .object: true
        default: false
        }
    }
}
