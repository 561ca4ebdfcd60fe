// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonCore
import CordonEngine
import CordonEvidence
import CordonLanguage
import CordonStore
import Foundation

struct RetentionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retention", abstract: "Keep records for the law, and erase those of one subject.",
        discussion: """
            Each class has its time, a setting in cordon.yaml: 'retention.alert_bodies' from the receipt of an alert, \
            'retention.evidence' from the end of a run; without one it is kept for ever. A legal hold keeps what it covers \
            until it is released. Erasing takes away what providers and sources said of a subject: bodies and evidence. \
            The history's lines stay, so it still verifies: evidence and bodies are named there by salted digests, which \
            nobody can guess once the salt went with them (bodies of alerts that earlier versions stored by plain ones). \
            What the lines themselves say (ids, decisions, actions) is the record and stays. Each is a line of the history.
            """,
        subcommands: [RetentionHold.self, RetentionRelease.self, RetentionList.self, RetentionErase.self])
}

struct RetentionScope: ParsableArguments {
    @OptionGroup var common: CommonOptions
    @Argument(help: "subject KIND:ID, as 'cordon run list' shows it, or run ID.") var scope: [String]
    @Option(name: .long, help: "Why; it goes into the history.") var reason: String

    func read() throws -> RetentionBook.Scope {
        let text = scope.joined(separator: " ")
        guard let scope = RetentionBook.Scope(text: text) else {
            throw CommandFailure(
                .usage, "'\(text)' can't be held; say subject KIND:ID, such as credential:billing-token, or run ID")
        }
        return scope
    }
}

struct RetentionHold: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold", abstract: "Let nothing of a subject or a run expire or be erased.",
        discussion: """
            EXAMPLES
              cordon retention hold subject credential:billing-token --reason "case 2026-114"
              cordon retention hold run run_01KATB9Z2M8D4W6X1V3C5R7T9Y --reason "case 2026-114"
            """)

    @OptionGroup var options: RetentionScope

    func run() async throws {
        let scope = try options.read()
        try await RetentionPath(settings: try await options.common.settings()).write(
            "/retention/holds", scope, options.reason
        ) { try await $0.hold(scope, by: RetentionPath.here, reason: options.reason) }
        Output.line("\(scope.text): held\nNext: cordon retention release when it may go")
    }
}

struct RetentionRelease: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Lift a legal hold: what it kept has its ordinary time again.",
        discussion: """
            EXAMPLES
              cordon retention release subject credential:billing-token --reason "case 2026-114 is closed"
            """)

    @OptionGroup var options: RetentionScope

    func run() async throws {
        let scope = try options.read()
        try await RetentionPath(settings: try await options.common.settings()).write(
            "/retention/holds/release", scope, options.reason
        ) { try await $0.release(scope, by: RetentionPath.here, reason: options.reason) }
        Output.line("\(scope.text): released")
    }
}

struct RetentionList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the legal holds that stand, what was erased, and what has had its time.",
        discussion: """
            EXAMPLES
              cordon retention list
              cordon retention list -o json | jq .erasures
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let path = RetentionPath(settings: try await common.settings())
        let value = try await path.onStore(.readOnly(path.settings.statePath)) { try await $0.book().value }
        Output.one(value, as: common.output) { value in
            func text(_ item: Value, _ name: String) -> String { printable(item[name]?.stringValue ?? "") }
            let holds = (value["holds"]?.arrayValue ?? []).map {
                "held    \(text($0, "scope")) since \(text($0, "since")) by \(text($0, "by")): \(text($0, "reason"))"
            }
            let erasures = (value["erasures"]?.arrayValue ?? []).map {
                "erased  \(text($0, "subject")) at \(text($0, "at")) by \(text($0, "by")): \(text($0, "reason")) "
                    + "(\($0["alerts"]?.arrayValue?.count ?? 0) bodies, \($0["blobs"]?.arrayValue?.count ?? 0) pieces of evidence)"
            }
            let expired = RetentionBook.Expiration.classes.compactMap { name in
                value.at("expired", name).map { item in
                    "expired \(name.padding(toLength: 13, withPad: " ", startingAt: 0)) "
                        + "\(item["count"]?.intValue ?? 0), the last at \(text(item, "last"))"
                }
            }
            let lines = holds + erasures + expired
            return lines.isEmpty ? "nothing is held, nothing was erased" : lines.joined(separator: "\n")
        }
    }
}

struct RetentionErase: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase", abstract: "Take away the bodies of alerts and the evidence of one subject, for ever.",
        discussion: """
            Refused while a run of it has not ended, and while a legal hold covers it. Backups keep what they hold: erase \
            there too, or let them expire.

            EXAMPLES
              cordon retention erase credential:billing-token --reason "request of 27 November, article 17"
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The subject as KIND:ID, as 'cordon run list' shows it.") var subject: String
    @Option(name: .long, help: "Why; it goes into the history.") var reason: String

    func run() async throws {
        let path = RetentionPath(settings: try await common.settings())
        let erased: Value
        if let client = try await Client.find(path.settings) {
            erased = try await client.ask(
                "POST", "/retention/erasures", ["subject": .string(subject), "reason": .string(reason)])
        } else {
            erased = try await path.onStore(.readWrite(path.settings.statePath)) {
                try await $0.erase(subject: subject, by: RetentionPath.here, reason: reason).body
            }
        }
        Output.one(erased, as: common.output) { value in
            func count(_ name: String) -> Int { value[name]?.arrayValue?.count ?? 0 }
            let shared = count("shared") == 0 ? "" : "; \(count("shared")) stay, which others' runs name too"
            return
                "erased \(count("alerts")) bodies and \(count("blobs")) pieces of evidence of \(count("runs")) runs\(shared)"
        }
    }
}

/// The way to the history: through the server that runs, or by this command itself when none does.
private struct RetentionPath {
    static let here = "cordon (this machine)"

    let settings: Settings

    func write(
        _ route: String, _ scope: RetentionBook.Scope, _ reason: String, _ act: (RetentionDesk) async throws -> Void
    ) async throws {
        if let client = try await Client.find(settings) {
            _ = try await client.ask("POST", route, ["scope": .string(scope.text), "reason": .string(reason)])
        } else {
            try await onStore(.readWrite(settings.statePath), act)
        }
    }

    func onStore<Answer>(
        _ mode: SQLiteStore.Mode, _ act: (RetentionDesk) async throws -> Answer
    ) async throws -> Answer {
        guard FileManager.default.fileExists(atPath: settings.statePath + "/cordon.db") else {
            throw CommandFailure(.notFound, "there is no state folder \(settings.statePath); name it with --state")
        }
        let store = try SQLiteStore(mode)
        do {
            let keeper = EvidenceKeeper(blobs: try settings.blobs())
            let answer = try await act(RetentionDesk(store: store, clock: SystemClock(), evidence: keeper))
            await store.close()
            return answer
        } catch {
            await store.close()
            throw (error as? RetentionRefusal).map(RetentionPath.failure) ?? error
        }
    }

    private static func failure(_ refusal: RetentionRefusal) -> CommandFailure {
        switch refusal.code {
        case .notFound: CommandFailure(.notFound, refusal.reason)
        case .conflict, .held, .live: CommandFailure(.conflict, refusal.reason)
        case .store, .disk: CommandFailure(.failed, refusal.reason)
        }
    }
}
