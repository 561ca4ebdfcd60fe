// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonCore
import CordonLanguage

struct HaltOptions: ParsableArguments {
    @OptionGroup var common: CommonOptions
    @Argument(help: "everything, playbook NAME, or provider NAME.") var scope: [String]
    @Option(name: .long, help: "Why; it goes into the history.") var reason: String

    func send(_ path: String, _ done: String) async throws {
        let text = scope.joined(separator: " ")
        guard let scope = Halts.Scope(text: text) else {
            throw CommandFailure(.usage, "'\(text)' can't be halted; say everything, playbook NAME or provider NAME")
        }
        let settings = try await common.settings()
        let client = try await Client.required(settings)
        let body: Value = ["scope": .string(scope.text), "reason": .string(reason)]
        let answer = try await client.ask("POST", path, body)
        Output.one(answer, as: common.output) { _ in "\(scope.text): \(done)" }
    }
}

struct HaltCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "halt", abstract: "Stop automation: nothing more is changed there until it is lifted.",
        discussion: """
            Runs stay where they are and go on when the halt is lifted. What stands stays, and holds still end by undo.

            EXAMPLES
              cordon halt everything --reason "a feed accuses everybody"
              cordon halt playbook secret-leaked --reason "it is wrong about test keys"
              cordon halt list
            """,
        subcommands: [HaltSet.self, HaltList.self], defaultSubcommand: HaltSet.self)
}

struct HaltSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Halt everything, a playbook, or a provider.",
        discussion: """
            EXAMPLES
              cordon halt set provider login --reason "its administrators asked for it"
            """)

    @OptionGroup var options: HaltOptions

    func run() async throws { try await options.send("/halts", "halted\nNext: cordon unhalt when it may go on") }
}

struct HaltList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the halts that stand.",
        discussion: """
            EXAMPLES
              cordon halt list
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let settings = try await common.settings()
        let client = try await Client.required(settings)
        Output.many(
            try await client.get("/halts")["halts"]?.arrayValue ?? [], as: common.output,
            columns: [
                Output.Column("HALTED") { $0["scope"]?.stringValue ?? "" },
                Output.Column("SINCE") { $0["since"]?.stringValue ?? "" },
                Output.Column("BY") { $0["by"]?.stringValue ?? "" },
                Output.Column("REASON") { $0["reason"]?.stringValue ?? "" },
            ])
    }
}

struct UnhaltCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unhalt", abstract: "Lift a halt: what waited for it goes on.",
        discussion: """
            EXAMPLES
              cordon unhalt everything --reason "the feed is fixed"
            """)

    @OptionGroup var options: HaltOptions

    func run() async throws { try await options.send("/halts/lift", "goes on") }
}
