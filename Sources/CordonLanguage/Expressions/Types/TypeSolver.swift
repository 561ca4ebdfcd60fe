// SPDX-License-Identifier: Apache-2.0

/// Finds what the type parameters of one expression stand for. `dyn` fits everything: checking is gradual.
struct TypeSolver {
    private var found: [Int: StaticType] = [:]
    private var count = 0

    mutating func fresh() -> StaticType {
        count += 1
        return .variable(count)
    }

    /// An overload's types with new variables in place of its parameters.
    mutating func instantiate(_ types: [StaticType]) -> [StaticType] {
        var names: [String: StaticType] = [:]
        return types.map { instantiate($0, &names) }
    }

    private mutating func instantiate(_ type: StaticType, _ names: inout [String: StaticType]) -> StaticType {
        if case .parameter(let name) = type {
            if let known = names[name] { return known }
            let variable = fresh()
            names[name] = variable
            return variable
        }
        var parts: [StaticType] = []
        for part in type.parts { parts.append(instantiate(part, &names)) }
        return type.with(parts)
    }

    /// Whether values of `actual` may stand where `wanted` are; remembers what that means for variables.
    mutating func accepts(_ wanted: [StaticType], _ actual: [StaticType]) -> Bool {
        let before = found
        for (left, right) in zip(wanted, actual) where !isAssignable(left, right) {
            found = before
            return false
        }
        return true
    }

    mutating func accepts(_ wanted: StaticType, _ actual: StaticType) -> Bool { accepts([wanted], [actual]) }

    /// The one type for two elements of a list, or two branches: the more general, or `dyn` when they do not agree.
    mutating func join(_ previous: StaticType?, _ next: StaticType) -> StaticType {
        guard let previous else { return next }
        return accepts(previous, next) ? mostGeneral(previous, next) : .dynamic
    }

    /// The type with every variable replaced; those that nothing fixed become `dyn` when `isFinal`.
    func resolve(_ type: StaticType, isFinal: Bool = false) -> StaticType {
        if case .variable(let number) = type {
            if let known = found[number] { return resolve(known, isFinal: isFinal) }
            return isFinal ? .dynamic : type
        }
        let parts = type.parts
        return parts.isEmpty ? type : type.with(parts.map { resolve($0, isFinal: isFinal) })
    }

    /// Lets a variable stand for `dyn` from here on.
    mutating func loosen(_ type: StaticType) {
        if case .variable(let number) = type { found[number] = .dynamic }
    }

    private mutating func isAssignable(_ left: StaticType, _ right: StaticType) -> Bool {
        if case .variable(let number) = right {
            let (isValid, isKnown) = substitute(number, by: left)
            if isValid { return true }
            if isKnown { return false }
        }
        if case .variable(let number) = left { return substitute(number, by: right).isValid }
        if left == .dynamic || right == .dynamic { return true }
        if left == .null { return right.acceptsNull }
        if right == .null { return left.acceptsNull }
        if case .object = left, case .map = right { return isAssignable(.map(.string, .dynamic), right) }
        if case .map = left, case .object = right { return isAssignable(left, .map(.string, .dynamic)) }
        guard left.isSameKind(as: right) else { return false }
        if case .type = left { return true }
        for (a, b) in zip(left.parts, right.parts) where !isAssignable(a, b) { return false }
        return true
    }

    private mutating func substitute(_ number: Int, by type: StaticType) -> (isValid: Bool, isKnown: Bool) {
        if type == .variable(number) { return (true, true) }
        if let known = found[number] {
            if type == known { return (true, true) }
            guard isAssignable(type, known) else { return (false, true) }
            let general = mostGeneral(type, known)
            if !mentions(general, number) { found[number] = general }
            return (true, true)
        }
        guard !mentions(type, number) else { return (false, false) }
        found[number] = type
        return (true, false)
    }

    private func mentions(_ type: StaticType, _ number: Int) -> Bool {
        if case .variable(let other) = type {
            return other == number || found[other].map { mentions($0, number) } == true
        }
        return type.parts.contains { mentions($0, number) }
    }

    private func mostGeneral(_ left: StaticType, _ right: StaticType) -> StaticType {
        // Where null may stand for a value, the value's type says more.
        if left == .null, right != .dynamic { return right }
        if right == .null { return left }
        return isAsGeneral(left, as: right) ? left : right
    }

    private func isAsGeneral(_ left: StaticType, as right: StaticType) -> Bool {
        if left == .dynamic { return true }
        if case .variable = left { return true }
        if right == .dynamic { return false }
        if case .variable = right { return false }
        guard left.isSameKind(as: right) else { return false }
        if case .type = left { return true }
        return zip(left.parts, right.parts).allSatisfy { isAsGeneral($0, as: $1) }
    }
}
