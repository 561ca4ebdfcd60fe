// SPDX-License-Identifier: Apache-2.0

extension Checker {
    mutating func nameType(_ node: Int, _ name: String, _ isAbsolute: Bool) -> StaticType {
        if !isAbsolute, let local = local(name) {
            resolution.references[node] = .local(local.slot)
            return local.type
        }
        if let type = resolve(node, name, isAbsolute) { return type }
        resolution.references[node] = .unbound(name)
        let known = locals.map(\.name) + declarations.variables.keys
        let near = nearest(to: name, among: known)
        let list = known.sorted().prefix(12).joined(separator: ", ")
        return report(
            .unknownVariable, node, "there is no variable '\(name)'",
            suggestion: near.map { "did you mean '\($0)'?" } ?? (list.isEmpty ? nil : "known here: \(list)"))
    }

    /// A declared variable or a type's name, full or seen from the container.
    private mutating func resolve(_ node: Int, _ name: String, _ isAbsolute: Bool) -> StaticType? {
        for candidate in declarations.candidates(for: name, isAbsolute: isAbsolute) {
            if let type = declarations.variables[candidate] {
                resolution.references[node] = .variable(slot(of: candidate))
                return type
            }
            if let known = Signatures.typeNames[candidate] {
                resolution.references[node] = .type(known.name)
                return .type(known.type)
            }
        }
        return nil
    }

    private mutating func slot(of variable: String) -> Int {
        if let known = resolution.variables.firstIndex(of: variable) { return known }
        resolution.variables.append(variable)
        return resolution.variables.count - 1
    }

    /// `a.b.c` when a node is nothing but names and dots and does not begin at a local variable.
    func dottedName(_ node: Int) -> (name: String, isAbsolute: Bool)? {
        switch tree.nodes[node].kind {
        case .name(let name, let isAbsolute):
            return isAbsolute || local(name) == nil ? (name, isAbsolute) : nil
        case .select(let operand, let field, isOptional: false):
            return dottedName(operand).map { ("\($0.name).\(field)", $0.isAbsolute) }
        default: return nil
        }
    }

    mutating func selectType(_ node: Int, _ operand: Int, _ field: String, _ isOptional: Bool) -> StaticType {
        if !isOptional, let dotted = dottedName(node), let type = resolve(node, dotted.name, dotted.isAbsolute) {
            return type
        }
        let holder = solver.resolve(type(of: operand))
        var isGuarded = isOptional
        if case .optional = holder { isGuarded = true }
        let type = fieldType(node, holder, operand, field, isGuarded: isGuarded)
        return isGuarded ? .optional(type) : type
    }

    mutating func testType(_ node: Int, _ operand: Int, _ field: String, _ isOptional: Bool) -> StaticType {
        _ = fieldType(node, solver.resolve(type(of: operand)), operand, field, isGuarded: true)
        return .bool
    }

    /// The type of one field of `holder`; looks through an optional.
    private mutating func fieldType(
        _ node: Int, _ holder: StaticType, _ operand: Int, _ field: String, isGuarded: Bool
    ) -> StaticType {
        switch holder {
        case .dynamic: return .dynamic
        case .variable:
            solver.loosen(holder)
            return .dynamic
        case .map(_, let value): return value
        case .optional(let inner):
            return fieldType(node, solver.resolve(inner), operand, field, isGuarded: true)
        case .object(let object):
            return memberType(node, object, operand, field, isGuarded: isGuarded, isSelected: true)
        default:
            return report(
                .notSelectable, node, "\(shown(holder)) has no fields, so no '\(field)'",
                suggestion: Signatures.all[field]?.contains(where: \.isMember) == true ? "write .\(field)()" : nil)
        }
    }

    private mutating func memberType(
        _ node: Int, _ object: ObjectSchema, _ operand: Int, _ field: String, isGuarded: Bool, isSelected: Bool
    ) -> StaticType {
        guard let member = object.fields[field] else {
            return undeclaredType(node, object, operand, field, isGuarded: isGuarded, isSelected: isSelected)
        }
        if member.isOptional, !isGuarded, !isTested(node) {
            let text = tree.text(of: operand)
            return report(
                .absentField, node, "the field '\(field)' of \(object.name) may be absent",
                suggestion: "test has(\(text).\(field)) first, or write \(text).?\(field).orValue(…)")
        }
        return StaticType(member.schema)
    }

    /// The type of a field that the schema doesn't name.
    private mutating func undeclaredType(
        _ node: Int, _ object: ObjectSchema, _ operand: Int, _ field: String, isGuarded: Bool, isSelected: Bool
    ) -> StaticType {
        let near = nearest(to: field, among: object.fields.keys)
        let list = object.fields.keys.sorted().prefix(12).joined(separator: ", ")
        let text = tree.text(of: operand)
        switch object.openness {
        case .closed:
            return report(
                .unknownField, node, "no field '\(field)' in \(object.name)",
                suggestion: near.map { "did you mean '\($0)'?" } ?? (list.isEmpty ? nil : "it has \(list)"))
        case .partly:
            if isGuarded || isTested(node) { return .dynamic }
            return report(
                .absentField, node, "'\(field)' is none of the fields that \(object.name) has for sure: \(list)",
                suggestion: near.map { "did you mean '\($0)'?" }
                    ?? "where only some have it, write \(text).?\(field).orValue(…)")
        case .open:
            // A short word is near to too many others; what is written as an index is meant as it stands.
            guard isSelected, let near, near.count >= Self.misspeltLengthMin, editDistance(field, near) == 1 else {
                return .dynamic
            }
            return report(
                .unknownField, node, "no field '\(field)' in \(object.name)",
                suggestion: "did you mean '\(near)'? A field of that very name is read as \(text)[\"\(field)\"]")
        }
    }

    private static let misspeltLengthMin = 4

    /// Whether a `has()` around it says that it is there.
    private func isTested(_ node: Int) -> Bool { path(of: node).map(present.contains) ?? false }

    mutating func indexType(_ node: Int, _ operand: Int, _ key: Int, _ isOptional: Bool) -> StaticType {
        let holder = solver.resolve(type(of: operand))
        if let field = literalString(key) {
            var inner = holder
            if case .optional(let wrapped) = holder { inner = solver.resolve(wrapped) }
            if case .object(let object) = inner {
                let isGuarded = isOptional || inner != holder
                let type = memberType(node, object, operand, field, isGuarded: isGuarded, isSelected: false)
                return isGuarded ? .optional(type) : type
            }
        }
        return overloadType(node, isOptional ? "_[?_]" : "_[_]", [holder, type(of: key)], isMember: false)
    }

    func literalString(_ node: Int) -> String? {
        if case .literal(.string(let text)) = tree.nodes[node].kind { text } else { nil }
    }
}
