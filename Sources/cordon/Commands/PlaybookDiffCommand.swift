// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation

struct PlaybookDiff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Say in sentences what changes between two versions of a playbook or workflow.",
        discussion: """
            OLD and NEW are files, digests of stored definitions (sha256:… or as much of it as 'cordon playbook list' \
            shows), or names, which mean the version in force. Without NEW the version in force is compared with the \
            library's file of that name. Of a playbook its guards are compared too, and so are the workflows that it runs: \
            those in force beside those of the library, where one version is stored and the other a file. A sentence that \
            begins with ! is one by which more is done, or with less consent or less of a way back, or of which that can't \
            be told.

            Ends like diff(1): 0 when nothing differs, 1 when something does; 10 when a version can't be read.

            EXAMPLES
              cordon playbook diff secret-leaked
              cordon playbook diff secret-leaked playbooks/secret-leaked.yaml
              cordon playbook diff sha256:b3b232ca0076 secret-leaked
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "A file, a digest or a name.") var old: String
    @Argument(help: "A file, a digest or a name.") var new: String?

    func run() async throws {
        let settings = try await common.settings()
        let versions = try await DefinitionVersions(settings)
        let before = try await versions.find(old)
        let after = try await versions.find(new ?? versions.file(of: before))
        guard before.kind == after.kind else {
            throw CommandFailure(.usage, "a \(before.kind.rawValue) can't be compared with a \(after.kind.rawValue)")
        }
        let differences = try versions.differences(before, after)
        Output.many(
            differences.map { ["text": .string($0.text), "riskier": .bool($0.isRiskier)] }, as: common.output,
            columns: [
                Output.Column("") { $0["riskier"] == true ? "!" : " " },
                Output.Column("\(before.label) → \(after.label)") { $0["text"]?.stringValue ?? "" },
            ])
        guard !differences.isEmpty || before.bytes != after.bytes else { return }
        if differences.isEmpty { Output.note("they differ in form alone") }
        throw ExitCode(Exit.failed.rawValue)
    }
}

/// Where versions of definitions are found: files, the store, and what is in force.
struct DefinitionVersions {
    struct Version {
        var kind: Library.Source.Kind
        var name: String
        var label: String
        var bytes: [UInt8]
        /// It comes from the store: the workflows that it runs are those in force, and not the library's.
        var isStored = false
    }

    private let settings: Settings
    private let desk: Desk?
    private var lines: [Value] = []
    private let workflows: [Workflow]
    /// Those in force, where there is an installation.
    private var workflowsInForce: [Workflow]

    init(_ settings: Settings) async throws {
        self.settings = settings
        // Two files can be compared where there is no installation.
        let hasState = FileManager.default.fileExists(atPath: settings.statePath)
        desk = hasState ? try await Desk.open(settings) : nil
        if let desk { lines = try await desk.library()["definitions"]?.arrayValue ?? [] }
        var mistakes: [Diagnostic] = []
        workflowsInForce = []
        workflows = Shelf.files("workflows", settings, &mistakes).compactMap {
            try? Workflow.load($0.bytes, file: $0.path, digest: digestText($0.bytes)).get()
        }
        for line in lines where line["kind"]?.stringValue == "workflow" {
            guard let digest = line["digest"]?.stringValue, let bytes = try await desk?.definition(digest) else {
                continue
            }
            // Read under a pin: what is in force need not keep rules that came later.
            let name = "\(line["name"]?.stringValue ?? "")@"
            if let workflow = try? Workflow.load(bytes, file: name, digest: digest).get() {
                workflowsInForce.append(workflow)
            }
        }
    }

    func find(_ text: String) async throws -> Version {
        if FileManager.default.fileExists(atPath: text) { return try file(text) }
        guard let desk else {
            throw CommandFailure(
                .notFound, "there is no file \(text), and no state folder \(display(settings.statePath)) to look in")
        }
        if let version = try await stored(text, desk) { return version }
        let names = lines.compactMap { $0["name"]?.stringValue }
        let near = nearest(to: text, among: names).map { "; did you mean '\($0)'?" } ?? ""
        throw CommandFailure(.notFound, "'\(text)' is no file, no stored digest and no definition in force\(near)")
    }

    private func stored(_ text: String, _ desk: Desk) async throws -> Version? {
        let isDigest = text.hasPrefix("sha256:")
        let found = lines.filter { line in
            isDigest
                ? line["digest"]?.stringValue?.hasPrefix(text) == true
                : line["name"]?.stringValue == text
                    && ["playbook", "workflow"].contains(line["kind"]?.stringValue)
        }
        let line = found.first { $0["kind"]?.stringValue == "playbook" } ?? found.first
        let digest = line?["digest"]?.stringValue ?? text
        guard isDigest || line != nil, let bytes = try await desk.definition(digest) else { return nil }
        var version = try version(bytes, file: "\(text)@\(digest.prefix(19))", label: String(digest.prefix(19)))
        version.isStored = true
        return version
    }

    private func file(_ path: String) throws -> Version {
        guard let contents = BoundedFile.contents(path) else {
            throw CommandFailure(.failed, "the file \(path) can't be read, or is no definition")
        }
        return try version(contents, file: display(path), label: display(path))
    }

    private func version(_ bytes: [UInt8], file: String, label: String) throws -> Version {
        let document = try YAMLDocument.parse(bytes, file: file, limits: .definition)
        for kind in [Library.Source.Kind.playbook, .workflow] {
            guard let name = document.root[kind.rawValue]?.scalar?.text else { continue }
            return Version(kind: kind, name: name, label: label, bytes: bytes)
        }
        throw CommandFailure(.usage, "\(label) is neither a playbook nor a workflow")
    }

    /// The library's file of that name.
    func file(of version: Version) throws -> String {
        let folder = version.kind == .playbook ? "playbooks" : "workflows"
        let path = absolute("\(folder)/\(version.name).yaml", in: settings.libraryPath)
        guard FileManager.default.fileExists(atPath: path) else {
            throw CommandFailure(.notFound, "there is no file \(display(path)) to compare it with; name one")
        }
        return path
    }

    func differences(_ old: Version, _ new: Version) throws -> [Difference] {
        switch old.kind {
        case .playbook:
            let (before, after) = (try playbook(old), try playbook(new))
            return before.differences(to: after)
                + followed(before.workflow, among(old), from: after.workflow, among(new))
        case .workflow, .connector, .configuration:
            let (before, after) = (try workflow(old), try workflow(new))
            return before.differences(to: after, among: named(among(old)), and: named(among(new)))
        }
    }

    /// The workflows that a version runs or calls.
    private func among(_ version: Version) -> [Workflow] {
        version.isStored && !workflowsInForce.isEmpty ? workflowsInForce : workflows
    }

    private func named(_ workflows: [Workflow]) -> [String: Workflow] {
        Dictionary(workflows.map { ($0.name, $0) }) { first, _ in first }
    }

    /// What is otherwise in the workflows that both versions of a playbook run; another workflow is told as such.
    private func followed(
        _ name: String, _ old: [Workflow], from later: String, _ new: [Workflow]
    ) -> [Difference] {
        guard name == later else { return [] }
        let (before, after) = (named(old), named(new))
        var found: [Difference] = []
        var told: Set<String> = []
        var open = [name]
        while let next = open.popLast() {
            guard told.insert(next).inserted, let one = before[next], let other = after[next] else { continue }
            open += other.calledNames
            guard one.digest != other.digest else { continue }
            found += one.differences(to: other, among: before, and: after).map {
                Difference("workflow \(next): \($0.text)", riskier: $0.isRiskier)
            }
        }
        return found
    }

    /// Read under a pin: its file need not be named like it, nor keep rules that came later.
    private func workflow(_ version: Version) throws -> Workflow {
        try unpinned(
            version, Workflow.load(version.bytes, file: version.pinned, digest: digestText(version.bytes)))
    }

    private func playbook(_ version: Version) throws -> Playbook {
        try unpinned(
            version,
            Playbook.load(
                version.bytes, file: version.pinned, digest: digestText(version.bytes), workflows: among(version),
                bearsYoung: true))
    }

    /// Mistakes are told at the version as its author knows it.
    private func unpinned<Item>(_ version: Version, _ loaded: Result<Item, Diagnostics>) throws -> Item {
        try loaded.mapError { found in
            Diagnostics(
                found.all.map { diagnostic in
                    var named = diagnostic
                    named.place.file = version.label
                    return named
                })
        }.get()
    }
}

extension DefinitionVersions.Version {
    /// A name that no file has: the version need not be named like the file that it once was.
    fileprivate var pinned: String { "\(label)@" }
}
