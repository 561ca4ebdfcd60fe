// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonConnectors
import CordonLanguage

struct StreamCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stream", abstract: "See who is told of agent sessions by security events, and try it.",
        discussion: """
            Receivers stand in connections.yaml under 'transmitter'. Each change of what a session may do goes to them as \
            a signed security event (CAEP), pushed or asked for, until it is acknowledged: what a receiver took stands in \
            the history.

            EXAMPLES
              cordon stream list
              cordon stream verify gateway
              cordon stream pause gateway --reason 'the gateway is rebuilt'
            """,
        subcommands: [StreamList.self, StreamHistory.self, StreamVerify.self, StreamPause.self, StreamResume.self],
        defaultSubcommand: StreamList.self)

    static func client(_ settings: Settings) async throws -> Client {
        guard let client = try await Client.find(settings) else {
            throw CommandFailure(
                .tryAgain, "no server runs on \(display(settings.statePath)); start it with 'cordon serve'")
        }
        return client
    }
}

struct StreamList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the receivers, what waits for each, and what is wrong.",
        discussion: """
            EXAMPLES
              cordon stream list
              cordon stream list -o json
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let client = try await StreamCommand.client(try await common.settings())
        let rows = try await client.get("/streams")["streams"]?.arrayValue ?? []
        Output.many(
            rows, as: common.output,
            columns: [
                Output.Column("STREAM") { $0["id"]?.stringValue ?? "" },
                Output.Column("STATUS") { $0["status"]?.stringValue ?? "" },
                Output.Column("TO") { $0["push"]?.stringValue ?? "(asks)" },
                Output.Column("WAITING") { ($0["waiting"]?.intValue ?? 0).description },
                Output.Column("DELIVERED") { ($0["delivered"]?.intValue ?? 0).description },
                Output.Column("GIVEN UP") { ($0["given_up"]?.intValue ?? 0).description },
                Output.Column("LAST") { $0["last_delivered_at"]?.stringValue ?? "" },
                Output.Column("PROBLEM") { $0["problem"]?.stringValue ?? "" },
            ])
    }
}

struct StreamHistory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Show what a receiver took, what was given up, and what went wrong.",
        discussion: """
            EXAMPLES
              cordon stream history gateway
              cordon stream history gateway -o json
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The stream's id in connections.yaml.") var stream: String

    func run() async throws {
        let client = try await StreamCommand.client(try await common.settings())
        var entries: [Value] = []
        var from = 1
        while true {
            let page = try await client.get("/streams/\(percentEncoded(stream))/history?from=\(from)&limit=500")
            let found = page["entries"]?.arrayValue ?? []
            entries += found.compactMap { $0["entry"] }
            guard let last = page["beyond"]?.intValue else { break }
            from = Int(last) + 1
        }
        Output.many(
            entries, as: common.output,
            columns: [
                Output.Column("AT") { $0["at"]?.stringValue ?? "" },
                Output.Column("WHAT") { $0["type"]?.stringValue ?? "" },
                Output.Column("EVENTS") { Self.events($0["body"] ?? .null) },
            ])
    }

    private static func events(_ body: Value) -> String {
        guard let events = body["events"]?.arrayValue else {
            return body["problem"]?.stringValue ?? body["status"]?.stringValue ?? ""
        }
        return events.map { event in
            let session = event["session"]?.stringValue.map { "\($0) " } ?? ""
            return "\(session)\(event["type"]?.stringValue ?? "") \(event["jti"]?.stringValue ?? "")"
        }.joined(separator: ", ")
    }
}

struct StreamVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Send a receiver a verification event.",
        discussion: """
            It goes before whatever waits; 'cordon stream list' shows whether it was taken.

            EXAMPLES
              cordon stream verify gateway
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The stream's id in connections.yaml.") var stream: String
    @Option(name: .customLong("carry"), help: "A text for the event's `state`, for a receiver that compares it.")
    var carried: String?

    func run() async throws {
        let client = try await StreamCommand.client(try await common.settings())
        var body: [String: Value] = [:]
        if let carried { body["state"] = .string(carried) }
        let answer = try await client.ask("POST", "/streams/\(percentEncoded(stream))/verification", .object(body))
        Output.one(answer, as: common.output) { _ in "\(stream): a verification event is on its way" }
    }
}

struct StreamPause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Send a receiver nothing for now; what waits is kept, in its order.",
        discussion: """
            EXAMPLES
              cordon stream pause gateway --reason 'the gateway is rebuilt'
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The stream's id in connections.yaml.") var stream: String
    @Option(name: .long, help: "Why, for the history and for the receiver.") var reason: String?

    func run() async throws { try await setStatus("paused", of: stream, reason, common) }
}

struct StreamResume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let a paused stream go on with what waits.",
        discussion: """
            EXAMPLES
              cordon stream resume gateway
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The stream's id in connections.yaml.") var stream: String

    func run() async throws { try await setStatus("enabled", of: stream, nil, common) }
}

private func setStatus(_ status: String, of stream: String, _ reason: String?, _ common: CommonOptions) async throws {
    let client = try await StreamCommand.client(try await common.settings())
    var body: [String: Value] = ["status": .string(status)]
    if let reason { body["reason"] = .string(reason) }
    let answer = try await client.ask("PUT", "/streams/\(percentEncoded(stream))/status", .object(body))
    Output.one(answer, as: common.output) { answer in
        "\(stream) is \(status); \(answer["waiting"]?.intValue ?? 0) event(s) wait"
    }
}
