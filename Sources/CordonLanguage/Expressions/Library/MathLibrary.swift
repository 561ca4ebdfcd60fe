// SPDX-License-Identifier: Apache-2.0

/// The functions under `math.`.
enum MathLibrary {
    static func call(_ function: Builtin, _ call: Call, _ budget: inout Budget) throws(Fault) -> Datum {
        switch function {
        case .greatest, .least: return try extremum(call, isGreatest: function == .greatest, &budget)
        case .abs, .sign: return try magnitude(function, call)
        case .bitAnd, .bitOr, .bitXor, .bitNot: return try bits(function, call)
        case .bitShiftLeft, .bitShiftRight: return try shift(function, call)
        case .sqrt:
            switch call[0] {
            case .int(let number): return .double(Double(number).squareRoot())
            case .uint(let number): return .double(Double(number).squareRoot())
            default: return .double(try double(call).squareRoot())
            }
        default: return try rounding(function, try double(call))
        }
    }

    private static func double(_ call: Call) throws(Fault) -> Double {
        guard case .double(let number) = call[0] else { throw call.mismatch }
        return number
    }

    private static func rounding(_ function: Builtin, _ number: Double) throws(Fault) -> Datum {
        switch function {
        case .ceil: .double(number.rounded(.up))
        case .floor: .double(number.rounded(.down))
        case .round: .double(number.rounded(.toNearestOrAwayFromZero))
        case .trunc: .double(number.rounded(.towardZero))
        case .isNaN: .bool(number.isNaN)
        case .isInf: .bool(number.isInfinite)
        default: .bool(number.isFinite)
        }
    }

    private static func extremum(
        _ call: Call, isGreatest: Bool, _ budget: inout Budget
    ) throws(Fault) -> Datum {
        var numbers = call.arguments
        try budget.spend(call[0].count ?? call.count)
        if call.count == 1, call[0].isList {
            numbers = try call[0].elements()
            guard !numbers.isEmpty else { throw Fault(.badArgument, "\(call.name) of an empty list") }
        }
        var best = numbers[0]
        guard numbers.allSatisfy(\.isNumber) else { throw call.mismatch }
        for number in numbers.dropFirst() {
            guard let order = Datum.order(number, best) else { continue }
            if isGreatest ? order > 0 : order < 0 { best = number }
        }
        return best
    }

    private static func magnitude(_ function: Builtin, _ call: Call) throws(Fault) -> Datum {
        let isAbs = function == .abs
        switch call[0] {
        case .int(let number):
            guard isAbs else { return .int(number.signum()) }
            guard number != Int64.min else { throw Fault(.overflow, "math.abs overflows 64 bits") }
            return .int(Swift.abs(number))
        case .uint(let number): return .uint(isAbs ? number : min(number, 1))
        case .double(let number):
            if isAbs { return .double(number.magnitude) }
            return .double(number.isNaN ? number : (number > 0 ? 1 : (number < 0 ? -1 : 0)))
        default: throw call.mismatch
        }
    }

    private static func bits(_ function: Builtin, _ call: Call) throws(Fault) -> Datum {
        if function == .bitNot {
            switch call[0] {
            case .int(let number): return .int(~number)
            case .uint(let number): return .uint(~number)
            default: throw call.mismatch
            }
        }
        switch (call[0], call[1]) {
        case (.int(let a), .int(let b)): return .int(bits(function, a, b))
        case (.uint(let a), .uint(let b)): return .uint(bits(function, a, b))
        default: throw call.mismatch
        }
    }

    private static func bits<Whole: FixedWidthInteger>(_ function: Builtin, _ a: Whole, _ b: Whole) -> Whole {
        switch function {
        case .bitAnd: a & b
        case .bitOr: a | b
        default: a ^ b
        }
    }

    /// Shifts move zeros in on both sides, also for negative numbers; beyond 63 places nothing is left.
    private static func shift(_ function: Builtin, _ call: Call) throws(Fault) -> Datum {
        guard case .int(let places) = call[1] else { throw call.mismatch }
        guard places >= 0 else { throw Fault(.badArgument, "\(call.name) by \(places): the offset is negative") }
        let isLeft = function == .bitShiftLeft
        switch call[0] {
        case .int(let number):
            let pattern = UInt64(bitPattern: number)
            return .int(Int64(bitPattern: isLeft ? pattern << places : pattern >> places))
        case .uint(let number): return .uint(isLeft ? number << places : number >> places)
        default: throw call.mismatch
        }
    }
}
