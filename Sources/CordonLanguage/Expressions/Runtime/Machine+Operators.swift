// SPDX-License-Identifier: Apache-2.0

extension Machine {
    mutating func equality(_ op: Op) throws(Fault) -> Datum {
        let left = try evaluate(op.a)
        let right = try evaluate(op.b)
        try budget.spend(1 + comparisonCost(left, right))
        let isEqual = try Datum.equals(left, right)
        return .bool(isEqual == (op.code == .equal))
    }

    mutating func comparison(_ op: Op) throws(Fault) -> Datum {
        let left = try evaluate(op.a)
        let right = try evaluate(op.b)
        try budget.spend(1 + comparisonCost(left, right))
        guard let order = Datum.order(left, right) else {
            // NaN is neither less nor greater than anything.
            if left.isNumber, right.isNumber { return .bool(false) }
            throw Fault.noOverload(Self.sign(op.code), left, right)
        }
        switch op.code {
        case .less: return .bool(order < 0)
        case .lessEqual: return .bool(order <= 0)
        case .greater: return .bool(order > 0)
        default: return .bool(order >= 0)
        }
    }

    private static func sign(_ code: Op.Code) -> String {
        switch code {
        case .less: "<"
        case .lessEqual: "<="
        case .greater: ">"
        default: ">="
        }
    }

    /// What comparing costs beyond the call: the shorter text, or the number of elements at any depth.
    private func comparisonCost(_ left: Datum, _ right: Datum) -> Int {
        switch (left, right) {
        case (.string(let a), .string(let b)): return min(a.utf8.count, b.utf8.count) / 10
        case (.bytes(let a), .bytes(let b)): return min(a.count, b.count) / 10
        case (.optional(let a?), .optional(let b?)): return comparisonCost(a, b)
        default:
            guard left.count != nil, left.count == right.count else { return 0 }
            return left.comparingCost(upTo: budget.costMax)
        }
    }

    mutating func membership(_ op: Op) throws(Fault) -> Datum {
        let item = try evaluate(op.a)
        let holder = try evaluate(op.b)
        try budget.spend(1)
        if holder.isMap {
            try budget.spend(item.keyCost)
            return .bool(try holder.value(forKey: item) != nil)
        }
        guard holder.isList, let count = holder.count else { throw Fault.noOverload("in", item, holder) }
        for place in 0..<count {
            let element = try holder.element(place)
            try budget.spend(1 + comparisonCost(item, element))
            if try Datum.equals(item, element) { return .bool(true) }
        }
        return .bool(false)
    }

    mutating func arithmetic(_ op: Op) throws(Fault) -> Datum {
        let left = try evaluate(op.a)
        let right = try evaluate(op.b)
        try budget.spend(1)
        switch op.code {
        case .add: return try Arithmetic.add(left, right, &budget)
        case .subtract: return try Arithmetic.subtract(left, right)
        case .multiply: return try Arithmetic.multiply(left, right)
        case .divide: return try Arithmetic.divide(left, right)
        default: return try Arithmetic.modulo(left, right)
        }
    }

    mutating func list(_ op: Op) throws(Fault) -> Datum {
        try budget.spend(10)
        try budget.make(Int(op.b) * Budget.elementBytes)
        var items: [Datum] = []
        items.reserveCapacity(Int(op.b))
        for place in 0..<op.b {
            let item = try evaluate(program.children[Int(op.a + place)])
            guard program.flags[Int(op.c + place)] else {
                items.append(item)
                continue
            }
            guard case .optional(let inner) = item else { throw Fault.noOverload("[?]", item) }
            if let inner { items.append(inner) }
        }
        return .list(items)
    }

    /// Costs what a list costs that is made anew, so that no figure depends on what its elements are.
    mutating func constantList(_ op: Op) throws(Fault) -> Datum {
        try budget.spend(10)
        try budget.make(Int(op.b) * Budget.elementBytes)
        return program.constants[Int(op.a)]
    }

    mutating func map(_ op: Op) throws(Fault) -> Datum {
        try budget.spend(30)
        try budget.make(Int(op.b) * Budget.elementBytes)
        var entries: [(key: Datum, value: Datum)] = []
        entries.reserveCapacity(Int(op.b) / 2)
        for place in 0..<(op.b / 2) {
            let key = try evaluate(program.children[Int(op.a + 2 * place)])
            let value = try evaluate(program.children[Int(op.a + 2 * place + 1)])
            guard program.flags[Int(op.c + place)] else {
                entries.append((key, value))
                continue
            }
            guard case .optional(let inner) = value else { throw Fault.noOverload("{?}", value) }
            if let inner { entries.append((key, inner)) }
        }
        return .map(try keyed(entries))
    }

    /// A map of these entries; long keys are work.
    mutating func keyed(_ entries: [(key: Datum, value: Datum)]) throws(Fault) -> DatumMap {
        var cost = 0
        for entry in entries { cost += entry.key.keyCost }
        try budget.spend(cost)
        return try DatumMap(entries)
    }
}
