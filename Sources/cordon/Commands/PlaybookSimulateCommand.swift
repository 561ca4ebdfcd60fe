// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonConnectors
import CordonCore
import CordonEngine
import CordonLanguage
import Foundation

extension Playbook.Mode: ExpressibleByArgument {}

struct PlaybookSimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Say what a draft would have made of the alerts of the last days, beside what was made of them.",
        discussion: """
            Reads stored signals and decisions, from the running server or from the state folder, and decides them anew \
            with the draft and the identities of today; whom those don't know is whom a provider named when the alert \
            came. Nothing is called and nothing is stored. What hangs on the answers of people or providers is counted \
            as 'perhaps'. What the draft would call stands beside what the playbook in force would call of the same \
            signals; runs whose provider can't do what their workflow asks for are counted by themselves: they would \
            ask a person.

            EXAMPLES
              cordon playbook simulate secret-leaked --days 30
              cordon playbook simulate drafts/secret-leaked.yaml --days 30 --mode enforce
              cordon playbook simulate secret-leaked --workflow drafts/token-revocation.yaml
            """)

    @OptionGroup var common: CommonOptions

    @Argument(help: ArgumentHelp("A playbook of the library by its name, or a draft's file.", valueName: "name|file"))
    var draft: String

    @Option(name: .long, help: "How many days to look back.")
    var days = 30

    @Option(name: .long, help: "A draft's file, in place of the library's workflow of that name; may be repeated.")
    var workflow: [String] = []

    @Option(name: .long, help: "Decide in this mode instead of the draft's own: shadow, propose or enforce.")
    var mode: Playbook.Mode?

    func run() async throws {
        guard (1...3650).contains(days) else {
            throw CommandFailure(.usage, "--days is \(days); it takes a number from 1 to 3650")
        }
        let settings = try await common.settings()
        let shelf = try Shelf.load(settings)
        let library = shelf.library
        let drafted = try workflows(library)
        var playbook = try playbook(library, drafted)
        playbook.mode = mode ?? playbook.mode
        func decider(_ playbooks: [Playbook], _ workflows: [Workflow]) -> Library {
            var decider = Library(
                playbooks: playbooks, workflows: workflows, inventory: library.inventory, guards: library.guards)
            decider.inventory.isWidened = shelf.connectors.values.contains { $0.provider?.lookups.isEmpty == false }
            return decider
        }
        let draft = decider([playbook], drafted)
        let inForce = decider(
            library.playbooks.filter { $0.name == playbook.name }, Array(library.workflows.values))
        let offered = shelf.connections.providers.reduce(into: [String: Set<String>]()) { offered, provider in
            offered[provider.id] = Set((shelf.connectors[provider.connector]?.provider?.contracts ?? [:]).keys)
        }
        let since = SystemClock().now.adding(milliseconds: -Int64(days) * 86_400_000)
        let given = try await Desk.open(settings).given(since: since, playbook: playbook.name, draft)
        let own = given.filter { $0.signal.kind == playbook.trigger.signalKind }
        let hindcast = Hindcast(own, draft, offered: offered)
        let report = HindcastReport(
            hindcast: hindcast, inForce: Hindcast(own, inForce, offered: offered), playbook: playbook, days: days,
            signals: given.count, since: since)
        Output.one(report.value, as: common.output) { _ in report.text }
    }

    /// The library's workflows, with the drafts in place of those of their names.
    private func workflows(_ library: Library) throws -> [Workflow] {
        var workflows = library.workflows
        for path in workflow {
            guard let bytes = BoundedFile.contents(path) else {
                throw CommandFailure(.notFound, "there is no file '\(path)', or it is no definition")
            }
            let draft = try Workflow.admit(bytes, file: path, digest: digestText(bytes)).get()
            workflows[draft.name] = draft
        }
        let mistakes =
            workflow.isEmpty ? [] : workflows.values.flatMap { $0.checkCalls(among: Array(workflows.values)) }
        guard mistakes.isEmpty else { throw Diagnostics(mistakes) }
        return Array(workflows.values)
    }

    private func playbook(_ library: Library, _ workflows: [Workflow]) throws -> Playbook {
        if let known = library.playbooks.first(where: { $0.name == draft }) {
            // By the drafts it may be refused, as it would be were they in force.
            let source = library.sources.first { $0.kind == .playbook && $0.digest == known.digest }
            guard !workflow.isEmpty, let source else { return known }
            return try Playbook.load(
                source.bytes, file: "\(known.name).yaml", digest: known.digest, workflows: workflows
            ).get()
        }
        guard let bytes = BoundedFile.contents(draft) else {
            let near = nearest(to: draft, among: library.playbooks.map(\.name)).map { "; did you mean '\($0)'?" }
            throw CommandFailure(.notFound, "there is no playbook and no file '\(draft)'\(near ?? "")")
        }
        return try Playbook.load(
            bytes, file: draft, digest: digestText(bytes), workflows: workflows
        ).get()
    }
}

/// A hindcast for a person and for a script.
struct HindcastReport {
    var hindcast: Hindcast
    /// What the playbook in force, if there is one, makes of the same signals.
    var inForce: Hindcast
    var playbook: Playbook
    var days: Int
    /// Of all kinds.
    var signals: Int
    var since: Instant

    private static let verdicts: [Decision.Verdict] = [.enforce, .propose, .undecided, .shadow, .deny, .ignore]
    /// What a person reads of differences; a script gets all.
    private static let shownMax = 50

    var text: String {
        var lines = [
            "\(playbook.name), mode \(playbook.mode.rawValue), over \(counted(days, "day")): "
                + "\(counted(hindcast.lines.count, "signal")) of kind \(playbook.trigger.signalKind), \(signals) in all",
            "",
            Output.table(
                Self.verdicts.map { verdict in
                    [
                        "verdict": .string(verdict.rawValue), "draft": .int(Int64(hindcast.count(verdict))),
                        "live": .int(Int64(hindcast.liveCount(verdict))),
                    ]
                },
                [
                    Output.Column("VERDICT") { $0["verdict"]?.stringValue ?? "" },
                    Output.Column("DRAFT") { "\($0["draft"]?.intValue ?? 0)" },
                    Output.Column("LIVE") { "\($0["live"]?.intValue ?? 0)" },
                ]),
            "",
        ]
        lines += effects
        if differences.isEmpty {
            lines.append("no decision differs from the one that was made, and nothing else would be called")
        } else {
            lines.append("\(counted(differences.count, "decision")) differ\(differences.count == 1 ? "s" : "")")
            lines.append(table(differences.prefix(Self.shownMax)))
            let more = differences.count - Self.shownMax
            if more > 0 { lines.append("and \(more) more; -o json has all") }
        }
        return lines.joined(separator: "\n")
    }

    /// What it would do, each with what is in force where that does otherwise.
    private var effects: [String] {
        func hour(_ hindcast: Hindcast) -> String {
            hindcast.worstHour.map { "\(counted($0.runs, "run")) from \($0.from.description)" } ?? "none"
        }
        let rows: [(name: String, said: (Hindcast) -> String)] = [
            ("runs opened", { "\($0.opened.count)" }), ("identities changed", { "\($0.identities.count)" }),
            ("calls", { listed($0.plan.certain) }), ("calls, perhaps", { listed($0.plan.perhaps) }),
            ("worst hour", hour),
        ]
        var lines = rows.map { row in
            let (draft, live) = (row.said(hindcast), row.said(inForce))
            let name = row.name.padding(toLength: 20, withPad: " ", startingAt: 0)
            return name + draft + (draft == live ? "" : "  (in force: \(live))")
        }
        if let first = hindcast.lacking.first?.lack {
            lines.append("would ask a person  \(counted(hindcast.lacking.count, "run")): \(first)")
        }
        return lines + [""]
    }

    private var differences: [Hindcast.Line] {
        let other = Set(hindcast.differences(from: inForce).map(\.given.signal.id))
        return hindcast.lines.filter { $0.isDifferent || other.contains($0.given.signal.id) }
    }

    private func table(_ lines: some Collection<Hindcast.Line>) -> String {
        Output.table(
            lines.map(value),
            [
                Output.Column("ALERT") { $0["alert"]?.stringValue ?? "" },
                Output.Column("AT") { $0["at"]?.stringValue ?? "" },
                Output.Column("LIVE") { $0["live"]?.stringValue ?? "" },
                Output.Column("DRAFT") { $0["draft"]?.stringValue ?? "" },
                Output.Column("WHY") { $0["because"]?.arrayValue?.last?.stringValue ?? "its trigger does not hold" },
            ])
    }

    private func listed(_ counts: [String: Int]) -> String {
        counts.isEmpty
            ? "none" : counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }

    var value: Value {
        let plan = hindcast.plan
        func counts(_ counts: [String: Int]) -> Value { .object(counts.mapValues { .int(Int64($0)) }) }
        return [
            "playbook": .string(playbook.name), "digest": .string(playbook.digest),
            "mode": .string(playbook.mode.rawValue), "since": .string(since.description),
            "signals": .int(Int64(hindcast.lines.count)), "signals_of_all_kinds": .int(Int64(signals)),
            "draft": counts(Dictionary(uniqueKeysWithValues: Self.verdicts.map { ($0.rawValue, hindcast.count($0)) })),
            "live": counts(
                Dictionary(uniqueKeysWithValues: Self.verdicts.map { ($0.rawValue, hindcast.liveCount($0)) })),
            "runs": .int(Int64(hindcast.opened.count)),
            "identities": .array(hindcast.identities.sorted().map(Value.string)),
            "calls": counts(plan.certain), "calls_perhaps": counts(plan.perhaps),
            "worst_hour": hindcast.worstHour.map {
                ["from": .string($0.from.description), "runs": .int(Int64($0.runs))]
            } ?? .null,
            "would_ask": .int(Int64(hindcast.lacking.count)),
            "in_force": [
                "runs": .int(Int64(inForce.opened.count)),
                "identities": .array(inForce.identities.sorted().map(Value.string)),
                "calls": counts(inForce.plan.certain), "calls_perhaps": counts(inForce.plan.perhaps),
            ],
            "differences": .array(differences.map(value)),
        ]
    }

    private func value(_ line: Hindcast.Line) -> Value {
        [
            "alert": .string(line.given.signal.alert.text), "signal": .string(line.given.signal.id.text),
            "at": .string(line.given.decidedAt.description), "live": .string(line.given.live.rawValue),
            "draft": .string(line.verdict.rawValue), "subject": line.subject.map(Value.string) ?? .null,
            "calls": .object(line.plan.certain.mapValues { .int(Int64($0)) }),
            "calls_perhaps": .object(line.plan.perhaps.mapValues { .int(Int64($0)) }),
            "because": .array(line.because.map(Value.string)),
        ]
    }
}
