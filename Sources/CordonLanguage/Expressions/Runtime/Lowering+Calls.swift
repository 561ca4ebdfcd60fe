// SPDX-License-Identifier: Apache-2.0

extension Lowering {
    private static let binary: [String: Op.Code] = [
        "_==_": .equal, "_!=_": .notEqual, "_<_": .less, "_<=_": .lessEqual, "_>_": .greater, "_>=_": .greaterEqual,
        "@in": .contains, "_+_": .add, "_-_": .subtract, "_*_": .multiply, "_/_": .divide, "_%_": .modulo,
    ]

    mutating func call(_ node: Int, _ name: String) -> Op {
        guard case .call(let function, let target, let arguments) = tree.nodes[node].kind else {
            preconditionFailure("a function's name stands only at a call")
        }
        if let code = Self.binary[name], arguments.count == 2 {
            return Op(code: code, a: Int32(arguments[0]), b: Int32(arguments[1]))
        }
        if name == "!_" { return Op(code: .not, a: Int32(arguments[0])) }
        if name == "-_" { return Op(code: .negate, a: Int32(arguments[0])) }
        // A longer name means that the receiver was its first part: `math.abs(x)`.
        let isMember = target != nil && name == function
        let all = (isMember ? [target!] : []) + arguments  // a member call has its receiver
        if isMember, all.count == 2, name == "or" || name == "orValue" {
            return Op(code: name == "or" ? .orOptional : .orValue, a: Int32(all[0]), b: Int32(all[1]))
        }
        guard let builtin = Builtin(rawValue: name), isCallable(name, all.count, isMember) else {
            return Op(code: .fail, a: add(uncallable(name, node)))
        }
        let pattern = resolution.patterns[node]
        calls.append(Program.CallSite(function: builtin, arguments: all.map { Int32($0) }, pattern: pattern))
        return Op(code: .call, a: Int32(calls.count - 1))
    }

    private func isCallable(_ name: String, _ count: Int, _ isMember: Bool) -> Bool {
        if Signatures.extrema.contains(name) { return count > 0 && !isMember }
        return Signatures.all[name]?.contains { $0.isMember == isMember && $0.parameters.count == count } == true
    }

    private func uncallable(_ name: String, _ node: Int) -> Fault {
        Builtin(rawValue: name) == nil
            ? Fault(.noSuchFunction, "the function '\(name)' is declared and has no body", node: node)
            : Fault(.noSuchOverload, "'\(name)' is not called like this", node: node)
    }

    private mutating func add(_ fault: Fault) -> Int32 {
        faults.append(fault)
        return Int32(faults.count - 1)
    }
}
