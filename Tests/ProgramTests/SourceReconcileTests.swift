// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import Synchronization
import TestKit
import Testing

/// A sender's own list of what it delivered, in the form that GitHub publishes, and the program that lost it all.
@Suite(.serialized)
struct SourceReconcileTests {
    private static let count = 6

    /// Answers for what it delivered in the last hour, newest first and two to a page; bodies beyond the third are held
    /// back until the test has seen enough.
    private final class Sender: Sendable {
        let server: LoopbackServer
        private let box: Box

        private final class Box: Sendable {
            let isOpen = Mutex(false)
            let bodies = Mutex<[Int]>([])
        }

        init() throws {
            let box = Box()
            self.box = box
            let start = Date(timeIntervalSinceNow: -3000)
            server = try LoopbackServer { request in
                guard request.headers["authorization"] == "Bearer deliveries-token-4" else { return .respond(401) }
                let parts = request.path.split(separator: "/")
                if parts.last == "deliveries" { return Self.page(request.target, start) }
                guard let number = parts.last.flatMap({ Int($0) }) else { return .respond(404) }
                if number >= 3, !box.isOpen.withLock({ $0 }) {
                    return .respond(429, ["retry-after": "1"], "{}")
                }
                box.bodies.withLock { $0.append(number) }
                return .json(Self.delivery(number).json)
            }
        }

        var bodies: [Int] { box.bodies.withLock { $0 } }
        func open() { box.isOpen.withLock { $0 = true } }

        private static func page(_ target: String, _ start: Date) -> LoopbackServer.Answer {
            let top = target.components(separatedBy: "cursor=v1_").dropFirst().first.flatMap {
                Int($0.prefix { $0.isNumber })
            }
            let end = top ?? SourceReconcileTests.count
            let first = max(0, end - 2)
            let items = (first..<end).reversed().map { number -> Value in
                let at = start.addingTimeInterval(Double(number) * 60).formatted(.iso8601)
                return ["id": .int(Int64(number)), "guid": .string("guid-\(number)"), "delivered_at": .string(at)]
            }
            let link = #"<http://127.0.0.1/repos/o/r/hooks/7/deliveries?per_page=100&cursor=v1_\#(first)>; rel="next""#
            var headers = ["content-type": "application/json", "x-ratelimit-remaining": "4999"]
            if first > 0 { headers["link"] = link }
            return .respond(200, headers, Value.array(items).json)
        }

        private static func delivery(_ number: Int) -> Value {
            [
                "id": .int(Int64(number)), "guid": .string("guid-\(number)"), "event": "secret_scanning_alert",
                "request": [
                    "headers": [:],
                    "payload": [
                        "action": "created",
                        "alert": ["number": .int(Int64(number)), "secret_type": "t", "validity": "active"],
                        "repository": ["full_name": "o/r"],
                    ],
                ],
            ]
        }
    }

    private func installation(_ sender: Sender) throws -> Installation {
        let installation = try Installation.alone()
        for (name, text) in [("api-token", "deliveries-token-4"), ("hook", "hook-secret-4")] {
            let path = try installation.scratch.write(text, to: name)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        }
        try installation.scratch.write(
            """
            sources:
              - id: github
                connector: github
                secrets: [{ file: hook }]
                reconcile: { provider: api, every: 1s, with: { hook: "repos/o/r/hooks/7" } }
            providers:
              - id: api
                connector: github-deliveries
                settings: { url: "\(sender.server.url)" }
                secrets: { token: { file: api-token } }
                egress: { plain_http: true, loopback: true }
            """, to: "connections.yaml")
        return installation
    }

    @Test func `what a source lost is taken in once, also by a program that is killed in the middle of it`()
        async throws
    {
        let sender = try Sender()
        defer { sender.server.stop() }
        let installation = try installation(sender)
        var serving = try await installation.serve()
        defer { serving.program.kill() }
        let token = try installation.firstToken
        try await eventually("the first three to be taken") {
            try await serving.get("/api/v1/alerts?limit=10", token: token).json["alerts"]?.arrayValue?.count == 3
        }
        serving.program.kill()
        try await serving.program.waitForExit()

        sender.open()
        serving = try await installation.serve()
        try await eventually("the rest to be taken", seconds: 60) {
            try await serving.get("/api/v1/sources", token: token).json["sources"]?.arrayValue?.first?.at(
                "reconcile", "recovered") == 3
        }
        let alerts = try await serving.get("/api/v1/alerts?limit=20", token: token).json["alerts"]?.arrayValue ?? []
        #expect(alerts.count == Self.count)
        #expect(sender.bodies.sorted() == Array(0..<Self.count), "each body was asked for once")

        let listed = try await installation.finish("source", "list")
        #expect(listed.output.contains("SOURCE  CONNECTOR"))
        let row = try #require(listed.output.split(separator: "\n").last)
        #expect(row.hasPrefix("github  github"))
        let verified = try await installation.finish("audit", "verify")
        #expect(verified.end == .exited(0), "\(verified.output)\(verified.error)")

        let shown = try await installation.finish("alert", "show", alerts.first?["id"]?.stringValue ?? "")
        #expect(shown.output.contains("alertReceived"))
        #expect(shown.output.contains("signalNormalized  secret.exposed"))
        let id = alerts.first?["id"]?.stringValue ?? ""
        let why = try await installation.finish("alert", "show", id, "--why", "secret-leaked")
        #expect(why.end == .exited(0), "\(why.error)")
        #expect(why.output.contains("signal.validity == \"active\""), "\(why.output)")
        let none = try await installation.finish("alert", "show", id, "--why", "secret-leakd")
        #expect(none.error.contains("no playbook 'secret-leakd'; did you mean 'secret-leaked'?"), "\(none.error)")
        let unknown = try await installation.finish("alert", "show", "alr_01KATB9Z2M8D4W6X1V3C5R7T9Y")
        #expect(unknown.end == .exited(3))
        let wrong = try await installation.finish("alert", "show", "nonsense")
        #expect(wrong.error.contains("'nonsense' is no alert's id"))
        #expect(!(serving.program.error + listed.output + shown.output).contains("deliveries-token-4"))
    }
}
