// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation

struct PlaybookCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "playbook", abstract: "Write, check and publish playbooks and workflows.",
        subcommands: [
            PlaybookCheck.self, PlaybookDiff.self, PlaybookFormat.self, PlaybookList.self, PlaybookPublish.self,
            PlaybookGraph.self, PlaybookNew.self, PlaybookReload.self, PlaybookTestCommand.self,
            PlaybookSimulateCommand.self, PlaybookPromote.self, PlaybookShadowReport.self,
        ])
}

struct PlaybookCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check playbooks, workflows and connectors, and say what each may do at worst.",
        discussion: """
            Without FILE everything that 'cordon serve' would load is checked, and the tests beside the playbooks are \
            read. Diagnostics are told with their place; the command then ends with 10. What is told of a good one is \
            the most that one run can do: every list at its 'max', every branch, rung and called workflow. What is \
            above 'policy' of cordon.yaml is refused, and so is a playbook whose workflow asks for what no provider of \
            its subjects can do or undo; when only some of them can't, a warning names these.

            EXAMPLES
              cordon playbook check
              cordon playbook check playbooks/secret-leaked.yaml
            """)

    @OptionGroup var common: CommonOptions

    @Argument(help: "Playbook, test, workflow or connector files; what they refer to comes from the library.")
    var files: [String] = []

    func run() async throws {
        let settings = try await common.settings()
        if files.isEmpty {
            let shelf = try Shelf.load(settings)
            for warning in shelf.warnings { Output.note(warning.text) }
            try checkTests(settings)
            return report(shelf.library.playbooks.map(Checked.playbook), shelf.library.workflows)
        }
        var mistakes: [Diagnostic] = []
        var good: [Checked] = []
        // A mistake in the library's own workflows is told too: a playbook may fail only because of it.
        let (workflows, unread) = libraryWorkflows(settings, &mistakes)
        for file in files {
            let contents = try definition(file)
            switch check(contents, file: file, workflows, unread, settings) {
            case .success(let checked):
                good.append(checked)
                guard case .playbook(let playbook) = checked else { continue }
                // What it runs is only as good as what that calls.
                mistakes +=
                    workflows.first { $0.name == playbook.workflow }?.reached(among: workflows)
                    .flatMap { $0.checkCalls(among: workflows, unread: unread) } ?? []
                mistakes += Shelf.abovePolicy(
                    [playbook], workflows, [Shelf.File(path: file, bytes: contents)], settings)
                let guards = Shelf.guards(settings, &mistakes)
                mistakes += Shelf.looserThan(
                    guards, [playbook], [Shelf.File(path: file, bytes: contents)])
                let fit = Shelf.providerFit(settings, &mistakes)
                mistakes += fit.mistakes(of: playbook, among: workflows, bytes: contents, file: file)
            case .failure(let found): mistakes += found.all
            }
        }
        guard !mistakes.contains(where: { $0.severity == .error }) else { throw Diagnostics(mistakes) }
        for warning in mistakes { Output.note(warning.text) }
        report(good, Dictionary(workflows.map { ($0.name, $0) }) { first, _ in first })
    }

    private func definition(_ file: String) throws -> [UInt8] {
        switch BoundedFile.load(file) {
        case .success(let bytes): return bytes
        case .failure(.unreadable): throw CommandFailure(.notFound, "there is no file \(file)")
        case .failure(let fault): throw CommandFailure(.definitionWrong, "\(file): \(fault.words)")
        }
    }

    /// Tests are read and not played; a playbook without one is told of, as nobody has seen what it does.
    private func checkTests(_ settings: Settings) throws {
        let definitions = try Definitions(settings)
        let named = definitions.testNames()
        let mistakes = named.flatMap { name -> [Diagnostic] in
            if case .failure(let found) = definitions.test(name) { found.all } else { [] }
        }
        guard mistakes.isEmpty else { throw Diagnostics(mistakes) }
        // What came with the program was tested where it was made.
        let shipped = Set(definitions.sources.filter(\.isShipped).map(\.digest))
        for playbook in definitions.playbooks where !named.contains(playbook.name) && !shipped.contains(playbook.digest)
        {
            Output.note(definitions.untested(playbook.name, severity: .warning).text)
        }
    }

    /// The library's workflows, and the names of those with mistakes.
    private func libraryWorkflows(
        _ settings: Settings, _ mistakes: inout [Diagnostic]
    ) -> ([Workflow], unread: Set<String>) {
        var workflows: [Workflow] = []
        let library = Shelf.files("workflows", settings, &mistakes)
        for file in library {
            switch Workflow.admit(file.bytes, file: file.path, digest: digestText(file.bytes)) {
            case .success(let workflow): workflows.append(workflow)
            // What is to be checked by itself is told there.
            case .failure(let found): if !files.contains(file.path) { mistakes += found.all }
            }
        }
        return (workflows, Shelf.names(library).subtracting(workflows.map(\.name)))
    }

    /// The file's first key says what it is.
    private func check(
        _ bytes: [UInt8], file: String, _ workflows: [Workflow], _ unread: Set<String>, _ settings: Settings
    ) -> Result<Checked, Diagnostics> {
        let text = String(decoding: bytes, as: UTF8.self)
        let first = text.split(separator: "\n").first { !$0.hasPrefix("#") && !$0.allSatisfy(\.isWhitespace) } ?? ""
        if first.hasPrefix("workflow:") {
            return Workflow.admit(bytes, file: file, digest: digestText(bytes)).flatMap { workflow in
                let others = workflows.filter { $0.name != workflow.name }
                let mistakes = workflow.checkCalls(among: others + [workflow], unread: unread)
                return mistakes.isEmpty ? .success(.workflow(workflow)) : .failure(Diagnostics(mistakes))
            }
        }
        if first.hasPrefix("connector:") {
            return Connector.load(bytes, file: file, digest: digestText(bytes)).map { _ in .other }
        }
        if first.hasPrefix("test:") { return checkTest(bytes, file: file, settings) }
        return Playbook.load(
            bytes, file: file, digest: digestText(bytes), workflows: workflows, unread: unread
        ).map(Checked.playbook)
    }

    /// Fixtures lie beside the test, wherever that is; what it names comes from the library.
    private func checkTest(_ bytes: [UInt8], file: String, _ settings: Settings) -> Result<Checked, Diagnostics> {
        do throws(Diagnostics) {
            let folder = absolute(
                (file as NSString).deletingLastPathComponent, in: FileManager.default.currentDirectoryPath)
            return try Definitions(settings).test(bytes, file: file, folder: folder).map { _ in .other }
        } catch { return .failure(error) }
    }

    /// What a file without mistakes was.
    private enum Checked {
        case playbook(Playbook)
        case workflow(Workflow)
        /// A test or a connector: no run is made of it alone.
        case other
    }

    private func report(_ good: [Checked], _ workflows: [String: Workflow]) {
        let rows = good.compactMap { checked -> Value? in
            switch checked {
            case .playbook(let playbook):
                let worst = workflows[playbook.workflow].map { WorstCase(of: $0, among: workflows) } ?? WorstCase()
                var members = row(worst, playbook.workflow, playbook.digest)
                members["playbook"] = .string(playbook.name)
                members["mode"] = .string(playbook.mode.rawValue)
                return .object(members)
            case .workflow(let workflow):
                let known = workflows.merging([workflow.name: workflow]) { _, own in own }
                return .object(row(WorstCase(of: workflow, among: known), workflow.name, workflow.digest))
            case .other: return nil
            }
        }
        if !rows.isEmpty || common.output != .table { tell(rows) }
        if common.output == .table { Output.note("\(Self.counted(good)), no mistakes") }
    }

    /// `2 playbooks, 1 workflow`.
    private static func counted(_ good: [Checked]) -> String {
        var counts = (playbooks: 0, workflows: 0, others: 0)
        for checked in good {
            switch checked {
            case .playbook: counts.playbooks += 1
            case .workflow: counts.workflows += 1
            case .other: counts.others += 1
            }
        }
        let words = [
            (counts.playbooks, "playbook"), (counts.workflows, "workflow"), (counts.others, "other file"),
        ].filter { $0.0 > 0 }.map { "\($0) \($1)\($0 == 1 ? "" : "s")" }
        return words.isEmpty ? "0 playbooks" : words.joined(separator: ", ")
    }

    private func row(_ worst: WorstCase, _ workflow: String, _ digest: String) -> [String: Value] {
        [
            "workflow": .string(workflow), "steps": .int(Int64(worst.steps)),
            "writes": .object(worst.writes.mapValues { .int(Int64($0)) }),
            "irreversible": .int(Int64(worst.irreversible)), "questions": .int(Int64(worst.questions)),
            "longest_hold_ms": .int(worst.longestHoldMilliseconds), "digest": .string(digest),
        ]
    }

    private func tell(_ rows: [Value]) {
        Output.many(
            rows, as: common.output,
            columns: [
                Output.Column("PLAYBOOK") { $0["playbook"]?.stringValue ?? "-" },
                Output.Column("MODE") { $0["mode"]?.stringValue ?? "-" },
                Output.Column("WORKFLOW") { $0["workflow"]?.stringValue ?? "" },
                Output.Column("STEPS") { "\($0["steps"]?.intValue ?? 0)" },
                Output.Column("ASKS") { "\($0["questions"]?.intValue ?? 0)" },
                Output.Column("HOLDS") { Self.span($0["longest_hold_ms"]?.intValue ?? 0) },
                Output.Column("NOT UNDONE") { "\($0["irreversible"]?.intValue ?? 0)" },
                Output.Column("AT WORST") { Self.writes($0["writes"]?.objectValue ?? [:]) },
                Output.Column("DIGEST") { String(($0["digest"]?.stringValue ?? "").prefix(19)) },
            ])
    }

    private static func span(_ milliseconds: Int64) -> String {
        milliseconds == 0 ? "-" : "up to \(YAMLDuration.text(milliseconds: milliseconds))"
    }

    /// `tokens.revoke, scopes.reduce 50 times`.
    private static func writes(_ counts: [String: Value]) -> String {
        guard !counts.isEmpty else { return "nothing" }
        return counts.keys.sorted().map { name in
            let count = counts[name]?.intValue ?? 1
            return count == 1 ? name : "\(name) \(count) times"
        }.joined(separator: ", ")
    }
}
