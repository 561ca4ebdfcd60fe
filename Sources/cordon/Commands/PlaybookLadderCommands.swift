// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonConnectors
import CordonCore
import CordonEngine
import CordonLanguage
import CordonServer
import CordonStore

struct PlaybookPromote: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote", abstract: "Let a playbook's present digest one rung further, or back.",
        discussion: """
            With a 'ladder' in guards.yaml a new digest begins in shadow, an edited one a rung below the one before, and \
            goes further when its record allows it: so many days and signals in shadow, so many proposals that people \
            accepted, no false alarm among its latest runs. 'mode' of the playbook's file stays the most that it may.

            EXAMPLES
              cordon playbook promote secret-leaked --to propose --reason "two weeks without a surprise"
              cordon playbook promote secret-leaked --to shadow --reason "it is wrong about test keys"
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The playbook.") var name: String
    @Option(name: .long, help: "off, shadow, propose or enforce.") var to: Playbook.Mode
    @Option(name: .long, help: "Why; it goes into the history.") var reason: String
    @Flag(name: .long, help: "Although its record is short of what the ladder asks for.") var force = false

    func run() async throws {
        let client = try await Client.required(try await common.settings())
        let answer = try await client.ask(
            "POST", "/playbooks/\(percentEncoded(name))/mode",
            ["mode": .string(to.rawValue), "reason": .string(reason), "force": .bool(force)])
        Output.one(answer, as: common.output) { _ in "\(name): may go as far as \(to.rawValue)" }
    }
}

struct PlaybookShadowReport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shadow-report",
        abstract: "Tell what a playbook made of the signals that came in, and what it would have done.",
        discussion: """
            Of its present digest: how many signals, on how many identities, what it would have done had it been let to \
            enforce, what its providers told of the states at that moment (read-only), its worst hour, what people said of the alarms ('cordon alert label'), and what is lacking for the \
            next rung. The share of false alarms is told with the most that it may be by so few labels.

            EXAMPLES
              cordon playbook shadow-report secret-leaked
              cordon playbook shadow-report secret-leaked --days 14 -o json
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The playbook.") var name: String
    @Option(name: .long, help: "How many days back.") var days: Int = 30

    func run() async throws {
        guard (1...366).contains(days) else { throw CommandFailure(.usage, "--days is 1 to 366") }
        let settings = try await common.settings()
        let answer = try await Desk.open(settings).trackRecord(name, days, settings)
        Output.one(answer, as: common.output, table: Self.text)
    }

    private static func text(_ view: Value) -> String {
        func int(_ path: String...) -> Int64 {
            path.reduce(view) { $0[$1] ?? .null }.intValue ?? 0
        }
        func share(_ value: Value?) -> String {
            switch value {
            case .double(let share)?: "\(number(share * 100))%"
            case .int(let share)?: "\(share * 100)%"
            default: "-"
            }
        }
        let would = (view["would"]?.objectValue ?? [:]).sorted { $0.key < $1.key }
            .map { "\($0.key) \($0.value.intValue ?? 0)" }.joined(separator: ", ")
        let writes = (view["writes_at_most"]?.objectValue ?? [:]).sorted { $0.key < $1.key }
            .map { "\($0.key) \($0.value.intValue ?? 0)" }.joined(separator: ", ")
        var lines = [
            "\(view["playbook"]?.stringValue ?? "") in \(view["mode"]?.stringValue ?? ""), "
                + "digest \((view["digest"]?.stringValue ?? "").prefix(19))",
            "signals      \(int("signals")) on \(int("identities")) identities, over \(int("days")) days",
            "would have   \(would.isEmpty ? "done nothing" : would)",
        ]
        if !writes.isEmpty { lines.append("at most      \(writes)") }
        if int("looks", "made") > 0 {
            let acts = (view.at("looks", "acts")?.objectValue ?? [:]).sorted { $0.key < $1.key }
                .map { "\($0.key) \($0.value.intValue ?? 0)" }.joined(separator: ", ")
            lines.append(
                "looked up    \(int("looks", "made")) of them at their provider: \(acts.isEmpty ? "nothing" : acts)"
                    + "; \(int("looks", "unread")) states unread")
        }
        if let worst = view["worst_hour"] {
            lines.append(
                "worst hour   \(worst["runs"]?.intValue ?? 0) runs on \(worst["identities"]?.intValue ?? 0) "
                    + "identities, from \(worst["from"]?.stringValue ?? "")")
        }
        lines.append(
            "labels       \(int("labels", "true_positive")) right, \(int("labels", "false_positive")) false, "
                + "\(int("labels", "none")) without")
        if let false_ = view["false_share"] {
            lines.append("false share  \(share(false_["seen"])), at most \(share(false_["at_most"])) by so many labels")
        }
        lines.append(
            "proposals    \(int("proposals", "accepted")) accepted, \(int("proposals", "declined")) declined")
        if let next = view["next"] {
            let lacks = (next["lacks"]?.arrayValue ?? []).compactMap(\.stringValue)
            lines.append(
                "next rung    \(next["mode"]?.stringValue ?? ""): "
                    + (lacks.isEmpty ? "nothing is lacking" : lacks.joined(separator: "; ")))
        }
        return lines.joined(separator: "\n")
    }
}

extension Desk {
    /// What a playbook made of what came in: as the server has it, or as the store and the files tell.
    fileprivate func trackRecord(_ name: String, _ days: Int, _ settings: Settings) async throws -> Value {
        switch self {
        case .server(let client):
            return try await client.get("/playbooks/\(percentEncoded(name))/track-record?days=\(days)")
        case .store(let store):
            let library = try Shelf.load(settings).library
            guard let playbook = library.playbooks.first(where: { $0.name == name }) else {
                throw CommandFailure(.notFound, "there is no playbook '\(name)'; see 'cordon playbook list'")
            }
            let log = try await store.guardLog()
            var standing = Standing()
            log.tell(&standing)
            let since = SystemClock().now.adding(milliseconds: -Int64(days) * 86_400_000)
            let record = try await store.trackRecord(
                of: playbook.pin, running: library.workflows[playbook.workflow]?.pin, log.labels, since: since)
            return TrackRecordView.make(record, playbook, library, standing)
        }
    }
}
