// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonConnectors
import CordonCore
import CordonLanguage

extension AgentSession.WhenExceeded: ExpressibleByArgument {}

struct SessionOpen: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open", abstract: "Open a session with what is approved for it, as an agent runtime does.",
        discussion: """
            Needs a token of the role agent_runtime (CORDON_TOKEN), whose sessions it becomes: only that runtime tells \
            of their use. The same again is one opening; no id is used twice once it is closed.

            EXAMPLES
              cordon session open refunds-7 --agent refunds --owner team/support --time 1h --bytes 1000000
              cordon session open refunds-7-a --parent refunds-7 --agent helper --owner team/support --time 10m
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The session's id: letters, digits, '-', '_' and '.'.") var id: String
    @Option(name: .long, help: "The agent that acts in it.") var agent: String
    @Option(name: .long, help: "Who answers for it.") var owner: String
    @Option(name: .long, help: "How long it may last, such as 30m or 8h.") var time: String
    @Option(name: .long, help: "How many bytes it may move; without bound unless given.") var bytes: Int64?
    @Option(name: .long, help: "How many calls it may make; without bound unless given.") var calls: Int64?
    @Option(name: .long, help: "What it may do; may be given several times.") var scope: [String] = []
    @Option(name: .long, help: "What it may touch; may be given several times.") var resource: [String] = []
    @Option(name: .long, help: "Who approved it.") var approver: String?
    @Option(name: .long, help: "Who issues its ids.") var issuer: String?
    @Option(name: .long, help: "The session that delegates to it; it gets no more than that has.") var parent: String?
    @Option(name: .long, help: "What holds once a boundary is passed: allow, read_only, step_up or deny.")
    var whenExceeded: AgentSession.WhenExceeded?

    func run() async throws {
        guard let milliseconds = YAMLDuration.milliseconds(time), milliseconds >= 1000 else {
            throw CommandFailure(
                .usage, "--time is '\(time)'; it takes a duration of a second or more, such as 30m or 8h")
        }
        var approved: [String: Value] = ["duration_s": .int(milliseconds / 1000)]
        if let bytes { approved["bytes"] = .int(bytes) }
        if let calls { approved["calls"] = .int(calls) }
        var body: [String: Value] = [
            "id": .string(id), "agent": .string(agent), "owner": .string(owner), "approved": .object(approved),
            "scope": .array(scope.map(Value.string)), "resources": .array(resource.map(Value.string)),
        ]
        if let approver { body["approver"] = .string(approver) }
        if let issuer { body["issuer"] = .string(issuer) }
        if let whenExceeded { body["when_exceeded"] = .string(whenExceeded.rawValue) }
        let client = try await Client.required(try await common.settings())
        let path = parent.map { "/sessions/\(percentEncoded($0))/delegate" } ?? "/sessions"
        let answer = try await client.ask("POST", path, .object(body))
        Output.one(answer, as: common.output) { session in
            "\(session["id"]?.stringValue ?? id) is \(session["state"]?.stringValue ?? "open")\n"
                + "Next: cordon session show \(id)"
        }
    }
}
