// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation

/// What the `expr` commands take: the expression, and what its variables are.
struct ExprOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "The expression as one word, so in single quotes; - reads it from standard input.",
            valueName: "expression"))
    var pieces: [String] = []

    @Option(name: .long, help: "Variables as in the 'when' of a playbook on this kind of signal.")
    var signal: String?

    @Option(name: .long, help: "Variables as in the steps of this workflow's file.")
    var workflow: String?

    @Option(
        name: [.customLong("var")],
        help: ArgumentHelp("One variable and its value in JSON; may be repeated.", valueName: "name=json"))
    var variables: [String] = []

    @Option(
        name: .customLong("vars"), help: "A file with one JSON object: its names are variables; - for standard input.")
    var variablesFile: String?

    @Option(name: [.customShort("o"), .long], help: "table, json or jsonl.")
    var output: OutputFormat = .table

    func desk(_ values: [String: Value]) throws -> ExpressionDesk {
        let (text, file) = try source()
        return ExpressionDesk(source: text, file: file, scope: try scope(values))
    }

    /// The values of `--vars` and, over these, of `--var`.
    func values() throws -> [String: Value] {
        var values: [String: Value] = [:]
        if let variablesFile {
            guard variablesFile != "-" || pieces.first != "-" else {
                throw CommandFailure(.usage, "the expression and --vars can't both come from standard input")
            }
            guard case .object(let members) = try parse(try bytes(variablesFile), named: variablesFile) else {
                throw CommandFailure(.usage, "\(variablesFile) holds no JSON object; its names are to be the variables")
            }
            values = members
        }
        for text in variables {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw CommandFailure(.usage, "--var is '\(text)'; it takes NAME=JSON, such as --var 'days=3'")
            }
            values[parts[0]] = try parse(Array(parts[1].utf8), named: "--var \(parts[0])")
        }
        return values
    }

    private func parse(_ bytes: [UInt8], named name: String) throws -> Value {
        do { return try JSON.parse(bytes) } catch {
            throw CommandFailure(
                .usage, "\(name) is no JSON: \(error); text stands in double quotes within the single ones")
        }
    }

    private func bytes(_ path: String) throws -> [UInt8] {
        if path == "-" { return Array(FileHandle.standardInput.readDataToEndOfFile()) }
        guard let contents = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(.notFound, "there is no file \(path) that can be read")
        }
        return Array(contents)
    }

    private func source() throws -> (text: String, file: String) {
        guard let first = pieces.first else {
            throw CommandFailure(.usage, "no expression is given; write it in single quotes, or - for standard input")
        }
        guard pieces.count == 1 else {
            throw CommandFailure(
                .usage, "the shell cut the expression into \(pieces.count) words; put the whole of it in single quotes")
        }
        guard first == "-" else { return (first, "expression") }
        guard let text = String(validating: try bytes("-"), as: UTF8.self) else {
            throw CommandFailure(.usage, "standard input is not UTF-8")
        }
        return (text.hasSuffix("\n") ? String(text.dropLast()) : text, "stdin")
    }
}

// MARK: - The variables' types

extension ExprOptions {
    private func scope(_ values: [String: Value]) throws -> ExpressionDesk.Scope {
        switch (signal, workflow) {
        case (nil, nil): return .open(values.keys)
        case (let name?, nil): return .trigger(try kind(name))
        case (nil, let path?): return try .steps(of: readWorkflow(path))
        case (.some, .some):
            throw CommandFailure(.usage, "--signal and --workflow name different variables; give one of them")
        }
    }

    private func kind(_ name: String) throws -> SignalKind {
        if let kind = SignalKind.named(name) { return kind }
        let names = SignalKind.all.map(\.name)
        let way =
            nearest(to: name, among: names).map { "did you mean '\($0)'?" } ?? "known: \(names.joined(separator: ", "))"
        throw CommandFailure(.notFound, "no signal is of kind '\(name)'; \(way)")
    }

    private func readWorkflow(_ path: String) throws -> Workflow {
        let bytes = try bytes(path)
        return try Workflow.load(bytes, file: display(path), digest: digestText(bytes)).get()
    }

    /// Every value that is given is one that the expression may name, and every name that it uses has a value.
    func complete(_ values: [String: Value], for expression: CordonLanguage.Expression, _ scope: ExpressionDesk.Scope)
        throws
    {
        for name in values.keys.sorted() where scope.variables[name] == nil {
            let known = scope.variables.keys.sorted().joined(separator: ", ")
            throw CommandFailure(.usage, "\(scope.title) has no variable '\(name)'; it has: \(known)")
        }
        for name in expression.variables.keys.sorted() where values[name] == nil {
            throw CommandFailure(
                .usage, "'\(name)' has no value; give it with --var '\(name)=JSON' or in the file of --vars")
        }
    }
}

extension ExpressionDesk.Scope {
    /// What the expressions of a workflow's steps see once all of them have run.
    static func steps(of workflow: Workflow) -> ExpressionDesk.Scope {
        var inputs: [String: ObjectSchema.Field] = [:]
        for input in workflow.inputs { inputs[input.name] = .init(input.kind.schema) }
        var steps: [String: ObjectSchema.Field] = [:]
        for line in workflow.allLines { steps[line.id] = .init(.any) }
        return ExpressionDesk.Scope(
            title: "the workflow \(workflow.name)",
            variables: [
                "inputs": .object("inputs", inputs), "subject": Subject.schema, "steps": .object("steps", steps),
                "before": .any, "after": .any, "result": .any,
            ])
    }
}
