// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonLanguage

/// What the commands that change a run share: they need a running server, a reason, and say what they did.
struct ControlOptions: ParsableArguments {
    @OptionGroup var common: CommonOptions
    @Argument(help: "The run's id.", completion: RunCompletion.changeable) var id: String
    @Option(name: .long, help: "Why; it goes into the history.") var reason: String

    func send(_ verb: String, _ more: [String: Value] = [:]) async throws {
        let run = try runID(id)
        let settings = try await common.settings()
        let client = try await Client.required(settings)
        var body = more
        body["reason"] = .string(reason)
        let answer = try await client.ask("POST", "/runs/\(run)/\(verb)", .object(body))
        Output.one(answer, as: common.output) { _ in "\(run): \(verb) is stored\nNext: cordon run show \(run)" }
    }
}

struct RunResume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Let a run go on: approve a proposal, end a pause, or have a stopped step tried anew.",
        discussion: """
            A proposal is approved with --plan alone: consent is to what 'cordon run show' showed, and the digest that \
            stands under it says what that was. Without it, or when that has changed, nothing is stored and the command \
            ends with 6.

            EXAMPLES
              cordon run resume run_01KATB9Z2M8D4W6X1V3C5R7T9Y --reason "the provider is back"
              cordon run resume run_01KATB9Z2M8D4W6X1V3C5R7T9Y --plan sha256:4f… --reason "exactly what was shown"
              cordon run resume run_01KATB9Z2M8D4W6X1V3C5R7T9Y --step undo:fence --force --reason "ours is right"
            """)

    @OptionGroup var options: ControlOptions
    @Option(name: .long, help: "Only this stopped step; otherwise all of them.") var step: String?
    @Option(name: .long, help: "Approve a proposal that is still what 'run show' showed under this digest.") var plan:
        String?
    @Flag(name: .long, help: "Undo although somebody changed it since, or do a list beyond 'per_run'.") var force =
        false

    func run() async throws {
        var more: [String: Value] = [:]
        if let step { more["step"] = .string(step) }
        if force { more["force"] = true }
        if let plan { more["plan"] = .string(plan) }
        try await options.send("resume", more)
    }
}

struct RunSkip: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "skip",
        abstract: "Go on without a stopped step; an undo that is skipped leaves what it would undo.",
        discussion: """
            EXAMPLES
              cordon run skip run_01KATB9Z2M8D4W6X1V3C5R7T9Y deliver.2 --reason "that consumer is gone"
            """)

    @OptionGroup var options: ControlOptions
    @Argument(help: "The stopped step's id.") var step: String

    func run() async throws { try await options.send("skip", ["step": .string(step)]) }
}

struct RunPause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Let a run change nothing further until it is resumed; holds still end.",
        discussion: """
            EXAMPLES
              cordon run pause run_01KATB9Z2M8D4W6X1V3C5R7T9Y --reason "asking the owner first"
            """)

    @OptionGroup var options: ControlOptions

    func run() async throws { try await options.send("pause") }
}

struct RunAnswer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "answer", abstract: "Answer an approval or a task; it counts only for what you were shown.",
        discussion: """
            Look first: 'cordon run show' prints what would be done and its digest. The answer is refused when that has
            changed meanwhile.

            EXAMPLES
              cordon run answer run_01KATB9Z2M8D4W6X1V3C5R7T9Y purge approve --shown sha256:… --reason "72 h are over"
            """)

    @OptionGroup var options: ControlOptions
    @Argument(help: "The step that asks.") var step: String
    @Argument(help: "One of its choices.") var choice: String
    @Option(name: .long, help: "The digest of what you were shown.") var shown: String

    func run() async throws {
        try await options.send(
            "answer", ["step": .string(step), "choice": .string(choice), "shown": .string(shown)])
    }
}

struct RunHold: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold", abstract: "End a hold before its time, answer what follows it, or let it stand longer.",
        discussion: """
            EXAMPLES
              cordon run hold run_01KATB9Z2M8D4W6X1V3C5R7T9Y fence --then undo --reason "it was a false alarm"
              cordon run hold run_01KATB9Z2M8D4W6X1V3C5R7T9Y fence --for 4h --reason "still looking"
            """)

    enum Then: String, ExpressibleByArgument, CaseIterable { case undo, keep }

    @OptionGroup var options: ControlOptions
    @Argument(help: "The step whose effect is held.") var step: String
    @Option(name: .long, help: "undo or keep.") var then: Then?
    @Option(name: .customLong("for"), help: "From now on that much longer, such as 4h.") var span: String?

    func run() async throws {
        var more: [String: Value] = ["step": .string(step)]
        switch (then, span) {
        case (let then?, nil): more["then"] = .string(then.rawValue)
        case (nil, let span?):
            guard let milliseconds = YAMLDuration.milliseconds(span) else {
                throw CommandFailure(.usage, "--for is '\(span)'; it takes a duration such as 90s, 15m or 4h")
            }
            guard milliseconds > 0 else {
                throw CommandFailure(
                    .usage,
                    "--for is '\(span)'; a hold is ended now with --then undo, or --then keep, not with no time")
            }
            more["for_ms"] = .int(milliseconds)
        case (nil, nil), (_?, _?): throw CommandFailure(.usage, "give either --then undo|keep or --for DURATION")
        }
        try await options.send("hold", more)
    }
}

struct RunCancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "End a run; an open call is waited for, and what it did stands until its holds end.",
        discussion: """
            EXAMPLES
              cordon run cancel run_01KATB9Z2M8D4W6X1V3C5R7T9Y --reason "the owner rotated it by hand"
              cordon run cancel run_01KATB9Z2M8D4W6X1V3C5R7T9Y --undo --reason "it was a false alarm"
            """)

    @OptionGroup var options: ControlOptions
    @Flag(name: .long, help: "Undo first what the run did, the last first.") var undo = false

    func run() async throws { try await options.send("cancel", undo ? ["undo": true] : [:]) }
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
    @Option(name: .long, help: "The step, where several calls have an unknown outcome.") var step: String?

    func run() async throws {
        var more: [String: Value] = ["took_effect": .bool(tookEffect == .yes)]
        if let step { more["step"] = .string(step) }
        try await options.send("resolve", more)
    }
}
