// SPDX-License-Identifier: Apache-2.0

/// `+ - * / %` and the minus sign: no type changes by itself, and nothing overflows silently.
enum Arithmetic {
    static func negate(_ operand: Datum) throws(Fault) -> Datum {
        switch operand {
        case .int(let number):
            guard number != Int64.min else { throw overflow("-") }
            return .int(-number)
        case .double(let number): return .double(-number)
        default: throw Fault.noOverload("-", operand)
        }
    }

    static func add(_ left: Datum, _ right: Datum, _ budget: inout Budget) throws(Fault) -> Datum {
        switch (left, right) {
        case (.int(let a), .int(let b)): return .int(try checked("+", a.addingReportingOverflow(b)))
        case (.uint(let a), .uint(let b)): return .uint(try checked("+", a.addingReportingOverflow(b)))
        case (.double(let a), .double(let b)): return .double(a + b)
        case (.string(let a), .string(let b)):
            let bytes = a.utf8.count + b.utf8.count
            try budget.scan(bytes)
            try budget.make(bytes)
            return .string(a + b)
        case (.bytes(let a), .bytes(let b)):
            try budget.scan(a.count + b.count)
            try budget.make(a.count + b.count)
            return .bytes(a + b)
        case (.timestamp(let time), .duration(let span)), (.duration(let span), .timestamp(let time)):
            return .timestamp(try time.adding(span))
        case (.duration(let a), .duration(let b)): return .duration(try checked("+", a.addingReportingOverflow(b)))
        default:
            guard left.isList, right.isList else { throw Fault.noOverload("+", left, right) }
            return try concatenate(left, right, &budget)
        }
    }

    private static func concatenate(
        _ left: Datum, _ right: Datum, _ budget: inout Budget
    ) throws(Fault) -> Datum {
        let count = (left.count ?? 0) + (right.count ?? 0)
        try budget.spend(1 + count / 10)
        try budget.make(count * Budget.elementBytes)
        return .list(try left.elements() + right.elements())
    }

    static func subtract(_ left: Datum, _ right: Datum) throws(Fault) -> Datum {
        switch (left, right) {
        case (.int(let a), .int(let b)): return .int(try checked("-", a.subtractingReportingOverflow(b)))
        case (.uint(let a), .uint(let b)): return .uint(try checked("-", a.subtractingReportingOverflow(b)))
        case (.double(let a), .double(let b)): return .double(a - b)
        case (.timestamp(let a), .timestamp(let b)): return .duration(try a.nanoseconds(since: b))
        case (.timestamp(let time), .duration(let span)):
            guard span != Int64.min else { throw overflow("-") }
            return .timestamp(try time.adding(-span))
        case (.duration(let a), .duration(let b)):
            return .duration(try checked("-", a.subtractingReportingOverflow(b)))
        default: throw Fault.noOverload("-", left, right)
        }
    }

    static func multiply(_ left: Datum, _ right: Datum) throws(Fault) -> Datum {
        switch (left, right) {
        case (.int(let a), .int(let b)): return .int(try checked("*", a.multipliedReportingOverflow(by: b)))
        case (.uint(let a), .uint(let b)): return .uint(try checked("*", a.multipliedReportingOverflow(by: b)))
        case (.double(let a), .double(let b)): return .double(a * b)
        default: throw Fault.noOverload("*", left, right)
        }
    }

    static func divide(_ left: Datum, _ right: Datum) throws(Fault) -> Datum {
        switch (left, right) {
        case (.int(_), .int(0)), (.uint(_), .uint(0)): throw Fault(.divisionByZero, "division by zero")
        case (.int(let a), .int(let b)): return .int(try checked("/", a.dividedReportingOverflow(by: b)))
        case (.uint(let a), .uint(let b)): return .uint(a / b)
        case (.double(let a), .double(let b)): return .double(a / b)
        default: throw Fault.noOverload("/", left, right)
        }
    }

    static func modulo(_ left: Datum, _ right: Datum) throws(Fault) -> Datum {
        switch (left, right) {
        case (.int(_), .int(0)), (.uint(_), .uint(0)): throw Fault(.divisionByZero, "modulus by zero")
        case (.int(let a), .int(let b)):
            return .int(try checked("%", a.remainderReportingOverflow(dividingBy: b)))
        case (.uint(let a), .uint(let b)): return .uint(a % b)
        default: throw Fault.noOverload("%", left, right)
        }
    }

    private static func checked<Whole>(
        _ sign: String, _ result: (partialValue: Whole, overflow: Bool)
    ) throws(Fault) -> Whole {
        guard !result.overflow else { throw overflow(sign) }
        return result.partialValue
    }

    private static func overflow(_ sign: String) -> Fault { Fault(.overflow, "'\(sign)' overflows 64 bits") }
}
