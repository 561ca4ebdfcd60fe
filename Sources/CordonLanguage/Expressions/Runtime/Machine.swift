// SPDX-License-Identifier: Apache-2.0

/// Runs one program once. Errors are values that `&&`, `||`, `all` and `exists` may absorb; a spent budget is not.
struct Machine {
    enum Slot {
        case empty
        case value(Datum)
        case fault(Fault)
    }

    let program: Program
    var slots: [Slot]
    var budget: Budget
    var trace: Trace?

    init(_ program: Program, _ variables: [String: Value], now: Timestamp?, limits: ExpressionLimits) {
        self.init(program, limits)
        for (index, name) in program.resolution.variables.enumerated() {
            if name == "now", let now {
                slots[index] = .value(.timestamp(now))
            } else if let value = variables[name] {
                do throws(Fault) { slots[index] = .value(try Datum(value, program.lenses[index])) } catch {
                    slots[index] = .fault(error)
                }
            }
        }
    }

    init(_ program: Program, bindings: [String: Datum], limits: ExpressionLimits) {
        self.init(program, limits)
        for (index, name) in program.resolution.variables.enumerated() {
            if let datum = bindings[name] { slots[index] = .value(datum) }
        }
    }

    private init(_ program: Program, _ limits: ExpressionLimits) {
        self.program = program
        budget = Budget(limits)
        slots = Array(repeating: .empty, count: program.resolution.variables.count + program.resolution.localsMax)
    }

    mutating func result() throws(Fault) -> Datum { try evaluate(Int32(program.tree.root)) }

    /// The value of one node; an error leaves with the innermost node it belongs to.
    mutating func evaluate(_ node: Int32) throws(Fault) -> Datum {
        do throws(Fault) {
            let datum = try run(node)
            if trace != nil { trace?.record(Int(node), datum) }
            return datum
        } catch {
            let fault = error.at(Int(node))
            if trace != nil { trace?.record(Int(node), fault) }
            throw fault
        }
    }

    private mutating func run(_ node: Int32) throws(Fault) -> Datum {
        let op = program.ops[Int(node)]
        switch op.code {
        case .constant: return program.constants[Int(op.a)]
        case .slot: return try load(Int(op.a))
        case .select: return try select(op)
        case .selectOptional: return try selectOptional(op)
        case .test: return try test(op)
        case .index, .indexOptional: return try index(op)
        case .and: return try junction(op, deciding: false)
        case .or: return try junction(op, deciding: true)
        case .not: return try not(op)
        case .negate: return try Arithmetic.negate(evaluate(op.a))
        case .choice: return try choice(op)
        case .equal, .notEqual: return try equality(op)
        case .less, .lessEqual, .greater, .greaterEqual: return try comparison(op)
        case .contains: return try membership(op)
        case .add, .subtract, .multiply, .divide, .modulo: return try arithmetic(op)
        case .list: return try list(op)
        case .constantList: return try constantList(op)
        case .map: return try map(op)
        case .call: return try call(op)
        case .loop: return try loop(program.loops[Int(op.a)])
        case .bind: return try bind(program.loops[Int(op.a)])
        case .optionalMap, .optionalFlatMap: return try optionalMap(op)
        case .orOptional, .orValue: return try alternative(op)
        case .fail: throw program.faults[Int(op.a)]
        }
    }

    private mutating func load(_ slot: Int) throws(Fault) -> Datum {
        try budget.spend(1)
        switch slots[slot] {
        case .value(let datum): return datum
        case .fault(let fault): throw fault
        case .empty:
            throw Fault(.noSuchVariable, "the variable '\(program.resolution.variables[slot])' was not given")
        }
    }

    private mutating func junction(_ op: Op, deciding: Bool) throws(Fault) -> Datum {
        try budget.spend(1)
        var pending: Fault?
        for child in op.a..<(op.a + op.b) {
            let node = program.children[Int(child)]
            do throws(Fault) {
                let datum = try evaluate(node)
                guard case .bool(let flag) = datum else {
                    throw Fault.noOverload(deciding ? "||" : "&&", datum).at(Int(node))
                }
                if flag == deciding { return .bool(deciding) }
            } catch {
                if error.isFinal { throw error }
                pending = pending ?? error
            }
        }
        if let pending { throw pending }
        return .bool(!deciding)
    }

    private mutating func not(_ op: Op) throws(Fault) -> Datum {
        try budget.spend(1)
        let operand = try evaluate(op.a)
        guard case .bool(let flag) = operand else { throw Fault.noOverload("!", operand) }
        return .bool(!flag)
    }

    private mutating func choice(_ op: Op) throws(Fault) -> Datum {
        try budget.spend(1)
        let condition = try evaluate(op.a)
        guard case .bool(let flag) = condition else { throw Fault.noOverload("?", condition) }
        return try evaluate(flag ? op.b : op.c)
    }

    private mutating func call(_ op: Op) throws(Fault) -> Datum {
        try budget.spend(1)
        let site = program.calls[Int(op.a)]
        var arguments: [Datum] = []
        arguments.reserveCapacity(site.arguments.count)
        for node in site.arguments { arguments.append(try evaluate(node)) }
        return try Library.call(site, arguments, &budget)
    }
}
