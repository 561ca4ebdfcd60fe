// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

/// One expression on the command line: the variables that it may name, and how its mistakes are told.
struct ExpressionDesk: Sendable {
    /// The text as it was given, without the line end that an editor or a shell adds.
    var source: String
    /// What messages call the place that the text came from.
    var file: String
    var scope: Scope

    /// Which names an expression may use.
    struct Scope: Sendable {
        /// As messages name it.
        var title: String
        var variables: [String: Schema]

        /// What a playbook's `when` sees.
        static func trigger(_ kind: SignalKind) -> Scope {
            Scope(title: "a playbook on \(kind.name)", variables: ["signal": kind.schema])
        }

        /// Nothing is known of these but their names.
        static func open(_ names: some Collection<String>) -> Scope {
            Scope(
                title: "the given variables",
                variables: Dictionary(names.map { ($0, Schema.any) }) { first, _ in first })
        }
    }

    func compile(expecting: Schema?) throws(Diagnostics) -> Expression {
        do {
            return try Expression.compile(source, variables: scope.variables, expecting: expecting)
        } catch {
            throw Diagnostics(error.diagnostics(at: start, sourceLine: source, source: source))
        }
    }

    func diagnostic(_ error: EvaluationError) -> Diagnostic { error.diagnostic(at: start, source: source) }

    private var start: Place { Place(file: file, line: 1, column: 1) }

    /// Why the text needs quotes in a YAML file, and how it then reads; `nil` when it can stand there as it is.
    var yamlTrap: String? {
        guard !source.contains("\n") else { return nil }
        let reading: String
        do throws(Diagnostics) {
            let document = try YAMLDocument.parse("when: \(source)\n", file: file)
            guard document.root["when"]?.scalar?.value != .string(source) else { return nil }
            reading = "YAML reads it otherwise"
        } catch {
            reading = "YAML refuses it (\(error.all.first?.code ?? "P001"))"
        }
        return "unquoted, \(reading); in a file write: when: \(quoted)"
    }

    /// The text as a quoted scalar of YAML.
    private var quoted: String {
        if !source.contains("\""), !source.contains("\\") { return "\"\(source)\"" }
        return "'" + source.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
    }
}
