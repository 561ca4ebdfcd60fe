// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation

struct PlaybookCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "playbook", abstract: "Check the playbooks and workflows.", subcommands: [PlaybookCheck.self])
}

struct PlaybookCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check playbooks, workflows and connectors, and say what each may do at worst.",
        discussion: """
            Without FILE everything that 'cordon serve' would load is checked. Diagnostics are told with their place; \
            the command then ends with 10.

            EXAMPLES
              cordon playbook check
              cordon playbook check playbooks/secret-leaked.yaml
            """)

    @OptionGroup var common: CommonOptions

    @Argument(help: "Playbook, workflow or connector files; what they refer to comes from the library.")
    var files: [String] = []

    func run() async throws {
        let settings = try await common.settings()
        if files.isEmpty {
            let shelf = try Shelf.load(settings)
            return report(shelf.library.playbooks, shelf.library.workflows)
        }
        var mistakes: [Diagnostic] = []
        var playbooks: [Playbook] = []
        // A mistake in the library's own workflows is told too: a playbook may fail only because of it.
        let workflows = libraryWorkflows(settings, &mistakes)
        for file in files {
            guard let contents = FileManager.default.contents(atPath: file) else {
                throw CommandFailure(.notFound, "there is no file \(file)")
            }
            switch check(Array(contents), file: file, workflows) {
            case .success(let playbook): if let playbook { playbooks.append(playbook) }
            case .failure(let found): mistakes += found.all
            }
        }
        guard !mistakes.contains(where: { $0.severity == .error }) else { throw Diagnostics(mistakes) }
        for warning in mistakes { Output.note(warning.text) }
        report(playbooks, Dictionary(workflows.map { ($0.name, $0) }) { first, _ in first })
    }

    private func libraryWorkflows(_ settings: Settings, _ mistakes: inout [Diagnostic]) -> [Workflow] {
        var workflows: [Workflow] = []
        for file in Shelf.files("workflows", settings, &mistakes) where !files.contains(file.path) {
            switch Workflow.load(file.bytes, file: file.path, digest: digestText(file.bytes)) {
            case .success(let workflow): workflows.append(workflow)
            case .failure(let found): mistakes += found.all
            }
        }
        return workflows
    }

    /// The file's first key says what it is.
    private func check(_ bytes: [UInt8], file: String, _ workflows: [Workflow]) -> Result<Playbook?, Diagnostics> {
        let text = String(decoding: bytes, as: UTF8.self)
        let first = text.split(separator: "\n").first { !$0.hasPrefix("#") && !$0.allSatisfy(\.isWhitespace) } ?? ""
        if first.hasPrefix("workflow:") {
            return Workflow.load(bytes, file: file, digest: digestText(bytes)).flatMap { workflow in
                let others = workflows.filter { $0.name != workflow.name }
                let mistakes = workflow.checkCalls(among: others + [workflow])
                return mistakes.isEmpty ? .success(nil) : .failure(Diagnostics(mistakes))
            }
        }
        if first.hasPrefix("connector:") {
            return Connector.load(bytes, file: file, digest: digestText(bytes)).map { _ in nil }
        }
        return Playbook.load(bytes, file: file, digest: digestText(bytes), workflows: workflows).map { $0 }
    }

    private func report(_ playbooks: [Playbook], _ workflows: [String: Workflow]) {
        let rows = playbooks.map { playbook -> Value in
            let lines = workflows[playbook.workflow]?.allLines ?? []
            let writes = lines.compactMap(\.act?.capability).filter { Capability.named($0)?.isWrite == true }
            return [
                "playbook": .string(playbook.name), "mode": .string(playbook.mode.rawValue),
                "workflow": .string(playbook.workflow), "steps": .int(Int64(lines.count)),
                "writes": .array(writes.map(Value.string)), "digest": .string(playbook.digest),
            ]
        }
        Output.many(
            rows, as: common.output,
            columns: [
                Output.Column("PLAYBOOK") { $0["playbook"]?.stringValue ?? "" },
                Output.Column("MODE") { $0["mode"]?.stringValue ?? "" },
                Output.Column("WORKFLOW") { $0["workflow"]?.stringValue ?? "" },
                Output.Column("STEPS") { "\($0["steps"]?.intValue ?? 0)" },
                Output.Column("AT WORST") {
                    ($0["writes"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: ", ")
                },
                Output.Column("DIGEST") { String(($0["digest"]?.stringValue ?? "").prefix(19)) },
            ])
        if common.output == .table { Output.note("\(rows.count) playbook\(rows.count == 1 ? "" : "s"), no mistakes") }
    }
}
