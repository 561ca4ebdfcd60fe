// SPDX-License-Identifier: Apache-2.0

extension Datum {
    /// Equality over all types: numbers on one line, text by code points, different types simply differ.
    static func equals(_ left: Datum, _ right: Datum) throws(Fault) -> Bool {
        switch (left, right) {
        case (.string(let a), .string(let b)): return a.isSame(as: b)
        case (.int(let a), .int(let b)): return a == b
        case (.bool(let a), .bool(let b)): return a == b
        case (.null, .null): return true
        case (.double(let a), .double(let b)): return a == b
        case (.uint(let a), .uint(let b)): return a == b
        case (.bytes(let a), .bytes(let b)): return a == b
        case (.timestamp(let a), .timestamp(let b)): return a == b
        case (.duration(let a), .duration(let b)): return a == b
        case (.type(let a), .type(let b)): return a == b
        case (.address(let a), .address(let b)): return a == b
        case (.network(let a), .network(let b)): return a == b
        case (.optional(let a), .optional(let b)):
            guard let a, let b else { return a == nil && b == nil }
            return try equals(a, b)
        case (.int, .uint), (.int, .double), (.uint, .int), (.uint, .double), (.double, .int), (.double, .uint):
            return numericOrder(left, right) == .some(0)
        case (.list, .list), (.list, .array), (.array, .list), (.array, .array): return try sameLists(left, right)
        case (.map, .map), (.map, .object), (.object, .map), (.object, .object): return try sameMaps(left, right)
        default: return false
        }
    }

    private static func sameLists(_ left: Datum, _ right: Datum) throws(Fault) -> Bool {
        guard let count = left.count, count == right.count else { return false }
        for index in 0..<count {
            guard try equals(left.element(index), right.element(index)) else { return false }
        }
        return true
    }

    private static func sameMaps(_ left: Datum, _ right: Datum) throws(Fault) -> Bool {
        guard left.count == right.count else { return false }
        for key in left.unorderedKeys() {
            guard let a = try left.value(forKey: key), let b = try right.value(forKey: key), try equals(a, b) else {
                return false
            }
        }
        return true
    }

    /// -1, 0 or 1; nil for NaN, and for types that have no order or not with each other.
    static func order(_ left: Datum, _ right: Datum) -> Int? {
        switch (left, right) {
        case (.int(let a), .int(let b)): return a < b ? -1 : (a == b ? 0 : 1)
        case (.string(let a), .string(let b)): return a.isSame(as: b) ? 0 : (a.precedes(b) ? -1 : 1)
        case (.timestamp(let a), .timestamp(let b)): return a < b ? -1 : (a == b ? 0 : 1)
        case (.duration(let a), .duration(let b)): return a < b ? -1 : (a == b ? 0 : 1)
        case (.bool(let a), .bool(let b)): return a == b ? 0 : (b ? -1 : 1)
        case (.bytes(let a), .bytes(let b)): return a == b ? 0 : (a.lexicographicallyPrecedes(b) ? -1 : 1)
        default: return numericOrder(left, right)
        }
    }

    /// Whether `order` says anything about these types: NaN is comparable and merely never less or greater.
    static func isComparable(_ left: Datum, _ right: Datum) -> Bool {
        if left.isNumber, right.isNumber { return true }
        return order(left, right) != nil
    }

    var isNumber: Bool {
        switch self {
        case .int, .uint, .double: true
        default: false
        }
    }

    private static func numericOrder(_ left: Datum, _ right: Datum) -> Int? {
        switch (left, right) {
        case (.uint(let a), .uint(let b)): return a < b ? -1 : (a == b ? 0 : 1)
        case (.double(let a), .double(let b)): return a < b ? -1 : (a == b ? 0 : (a > b ? 1 : nil))
        case (.int(let a), .uint(let b)): return a < 0 ? -1 : (a.magnitude < b ? -1 : (a.magnitude == b ? 0 : 1))
        case (.uint, .int), (.double, .int), (.double, .uint): return numericOrder(right, left).map { -$0 }
        case (.int(let a), .double(let b)): return order(a, of: b, least: -0x1p63, beyond: 0x1p63)
        case (.uint(let a), .double(let b)): return order(a, of: b, least: 0, beyond: 0x1p64)
        case (.int(let a), .int(let b)): return a < b ? -1 : (a == b ? 0 : 1)
        default: return nil
        }
    }

    /// Orders a whole number and a double without losing bits of either. At the type's upper end, which no double
    /// can express, the end and the next double count as the same.
    private static func order<Whole: FixedWidthInteger>(
        _ whole: Whole, of number: Double, least: Double, beyond: Double
    ) -> Int? {
        if number.isNaN { return nil }
        if number >= beyond { return number == Double(whole) ? 0 : -1 }
        if number < least { return 1 }
        let floor = Whole(number.rounded(.down))
        if whole != floor { return whole < floor ? -1 : 1 }
        return number > Double(floor) ? -1 : 0
    }
}
