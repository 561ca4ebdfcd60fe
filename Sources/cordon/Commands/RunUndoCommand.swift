// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonCore
import CordonEngine
import CordonLanguage
import CordonServer

struct RunUndo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undo", abstract: "Undo what a run did, or what all runs of a playbook did since a time.",
        discussion: """
            Only what is still as the run left it is set back; what somebody changed since is asked about.

            With --playbook nothing is undone until you have seen of what: look with --dry-run, then order it with the \
            digest that it prints (--plan), or at once with --yes. It can be ordered again at any time: what is undone \
            already stays so. Exit code 6 when somebody has to decide, 75 when it is not done yet.

            EXAMPLES
              cordon run undo run_01KATB9Z2M8D4W6X1V3C5R7T9Y --reason "it was a false alarm"
              cordon run undo run_01KATB9Z2M8D4W6X1V3C5R7T9Y --step fence --reason "the scopes are needed"
              cordon run undo --playbook secret-leaked --since 2h --dry-run
              cordon run undo --playbook secret-leaked --since 2h --plan sha256:… --reason "a wrong feed"
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The run's id; without it, --playbook.", completion: RunCompletion.changeable) var id: String?
    @Option(name: .long, help: "Why; it goes into the history.") var reason: String?
    @Option(name: .long, help: "Only this step; may stand several times.") var step: [String] = []
    @Option(name: .long, help: "All runs of this playbook.") var playbook: String?
    @Option(name: .long, help: "That were opened no longer ago than this, such as 2h.") var since: String?
    @Option(name: .long, help: "The digest that --dry-run printed.") var plan: String?
    @Flag(name: .long, help: "Undo what there is, without having looked.") var yes = false
    @Flag(name: .long, help: "Only say what would be undone.") var dryRun = false
    @Option(name: .long, help: "How long to wait for the end (default 60s; 0s: not at all).") var wait = "60s"

    func run() async throws {
        switch (id, playbook) {
        case (let id?, nil): try await undoOne(id)
        case (nil, let playbook?): try await undoMany(playbook)
        case (nil, nil), (_?, _?):
            throw CommandFailure(.usage, "give either a run's id, or --playbook NAME --since DURATION")
        }
    }

    private func undoOne(_ id: String) async throws {
        guard since == nil, plan == nil, !yes, !dryRun else {
            throw CommandFailure(.usage, "--since, --plan, --yes and --dry-run go with --playbook")
        }
        let run = try runID(id)
        var body: [String: Value] = ["reason": .string(try givenReason())]
        if !step.isEmpty { body["steps"] = .array(step.map(Value.string)) }
        let answer = try await client().ask("POST", "/runs/\(run)/undo", .object(body))
        Output.one(answer, as: common.output) { _ in "\(run): undo is stored\nNext: cordon run show \(run)" }
    }

    private func undoMany(_ playbook: String) async throws {
        guard step.isEmpty else { throw CommandFailure(.usage, "--step goes with a run's id") }
        let span = try duration(since, "--since")
        let patience = try duration(wait, "--wait")
        let client = try await client()
        let look: Value = ["playbook": .string(playbook), "since_ms": .int(span), "dry_run": true]
        if dryRun || (plan == nil && !yes) {
            let answer = try await client.ask("POST", "/undos", look)
            show(answer)
            guard !dryRun else { return }
            throw CommandFailure(
                .waitsForPerson, "nothing was undone: order it with --plan \(digest(answer)), or --yes")
        }
        var order: [String: Value] = [
            "playbook": .string(playbook), "since_ms": .int(span), "reason": .string(try givenReason()),
        ]
        if let plan { order["plan"] = .string(plan) }
        var answer = try await client.ask("POST", "/undos", .object(order))
        let refused = answer["refused"]
        let clock = SystemClock()
        let end = clock.now.adding(milliseconds: patience)
        while clock.now < end, count(answer, .undoing) > 0 {
            await clock.sleep(until: clock.now.adding(milliseconds: 200))
            answer = try await client.ask("POST", "/undos", look)
        }
        show(answer, refused)
        try leave(answer)
    }

    private func leave(_ answer: Value) throws {
        if count(answer, .undoing) + count(answer, .toUndo) > 0 {
            throw CommandFailure(.tryAgain, "not all of it is undone yet; ask again with the same command")
        }
        let open = count(answer, .conflict) + count(answer, .stuck)
        if open > 0 {
            throw CommandFailure(
                .conflict, "\(open) run(s) wait for a person: cordon run resume ID --step undo:STEP --force, or skip")
        }
    }

    private func show(_ answer: Value, _ refused: Value? = nil) {
        var answer = answer
        if let refused, case .object(var members) = answer {
            members["refused"] = refused
            answer = .object(members)
        }
        Output.one(answer, as: common.output) { answer in
            let counts = UndoPlan.State.allCases.compactMap { state -> String? in
                let number = count(answer, state)
                return number == 0 ? nil : "\(number) \(state.rawValue.replacing("_", with: " "))"
            }
            var lines = [
                "\(playbook ?? ""): " + (counts.isEmpty ? "no run since then" : counts.joined(separator: ", "))
            ]
            for row in answer["runs"]?.arrayValue ?? []
            where ["conflict", "stuck"].contains(row["state"]?.stringValue) {
                lines.append(
                    "  \(row["state"]?.stringValue ?? "")  \(row["run"]?.stringValue ?? "")  "
                        + "\(row["subject"]?.stringValue ?? "")  \(row["reason"]?.stringValue ?? "")")
            }
            if count(answer, .toUndo) > 0 { lines.append("plan \(digest(answer))") }
            return lines.map(printable).joined(separator: "\n")
        }
    }

    private func count(_ answer: Value, _ state: UndoPlan.State) -> Int {
        Int(answer["counts"]?[state.rawValue]?.intValue ?? 0)
    }

    private func digest(_ answer: Value) -> String { answer["plan"]?.stringValue ?? "" }

    private func givenReason() throws -> String {
        guard let reason else { throw CommandFailure(.usage, "say why with --reason; it goes into the history") }
        return reason
    }

    private func duration(_ text: String?, _ name: String) throws -> Int64 {
        guard let text, let span = YAMLDuration.milliseconds(text) else {
            throw CommandFailure(.usage, "\(name) takes a duration such as 30m or 2h")
        }
        return span
    }

    private func client() async throws -> Client {
        let settings = try await common.settings()
        guard let client = try await Client.find(settings) else {
            throw CommandFailure(
                .tryAgain, "no server runs on \(display(settings.statePath)); start it with 'cordon serve'")
        }
        return client
    }
}
