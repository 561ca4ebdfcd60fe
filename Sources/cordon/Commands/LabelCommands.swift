// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonCore
import CordonLanguage

extension Label: ExpressibleByArgument {}

/// What the commands that label an alarm share.
struct LabelOptions: ParsableArguments {
    @OptionGroup var common: CommonOptions
    @Argument(help: "true_positive: the alarm was right. false_positive: it was not.") var label: Label
    @Option(name: .long, help: "Why; it goes into the history.") var reason: String

    func send(_ path: String, _ what: String) async throws {
        let client = try await Client.required(try await common.settings())
        let answer = try await client.ask(
            "POST", path, ["label": .string(label.rawValue), "reason": .string(reason)])
        Output.one(answer, as: common.output) { _ in "\(what): labeled \(label.rawValue)" }
    }
}

struct RunLabel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "label", abstract: "Say whether the alarm that a run came from was right.",
        discussion: """
            Labels feed the breaker of the run's playbook, its promotion and its reports; a later one stands instead of \
            an earlier. The run itself is not changed: 'cordon run undo' gives back what it did.

            EXAMPLES
              cordon run label run_01KATB9Z2M8D4W6X1V3C5R7T9Y false_positive --reason "the scope was agreed"
            """)

    @Argument(help: "The run's id.") var id: String
    @OptionGroup var options: LabelOptions

    func run() async throws {
        let run = try runID(id)
        try await options.send("/runs/\(run)/label", "\(run)")
    }
}

struct AlertLabel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "label", abstract: "Say whether an alarm was right, also one that opened no run.",
        discussion: """
            So people agree or disagree with a playbook that is in shadow.

            EXAMPLES
              cordon alert label alr_01KATB9Z2M8D4W6X1V3C5R7T9Y true_positive --reason "the key was used abroad"
            """)

    @Argument(help: "The alert's id.") var id: String
    @OptionGroup var options: LabelOptions

    func run() async throws {
        guard let alert = AlertID(id) else {
            throw CommandFailure(.usage, "'\(id)' is no alert's id; it looks like alr_01KATB9Z2M8D4W6X1V3C5R7T9Y")
        }
        try await options.send("/alerts/\(alert)/label", "\(alert)")
    }
}

struct GuardClose: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "close", abstract: "Close a playbook's breaker: what went wrong before counts no more.",
        discussion: """
            A breaker opens when too many of a playbook's latest runs failed, were undone, or were labeled false alarms; \
            the playbook then only proposes. Close it when the cause is mended.

            EXAMPLES
              cordon guard close secret-leaked --reason "the feed's rule for test keys is fixed"
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The playbook.") var playbook: String
    @Option(name: .long, help: "Why; it goes into the history.") var reason: String

    func run() async throws {
        let client = try await Client.required(try await common.settings())
        let answer = try await client.ask(
            "POST", "/guards/breakers/close", ["playbook": .string(playbook), "reason": .string(reason)])
        Output.one(answer, as: common.output) { _ in "\(playbook): its breaker is closed" }
    }
}
