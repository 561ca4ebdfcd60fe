// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonLanguage
import CordonServer
import CordonStore

struct NotificationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notification", abstract: "See what people were told, and try the channels.",
        discussion: """
            Who is told what stands in connections.yaml under 'notifications': channels (webhook, smtp, pagerduty) and \
            routes. What can't be delivered stops no run: it is tried for a day, then counted as failed and shown here.

            EXAMPLES
              cordon notification list --only failed
              cordon notification test mail
            """,
        subcommands: [NotificationList.self, NotificationTest.self], defaultSubcommand: NotificationList.self)
}

struct NotificationList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List notifications, newest first.",
        discussion: """
            EXAMPLES
              cordon notification list
              cordon notification list --only waiting -o json
            """)

    enum State: String, ExpressibleByArgument, CaseIterable { case waiting, delivered, failed, moot, closed }

    @OptionGroup var common: CommonOptions
    @Option(name: .long, help: "waiting, delivered, failed, moot (nobody had to be told any more) or closed.")
    var only: State?
    @Option(name: .long, help: "At most this many.") var limit = 50

    func run() async throws {
        guard (1...1000).contains(limit) else { throw CommandFailure(.usage, "--limit takes a number from 1 to 1000") }
        let desk = try await Desk.open(try await common.settings())
        Output.many(
            try await desk.notifications(state: only?.rawValue, limit: limit), as: common.output,
            columns: [
                Output.Column("STATE") { $0["state"]?.stringValue ?? "" },
                Output.Column("TO") { $0["receiver"]?.stringValue ?? "" },
                Output.Column("KIND") { $0["kind"]?.stringValue ?? "" },
                Output.Column("PLAYBOOK") { $0["playbook"]?.stringValue ?? "" },
                Output.Column("RUN") { $0["run"]?.stringValue ?? "" },
                Output.Column("MADE") { $0["made_at"]?.stringValue ?? "" },
                Output.Column("TRIES") { ($0["attempts"]?.intValue ?? 0).description },
                Output.Column("PROBLEM") { $0["problem"]?.stringValue ?? "" },
            ])
    }
}

struct NotificationTest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Send a message to a channel now, whatever the routes.",
        discussion: """
            EXAMPLES
              cordon notification test pager
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The channel's id in connections.yaml.") var channel: String

    func run() async throws {
        let settings = try await common.settings()
        guard let client = try await Client.find(settings) else {
            throw CommandFailure(
                .tryAgain, "no server runs on \(display(settings.statePath)); start it with 'cordon serve'")
        }
        let answer = try await client.ask("POST", "/notifications/test", ["channel": .string(channel)])
        guard answer["sent"] == true else {
            throw CommandFailure(.failed, "nobody was reached: \(answer["reason"]?.stringValue ?? "no reason")")
        }
        Output.one(answer, as: common.output) { answer in
            "\(channel): sent to \(answer["receivers"]?.intValue ?? 0) receiver(s)"
        }
    }
}

extension Desk {
    func notifications(state: String?, limit: Int) async throws -> [Value] {
        switch self {
        case .server(let client):
            let more = state.map { "&state=\($0)" } ?? ""
            return try await client.get("/notifications?limit=\(limit)\(more)")["notifications"]?.arrayValue ?? []
        case .store(let store):
            var query = NoticeQuery()
            query.state = state.flatMap(NoticeRecord.State.init)
            query.limit = limit
            return try await store.notices(query).map(NoticeView.row)
        }
    }
}
