// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonCore
import CordonLanguage
import Foundation

struct SessionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "session", abstract: "Look at the sessions of agents, and open, isolate, release or close one.",
        discussion: """
            AGENT RUNTIMES (role agent_runtime), each for what it opened itself
              POST /api/v1/sessions
                {id, agent, owner, approved: {duration_s, bytes, calls}, scope, resources,
                 approver, issuer, when_exceeded: allow | read_only | step_up | deny}
                201 opened; 200 it is open already; 409 with other content, or closed
              POST /api/v1/sessions/ID/delegate   the same for a child, with no more
                than its parent has: 409 for more, or from a parent that may not go on
              POST /api/v1/sessions/ID/heartbeat  {used: {bytes, calls}, at}
                totals since the opening, so a late one changes nothing; 409 when
                closed; 'at' moves no boundary: how far it is off is answered
              POST /api/v1/sessions/ID/close      again too

            ENFORCEMENT POINTS (role enforcement_point): allow, slow, read_only, step_up or deny
              GET /api/v1/verdicts/ID             JSON, with reason and expiry
              GET /enforce/nginx                  204, 401 or 403; x-cordon-session names
                the session, x-original-method the method (see 'cordon session gate')
              ANY /enforce/envoy/...              200, or what the client gets
              GET /api/v1/verdict-stream          server-sent events; Last-Event-ID

            Runs change sessions through the connector agent-sessions (role session_keeper). What passes a boundary \
            becomes an alert of the source cordon.sessions, and a signal boundary.exceeded.

            EXAMPLES
              cordon session list
              cordon session show refund-agent-7
              cordon session isolate refund-agent-7 --reason "it reads payroll"
            """,
        subcommands: [
            SessionList.self, SessionShow.self, SessionWhy.self, SessionOpen.self, SessionIsolate.self,
            SessionRelease.self,
            SessionClose.self, SessionGateCommand.self,
        ])
}

struct SessionList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the sessions that live, those that were delegated to among them.",
        discussion: """
            EXAMPLES
              cordon session list
              cordon session list --all -o json
            """)

    @OptionGroup var common: CommonOptions
    @Flag(name: .long, help: "Closed sessions too.") var all = false
    @Option(name: .long, help: "At most so many, 1 to 500.") var limit = 100

    func run() async throws {
        guard (1...500).contains(limit) else { throw CommandFailure(.usage, "--limit is \(limit); it takes 1 to 500") }
        let desk = try await Desk.open(try await common.settings())
        Output.many(
            try await desk.sessions(onlyLive: !all, limit: limit), as: common.output,
            columns: [
                Output.Column("ID") { $0["id"]?.stringValue ?? "" },
                Output.Column("STATE") { $0["state"]?.stringValue ?? "" },
                Output.Column("AGENT") { $0["agent"]?.stringValue ?? "" },
                Output.Column("OWNER") { $0["owner"]?.stringValue ?? "" },
                Output.Column("PARENT") { $0["parent"]?.stringValue ?? "-" },
                Output.Column("TIME") { share($0, "duration_s") },
                Output.Column("BYTES") { share($0, "bytes") },
                Output.Column("CALLS") { share($0, "calls") },
            ])
    }
}

/// `120/3600`: what is used of what is approved.
private func share(_ session: Value, _ boundary: String) -> String {
    let used = session.at("used", boundary)?.intValue ?? 0
    return "\(used)/\(session.at("approved", boundary)?.intValue.map(String.init) ?? "-")"
}

struct SessionShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one session: what was approved, what it used, what was done to it.",
        discussion: """
            EXAMPLES
              cordon session show refund-agent-7
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The session's id.") var id: String

    func run() async throws {
        let session = try await Desk.open(try await common.settings()).session(id)
        Output.one(session, as: common.output, table: SessionShow.table)
    }

    private static func table(_ session: Value) -> String {
        var lines: [String] = []
        func line(_ name: String, _ text: String?) {
            guard let text, !text.isEmpty else { return }
            lines.append(name.padding(toLength: 11, withPad: " ", startingAt: 0) + printable(text))
        }
        func list(_ key: String) -> String {
            (session[key]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: ", ")
        }
        line("session", session["id"]?.stringValue)
        line("state", session["state"]?.stringValue)
        line("agent", session["agent"]?.stringValue)
        line("owner", session["owner"]?.stringValue)
        line("approver", session["approver"]?.stringValue)
        line("parent", session["parent"]?.stringValue)
        line("children", list("children"))
        line("scope", list("scope"))
        line("resources", list("resources"))
        line("time", share(session, "duration_s") + " s")
        line("bytes", share(session, "bytes"))
        line("calls", share(session, "calls"))
        line("exceeded", list("exceeded"))
        for (name, key) in [("isolated", "isolation"), ("limited", "limitation"), ("closed", "closing")] {
            guard let mark = session[key], mark != .null else { continue }
            line(
                name,
                "by \(mark["by"]?.stringValue ?? "") at \(mark["at"]?.stringValue ?? ""): \(mark["reason"]?.stringValue ?? "")"
            )
        }
        return lines.joined(separator: "\n")
    }
}

struct SessionWhy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Tell what became of a session, line by line of its history.",
        discussion: """
            EXAMPLES
              cordon session why refund-agent-7
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "The session's id.") var id: String

    func run() async throws {
        let desk = try await Desk.open(try await common.settings())
        // So that one that there is not is told as such.
        _ = try await desk.session(id)
        Output.many(
            try await desk.sessionHistory(id), as: common.output,
            columns: [
                Output.Column("AT") { $0.at("entry", "at")?.stringValue ?? "" },
                Output.Column("WHAT") { $0.at("entry", "type")?.stringValue ?? "" },
                Output.Column("SAYS") { $0.at("entry", "body").map(SessionWhy.words) ?? "" },
            ])
    }

    private static func words(_ body: Value) -> String {
        let act = body["act"] ?? body
        if let by = act["by"]?.stringValue {
            let what = body["limit"]?.stringValue ?? body["approved"]?.json
            // The key of the call that asked stands in its run's history too.
            let call = act["key"]?.stringValue.map { " (call \($0.prefix(16)))" } ?? ""
            return (what.map { "\($0), " } ?? "") + "\(by): \(act["reason"]?.stringValue ?? "")\(call)"
        }
        if let crossing = body["crossing"], let boundary = crossing["boundary"]?.stringValue {
            return
                "\(boundary): \(body["used"]?.json ?? "") of \(crossing["approved"]?.json ?? ""), \(body["alert"]?.stringValue ?? "")"
        }
        return body["opening"] == nil ? body.json : "by \(body["runtime"]?.stringValue ?? "")"
    }
}

/// What changes a session.
struct SessionOrder: ParsableArguments {
    @OptionGroup var common: CommonOptions
    @Argument(help: "The session's id.") var id: String
    @Option(name: .long, help: "Why; it goes into the history.") var reason: String

    func send(_ method: String, _ path: String, _ more: [String: Value] = [:]) async throws {
        let settings = try await common.settings()
        let client = try await Client.required(settings)
        let body = more.merging(["reason": .string(reason)]) { own, _ in own }
        let answer = try await client.ask(method, "/sessions/\(escaped(id))/\(path)", .object(body))
        Output.one(answer, as: common.output) { "\($0["id"]?.stringValue ?? ""): \($0["state"]?.stringValue ?? "")" }
    }
}

struct SessionIsolate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "isolate", abstract: "Refuse every further step of a session and of all that it delegated to.",
        discussion: """
            EXAMPLES
              cordon session isolate refund-agent-7 --reason "it reads payroll"
            """)

    @OptionGroup var order: SessionOrder

    func run() async throws { try await order.send("PUT", "isolation", ["isolated": true]) }
}

struct SessionRelease: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Let a session go on as it was approved.",
        discussion: """
            Ends its own isolation and its own limit; what was done to those that delegated to it stands.

            EXAMPLES
              cordon session release refund-agent-7 --reason "the table was in its ticket"
            """)

    @OptionGroup var order: SessionOrder

    func run() async throws { try await order.send("POST", "release") }
}

struct SessionClose: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "close", abstract: "End a session for good, with all that it delegated to.",
        discussion: """
            EXAMPLES
              cordon session close refund-agent-7 --reason "its runtime is gone"
            """)

    @OptionGroup var order: SessionOrder

    func run() async throws { try await order.send("POST", "close") }
}
