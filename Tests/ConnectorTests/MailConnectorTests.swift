// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Foundation
import Testing

@testable import CordonConnectors

/// The connector of mails: what its connection says, what its request is sealed as, what its letter is.
@Suite struct MailConnectorTests {
    private func load(
        server: String = "smtps://mail.example.com", from: String = "cordon@example.com",
        to: String = "ops@example.com",
        user: String? = nil, hasPassword: Bool = false
    ) throws -> Result<Connections, Diagnostics> {
        var settings: [String: Value] = ["server": .string(server), "from": .string(from), "recipient": .string(to)]
        settings["user"] = user.map(Value.string)
        let secrets: Value = hasPassword ? ["password": ["env": "MAIL"]] : .object([:])
        let entry: Value = [
            "id": "mail", "connector": "smtp", "settings": .object(settings),
            "secrets": secrets,
        ]
        return Connections.load(
            Array("sources: []\nproviders: [\(entry.json)]\n".utf8), file: "connections.yaml",
            connectors: ["smtp": try shippedConnector("smtp")])
    }

    private func codes(_ result: Result<Connections, Diagnostics>) -> [String] {
        if case .failure(let refusal) = result { refusal.all.map(\.code) } else { [] }
    }

    @Test func `a connection says a server, two addresses, and who signs in with what`() throws {
        #expect(codes(try load()) == [])
        #expect(codes(try load(user: "cordon", hasPassword: true)) == [])
        for server in ["mail.example.com", "https://mail.example.com", "smtp://", "smtp://a/b", "smtp://a\r\nRCPT"] {
            #expect(codes(try load(server: server)) == ["P044"], "\(server)")
        }
        for address in ["ops", "ops@example.com\r\nRCPT TO:<x@y>", "<ops@example.com>", "a,b@example.com"] {
            #expect(codes(try load(from: address)) == ["P044"], "\(address)")
            #expect(codes(try load(to: address)) == ["P044"], "\(address)")
        }
        #expect(codes(try load(user: "a\u{7}b", hasPassword: true)) == ["P044"])
        #expect(codes(try load(user: "cordon")) == ["P045"], "a user without a password")
        #expect(codes(try load(hasPassword: true)) == ["P045"], "a password without a user")
    }

    @Test func `a mail is sealed as what it says and to whom, and a repeat is written the same`() throws {
        let connection = try #require(try load().get().provider("mail"))
        let provider = Provider(connection: connection, shape: try #require(try shippedConnector("smtp").provider))
        let text = "Run it.\r\nBcc: nobody@example.com\r\n.\r\nQUIT"
        let arguments: Value = ["subject": "bot\r\nBcc: x@example.com", "text": .string(text)]
        func build(_ arguments: Value) -> Result<BuiltRequest, Refusal> {
            provider.build("notify", .act, arguments, secrets: provider.handles, idempotencyKey: "k")
        }
        let built = try build(arguments).get()
        #expect(built.method == "MAIL" && built.url == "smtps://mail.example.com")
        #expect(built.headers["from"] == "cordon@example.com" && built.headers["to"] == "ops@example.com")
        #expect(try JSON.parse(built.body ?? [])["text"] == .string(text))
        #expect(throws: (any Error).self) { try build(["subject": "bot", "text": ""]).get() }

        let letter = Letter(
            id: "k", at: .start, from: "cordon@example.com", address: "ops@example.com",
            title: "Cordon tells of bot\r\nBcc: x@example.com", text: text)
        #expect(letter.bytes == letter.bytes)
        let lines = String(decoding: letter.bytes, as: UTF8.self).components(separatedBy: "\r\n")
        let blank = try #require(lines.firstIndex(of: ""))
        let names = lines[..<blank].filter { !$0.hasPrefix(" ") }.map { $0.prefix { $0 != ":" } }
        #expect(
            names == [
                "Date", "From", "To", "Subject", "Message-ID", "Auto-Submitted", "X-Cordon-Notification",
                "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
            ])
        #expect(lines.contains("Message-ID: <k@example.com>") && lines.contains("To: <ops@example.com>"))
        let body = lines[(blank + 1)...].joined()
        #expect(Data(base64Encoded: body).map { String(decoding: $0, as: UTF8.self) } == text)
    }
}
