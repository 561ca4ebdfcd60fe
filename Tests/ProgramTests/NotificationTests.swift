// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// What people are told by the built program, at real receivers: a chat's webhook, a pager, a mail server.
@Suite(.serialized)
struct NotificationTests {
    private static let routingKey = "a routing key for tests, 32 char"

    /// An installation whose one playbook proposes, with what `connections.yaml` says of notifications.
    private func installation(_ provider: PracticeAuthority, _ notifications: String) throws -> Installation {
        let installation = try provider.installation()
        try installation.propose()
        let connections = try installation.scratch.read("connections.yaml")
        try installation.scratch.write(connections + "\nnotifications:\n" + notifications, to: "connections.yaml")
        try installation.secret(NotificationTests.routingKey, as: "routing-key")
        return installation
    }

    /// Takes everything, but for what it is told to answer otherwise: the status by the request's number from 1.
    private func receiver(_ statuses: [Int: Int] = [:]) throws -> LoopbackServer {
        try LoopbackServer { request in
            .respond(statuses[request.order] ?? 202, ["content-type": "application/json"], #"{"status":"success"}"#)
        }
    }

    private func web(_ server: LoopbackServer) -> String {
        """
          channels:
            - id: chat
              webhook: { url: { file: chat-url } }
              gather: 1s
              egress: { plain_http: true, loopback: true }
            - id: pager
              pagerduty: { url: "\(server.url)/v2/enqueue", routing_key: { file: routing-key } }
              gather: 1s
              egress: { plain_http: true, loopback: true }
          routes:
            - { to: [pager], kinds: [proposal, doubt, run_restored], severity: low }
            - { to: [chat] }

        """
    }

    private func bodies(_ server: LoopbackServer, at path: String) throws -> [Value] {
        try server.requests.filter { $0.path == path }.map { try JSON.parse($0.body) }
    }

    @Test func `a proposal reaches a chat and a pager once, and the pager hears when it is answered`() async throws {
        let provider = try PracticeAuthority()
        let server = try receiver()
        defer { server.stop() }
        let installation = try installation(provider, web(server))
        try installation.secret(server.url + "/services/T0/B0/x", as: "chat-url")
        let serving = try await installation.serve()
        #expect(try await serving.post(Installation.alert(), delivery: "d-1").status == 202)
        await server.waitForRequests(2)

        let chat = try #require(try bodies(server, at: "/services/T0/B0/x").first)
        #expect(chat["text"]?.stringValue?.contains("a run is proposed: secret-leaked") == true)
        let blocks = try #require(chat["blocks"]?.arrayValue)
        #expect(blocks.first?["type"] == "header" && blocks.first?["text"]?["type"] == "plain_text")
        #expect(blocks.dropFirst().first?["text"]?["type"] == "mrkdwn")

        let page = try #require(try bodies(server, at: "/v2/enqueue").first)
        #expect(page["event_action"] == "trigger")
        #expect(page["routing_key"]?.stringValue == NotificationTests.routingKey)
        #expect(page["dedup_key"]?.stringValue?.utf8.count == 40)
        #expect(["critical", "error", "warning", "info"].contains(page["payload"]?["severity"]?.stringValue))
        #expect(page["payload"]?["summary"]?.stringValue?.isEmpty == false)
        #expect(page["payload"]?["source"] == "cordon")

        let id = try #require(try await installation.runs().first?["id"]?.stringValue)
        let token = try await installation.grant("ann", "approver")
        let resumed = try await installation.agree(id, "it is right", token: token)
        #expect(resumed.end == .exited(0), "\(resumed.error)")
        await server.waitForRequests(3)
        let resolved = try #require(try bodies(server, at: "/v2/enqueue").last)
        #expect(resolved["event_action"] == "resolve")
        #expect(resolved["dedup_key"] == page["dedup_key"])
        #expect(resolved["payload"] == nil)

        let listed = try await installation.finish("notification", "list", "-o", "json")
        let rows = try listed.json.arrayValue ?? []
        let proposals = rows.filter { $0["kind"] == "proposal" }.compactMap { $0["state"]?.stringValue }
        #expect(proposals.sorted() == ["closed", "delivered"])
        let metrics = try await serving.counter("cordon_notifications_total", token: installation.firstToken)
        #expect(metrics["delivered"] == 2)
        #expect(!listed.output.contains(NotificationTests.routingKey) && !listed.output.contains("/services/"))
        serving.program.kill()
    }

    @Test func `what a receiver does not take is tried again, also after a kill, and stops no run`() async throws {
        let provider = try PracticeAuthority()
        let server = try receiver([1: 503])
        defer { server.stop() }
        let installation = try installation(
            provider,
            """
              channels:
                - { id: chat, webhook: { url: { file: chat-url } }, gather: 0s, egress: { plain_http: true, loopback: true } }
              routes: [{ to: [chat] }]

            """)
        try installation.secret(server.url + "/hook", as: "chat-url")
        var serving = try await installation.serve()
        #expect(try await serving.post(Installation.alert(), delivery: "d-1").status == 202)
        await server.waitForRequests(1)
        try await eventually("the failed try to be stored") {
            let rows = try await installation.finish("notification", "list", "-o", "json").json.arrayValue ?? []
            return rows.contains { $0["problem"]?.stringValue?.hasPrefix("HTTP 503") == true }
        }
        serving.program.kill()
        _ = try await serving.program.waitForExit()

        // Without a server it is read from the store.
        let offline = try await installation.finish("notification", "list", "--only", "waiting", "-o", "json")
        #expect(try offline.json.arrayValue?.filter { $0["kind"] == "proposal" }.count == 1)
        serving = try await installation.serve()
        await server.waitForRequests(2)
        let requests = server.requests
        #expect(requests[0].headers["idempotency-key"] == requests[1].headers["idempotency-key"])
        #expect(requests[0].body == requests[1].body)
        try await eventually("it to be delivered") {
            let rows = try await installation.finish("notification", "list", "-o", "json").json.arrayValue ?? []
            return rows.contains { $0["kind"] == "proposal" && $0["state"] == "delivered" }
        }
        serving.program.kill()
    }

    @Test func `a mail goes over TLS, signed in, whole, and no alert writes its headers`() async throws {
        guard MailServer.isInstalled else { return try PythonServers.lacks("aiosmtpd") }
        let scratch = try ScratchFolder("cordon-mail")
        let server = try await MailServer(in: scratch, port: try freePort())
        defer { server.stop() }
        let provider = try PracticeAuthority()
        let installation = try installation(
            provider,
            """
              channels:
                - id: mail
                  smtp:
                    url: "smtp://localhost:\(server.port)"
                    from: cordon@example.com
                    user: \(MailServer.user)
                    password: { file: mail-password }
                    authority: { file: "\(server.authorityPath)" }
                  people: [{ name: "Änn Ö", groups: [approver], address: ann@example.com }]
                  gather: 0s
                  egress: { loopback: true }
              routes: [{ to: [mail] }]

            """)
        try installation.secret(MailServer.password, as: "mail-password")
        try server.refuse(1)
        let serving = try await installation.serve()
        // An unknown repository asks a person, and its name stands in the reason.
        let hostile = Installation.alert().replacingOccurrences(
            of: "octo-org/billing", with: #"evil\r\nBcc: all@example.com\r\n\r\n<b>"#)
        #expect(try await serving.post(hostile, delivery: "d-1").status == 202)
        try await eventually("the mail to come, at its second try", seconds: 60) { server.mails.count == 1 }

        let mail = try #require(server.mails.first).replacingOccurrences(of: "\r\n", with: "\n")
        #expect(mail.hasPrefix("ENVELOPE from=cordon@example.com to=ann@example.com tls=True user=cordon\n"))
        let parts = mail.components(separatedBy: "\n\n")
        let head = parts[0]
        for field in [
            "Date: ", "From: Cordon <cordon@example.com>", "To: =?utf-8?B?", "Subject: =?utf-8?B?",
            "Message-ID: <", "MIME-Version: 1.0", "Auto-Submitted: auto-generated",
        ] { #expect(head.contains("\n" + field), "\(field) is missing in \(head)") }
        #expect(!head.contains("Bcc"))
        let text = try #require(
            Data(base64Encoded: parts[1].replacingOccurrences(of: "\n", with: "")).map {
                String(decoding: $0, as: UTF8.self)
            })
        #expect(text.contains("nothing certain to act on"))
        #expect(!mail.contains(MailServer.password))

        let tried = try await installation.finish("notification", "test", "mail")
        #expect(tried.end == .exited(0), "\(tried.error)")
        #expect(server.mails.count == 2)
        let unknown = try await installation.finish("notification", "test", "nobody")
        #expect(unknown.end == .exited(3))
        #expect(unknown.error.contains("there is no channel 'nobody'; known: mail"))
        serving.program.kill()
    }

    @Test func `a mail server that says nothing keeps no other channel waiting`() async throws {
        guard MailServer.isInstalled else { return try PythonServers.lacks("aiosmtpd") }
        let scratch = try ScratchFolder("cordon-mail")
        let server = try await MailServer(in: scratch, port: try freePort())
        let silent = try LoopbackServer({ _ in .respond(200) }, welcome: { _ in .ignore })
        defer {
            server.stop()
            silent.stop()
        }
        func channel(_ id: String, _ port: Int) -> String {
            """
                - id: \(id)
                  smtp: { url: "smtp://localhost:\(port)", from: c@example.com, user: cordon, password: { file: mail-password }, authority: { file: "\(server.authorityPath)" } }
                  people: [{ name: ann, address: ann@example.com }]
                  egress: { loopback: true }

            """
        }
        let installation = try installation(
            try PracticeAuthority(),
            "  channels:\n\(channel("silent", Int(silent.port)))\(channel("mail", server.port))  routes: [{ to: [mail] }]\n"
        )
        try installation.secret(MailServer.password, as: "mail-password")
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        let waiting = try ProgramUnderTest(
            Installation.program, ["notification", "test", "silent"], folder: installation.scratch.path,
            capturedIn: scratch, as: "silent")
        try await eventually("the silent server to be spoken to") { silent.connectionCount > 0 }
        let told = try await installation.finish("notification", "test", "mail")
        #expect(told.end == .exited(0), "\(told.error)")
        #expect(server.mails.count == 1)
        #expect(waiting.end == nil, "it waits still")
        silent.stop()
        #expect(try await waiting.waitForExit(timeoutMilliseconds: 60_000) == .exited(1))
    }

    @Test func `a mail server that offers no TLS, and a wrong password, are told as what they are`() async throws {
        guard MailServer.isInstalled else { return try PythonServers.lacks("aiosmtpd") }
        let scratch = try ScratchFolder("cordon-mail")
        let server = try await MailServer(in: scratch, port: try freePort())
        defer { server.stop() }
        let installation = try installation(
            try PracticeAuthority(),
            """
              channels:
                - id: wrong
                  smtp: { url: "smtp://localhost:\(server.port)", from: c@example.com, user: cordon, password: { file: mail-password }, authority: { file: "\(server.authorityPath)" } }
                  people: [{ name: ann, address: ann@example.com }]
                  egress: { loopback: true }
                - id: strange
                  smtp: { url: "smtp://localhost:\(server.port)", from: c@example.com }
                  people: [{ name: ann, address: ann@example.com }]
                  egress: { loopback: true }
                - id: far
                  smtp: { url: "smtp://127.0.0.1:\(server.port)", from: c@example.com }
                  people: [{ name: ann, address: ann@example.com }]
              routes: [{ to: [wrong] }]

            """)
        try installation.secret("not the password", as: "mail-password")
        let serving = try await installation.serve()
        for (channel, words) in [
            ("wrong", "refused the user or the password"), ("strange", "certificate"), ("far", "a loopback address"),
        ] {
            let tried = try await installation.finish("notification", "test", channel)
            #expect(tried.end == .exited(1))
            #expect(tried.error.contains(words), "\(channel): \(tried.error)")
        }
        #expect(server.mails.isEmpty)
        serving.program.kill()
    }
}

extension Installation {
    /// Its playbook proposes from now on: the shipped one, in a library of its own.
    func propose() throws {
        let root = URL(filePath: #filePath).appending(path: "../../..").standardized.path
        let playbook = try String(contentsOfFile: root + "/playbooks/secret-leaked.yaml", encoding: .utf8)
        try FileManager.default.createDirectory(atPath: scratch.path("playbooks"), withIntermediateDirectories: true)
        try scratch.write(
            playbook.replacingOccurrences(of: "mode: enforce", with: "mode: propose"),
            to: "playbooks/secret-leaked.yaml")
    }

    func secret(_ text: String, as name: String) throws {
        let path = try scratch.write(text, to: name)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }

    /// A new token, for whoever is named.
    func grant(_ name: String, _ role: String) async throws -> String {
        let made = try await finish("token", "create", "--name", name, "--role", role, "-o", "json")
        return try made.json["token"]?.stringValue ?? made.output
    }
}
