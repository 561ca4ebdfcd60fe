// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// A step that writes a mail, at a connection of its own: over libcurl to a real mail server.
@Suite(.serialized)
struct MailStepTests {
    private static let tell = """
        workflow: tell
        title: Keep what is known, and write to those who must know
        inputs:
          identity: { type: credential }
        steps:
          - { id: proof, do: evidence.capture, with: { of: "${inputs.identity}" } }
          - id: tell
            do: notify
            at: mail
            with: { subject: "${inputs.identity.id}", text: "Run ${run.id} looks after it.\\nBcc: nobody" }
            undo: none
            because: what is told is told

        """

    /// A server of identities, one of mails, and Cordon between them.
    private struct Site {
        let identities: Moto
        let mails: MailServer
        let ward: Ward

        func stop() {
            ward.stop()
            mails.stop()
            identities.stop()
        }
    }

    private func site(_ prepare: (MailServer) throws -> Void) async throws -> Site {
        let scratch = try ScratchFolder("cordon-mail-step")
        let server = try await Moto(in: scratch, port: try freePort())
        let mails = try await MailServer(in: scratch, port: try freePort())
        let bot = try await server.user("bot", may: "iam:List*")
        var remedy = Remedy(
            connector: "aws-iam", settings: ["url": server.url, "region": "us-east-1"],
            secrets: [
                "access_key_id": server.admin.id, "secret_access_key": server.admin.secret,
                "password": MailServer.password,
            ],
            identities: [
                Remedy.Identity(
                    id: "bot", kind: "credential",
                    attributes: ["user_name": "bot", "access_key_id": .string(bot.id)], workflow: "tell",
                    input: "identity")
            ],
            furtherProviders: [
                "mail": (
                    "smtp",
                    [
                        "server": "smtp://localhost:\(mails.port)", "from": "cordon@example.com",
                        "recipient": "ops@example.com", "user": MailServer.user,
                    ]
                )
            ],
            workflows: ["tell": Self.tell])
        remedy.authorityPath = mails.authorityPath
        try prepare(mails)
        return Site(identities: server, mails: mails, ward: try await Ward(remedy))
    }

    @Test func `a step's mail arrives once, signed in and over TLS, and a fault that passes only delays it`()
        async throws
    {
        guard Moto.isInstalled else { return try PythonServers.lacks("moto") }
        guard MailServer.isInstalled else { return try PythonServers.lacks("aiosmtpd") }
        let site = try await site { try $0.refuse(1) }
        defer { site.stop() }
        try await site.ward.accuse("bot")
        let run = try await site.ward.run(about: "bot", once: "to have told", seconds: 60) { $0["phase"] == "ended" }
        #expect(run.step("tell")?["phase"] == "finished")
        #expect(run.step("tell")?.calls == ["act later", "act done"])
        #expect(site.mails.mails.count == 1)
        let mail = try #require(site.mails.mails.first)
        #expect(mail.contains("ENVELOPE from=cordon@example.com to=ops@example.com tls=True user=cordon"))
        #expect(mail.contains("Subject: =?utf-8?B?"))
        // Text begins no header: it is base64.
        #expect(!mail.contains("Bcc:"))
        #expect(site.ward.leaked([MailServer.password]) == [])
        #expect(!site.ward.serving.program.error.contains(MailServer.password))
    }

    @Test func `where nobody knows whether the server took it a person is asked, and it is not sent again`()
        async throws
    {
        guard Moto.isInstalled else { return try PythonServers.lacks("moto") }
        guard MailServer.isInstalled else { return try PythonServers.lacks("aiosmtpd") }
        let site = try await site { try $0.drop() }
        defer { site.stop() }
        try await site.ward.accuse("bot")
        let run = try await site.ward.run(about: "bot", once: "to have asked", seconds: 60) { $0["phase"] == "asked" }
        #expect(run.step("tell")?.calls == ["act unknown"])
        #expect(site.mails.mails.count == 1, "its receiver has it")
        let reason = run.step("tell")?["calls"]?.arrayValue?.last?["outcome"]?["reason"]?.stringValue ?? ""
        #expect(reason.hasPrefix("no answer after the request had left"))
    }
}
