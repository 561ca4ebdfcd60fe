// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonCore
import CordonEngine
import CordonLanguage
import CordonServer
import CordonStore

struct GuardCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "guard", abstract: "See how far automation may still go, and what holds it back.",
        subcommands: [GuardList.self, GuardClose.self], defaultSubcommand: GuardList.self)
}

struct GuardList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List every guard with its present numbers.",
        discussion: """
            What is used and left of each limit, how many signals match and from how many on it is a surge, which freeze \
            is on, whom nobody touches, whose score is near. VERDICT is what the guard would make of a signal now, \
            whomever it is about. Guards are set in guards.yaml; a playbook's own can only be stricter.

            EXAMPLES
              cordon guard list
              cordon guard list --playbook secret-leaked -o json
            """)

    @OptionGroup var common: CommonOptions

    @Option(name: .long, help: "Only the guards of this playbook.")
    var playbook: String?

    func run() async throws {
        let settings = try await common.settings()
        let all = try await Desk.open(settings).guards(settings)
        if let playbook, !all.contains(where: { $0["playbook"] == .string(playbook) }) {
            throw CommandFailure(.notFound, "no guard is of a playbook '\(playbook)' that is in force")
        }
        Output.many(
            all.filter { row in playbook.map { row["playbook"] == .string($0) } ?? true }, as: common.output,
            columns: [
                Output.Column("PLAYBOOK") { $0["playbook"]?.stringValue ?? "(all)" },
                Output.Column("GUARD") { $0["guard"]?.stringValue ?? "" },
                Output.Column("VERDICT") { $0["verdict"]?.stringValue ?? "" },
                Output.Column("STATE") { $0["says"]?.stringValue ?? "" },
            ])
    }
}

extension Desk {
    /// How the guards stand: as the server has it, or as the store and the files tell.
    fileprivate func guards(_ settings: Settings) async throws -> [Value] {
        switch self {
        case .server(let client): return try await client.get("/guards")["guards"]?.arrayValue ?? []
        case .store(let store):
            let now = SystemClock().now
            var standing = try await store.standing(at: now)
            var book = SurgeBook()
            while true {
                let page = try await store.history(SurgeBook.stream, from: book.number + 1, limit: 500)
                for indexed in page { try book.apply(indexed.entry) }
                if page.count < 500 { break }
            }
            try await store.guardLog().tell(&standing)
            for (playbook, notice) in book.standing { standing.surges[playbook] = notice.since }
            let halts = try await store.standingHalts().map(\.reported)
            return GuardReport(try Shelf.load(settings, isStart: true).library, standing, halts: halts, at: now).rows
                .map(\.value)
        }
    }
}
