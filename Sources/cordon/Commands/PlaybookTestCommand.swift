// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonCore
import CordonEngine
import CordonLanguage
import Foundation

struct PlaybookTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Play the cases of NAME.test.yaml, and say which ways of a playbook no case takes.",
        discussion: """
            Cases run through the engine itself, on virtual time, against a provider that answers as the case says; \
            nothing leaves this machine, and days of waiting take milliseconds. Ends with 1 when a case fails, and with \
            10 when a test has mistakes, or, under --require-coverage, when a playbook has no test or a way is not taken.

            EXAMPLES
              cordon playbook test
              cordon playbook test secret-leaked
              cordon playbook test --require-coverage -o json
            """)

    @OptionGroup var common: CommonOptions

    @Argument(help: "Playbooks by name; all that have a test when none is given.")
    var names: [String] = []

    @Flag(name: .long, help: "Fail when a playbook has no test, or a way through it is taken by no case.")
    var requireCoverage = false

    func run() async throws {
        let definitions = try Definitions(try await common.settings())
        var mistakes: [Diagnostic] = []
        let tests = Shelf.loadAll(try chosen(definitions), &mistakes, definitions.test)
        guard mistakes.isEmpty else { throw Diagnostics(mistakes) }
        var report = TestReport()
        for test in tests {
            guard let playbook = definitions.playbooks.first(where: { $0.name == test.playbook }),
                let rehearsal = Rehearsal(
                    playbook, workflows: definitions.workflows, connectors: definitions.connectors,
                    sources: definitions.sources, guards: definitions.guards)
            else { continue }
            try await report.play(test, rehearsal)
        }
        let severity: Diagnostic.Severity = requireCoverage ? .error : .warning
        for name in untested(definitions, tests) {
            report.warnings.append(definitions.untested(name, severity: severity))
        }
        for branch in report.coverage.open {
            report.warnings.append(try definitions.diagnostic(branch, severity: severity))
        }
        tell(report)
        try end(report)
    }

    /// The names of the tests to play.
    private func chosen(_ definitions: Definitions) throws -> [String] {
        let all = definitions.testNames()
        guard !names.isEmpty else { return all }
        for name in names where !all.contains(name) {
            let near = nearest(to: name, among: all).map { "did you mean '\($0)'?" }
            let way =
                near
                ?? "a test stands beside its playbook: \(display(definitions.folder))/\(name)\(PlaybookTest.suffix)"
            throw CommandFailure(.notFound, "there is no test '\(name)'; \(way)")
        }
        return names
    }

    private func untested(_ definitions: Definitions, _ tests: [PlaybookTest]) -> [String] {
        guard names.isEmpty else { return [] }
        return definitions.playbooks.map(\.name).filter { name in !tests.contains { $0.playbook == name } }
    }

    private func tell(_ report: TestReport) {
        Output.one(report.value, as: common.output) { _ in report.text }
        guard common.output == .table else { return }
        for warning in report.warnings { Output.note(warning.text) }
    }

    private func end(_ report: TestReport) throws {
        let failed = report.failed
        if failed > 0 {
            throw CommandFailure(.failed, "\(failed) of \(counted(report.cases.count, "case")) failed")
        }
        let open = report.warnings.count
        if requireCoverage, open > 0 {
            throw CommandFailure(.definitionWrong, "\(counted(open, "way")) not covered; write a case for each")
        }
    }
}

/// `1 case`, `2 cases`.
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
