// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonCore
import CordonLanguage

struct CoverageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coverage",
        abstract: "Tell which playbooks answer which entries of security frameworks, and the gaps.",
        discussion: """
            A playbook says so itself under 'maps:'. What it names and no framework lists in the version known here is \
            told too. Frameworks: owasp_nhi, owasp_agentic, owasp_threats, attack, atlas, d3fend, nist_csf, nist_ai_rmf, maestro.

            EXAMPLES
              cordon coverage
              cordon coverage --framework owasp_nhi --gaps
              cordon coverage -o json | jq '.entries[] | select(.playbooks == [])'
            """)

    @OptionGroup var common: CommonOptions
    @Option(name: .long, help: "Only this framework.") var framework: String?
    @Flag(name: .long, help: "Only entries that no playbook answers.") var gaps = false

    func run() async throws {
        let keys = Framework.all.map(\.key)
        if let framework, !keys.contains(framework) {
            throw CommandFailure(.usage, "--framework is '\(framework)'; it takes \(keys.joined(separator: ", "))")
        }
        let library = try Shelf.load(try await common.settings()).library
        let coverage = FrameworkCoverage(of: library.playbooks)
        let rows = coverage.rows.filter { row in
            (framework == nil || row.framework.key == framework) && (!gaps || row.playbooks.isEmpty)
        }
        show(rows, coverage)
    }

    private func show(_ rows: [FrameworkCoverage.Row], _ coverage: FrameworkCoverage) {
        let entries = rows.map { row -> Value in
            [
                "framework": .string(row.framework.key), "version": .string(row.framework.version),
                "id": .string(row.item.id), "title": .string(row.item.title),
                "playbooks": .array(row.playbooks.map(Value.string)),
            ]
        }
        let strangers = coverage.strangers.map { stranger -> Value in
            [
                "playbook": .string(stranger.playbook), "framework": .string(stranger.key), "id": .string(stranger.id),
                "near": stranger.near.map(Value.string) ?? .null,
            ]
        }
        guard common.output == .table else {
            return Output.one(["entries": .array(entries), "unknown": .array(strangers)], as: common.output) { _ in "" }
        }
        Output.many(
            entries, as: .table,
            columns: [
                Output.Column("FRAMEWORK") {
                    "\($0["framework"]?.stringValue ?? "") \($0["version"]?.stringValue ?? "")"
                },
                Output.Column("ID") { $0["id"]?.stringValue ?? "" },
                Output.Column("PLAYBOOKS") { value in
                    let names = (value["playbooks"]?.arrayValue ?? []).compactMap(\.stringValue)
                    return names.isEmpty ? "-" : names.joined(separator: ", ")
                },
                Output.Column("TITLE") { $0["title"]?.stringValue ?? "" },
            ])
        for stranger in coverage.strangers {
            let near = stranger.near.map { "; did you mean '\($0)'?" } ?? ""
            Output.note(
                printable("\(stranger.playbook) names \(stranger.key) \(stranger.id), which is not known\(near)"))
        }
        Output.note("\(rows.count { !$0.playbooks.isEmpty }) of \(rows.count) entries are answered")
    }
}
