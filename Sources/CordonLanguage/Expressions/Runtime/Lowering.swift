// SPDX-License-Identifier: Apache-2.0

/// Turns a checked tree into a program: names become slots, functions become cases, nothing is looked up by text.
struct Lowering {
    let tree: SyntaxTree
    let resolution: Resolution
    let declarations: Declarations
    var ops: [Op] = []
    var constants: [Datum] = []
    var names: [String] = []
    var children: [Int32] = []
    var flags: [Bool] = []
    var calls: [Program.CallSite] = []
    var loops: [Program.LoopSite] = []
    var faults: [Fault] = []
    var lenses: [Lens?] = []

    static func program(
        _ tree: SyntaxTree, _ resolution: Resolution, _ declarations: Declarations
    ) -> Program {
        var lowering = Lowering(tree: tree, resolution: resolution, declarations: declarations)
        lowering.lenses = resolution.variables.map { name in
            declarations.variables[name].flatMap { Lens.of(Schema($0)) }
        }
        // Children have smaller indices than their parents, so order needs no recursion here.
        for node in tree.nodes.indices { lowering.ops.append(lowering.op(node)) }
        return Program(lowering)
    }

    private mutating func op(_ node: Int) -> Op {
        switch resolution.references[node] {
        case .variable(let slot): return Op(code: .slot, a: Int32(slot))
        case .local(let slot): return Op(code: .slot, a: Int32(resolution.variables.count + slot))
        case .type(let name): return constant(.type(name))
        case .unbound(let name): return unbound(node, name)
        case .function(let name): return call(node, name)
        case .none: break
        }
        switch tree.nodes[node].kind {
        case .literal(let datum): return constant(datum)
        // A name that nothing refers to: the bound name of a macro, or the first part of a function's name.
        case .name(let name, _): return unbound(node, name)
        case .select(let operand, let field, let isOptional):
            return Op(code: isOptional ? .selectOptional : .select, a: Int32(operand), b: name(field))
        case .test(let operand, let field, let isOptional):
            return Op(code: .test, a: Int32(operand), b: name(field), c: isOptional ? 1 : 0)
        case .index(let operand, let key, let isOptional):
            return Op(code: isOptional ? .indexOptional : .index, a: Int32(operand), b: Int32(key))
        case .call(let function, _, _): return unbound(node, function)
        case .and(let operands): return group(.and, operands)
        case .or(let operands): return group(.or, operands)
        case .choice(let condition, let yes, let no):
            return Op(code: .choice, a: Int32(condition), b: Int32(yes), c: Int32(no))
        case .list(let entries): return constantList(entries) ?? literal(.list, entries)
        case .map(let entries): return literal(.map, entries)
        case .macro(let macro): return loop(node, macro)
        }
    }

    private mutating func constant(_ datum: Datum) -> Op {
        constants.append(datum)
        return Op(code: .constant, a: Int32(constants.count - 1))
    }

    private mutating func name(_ text: String) -> Int32 {
        if let known = names.firstIndex(where: { $0.isSame(as: text) }) { return Int32(known) }
        names.append(text)
        return Int32(names.count - 1)
    }

    private mutating func group(_ code: Op.Code, _ nodes: [Int]) -> Op {
        let first = children.count
        children += nodes.map { Int32($0) }
        return Op(code: code, a: Int32(first), b: Int32(nodes.count))
    }

    /// A list of literals is made once and not for each evaluation.
    private mutating func constantList(_ entries: [SyntaxNode.Entry]) -> Op? {
        var items: [Datum] = []
        for entry in entries {
            let op = ops[entry.value]
            guard !entry.isOptional, op.code == .constant else { return nil }
            items.append(constants[Int(op.a)])
        }
        var op = constant(.list(items))
        op.code = .constantList
        op.b = Int32(items.count)
        return op
    }

    private mutating func literal(_ code: Op.Code, _ entries: [SyntaxNode.Entry]) -> Op {
        let firstFlag = flags.count
        flags += entries.map(\.isOptional)
        var op = group(code, entries.flatMap { entry in (entry.key.map { [$0] } ?? []) + [entry.value] })
        op.c = Int32(firstFlag)
        return op
    }

    private mutating func fail(_ fault: Fault) -> Op {
        faults.append(fault)
        return Op(code: .fail, a: Int32(faults.count - 1))
    }

    private mutating func unbound(_ node: Int, _ name: String) -> Op {
        if case .call = tree.nodes[node].kind {
            return fail(Fault(.noSuchFunction, "there is no function '\(name)'", node: node))
        }
        return fail(Fault(.noSuchVariable, "there is no variable '\(name)'", node: node))
    }

    private mutating func loop(_ node: Int, _ macro: Macro) -> Op {
        let slot = firstSlot(of: node)
        loops.append(
            Program.LoopSite(
                form: macro.form, range: Int32(macro.range), first: slot,
                second: macro.names.count == 2 ? slot + 1 : -1, filter: Int32(macro.filter ?? -1),
                body: Int32(macro.body)))
        let code: Op.Code =
            switch macro.form {
            case .bind: .bind
            case .optMap: .optionalMap
            case .optFlatMap: .optionalFlatMap
            default: .loop
            }
        return Op(code: code, a: Int32(loops.count - 1))
    }

    private func firstSlot(of node: Int) -> Int32 {
        Int32(resolution.variables.count + (resolution.firstLocals[node] ?? 0))
    }
}
