// SPDX-License-Identifier: Apache-2.0

extension Checker {
    mutating func macroType(_ node: Int, _ macro: Macro) -> StaticType {
        let range = type(of: macro.range)
        resolution.firstLocals[node] = locals.count
        switch macro.form {
        case .bind: return within([(macro.names[0], range)]) { $0.type(of: macro.body) }
        case .optMap, .optFlatMap: return optionalMacroType(node, macro, range)
        default: return loopType(node, macro, range)
        }
    }

    /// Runs `work` with names bound, and forgets them.
    private mutating func within(
        _ names: [(String, StaticType)], _ work: (inout Checker) -> StaticType
    ) -> StaticType {
        for (name, type) in names { bind(name, type) }
        let type = work(&self)
        locals.removeLast(names.count)
        return type
    }

    private mutating func optionalMacroType(_ node: Int, _ macro: Macro, _ range: StaticType) -> StaticType {
        let inner: StaticType
        switch solver.resolve(range) {
        case .optional(let wrapped): inner = wrapped
        case .dynamic, .variable: inner = .dynamic
        default:
            inner = report(.wrongTypes, node, "\(macro.form.rawValue)() needs an optional, this is \(shown(range))")
        }
        let body = within([(macro.names[0], inner)]) { $0.type(of: macro.body) }
        if macro.form == .optMap { return .optional(body) }
        let result = StaticType.optional(solver.fresh())
        if solver.accepts(body, result) { return result }
        return report(.wrongTypes, node, "optFlatMap() needs an optional result, this is \(shown(body))")
    }

    private mutating func loopType(_ node: Int, _ macro: Macro, _ range: StaticType) -> StaticType {
        let (key, value) = elements(node, macro, range)
        let first = macro.names.count == 2 ? key : (isMap(range) ? key : value)
        loops += 1
        defer { loops -= 1 }
        if loops > limits.macroNestingMax {
            let message = "loops stand \(loops) deep in each other; at most \(limits.macroNestingMax)"
            let mark = tree.nodes[node].mark
            issues.append(
                ExpressionIssue(.macrosTooDeep, message, offset: mark.lowerBound, width: mark.count))
        }
        let names = Array(zip(macro.names, [first, value]))
        return within(names) { checker in
            let before = checker.present
            defer { checker.present = before }
            if let filter = macro.filter {
                checker.expectBool(filter, checker.type(of: filter), of: macro.form.rawValue)
                checker.present.formUnion(checker.facts(filter, when: true))
            }
            return checker.loopResult(macro, checker.type(of: macro.body), key: key, element: first)
        }
    }

    private mutating func loopResult(
        _ macro: Macro, _ body: StaticType, key: StaticType, element: StaticType
    ) -> StaticType {
        switch macro.form {
        case .map, .transformList: return .list(body)
        case .transformMap: return .map(key, body)
        case .transformMapEntry:
            let result = StaticType.map(solver.fresh(), solver.fresh())
            if solver.accepts(body, result) { return result }
            return report(.wrongTypes, macro.body, "transformMapEntry() needs a map {key: value}, not \(shown(body))")
        case .filter:
            expectBool(macro.body, body, of: macro.form.rawValue)
            return .list(element)
        default:
            expectBool(macro.body, body, of: macro.form.rawValue)
            return .bool
        }
    }

    private func isMap(_ range: StaticType) -> Bool {
        switch solver.resolve(range) {
        case .map, .object: true
        default: false
        }
    }

    /// The types of index and value, or of key and value.
    private mutating func elements(_ node: Int, _ macro: Macro, _ range: StaticType) -> (StaticType, StaticType) {
        let resolved = solver.resolve(range)
        switch resolved {
        case .list(let element): return (.int, element)
        case .map(let key, let value): return (key, value)
        case .object: return (.string, .dynamic)
        case .dynamic: return (.dynamic, .dynamic)
        case .variable:
            solver.loosen(resolved)
            return (.dynamic, .dynamic)
        case .optional:
            let wrong = report(
                .wrongTypes, node, "\(macro.form.rawValue)() runs over a list or a map, this is optional",
                suggestion: "take the value out with .orValue([])")
            return (wrong, wrong)
        default:
            let wrong = report(
                .wrongTypes, node, "\(macro.form.rawValue)() runs over a list or a map, this is \(shown(range))")
            return (wrong, wrong)
        }
    }
}
