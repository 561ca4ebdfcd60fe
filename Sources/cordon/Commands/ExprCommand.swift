// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonCore
import CordonLanguage
import Foundation

struct ExprCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expr", abstract: "Check, evaluate and explain an expression.",
        subcommands: [ExprCheck.self, ExprEval.self, ExprExplain.self])
}

struct ExprCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Say whether an expression may stand in a playbook or workflow, and what it reads.",
        discussion: """
            A mistake is told with its column, and the command ends with 10. In a shell an expression stands in single \
            quotes: there ! and $ mean themselves. An expression that begins with - comes after --.

            EXAMPLES
              cordon expr check 'signal.validity == "active"' --signal secret.exposed
              cordon expr check 'after.active == false' --workflow workflows/token-revocation.yaml
              cordon expr check --wants any --var 'x=1' -- '-x + 2'
            """)

    enum Wanted: String, CaseIterable, ExpressibleByArgument { case bool, string, int, any }

    @OptionGroup var options: ExprOptions
    @Option(name: .long, help: "What it must yield: bool as a condition does, string, int or any.")
    var wants: Wanted = .bool

    func run() throws {
        let desk = try options.desk(try options.values())
        let expression = try desk.compile(expecting: expected)
        let reads = expression.reads.map { $0.joined(separator: ".") }
        Output.one(
            ["type": .string(expression.resultSchema.name), "reads": .array(reads.map(Value.string))],
            as: options.output
        ) { _ in
            printable(
                "ok: \(expression.resultSchema.name)"
                    + (reads.isEmpty ? "" : ", reads " + reads.joined(separator: ", ")))
        }
        if let trap = desk.yamlTrap { Output.note("note: \(trap)") }
    }

    private var expected: Schema? {
        switch wants {
        case .bool: .bool
        case .string: .string
        case .int: .int
        case .any: nil
        }
    }
}

struct ExprEval: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Evaluate an expression, and print its value.",
        discussion: """
            With -o json the value is printed as canonical JSON (RFC 8785) and nothing else. Ends with 11 and the reason \
            when there is no value: a condition that ends so is undecided, and a playbook then does as its \
            'on_undecided' says.

            EXAMPLES
              cordon expr eval 'days * 24 > 48' --var days=3
              cordon expr eval 'signal.location.kind in ["ci_log"]' --signal secret.exposed --vars signal.json
              echo '{"alert":{"tags":["a","b"]}}' | cordon expr eval 'alert.tags.size()' --vars - -o json
            """)

    @OptionGroup var options: ExprOptions

    func run() throws {
        let values = try options.values()
        let desk = try options.desk(values)
        let expression = try desk.compile(expecting: nil)
        try options.complete(values, for: expression, desk.scope)
        switch expression.evaluate(values) {
        case .value(let value):
            let canonical = String(decoding: try value.canonicalJSON, as: UTF8.self)
            Output.line(options.output == .table ? printable("\(canonical)  (\(value.typeName))") : canonical)
        case .error(let error): throw desk.undecided(error)
        }
    }
}

struct ExprExplain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Evaluate an expression, and show the value of each of its parts.",
        discussion: """
            Each line is a part: the columns where it stands, its value, its text. «not needed» is a part that another \
            had already decided; (3×) is one inside a loop, shown with its last value. Ends with 11 when there is no \
            value, as 'cordon expr eval' does.

            EXAMPLES
              cordon expr explain 'signal.validity == "active"' --signal secret.exposed --vars signal.json
              cordon expr explain 'a.b > 1 || has(a.c)' --var 'a={"b":1}'
              cordon expr explain 'xs.exists(x, x > 2)' --var 'xs=[1,2,3]' -o json
            """)

    @OptionGroup var options: ExprOptions

    func run() throws {
        let values = try options.values()
        let desk = try options.desk(values)
        let expression = try desk.compile(expecting: nil)
        try options.complete(values, for: expression, desk.scope)
        let (result, parts) = expression.explain(values)
        let explanation = Explanation(result: result, parts: parts)
        Output.one(explanation.value, as: options.output) { _ in explanation.table }
        if case .error(let error) = result { throw desk.undecided(error) }
    }
}

extension ExpressionDesk {
    /// Tells where it went wrong, and gives the failure to end with.
    fileprivate func undecided(_ error: EvaluationError) -> CommandFailure {
        Output.note(diagnostic(error).text)
        return CommandFailure(
            .undecided, "no answer: \(error.message); 'cordon explain \(error.code.number)' says more")
    }
}
