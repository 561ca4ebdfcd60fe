// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonLanguage
import CordonServer
import Foundation

/// Which version of its workflow a run is moved to, and what becomes of its lines.
struct MigrationOptions: ParsableArguments {
    @Option(name: .long, help: "The digest of the workflow's version; otherwise the loaded one (a bare fork: its own).")
    var to: String?
    @Option(name: .long, help: "OLD=NEW: how a line is called there; may stand several times.") var step: [String] = []
    @Option(name: .long, help: "A line that waits and is given up; may stand several times.") var drop: [String] = []

    func members() throws(CommandFailure) -> [String: Value] {
        var all: [String: Value] = [:]
        if let to { all["to"] = .string(to) }
        if !step.isEmpty { all["renamed"] = .object(try pairs("step", step).mapValues(Value.string)) }
        if !drop.isEmpty { all["dropped"] = .array(drop.map(Value.string)) }
        return all
    }
}

/// `NAME=VALUE` words of one option.
private func pairs(_ option: String, _ words: [String]) throws(CommandFailure) -> [String: String] {
    var all: [String: String] = [:]
    for word in words {
        let pair = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard pair.count == 2, !pair[0].isEmpty, !pair[1].isEmpty else {
            throw CommandFailure(.usage, "--\(option) is '\(word)'; it takes NAME=VALUE")
        }
        guard all.updateValue(pair[1], forKey: pair[0]) == nil else {
            throw CommandFailure(.usage, "--\(option) names '\(pair[0])' twice")
        }
    }
    return all
}

struct RunMigrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Move a waiting run to another version of its workflow; otherwise it stays on its own for ever.",
        discussion: """
            Refused with every reason when a begun step has no place there, or is another kind of step, does something
            else, or could no longer be undone. What people were asked is asked anew. Look first with 'cordon run fork'.

            EXAMPLES
              cordon run migrate run_01KATB9Z2M8D4W6X1V3C5R7T9Y --reason "the approver has left"
              cordon run migrate run_01KATB9Z2M8D4W6X1V3C5R7T9Y --step judge=decide --reason "renamed"
            """)

    @OptionGroup var options: ControlOptions
    @OptionGroup var migration: MigrationOptions

    func run() async throws { try await options.send("migrate", try migration.members()) }
}

struct RunFork: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fork",
        abstract: "Tell what a run would do from a point on, as a dry run: nothing is sent and nothing is stored.",
        discussion: """
            Assumed unless told otherwise: calls are done and their effect is seen, waits end, ladders are climbed to the
            last rung, people agree.

            EXAMPLES
              cordon run fork run_01KATB9Z2M8D4W6X1V3C5R7T9Y --dry-run
              cordon run fork run_01KATB9Z2M8D4W6X1V3C5R7T9Y --dry-run --at 3 --answer judge=foreign
              cordon run fork run_01KATB9Z2M8D4W6X1V3C5R7T9Y --dry-run --to sha256:… --refuse account.suspend
            """)

    @OptionGroup var common: CommonOptions
    @OptionGroup var migration: MigrationOptions
    @Argument(help: "The run's id.", completion: RunCompletion.any) var id: String
    @Flag(name: .long, help: "Required: a run is never doubled in earnest.") var dryRun = false
    @Option(name: .long, help: "As it stood after this line of its history.") var at: Int?
    @Option(name: .long, help: "STEP=CHOICE: what people would answer.") var answer: [String] = []
    @Option(name: .long, help: "A step at whose question nobody would answer.") var silent: [String] = []
    @Option(name: .long, help: "A capability or step that would be refused.") var refuse: [String] = []
    @Option(name: .long, help: "STEP=JSON: what a step's call would answer.") var result: [String] = []

    func validate() throws {
        guard dryRun else {
            throw ValidationError(
                "a fork is a dry run and nothing else: doing things twice is no remedy; add --dry-run")
        }
    }

    func run() async throws {
        let run = try runID(id)
        let settings = try await common.settings()
        let client = try await Client.required(settings)
        let told = try await client.ask("POST", "/runs/\(run)/fork", .object(try body()))
        Output.one(told, as: common.output, table: ForecastText.page)
    }

    private func body() throws(CommandFailure) -> [String: Value] {
        var body = try migration.members()
        if let at { body["at"] = .int(Int64(at)) }
        if !answer.isEmpty { body["choices"] = .object(try pairs("answer", answer).mapValues(Value.string)) }
        if !silent.isEmpty { body["silent"] = .array(silent.map(Value.string)) }
        if !refuse.isEmpty { body["refused"] = .array(refuse.map(Value.string)) }
        var results: [String: Value] = [:]
        for (step, text) in try pairs("result", result) {
            do { results[step] = try JSON.parse(text) } catch {
                throw CommandFailure(.usage, "--result of '\(step)' is no JSON: \(error)")
            }
        }
        if !results.isEmpty { body["results"] = .object(results) }
        return body
    }
}

/// A forecast for people.
enum ForecastText {
    static func page(_ told: Value) -> String {
        let lines = told["lines"]?.arrayValue ?? []
        let columns = [
            Output.Column("AFTER") { age($0["after_ms"]?.intValue ?? 0) },
            Output.Column("STEP") { $0["step"]?.stringValue ?? "" },
            Output.Column("DOES") { $0["does"]?.stringValue ?? "" },
            Output.Column("CHANGES") { $0["writes"] == true ? "yes" : "" },
            Output.Column("") { $0["text"]?.stringValue ?? "" },
        ]
        let closing = told["whole"] == false ? "\nIt goes on; this is where the forecast is cut." : ""
        return Output.table(lines, columns) + closing
    }
}
