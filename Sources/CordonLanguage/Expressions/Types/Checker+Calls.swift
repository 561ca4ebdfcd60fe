// SPDX-License-Identifier: Apache-2.0

extension Checker {
    mutating func callType(_ node: Int, _ function: String, _ target: Int?, _ arguments: [Int]) -> StaticType {
        if let name = functionName(function, target) {
            resolution.references[node] = .function(name)
            let types = typesOf(arguments)
            checkPattern(node, name, arguments)
            if Signatures.extrema.contains(name) { return extremumType(node, name, types) }
            return overloadType(node, name, types, isMember: false)
        }
        let receiver = target.map { type(of: $0) }
        let types = (receiver.map { [$0] } ?? []) + typesOf(arguments)
        guard declarations.overloads(of: function) != nil else {
            resolution.references[node] = .unbound(function)
            return unknown(node, function, isMember: target != nil)
        }
        resolution.references[node] = .function(function)
        checkPattern(node, function, (target.map { [$0] } ?? []) + arguments)
        return overloadType(node, function, types, isMember: target != nil)
    }

    private mutating func typesOf(_ nodes: [Int]) -> [StaticType] {
        var types: [StaticType] = []
        for node in nodes { types.append(type(of: node)) }
        return types
    }

    /// The full name of a function that is called by name alone: `size`, `math.greatest`.
    private func functionName(_ function: String, _ target: Int?) -> String? {
        guard let target else {
            let isAbsolute = function.hasPrefix(".")
            let plain = isAbsolute ? String(function.dropFirst()) : function
            return declarations.candidates(for: plain, isAbsolute: isAbsolute).first { declarations.isFunction($0) }
        }
        guard let dotted = dottedName(target) else { return nil }
        return declarations.candidates(for: "\(dotted.name).\(function)", isAbsolute: dotted.isAbsolute)
            .first { declarations.isFunction($0) }
    }

    private mutating func unknown(_ node: Int, _ function: String, isMember: Bool) -> StaticType {
        let known = Signatures.all.filter { $0.value.contains { $0.isMember == isMember } }.keys
            .filter { $0.unicodeScalars.first.map(Lexer.isNameStart) == true && !$0.hasPrefix("_") }
        let macros = isMember ? ["all", "exists", "exists_one", "map", "filter", "optMap"] : ["has"]
        return report(
            .unknownFunction, node, "there is no function '\(function)'",
            suggestion: Self.meant(function, known + macros).map { "did you mean '\($0)'?" })
    }

    /// What other languages call the same, the known name that begins like this one, or the nearest.
    private static func meant(_ function: String, _ known: [String]) -> String? {
        let synonyms = [
            "length": "size", "len": "size", "count": "size", "toLowerCase": "lowerAscii", "toUpperCase": "upperAscii",
            "includes": "contains", "any": "exists", "some": "exists", "every": "all", "test": "matches",
        ]
        if let synonym = synonyms[function] { return synonym }
        let longer = function.utf8.count > 2 ? known.filter { $0.hasExactPrefix(function) }.min() : nil
        return longer ?? nearest(to: function, among: known)
    }

    /// The result of the overloads that take these types; `dyn` when several with different results do.
    mutating func overloadType(
        _ node: Int, _ function: String, _ types: [StaticType], isMember: Bool
    ) -> StaticType {
        guard declarations.isChecked else { return .dynamic }
        var result: StaticType?
        for overload in declarations.overloads(of: function) ?? [] {
            guard overload.isMember == isMember, overload.parameters.count == types.count else { continue }
            let signature = solver.instantiate(overload.parameters + [overload.result])
            guard solver.accepts(types, Array(signature.dropLast())) else { continue }
            let next = solver.resolve(signature[types.count])
            if let known = result {
                if known != next { result = .dynamic }
            } else {
                result = next
            }
        }
        return result ?? mismatch(node, function, types, isMember: isMember)
    }

    private mutating func mismatch(
        _ node: Int, _ function: String, _ types: [StaticType], isMember: Bool
    ) -> StaticType {
        let names = types.map { shown($0) }
        let list = names.joined(separator: ", ")
        if let sign = Self.operatorSign(function) {
            return report(
                .wrongTypes, node, "'\(sign)' does not take \(list.replacingFirstComma())",
                suggestion: hint(function, names))
        }
        let overloads = declarations.overloads(of: function) ?? []
        if overloads.allSatisfy({ $0.isMember != isMember }) {
            let right = isMember ? "\(function)(value)" : "value.\(function)()"
            return report(.wrongTypes, node, "'\(function)' is not called like this", suggestion: "write \(right)")
        }
        let taken = overloads.filter { $0.isMember == isMember }.map { overload in
            "(" + overload.parameters.dropFirst(isMember ? 1 : 0).map(\.name).joined(separator: ", ") + ")"
        }
        let given = names.dropFirst(isMember ? 1 : 0).joined(separator: ", ")
        let receiver = isMember ? "\(names[0])." : ""
        return report(
            .wrongTypes, node, "'\(function)' does not take \(receiver)(\(given))",
            suggestion: "it takes \(Set(taken).sorted().joined(separator: " or "))")
    }

    private func hint(_ function: String, _ names: [String]) -> String? {
        guard names.count == 2 else { return nil }
        let pair = Set(names)
        if pair == ["int", "double"] { return "give both one type: write 1.0 for 1, or double(x)" }
        if pair == ["int", "uint"] { return "give both one type: write 1u for 1, or int(x)" }
        if pair.contains("null") { return "\(pair.subtracting(["null"]).first ?? "it") is never null; test with has()" }
        if names.contains(where: { $0.hasPrefix("optional_type") }) { return "take the value out with .orValue(…)" }
        if pair == ["string", "int"], function == "_+_" { return "write string(x)" }
        if pair == ["timestamp", "string"] { return "write timestamp(\"2026-01-01T00:00:00Z\")" }
        if pair == ["duration", "string"] { return "write duration(\"90s\")" }
        return nil
    }

    static func operatorSign(_ function: String) -> String? {
        if function == "@in" { return "in" }
        guard function.hasPrefix("_") || function.hasSuffix("_") else { return nil }
        return function.split(separator: "_").joined()
    }

    /// `math.greatest` and `math.least` take numbers, or one list of them.
    private mutating func extremumType(_ node: Int, _ name: String, _ types: [StaticType]) -> StaticType {
        var numbers = types.map { solver.resolve($0) }
        if numbers.count == 1, case .list(let element) = numbers[0] { numbers = [solver.resolve(element)] }
        guard !numbers.isEmpty, numbers.allSatisfy({ $0.isNumeric || solver.resolve($0, isFinal: true) == .dynamic })
        else {
            return report(
                .wrongTypes, node,
                "'\(name)' takes numbers or one list of numbers, not (\(types.map { shown($0) }.joined(separator: ", ")))"
            )
        }
        return numbers.dropFirst().allSatisfy { $0 == numbers[0] } ? numbers[0] : .dynamic
    }

    /// Compiles a regular expression that is written as a literal, so that a slip is found now and work is done once.
    private mutating func checkPattern(_ node: Int, _ function: String, _ arguments: [Int]) {
        guard function == "matches", arguments.count == 2, let text = literalString(arguments[1]) else { return }
        do throws(PatternSlip) {
            resolution.patterns[node] = try Pattern(text, instructionsMax: limits.patternInstructionsMax)
        } catch {
            let slip = error
            _ = report(.badPattern, arguments[1], slip.message, suggestion: slip.suggestion)
        }
    }
}

extension String {
    /// `int, string` as `int and string`.
    fileprivate func replacingFirstComma() -> String {
        let parts = split(separator: ",", maxSplits: 1)
        return parts.count == 2 ? "\(parts[0]) and\(parts[1])" : self
    }
}
