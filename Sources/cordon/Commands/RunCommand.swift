// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonEngine
import CordonLanguage
import Foundation

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "See runs, and decide about those that wait for a person.",
        subcommands: [RunList.self, RunShow.self, RunWhy.self, RunResume.self, RunCancel.self, RunResolve.self])
}

struct RunList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List runs, newest first.",
        discussion: """
            EXAMPLES
              cordon run list
              cordon run list --phase asked -o json
            """)

    @OptionGroup var common: CommonOptions

    @Option(name: .long, help: "running, asked or ended.")
    var phase: String?

    @Option(name: .long, help: "Only runs of this playbook.")
    var playbook: String?

    @Option(name: .long, help: "At most this many.")
    var limit = 50

    func run() async throws {
        if let phase, !["running", "asked", "ended"].contains(phase) {
            throw CommandFailure(.usage, "--phase is '\(phase)'; it takes running, asked or ended")
        }
        let desk = try await Desk.open(try await common.settings())
        let runs = try await desk.runs(phase: phase, playbook: playbook, limit: limit)
        Output.many(
            runs, as: common.output,
            columns: [
                Output.Column("RUN") { $0["id"]?.stringValue ?? "" },
                Output.Column("PHASE") { $0["phase"]?.stringValue ?? "" },
                Output.Column("PLAYBOOK") { $0["playbook"]?["name"]?.stringValue ?? "" },
                Output.Column("SUBJECT") { $0["subject"]?.stringValue ?? "" },
                Output.Column("WAITS FOR") { $0["waits_for"]?.stringValue ?? "" },
                Output.Column("AGE") { age($0["age_ms"]?.intValue ?? 0) },
            ])
        guard common.output == .table else { return }
        let asked = runs.first { $0["phase"] == "asked" }?["id"]?.stringValue
        let next = (asked ?? runs.first?["id"]?.stringValue).map {
            ". Next: cordon run \(asked == nil ? "show" : "why") \($0)"
        }
        Output.note("\(runs.count) run\(runs.count == 1 ? "" : "s")\(next ?? "")")
    }
}

struct RunShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a run: its steps, calls, evidence, and why it waits.",
        discussion: """
            EXAMPLES
              cordon run show run_01KATB9Z2M8D4W6X1V3C5R7T9Y
              cordon run show run_01KATB9Z2M8D4W6X1V3C5R7T9Y -o json | jq .steps
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The run's id.") var id: String

    func run() async throws {
        let run = try runID(id)
        let desk = try await Desk.open(try await common.settings())
        Output.one(try await desk.run(run), as: common.output, table: RunText.page)
    }
}

struct RunWhy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Say in one line what a run waits for.",
        discussion: """
            EXAMPLES
              cordon run why run_01KATB9Z2M8D4W6X1V3C5R7T9Y
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The run's id.") var id: String

    func run() async throws {
        let run = try runID(id)
        let desk = try await Desk.open(try await common.settings())
        Output.one(try await desk.why(run), as: common.output) { $0["why"]?.stringValue ?? "" }
    }
}

/// What the commands that change a run share: they need a running server, a reason, and say what they did.
struct ControlOptions: ParsableArguments {
    @OptionGroup var common: CommonOptions
    @Argument(help: "The run's id.") var id: String
    @Option(name: .long, help: "Why; it goes into the history.") var reason: String

    func send(_ verb: String, _ more: [String: Value] = [:]) async throws {
        let run = try runID(id)
        let settings = try await common.settings()
        guard let client = try await Client.find(settings) else {
            throw CommandFailure(
                .tryAgain, "no server runs on \(display(settings.statePath)); start it with 'cordon serve'")
        }
        var body = more
        body["reason"] = .string(reason)
        let answer = try await client.ask("POST", "/runs/\(run)/\(verb)", .object(body))
        Output.one(answer, as: common.output) { _ in "\(run): \(verb) is stored\nNext: cordon run show \(run)" }
    }
}

struct RunResume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let a run go on: approve a proposal, or have a stopped step tried anew.",
        discussion: """
            EXAMPLES
              cordon run resume run_01KATB9Z2M8D4W6X1V3C5R7T9Y --reason "the provider is back"
            """)

    @OptionGroup var options: ControlOptions

    func run() async throws { try await options.send("resume") }
}

struct RunCancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "End a run; what it has done stands, and an open call is waited for.",
        discussion: """
            EXAMPLES
              cordon run cancel run_01KATB9Z2M8D4W6X1V3C5R7T9Y --reason "the owner rotated it by hand"
            """)

    @OptionGroup var options: ControlOptions

    func run() async throws { try await options.send("cancel") }
}

struct RunResolve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resolve", abstract: "Say what became of a call whose outcome nobody knows.",
        discussion: """
            EXAMPLES
              cordon run resolve run_01KATB9Z2M8D4W6X1V3C5R7T9Y --took-effect yes --reason "seen in the provider's log"
            """)

    enum Answer: String, ExpressibleByArgument, CaseIterable { case yes, no }

    @OptionGroup var options: ControlOptions
    @Option(name: .long, help: "yes or no.") var tookEffect: Answer

    func run() async throws { try await options.send("resolve", ["took_effect": .bool(tookEffect == .yes)]) }
}

/// A run for people.
enum RunText {
    static func page(_ run: Value) -> String {
        func text(_ key: String) -> String { printable(run[key]?.stringValue ?? "") }
        var out = ["\(text("id"))  \(text("phase"))"]
        out.append("  why       \(text("why"))")
        out.append("  alert     \(text("alert"))")
        out.append("  decision  \(text("decision"))")
        out.append("  playbook  \(pin(run["playbook"]))")
        out.append("  workflow  \(pin(run["workflow"]))")
        out.append("  subject   \(text("subject"))")
        out.append("  opened    \(text("opened_at"))   ended \(run["ended_at"]?.stringValue ?? "not yet")")
        for step in run["steps"]?.arrayValue ?? [] { out += lines(step) }
        return out.joined(separator: "\n")
    }

    private static func pin(_ value: Value?) -> String {
        "\(value?["name"]?.stringValue ?? "") \((value?["digest"]?.stringValue ?? "").prefix(19))"
    }

    private static func lines(_ step: Value) -> [String] {
        let proof = step["verified"] == true ? ", seen at the provider" : ""
        let note = step["note"]?.stringValue.map { " (\(printable($0)))" } ?? ""
        var out = ["  step \(step["id"]?.stringValue ?? "")  \(step["phase"]?.stringValue ?? "")\(proof)\(note)"]
        for call in step["calls"]?.arrayValue ?? [] {
            let outcome = call["outcome"]
            let status = outcome?["status"]?.intValue.map { " HTTP \($0)" } ?? ""
            let reason = outcome?["reason"]?.stringValue.map { " (\(printable($0)))" } ?? ""
            let deliveries = call["delivery"]?.intValue ?? 1
            let again = deliveries > 1 ? "  sent \(deliveries) times" : ""
            out.append(
                "    call #\(call["n"]?.intValue ?? 0)  \(call["purpose"]?.stringValue ?? "")  "
                    + "\(call["capability"]?.stringValue ?? "") at \(call["provider"]?.stringValue ?? "")  "
                    + "\(outcome?["kind"]?.stringValue ?? "open")\(status)\(reason)\(again)")
        }
        for item in step["evidence"]?.arrayValue ?? [] {
            out.append(
                "    evidence \(item["digest"]?.stringValue ?? "")  \(printable(item["about"]?.stringValue ?? ""))")
        }
        return out
    }
}
