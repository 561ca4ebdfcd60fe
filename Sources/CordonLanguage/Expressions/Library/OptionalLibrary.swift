// SPDX-License-Identifier: Apache-2.0

/// Values that may be absent: `optional.of(x)`, `.hasValue()`, `.value()`.
enum OptionalLibrary {
    static func call(_ function: Builtin, _ call: Call, _ budget: inout Budget) throws(Fault) -> Datum {
        switch function {
        case .optionalOf: return .optional(call[0])
        case .optionalOfNonZero: return .optional(call[0].isZero ? nil : call[0])
        case .optionalNone: return .optional(nil)
        case .unwrap, .unwrapOpt: return try unwrap(call, &budget)
        case .first, .last:
            guard call[0].isList, let count = call[0].count else { throw call.mismatch }
            guard count > 0 else { return .optional(nil) }
            return .optional(try call[0].element(function == .first ? 0 : count - 1))
        default:
            guard case .optional(let inner) = call[0] else { throw call.mismatch }
            if function == .hasValue { return .bool(inner != nil) }
            guard let inner else { throw Fault(.noValue, "the optional has no value") }
            return inner
        }
    }

    private static func unwrap(_ call: Call, _ budget: inout Budget) throws(Fault) -> Datum {
        guard call[0].isList else { throw call.mismatch }
        try budget.spend(1 + (call[0].count ?? 0) / 10)
        var items: [Datum] = []
        for element in try call[0].elements() {
            guard case .optional(let inner) = element else { throw call.mismatch }
            if let inner { items.append(inner) }
        }
        try budget.make(items.count * Budget.elementBytes)
        return .list(items)
    }
}
