// SPDX-License-Identifier: Apache-2.0

/// A compiled expression in CEL (Common Expression Language) over JSON: it ends, reads nothing but the variables it is
/// given, and yields the same result for the same input. A misspelt field or a wrong type is refused when compiled.
package struct Expression: Sendable, Hashable {
    /// The text that was compiled.
    package let source: String
    /// What is known about results.
    package let resultSchema: Schema
    package let limits: ExpressionLimits
    /// The variables that the expression reads, with what was declared of them.
    package let variables: [String: Schema]
    let program: Program
    let expectation: StaticType?

    /// Compiles `source`. All variables that it may name are declared in `variables`; `expecting` is the result's type
    /// where only one will do, such as `bool` for a condition.
    package static func compile(
        _ source: String, variables: [String: Schema], expecting: Schema? = nil, limits: ExpressionLimits = .default
    ) throws(ExpressionErrors) -> Expression {
        let declarations = Declarations(variables: variables.mapValues { StaticType($0) })
        return try compile(source, declarations, expecting: expecting.map { StaticType($0) }, limits: limits)
    }

    static func compile(
        _ source: String, _ declarations: Declarations, expecting: StaticType? = nil,
        limits: ExpressionLimits = .default, allowsMacros: Bool = true
    ) throws(ExpressionErrors) -> Expression {
        let tree = try Parser.parse(source, limits: limits, allowsMacros: allowsMacros)
        let resolution = try Checker.check(tree, declarations, expecting: expecting, limits: limits)
        let program = Lowering.program(tree, resolution, declarations)
        var used: [String: Schema] = [:]
        for name in resolution.variables { used[name] = declarations.variables[name].map { Schema($0) } ?? .any }
        return Expression(
            source: source, resultSchema: Schema(resolution.type), limits: limits, variables: used, program: program,
            expectation: expecting)
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.program === right.program
            || (left.source.isSame(as: right.source) && left.expectation == right.expectation
                && left.limits == right.limits && left.variables == right.variables)
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(source) }

    /// The value for these variables, or why there is none. `now`, when given, is what the variable `now` stands for.
    package func evaluate(_ variables: [String: Value], at now: Timestamp? = nil) -> Evaluation {
        var machine = Machine(program, variables, now: now, limits: limits)
        return evaluate(&machine)
    }

    func evaluate(_ machine: inout Machine) -> Evaluation {
        do throws(Fault) {
            let datum = try machine.result()
            try checkExpectation(datum)
            return .value(try datum.value(&machine.budget))
        } catch {
            return .error(error.described(in: program))
        }
    }

    private func checkExpectation(_ datum: Datum) throws(Fault) {
        guard let expectation, !datum.fits(expectation) else { return }
        throw Fault(
            .wrongType, "the result is \(datum.typeName), \(expectation.name) is wanted", node: program.tree.root)
    }

    /// The outcome as a condition: anything but true and false is undecided, never silently false.
    package func decide(_ variables: [String: Value], at now: Timestamp? = nil) -> Condition {
        var machine = Machine(program, variables, now: now, limits: limits)
        do throws(Fault) {
            let datum = try machine.result()
            if case .bool(let flag) = datum { return flag ? .isTrue : .isFalse }
            throw Fault(.wrongType, "a condition is true or false, this is \(datum.typeName)", node: program.tree.root)
        } catch {
            return .undecided(error.described(in: program))
        }
    }
}

/// What came of an expression.
package enum Evaluation: Sendable, Hashable {
    case value(Value)
    case error(EvaluationError)

    package var value: Value? { if case .value(let value) = self { value } else { nil } }
    package var error: EvaluationError? { if case .error(let error) = self { error } else { nil } }
}

/// What came of a condition.
package enum Condition: Sendable, Hashable {
    case isTrue
    case isFalse
    case undecided(EvaluationError)

    /// The condition that a traced evaluation amounts to.
    package init(_ evaluation: Evaluation) {
        switch evaluation {
        case .value(.bool(let flag)): self = flag ? .isTrue : .isFalse
        case .value(let value):
            self = .undecided(EvaluationError(.wrongType, "a condition is true or false, this is \(value.typeName)"))
        case .error(let error): self = .undecided(error)
        }
    }
}

extension Fault {
    /// The error as callers see it: with its place in the source, and the keys that were there for a missing one.
    func described(in program: Program) -> EvaluationError {
        let place = max(node, 0)
        let mark = program.tree.nodes[place].mark
        var error = EvaluationError(code, message, offset: mark.lowerBound, width: max(mark.count, 1), key: key)
        guard let key, let container else { return error }
        error.path = program.tree.nodes[place].children.first.map { program.tree.text(of: $0) }
        let known = container.keys().compactMap { if case .string(let name) = $0 { name } else { nil } }
        error.knownKeys = Array(known.prefix(EvaluationError.knownKeysMax))
        if let path = error.path { error.message += " in \(path)" }
        if let near = nearest(to: key, among: known.prefix(Self.comparedKeysMax)) {
            error.message += "; did you mean '\(near)'?"
        }
        return error
    }

    /// Keys looked through for a similar one.
    private static let comparedKeysMax = 1000
}
