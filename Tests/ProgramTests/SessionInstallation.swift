// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// An installation with agent sessions: its own session API is the provider, and a real nginx before a real upstream
/// enforces what it says.
struct SessionInstallation: Sendable {
    let installation: Installation
    let port: Int
    /// Tokens of an agent runtime, of an operator, and of the enforcement point.
    let runtime, person, gate: String

    static var isInstalled: Bool { FileManager.default.fileExists(atPath: "/usr/sbin/nginx") }

    /// - Parameters:
    ///   - hold: how long a run isolates a session that passed a boundary.
    ///   - front: where what ships is tried instead, the port at which Cordon finds its own registry.
    init(hold: String = "1h", shippedBehind front: Int? = nil) async throws {
        installation = try Installation.alone()
        port = try freePort()
        let scratch = installation.scratch
        try scratch.write(
            "listen: { port: \(port) }\nlog: { level: debug }\nstate: state\nlibrary: .\n", to: "cordon.yaml")
        try scratch.write(
            (front == nil ? "sources: []\n" : Feed.sources) + """
                providers:
                  - id: agents
                    connector: agent-sessions
                    settings: { url: "http://127.0.0.1:\(front ?? port)/api/v1" }
                    secrets: { token: { file: keeper } }
                    egress: { plain_http: true, loopback: true }
                """, to: "connections.yaml")
        try scratch.write("identities: []\n", to: "identities.yaml")
        // Many sessions pass their boundaries at once here, which the standard guards would hold.
        try scratch.write(Installation.openGuards, to: "guards.yaml")
        if front == nil {
            try scratch.write(SessionInstallation.workflow(hold), to: "workflows/isolate-session.yaml")
            try scratch.write(SessionInstallation.playbook, to: "playbooks/boundary-passed.yaml")
        } else {
            try Feed.furnish(installation)
            try SessionInstallation.shipImpatiently(to: scratch)
        }
        _ = try await installation.finish("init")
        let installation = installation
        func token(_ role: String) async throws -> String {
            try await installation.finish("token", "create", "--role", role, "--name", "the \(role)").output
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }
        let keeper = try scratch.write(try await token("session_keeper"), to: "keeper")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: keeper)
        runtime = try await token("agent_runtime")
        person = try await token("operator")
        gate = try await token("enforcement_point")
        try scratch.write(gate, to: "gate-token")
    }

    /// What ships, but that a session rests for a second between two rungs and not for two minutes.
    private static func shipImpatiently(to scratch: ScratchFolder) throws {
        let folder = PythonServers.root + "/workflows/"
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasSuffix(".yaml") {
            let text = try String(contentsOfFile: folder + name, encoding: .utf8)
            try scratch.write(text.replacingOccurrences(of: "wait: 2m", with: "wait: 1s"), to: "workflows/" + name)
        }
    }

    private static func workflow(_ hold: String) -> String {
        """
        workflow: isolate-session
        title: Isolate a session for a time
        inputs:
          session: { type: agent_session }
        steps:
          - id: proof
            do: evidence.capture
            with: { of: "${inputs.session}" }
          - id: isolate
            do: session.isolate
            with: { session: "${inputs.session}" }
            hold: { for: \(hold), then: undo }

        """
    }

    private static let playbook = """
        playbook: boundary-passed
        title: A session passed what was approved for it
        owner: team/agents
        mode: enforce
        trigger:
          signal: boundary.exceeded
          subject: { kind: agent_session, from: signal.session }
        run:
          workflow: isolate-session
          with: { session: "${subject}" }
        maps: { owasp_nhi: [NHI5] }

        """

    // MARK: The API

    func api(
        _ method: String, _ path: String, _ token: String, _ body: Value? = nil
    ) async throws -> Web.Answer {
        try await installation.web.ask(
            method, "http://127.0.0.1:\(port)/api/v1" + path, headers: [("authorization", "Bearer \(token)")],
            body: body?.json)
    }

    func open(
        _ id: String, below parent: String? = nil, seconds: Int64 = 3600, bytes: Int64 = 1000,
        owner: String = "team/support"
    ) async throws -> Int {
        let path = parent.map { "/sessions/\($0)/delegate" } ?? "/sessions"
        return try await api(
            "POST", path, runtime,
            [
                "id": .string(id), "agent": "refund-agent", "owner": .string(owner),
                "approved": ["duration_s": .int(seconds), "bytes": .int(bytes)],
            ]
        ).status
    }

    func isolate(_ id: String, _ isIsolated: Bool) async throws -> Int {
        try await api(
            "PUT", "/sessions/\(id)/isolation", person, ["isolated": .bool(isIsolated), "reason": "it reads payroll"]
        ).status
    }

    func state(_ id: String) async throws -> String? {
        try await api("GET", "/sessions/\(id)", person).json["state"]?.stringValue
    }

    /// The alerts that Cordon made itself.
    func alarms() async throws -> [String] {
        let alerts = try await api("GET", "/alerts?source=cordon.sessions", person).json["alerts"]?.arrayValue ?? []
        return alerts.compactMap { $0["delivery"]?.stringValue }.sorted()
    }
}

/// Debian's nginx under the settings that `cordon session gate` prints.
final class SessionGate: Sendable {
    let url: String
    private let process: ProgramUnderTest
    private let web: Web

    init(before installed: SessionInstallation) async throws {
        let scratch = installed.installation.scratch
        web = try Web()
        let (port, upstream) = (try freePort(), try freePort())
        url = "http://127.0.0.1:\(port)"
        let folder = scratch.path("gate")
        try FileManager.default.createDirectory(atPath: folder + "/tmp", withIntermediateDirectories: true)
        let printed = try await installed.installation.finish(
            "session", "gate", "--listen", "127.0.0.1:\(port)", "--upstream", "http://127.0.0.1:\(upstream)",
            "--token-file", "gate-token", "--cache", folder + "/verdicts")
        guard printed.end == .exited(0) else { throw Web.NoAnswer(reason: printed.error) }
        let settings = """
            daemon off; master_process off;
            pid \(folder)/nginx.pid; error_log \(folder)/error.log warn; events { worker_connections 256; }
            http {
                access_log off;
                client_body_temp_path \(folder)/tmp; proxy_temp_path \(folder)/tmp; fastcgi_temp_path \(folder)/tmp;
                uwsgi_temp_path \(folder)/tmp; scgi_temp_path \(folder)/tmp;
                server { listen 127.0.0.1:\(upstream); location / { return 200 "protected"; } }
                \(printed.output)
            }

            """
        try settings.write(toFile: folder + "/nginx.conf", atomically: true, encoding: .utf8)
        process = try ProgramUnderTest(
            "/usr/sbin/nginx", ["-c", folder + "/nginx.conf", "-e", folder + "/error.log"], folder: folder,
            capturedIn: scratch, as: "gate")
        let (web, url) = (web, url)
        try await eventually("nginx to listen") {
            do { return try await web.ask("GET", url + "/").status == 404 } catch is Web.NoAnswer { return false }
        }
    }

    func stop() { process.kill() }

    /// The status that the session's next request gets.
    func use(_ session: String, _ route: String = "closed", method: String = "GET") async throws -> Int {
        try await web.ask(method, url + "/\(route)/orders", headers: [("x-agent-session", session)]).status
    }
}
