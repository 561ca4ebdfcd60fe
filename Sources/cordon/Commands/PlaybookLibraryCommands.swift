// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonCore
import CordonEngine
import CordonLanguage
import CordonServer
import CordonStore
import Foundation

struct PlaybookList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List what is in force: mode and digest of each definition, since when, by whom.",
        discussion: """
            What the running server last refused is told too; until it is mended the server stays on what it had.

            EXAMPLES
              cordon playbook list
              cordon playbook list -o json
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let view = try await Desk.open(try await common.settings()).library()
        Output.many(view["definitions"]?.arrayValue ?? [], as: common.output, columns: Self.columns)
        guard common.output == .table else { return }
        let waiting = (view["waiting"]?.arrayValue ?? []).compactMap(\.stringValue)
        if !waiting.isEmpty {
            Output.note("changed, and read at the next start: connector \(waiting.joined(separator: ", "))")
        }
        guard let refused = view["refused"], refused != .null else { return }
        Output.note("refused at \(refused["at"]?.stringValue ?? "") by \(refused["by"]?.stringValue ?? ""):")
        for mistake in refused["mistakes"]?.arrayValue ?? [] { Output.note(mistake.stringValue ?? "") }
    }

    static let columns = [
        Output.Column("KIND") { $0["kind"]?.stringValue ?? "" },
        Output.Column("NAME") { $0["name"]?.stringValue ?? "" },
        Output.Column("MODE") { $0["mode"]?.stringValue ?? "-" },
        Output.Column("DIGEST") { String(($0["digest"]?.stringValue ?? "").prefix(19)) },
        Output.Column("BY") { $0["by"]?.stringValue ?? "" },
        Output.Column("AUTHOR") { line in
            let authors = (line["authors"]?.arrayValue ?? []).compactMap(\.stringValue)
            if !authors.isEmpty { return authors.joined(separator: ", ") }
            return line["shipped"] == true ? "cordon" : "unknown"
        },
        Output.Column("SINCE") { $0["since"]?.stringValue ?? "" },
    ]
}

struct PlaybookReload: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have the running server read its definitions anew, all or none.",
        discussion: """
            The server notices changed files by itself a few seconds after the last change, and on SIGHUP. Runs go on \
            by the digests that they began with. With a mistake anywhere nothing changes, the mistakes are told and \
            stand in the history, and the command ends with 10.

            EXAMPLES
              cordon playbook reload
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let answer = try await Publishing.reload(try await common.settings())
        Output.one(answer, as: common.output) { Publishing.text($0) }
    }
}

struct PlaybookPublish: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Store the definitions under their digests, with who, when and mode, and put them in force.",
        discussion: """
            A running server is asked to, under the name of the token; without one they are stored for its next start. \
            The library is published as a whole: with NAME that playbook has to be in it, and its line alone is told.

            The history names the author, for questions with 'exclude_author': the token's person when a server runs, \
            whom --author names without one. What came into force by a changed file, or without --author, is nobody's, \
            and an auditor is told so; publishing it by name afterwards makes it that person's: with NAME that playbook \
            and its workflows, without it all that is nobody's. What came with the program is no person's.

            EXAMPLES
              cordon playbook publish
              cordon playbook publish secret-leaked
              cordon playbook publish secret-leaked --author alice
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "A playbook of the library.") var name: String?
    @Option(name: .long, help: "Whose work it is, by the name on their token; only where no server runs.") var author:
        String?

    func run() async throws {
        let settings = try await common.settings()
        let shelf = try Shelf.load(settings)
        for warning in shelf.warnings { Output.note(warning.text) }
        if let name, !shelf.library.playbooks.contains(where: { $0.name == name }) {
            let near = nearest(to: name, among: shelf.library.playbooks.map(\.name)).map { "; did you mean '\($0)'?" }
            throw CommandFailure(.notFound, "the library has no playbook '\(name)'\(near ?? "")")
        }
        if try await Client.find(settings) != nil {
            guard author == nil else {
                throw CommandFailure(
                    .usage, "a server runs: the author is whose token it is; leave --author out, and set CORDON_TOKEN")
            }
            _ = try await Publishing.reload(settings, attributing: name ?? "*")
        } else {
            try await Publishing.store(shelf.library, settings, author: try named(author), playbook: name)
        }
        let all = try await Desk.open(settings).library()["definitions"]?.arrayValue ?? []
        let told = all.filter { line in
            guard let name else { return line["kind"]?.stringValue != "connector" }
            return line["kind"]?.stringValue == "playbook" && line["name"]?.stringValue == name
        }
        Output.many(told, as: common.output, columns: PlaybookList.columns)
    }

    private func named(_ author: String?) throws -> DefinitionAuthor? {
        guard let author else {
            Output.note("no author is named: the history says that nobody knows; --author names one")
            return nil
        }
        guard !author.isEmpty, author.utf8.count <= 200, author.isOneVisibleLine else {
            throw CommandFailure(.usage, "--author takes a name as it stands on a token, such as alice")
        }
        return DefinitionAuthor(name: author, knownBy: .word)
    }
}

enum Publishing {
    /// Asks the running server; what it refuses is thrown with its mistakes.
    ///
    /// - Parameter attributing: a playbook, or `*`, that is the caller's where it is nobody's yet.
    static func reload(_ settings: Settings, attributing name: String? = nil) async throws -> Value {
        let client = try await Client.required(settings)
        let query = name.map { "?attribute=" + escaped($0) } ?? ""
        let answer = try await client.ask("POST", "/library/reload" + query)
        guard answer["result"]?.stringValue == "refused" else { return answer }
        let mistakes = (answer["mistakes"]?.arrayValue ?? []).compactMap(\.stringValue)
        for mistake in mistakes { Output.note(mistake) }
        throw CommandFailure(
            .definitionWrong,
            "\(mistakes.count) mistake\(mistakes.count == 1 ? "" : "s"); the server stays on what it had")
    }

    /// Without a server, into the store itself.
    static func store(
        _ library: Library, _ settings: Settings, author: DefinitionAuthor?, playbook: String?
    ) async throws {
        try settings.state.make()
        let store = try SQLiteStore(.readWrite(settings.statePath))
        do {
            let (publisher, by) = (LibraryPublisher(store: store, clock: SystemClock()), NSUserName())
            // With a playbook's name it is that one and its workflows that are theirs, whatever else changes.
            _ = try await publisher.publish(library, by: by, author: playbook == nil ? author : nil)
            if let author { try await publisher.attribute(library, to: author, by: by, playbook: playbook) }
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }

    static func text(_ answer: Value) -> String {
        let changes = answer["changes"]?.arrayValue ?? []
        let waiting = (answer["waiting"]?.arrayValue ?? []).compactMap(\.stringValue)
        var lines = changes.map(line)
        if let guards = answer["guards"], guards != .null { lines.append(self.guards(guards)) }
        if lines.isEmpty { lines.append("nothing changed") }
        if !waiting.isEmpty { lines.append("read at the next start: connector \(waiting.joined(separator: ", "))") }
        return lines.joined(separator: "\n")
    }

    /// `guards.yaml: sha256:… was sha256:…, changed: limits, surge`.
    private static func guards(_ change: Value) -> String {
        let parts = (change["parts"]?.arrayValue ?? []).compactMap(\.stringValue)
        let now = change["digest"]?.stringValue.map { String($0.prefix(19)) } ?? "gone, the standard guards stand"
        let was = change["was"]?.stringValue.map { ", was \($0.prefix(19))" } ?? ", new"
        return "guards.yaml: \(now)\(was), "
            + (parts.isEmpty ? "and guards against the same" : "changed: \(parts.joined(separator: ", "))")
    }

    /// `playbook secret-leaked: sha256:… was sha256:…, mode enforce was shadow`.
    private static func line(_ change: Value) -> String {
        let what = "\(change["kind"]?.stringValue ?? "") \(change["name"]?.stringValue ?? "")"
        guard let digest = change["digest"]?.stringValue else { return "\(what): gone" }
        var text = "\(what): \(digest.prefix(19))"
        text += change["was"]?.stringValue.map { ", was \($0.prefix(19))" } ?? ", new"
        let (mode, before) = (change["mode"]?.stringValue, change["mode_was"]?.stringValue)
        if let mode { text += ", mode \(mode)" + (before.map { $0 == mode ? "" : " was \($0)" } ?? "") }
        return text
    }
}
