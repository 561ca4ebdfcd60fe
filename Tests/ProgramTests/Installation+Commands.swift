// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit

extension Installation {
    /// A command that has ended, and what it wrote.
    struct Ended: Sendable {
        var end: ProgramUnderTest.End
        var output: String
        var error: String

        /// What it wrote to standard output, as one JSON document.
        var json: Value { get throws { try JSON.parse(output) } }
        var outputLines: [String] { output.split(separator: "\n").map(String.init) }
        var errorLines: [String] { error.split(separator: "\n").map(String.init) }
    }

    /// An installation whose provider nobody will reach: for what happens before a run calls anybody.
    static func alone() throws -> Installation {
        try Installation(
            introspect: "http://127.0.0.1:9/introspect", revoke: "http://127.0.0.1:9/revoke", clientID: "cordon",
            clientSecret: "client-secret", token: PracticeAuthority.token)
    }

    /// A command in the installation's folder, run to its end.
    ///
    /// - Parameter token: presented instead of the state folder's own.
    func finish(_ arguments: String..., token: String? = nil) async throws -> Ended {
        try await finish(arguments, token: token)
    }

    func finish(_ arguments: [String], token: String? = nil) async throws -> Ended {
        try await Installation.finish(arguments, in: scratch, token: token)
    }

    /// A command run to its end in a folder that need not be an installation yet.
    static func finish(_ arguments: [String], in folder: ScratchFolder, token: String? = nil) async throws -> Ended {
        // The captured words lie outside the folder, so that a test can look at everything in it.
        let captured = try ScratchFolder("cordon-words")
        let program = try ProgramUnderTest(
            Installation.program, arguments, environment: token.map { ["CORDON_TOKEN": $0] } ?? [:],
            folder: folder.path, capturedIn: captured, as: "command")
        let end = try await program.waitForExit(timeoutMilliseconds: 60_000)
        return Ended(end: end, output: program.output, error: program.error)
    }

    /// Consent to what a proposal shows now, as an approver gives it: by the plan's digest.
    func agree(_ run: String, _ reason: String, token: String) async throws -> Ended {
        let shown = try await finish("run", "show", run, "-o", "json", token: token).json
        let plan = shown.at("plan", "digest")?.stringValue ?? "sha256:none"
        return try await finish("run", "resume", run, "--plan", plan, "--reason", reason, token: token)
    }

    /// The administrator's token that a first start leaves.
    var firstToken: String { get throws { try scratch.read("state/token") } }
}

extension Installation.Serving {
    /// Asks the API; without `token` nobody is named.
    func get(_ path: String, token: String?) async throws -> Web.Answer {
        try await web.ask("GET", url + path, headers: token.map { [("authorization", "Bearer \($0)")] } ?? [])
    }

    /// The counter's rows by the value of their one label, from `/metrics`; a counter without labels has the row "".
    func counter(_ name: String, token: String) async throws -> [String: Int] {
        let lines = try await get("/metrics", token: token).text.split(separator: "\n")
        var rows: [String: Int] = [:]
        for line in lines where line.hasPrefix(name + "{") || line.hasPrefix(name + " ") {
            let words = line.split(separator: " ")
            let label = words[0].split(separator: "\"").dropFirst().first.map(String.init) ?? ""
            rows[label] = words.last.flatMap { Int($0) }
        }
        return rows
    }

    /// The state of a stored alert, once reading it has given it one.
    func stateOnceRead(_ alert: String, token: String) async throws -> String? {
        var state: String?
        try await eventually("alert \(alert) to be read") {
            state = try await get("/api/v1/alerts/\(alert)", token: token).json["state"]?.stringValue
            return state != nil && state != "received"
        }
        return state
    }

    /// Asks the server to stop, and waits until it has.
    func stop() async throws -> ProgramUnderTest.End {
        program.terminate()
        return try await program.waitForExit()
    }
}
