// SPDX-License-Identifier: Apache-2.0

/// A map that an expression made: any key type, insertion order, keys equal as numbers are the same key.
final class DatumMap: Sendable {
    let entries: [(key: Datum, value: Datum)]
    private let places: [MapKey: Int]

    var count: Int { entries.count }

    init(_ entries: [(key: Datum, value: Datum)]) throws(Fault) {
        var places: [MapKey: Int] = [:]
        places.reserveCapacity(entries.count)
        for (index, entry) in entries.enumerated() {
            guard let key = MapKey(entry.key), !entry.key.isDouble else {
                throw Fault(.unsupportedKey, "a map's key is an int, uint, bool or string, not \(entry.key.typeName)")
            }
            guard places.updateValue(index, forKey: key) == nil else {
                throw Fault(.repeatedKey, "the map has the key \(entry.key.brief) twice")
            }
        }
        self.entries = entries
        self.places = places
    }

    subscript(_ key: MapKey) -> Datum? { places[key].map { entries[$0].value } }
}

/// A key on the one number line that int, uint and double share; text is compared by code points.
enum MapKey: Hashable {
    case bool(Bool)
    case int(Int64)
    /// Above the largest int.
    case uint(UInt64)
    case string(ExactString)

    /// Nil for what can never be found in a map.
    init?(_ datum: Datum) {
        switch datum {
        case .bool(let flag): self = .bool(flag)
        case .int(let number): self = .int(number)
        case .uint(let number): self = Int64(exactly: number).map { .int($0) } ?? .uint(number)
        case .double(let number):
            if let whole = Int64(exactly: number) {
                self = .int(whole)
            } else if let whole = UInt64(exactly: number) {
                self = .uint(whole)
            } else {
                return nil
            }
        case .string(let text): self = .string(ExactString(text: text))
        default: return nil
        }
    }
}

/// Text that is equal only when its code points are, unlike `String`.
struct ExactString: Hashable {
    let text: String

    static func == (left: Self, right: Self) -> Bool { left.text.isSame(as: right.text) }

    func hash(into hasher: inout Hasher) {
        text.withBytes { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

extension Datum {
    var isDouble: Bool { if case .double = self { true } else { false } }

    /// A few words that show the value in an error text.
    var brief: String {
        switch self {
        case .string(let text): "'\(String(String.UnicodeScalarView(text.unicodeScalars.prefix(60))))'"
        case .bool(let flag): "\(flag)"
        case .int(let number): "\(number)"
        case .uint(let number): "\(number)u"
        case .double(let number): NumberText.shortest(number)
        default: typeName
        }
    }
}
