// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonEngine
import CordonLanguage
import Foundation

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "See runs, and decide about those that wait for a person.",
        subcommands: [
            RunList.self, RunShow.self, RunWhy.self, RunWait.self, RunWatch.self, RunAnswer.self, RunResume.self,
            RunSkip.self,
            RunPause.self,
            RunHold.self, RunCancel.self, RunUndo.self, RunResolve.self, RunMigrate.self, RunFork.self,
            RunExport.self, RunLabel.self,
        ])
}

struct RunList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List runs, newest first.",
        discussion: """
            EXAMPLES
              cordon run list
              cordon run list --phase asked -o json
              cordon run list --limit 200 --exit-status > /dev/null || echo "somebody must look: $?"
            """)

    @OptionGroup var common: CommonOptions

    @Option(name: .long, help: "running, asked or ended.")
    var phase: String?

    @Option(name: .long, help: "Only runs of this playbook.")
    var playbook: String?

    @Option(name: .long, help: "At most this many.")
    var limit = 50

    @Flag(name: .long, help: "End with 7 when a listed run did not complete, else with 8 when one waits for a person.")
    var exitStatus = false

    func run() async throws {
        if let phase, !["running", "asked", "ended"].contains(phase) {
            throw CommandFailure(.usage, "--phase is '\(phase)'; it takes running, asked or ended")
        }
        let desk = try await Desk.open(try await common.settings())
        let runs = try await desk.runs(phase: phase, playbook: playbook, onlyLive: false, limit: limit)
        Output.many(
            runs, as: common.output,
            columns: [
                Output.Column("RUN") { $0["id"]?.stringValue ?? "" },
                Output.Column("PHASE") { $0["phase"]?.stringValue ?? "" },
                Output.Column("PLAYBOOK") { $0["playbook"]?["name"]?.stringValue ?? "" },
                Output.Column("SUBJECT") { $0["subject"]?.stringValue ?? "" },
                Output.Column("WAITS FOR") { $0["waits_for"]?.stringValue ?? "" },
                Output.Column("EXPOSED UNTIL") { $0["residual"]?["until"]?.stringValue ?? "" },
                Output.Column("AGE") { age($0["age_ms"]?.intValue ?? 0) },
            ])
        if common.output == .table { Output.note(closing(runs)) }
        await desk.warn()
        if exitStatus, let failure = RunVerdict.failure(among: runs) { throw failure }
    }

    private func closing(_ runs: [Value]) -> String {
        let asked = runs.first { $0["phase"] == "asked" }?["id"]?.stringValue
        let next = (asked ?? runs.first?["id"]?.stringValue).map {
            ". Next: cordon run \(asked == nil ? "show" : "why") \($0)"
        }
        return "\(runs.count) run\(runs.count == 1 ? "" : "s")\(next ?? "")"
    }
}

struct RunShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a run: its steps, calls, evidence, and why it waits.",
        discussion: """
            Of a proposal it asks the provider, read-only, and shows of each change the state as it is now and what would \
            be done, under a digest that 'cordon run resume --plan' agrees to.

            EXAMPLES
              cordon run show run_01KATB9Z2M8D4W6X1V3C5R7T9Y
              cordon run show run_01KATB9Z2M8D4W6X1V3C5R7T9Y -o json | jq .steps
              cordon run show run_01KATB9Z2M8D4W6X1V3C5R7T9Y --exit-status || echo "it did not just complete: $?"
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The run's id.", completion: RunCompletion.any) var id: String

    @Flag(name: .long, help: "End with 7 when the run ended without completing, with 8 when it waits for a person.")
    var exitStatus = false

    func run() async throws {
        let run = try runID(id)
        let desk = try await Desk.open(try await common.settings())
        var shown = try await desk.run(run)
        if shown.at("ask", "kind") == "proposal", let plan = try await desk.plan(run) {
            shown = .object((shown.objectValue ?? [:]).merging(["plan": plan]) { own, _ in own })
        }
        Output.one(shown, as: common.output) { RunText.page($0) + (PlanText.page($0).map { "\n\n" + $0 } ?? "") }
        await desk.warn()
        if exitStatus, let failure = RunVerdict.failure(shown) { throw failure }
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
    @Argument(help: "The run's id.", completion: RunCompletion.any) var id: String

    func run() async throws {
        let run = try runID(id)
        let desk = try await Desk.open(try await common.settings())
        Output.one(try await desk.why(run), as: common.output) { $0["why"]?.stringValue ?? "" }
        await desk.warn()
    }
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
        let consumers = (run.at("identity", "consumers")?.arrayValue ?? []).compactMap(\.stringValue)
        if !consumers.isEmpty { out.append("  used by   \(printable(consumers.joined(separator: ", ")))") }
        if let baseline = run.at("identity", "baseline")?.stringValue {
            out.append("  ordinary  \(printable(baseline))")
        }
        out.append("  opened    \(text("opened_at"))   ended \(run["ended_at"]?.stringValue ?? "not yet")")
        if let note = run["closed_note"]?.stringValue { out.append("  closed    \(printable(note))") }
        if let objective = run["objective"], objective != .null { out.append(self.objective(objective)) }
        if let until = run["residual"]?["until"]?.stringValue {
            let of = printable(run["residual"]?["of"]?.stringValue ?? "")
            out.append("  contained, residual exposure until \(until): \(of)")
        }
        for step in run["steps"]?.arrayValue ?? [] { out += lines(step) }
        return out.joined(separator: "\n")
    }

    /// `contained 420ms after the alert; 'revoke' was to end within 15m: met`.
    private static func objective(_ value: Value) -> String {
        let within = spanText(value["within_ms"]?.intValue ?? 0)
        let step = value["step"]?.stringValue ?? ""
        let done = value["contained_after_ms"]?.intValue.map { "contained \(spanText($0)) after the alert" }
        return
            "  objective \(done ?? "not contained"); '\(step)' within \(within): \(value["state"]?.stringValue ?? "")"
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
        out += waits(step)
        for item in step["evidence"]?.arrayValue ?? [] {
            out.append(
                "    evidence \(item["digest"]?.stringValue ?? "")  \(printable(item["about"]?.stringValue ?? ""))")
        }
        return out
    }

    private static func waits(_ step: Value) -> [String] {
        var out: [String] = []
        if let proof = step["proof"]?["text"]?.stringValue { out.append("    proof     \(printable(proof))") }
        if let hold = step["hold"], let state = hold["state"]?.stringValue {
            out.append("    hold      \(state), until \(hold["until"]?.stringValue ?? "")")
        }
        if let question = step["question"], let text = question["text"]?.stringValue {
            let choices = (question["choices"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: "|")
            let by = (question["by"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: ", ")
            out.append(
                "    asks      \(printable(by)): \(printable(text)) [\(choices)] until \(question["deadline"]?.stringValue ?? "")"
            )
            out.append("    shown     \(question["shown"]?.stringValue ?? "")")
        }
        return out
    }
}
