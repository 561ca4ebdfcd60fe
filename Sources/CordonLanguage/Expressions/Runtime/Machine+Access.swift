// SPDX-License-Identifier: Apache-2.0

extension Machine {
    mutating func select(_ op: Op) throws(Fault) -> Datum {
        try budget.spend(1)
        let operand = try evaluate(op.a)
        let name = program.names[Int(op.b)]
        if case .optional(let inner) = operand {
            guard let inner else { return .optional(nil) }
            return .optional(try optionalMember(inner, name))
        }
        if let found = try operand.member(name) { return found }
        guard operand.isMap else { throw Fault(.noSuchOverload, "\(operand.typeName) has no fields, so no '\(name)'") }
        throw Fault(.noSuchKey, "no key '\(name)'", key: name, in: operand)
    }

    mutating func selectOptional(_ op: Op) throws(Fault) -> Datum {
        try budget.spend(1)
        let operand = try evaluate(op.a)
        let name = program.names[Int(op.b)]
        if case .optional(let inner) = operand {
            guard let inner else { return .optional(nil) }
            return .optional(try optionalMember(inner, name))
        }
        return .optional(try optionalMember(operand, name))
    }

    private func optionalMember(_ holder: Datum, _ name: String) throws(Fault) -> Datum? {
        if let found = try holder.member(name) { return found }
        guard holder.isMap else { throw Fault(.noSuchKey, "\(holder.typeName) has no fields, so no '\(name)'") }
        return nil
    }

    mutating func test(_ op: Op) throws(Fault) -> Datum {
        try budget.spend(1)
        var operand = try evaluate(op.a)
        while case .optional(let inner) = operand {
            guard let inner else { return .bool(false) }
            operand = inner
        }
        let name = program.names[Int(op.b)]
        guard operand.isMap else { throw Fault(.noSuchOverload, "\(operand.typeName) has no fields, so no '\(name)'") }
        return .bool(try operand.member(name) != nil)
    }

    mutating func index(_ op: Op) throws(Fault) -> Datum {
        try budget.spend(1)
        let operand = try evaluate(op.a)
        let key = try evaluate(op.b)
        let isOptional = op.code == .indexOptional
        if case .optional(let inner) = operand {
            guard let inner else { return .optional(nil) }
            return .optional(try element(inner, key, isOptional: true))
        }
        let found = try element(operand, key, isOptional: isOptional)
        if isOptional { return .optional(found) }
        guard let found else { throw Fault(.noSuchKey, "no such key") }
        return found
    }

    /// The element under `key`; nil for a missing one only when that is no error.
    private mutating func element(_ holder: Datum, _ key: Datum, isOptional: Bool) throws(Fault) -> Datum? {
        if holder.isList {
            let count = holder.count ?? 0
            guard let place = key.listIndex else {
                throw Fault(.badArgument, "a list's index is a whole number, not \(key.brief)")
            }
            if place >= 0, place < count { return try holder.element(place) }
            if isOptional { return nil }
            throw Fault(.indexOutOfRange, "no element \(place) in a list of \(count)")
        }
        guard holder.isMap else { throw Fault.noOverload("[]", holder, key) }
        try budget.spend(key.keyCost)
        if let found = try holder.value(forKey: key) { return found }
        switch key {
        case .string, .int, .uint, .bool, .double: break
        default:
            throw Fault(.unsupportedKey, "a map's key is an int, uint, bool or string, not \(key.typeName)")
        }
        if isOptional { return nil }
        if case .string(let name) = key { throw Fault(.noSuchKey, "no key '\(name)'", key: name, in: holder) }
        throw Fault(.noSuchKey, "no key \(key.brief)", key: key.brief, in: holder)
    }

    mutating func alternative(_ op: Op) throws(Fault) -> Datum {
        try budget.spend(1)
        let receiver = try evaluate(op.a)
        guard case .optional(let inner) = receiver else {
            throw Fault.noOverload(op.code == .orValue ? "orValue" : "or", receiver)
        }
        if let inner { return op.code == .orValue ? inner : receiver }
        let other = try evaluate(op.b)
        if op.code == .orOptional {
            guard case .optional = other else { throw Fault.noOverload("or", receiver, other) }
        }
        return other
    }
}
