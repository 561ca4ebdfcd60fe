// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Foundation
import Testing

@testable import CordonConnectors

/// What goes out to people: the vendors' shapes, and nothing of what strangers wrote steers them.
@Suite struct MessageTests {
    private static let at = Instant(milliseconds: 1_795_867_877_250)  // 2026-11-28T12:11:17.250Z

    private func notice(_ kind: Notice.Kind = .approval, text: String, ordinal: Int = 3) -> Notice {
        Notice(
            kind, run: RunID("run_01M89N9GNJW26GQ3JDHC3NDGWS"), step: "purge", playbook: "secret-leaked",
            owner: "team/appsec", subject: "credential:a", severity: .high, to: ["approver"], text: text, at: Self.at,
            ordinal: ordinal, shown: "sha256:1", choices: ["approve", "decline"])
    }

    private func message(_ notices: [Notice], more: Int = 0, links: [String: String] = [:]) -> Message {
        Message(id: Message.name("chat/key"), notices: notices, more: more, links: links, at: Self.at)
    }

    private static let hostile = "<!channel> & <https://evil.example|click>\r\nBcc: a@b\u{202E}\u{0}"

    @Test func `a chat neither mentions nor links what strangers wrote`() throws {
        let notice = notice(text: Self.hostile)
        let value = message([notice], links: [notice.key: "https://cordon.example/approve?mac=1"]).chat
        let text = try #require(value["blocks"]?.arrayValue?.dropFirst().first?["text"]?["text"]?.stringValue)
        #expect(text.contains("&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;"))
        #expect(text.components(separatedBy: "<").count == 2, "the one link is ours: \(text)")
        #expect(text.hasSuffix("\n<https://cordon.example/approve?mac=1|Look at it and answer>"))
        #expect(!text.unicodeScalars.contains { $0.value == 0x202E || $0.value == 0 })
    }

    @Test func `however long the text, a chat's bounds hold`() throws {
        let notices = (1...5).map { notice(text: String(repeating: "&\u{301}<", count: 40_000), ordinal: $0) }
        let value = message(notices, more: 995).chat
        let blocks = try #require(value["blocks"]?.arrayValue)
        #expect(blocks.count == 7)
        for block in blocks.dropFirst() {
            #expect((block["text"]?["text"]?.stringValue?.utf16.count ?? .max) <= 3000)
        }
        #expect((blocks[0]["text"]?["text"]?.stringValue?.utf16.count ?? .max) <= 150)
        #expect(blocks.last?["text"]?["text"]?.stringValue == "and 995 more: cordon run list --phase asked")
        #expect(value["text"]?.stringValue == "1000 × an approval is asked: secret-leaked")
    }

    @Test func `a pager is told to trigger, to acknowledge and to resolve one incident`() throws {
        let trigger = message([notice(text: Self.hostile)]).page(routingKey: "key")
        #expect(trigger["event_action"] == "trigger")
        #expect(trigger["payload"]?["severity"] == "error")
        #expect(trigger["payload"]?["timestamp"] == "2026-11-28T12:11:17.250Z")
        #expect((trigger["payload"]?["summary"]?.stringValue?.count ?? .max) <= 1024)
        #expect(trigger["payload"]?["class"] == "approval")
        for (kind, action) in [(Notice.Kind.acknowledged, "acknowledge"), (.settled, "resolve")] {
            let event = message([notice(kind, text: "answered")]).page(routingKey: "key")
            #expect(event["event_action"]?.stringValue == action)
            #expect(event["dedup_key"] == trigger["dedup_key"])
            #expect(event["payload"] == nil)
        }
    }

    @Test func `a mail's headers hold nothing but what is meant`() throws {
        let notice = notice(text: Self.hostile)
        let bytes = message([notice]).mail(from: "cordon@example.com", to: "ann@example.com", name: "Änn\r\nX: y")
        let text = String(decoding: bytes, as: UTF8.self)
        let parts = text.components(separatedBy: "\r\n\r\n")
        #expect(parts.count == 2)
        let lines = parts[0].components(separatedBy: "\r\n")
        #expect(lines.allSatisfy { $0.utf8.count <= 78 && $0.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } })
        let names = lines.filter { !$0.hasPrefix(" ") }.map { String($0.prefix { $0 != ":" }) }
        #expect(
            names == [
                "Date", "From", "To", "Subject", "Message-ID", "References", "Auto-Submitted", "X-Cordon-Notification",
                "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
            ])
        #expect(lines[0] == "Date: Sat, 28 Nov 2026 12:11:17 +0000")
        #expect(text.replacingOccurrences(of: "\r\n", with: "").contains("\n") == false, "no bare line end")
        let again = message([notice]).mail(from: "cordon@example.com", to: "ann@example.com", name: "Ann")
        let id = lines.first { $0.hasPrefix("Message-ID") }
        #expect(String(decoding: again, as: UTF8.self).contains(id ?? "no id"), "a repeat is known by its id")
    }

    @Test(arguments: [
        "ann@example.com", "a.b+c@mail.example.com",
    ]) func `an address is taken`(address: String) { #expect(MailAddress.isSound(address)) }

    @Test(arguments: [
        "", "ann", "ann@", "@example.com", "a@b@c", "ann@example.com\r\nRCPT TO:<x@y>", "<ann@example.com>",
        "ann smith@example.com", "-oQ@example.com", "ann@exam ple.com", "änn@example.com", "a,b@example.com",
    ]) func `what could end an envelope's line is no address`(address: String) {
        #expect(!MailAddress.isSound(address))
    }

    // MARK: connections.yaml

    private func load(_ text: String) -> Result<Connections, Diagnostics> {
        Connections.load(
            Array(("sources: []\nproviders: []\nnotifications:\n" + text).utf8), file: "connections.yaml",
            connectors: [:])
    }

    @Test func `routes lead to channels by kind, owner, group, playbook and severity`() throws {
        let notifications = try load(
            """
              channels:
                - { id: chat, webhook: { url: { env: CHAT } } }
                - id: mail
                  smtp: { url: "smtps://mail.example.com", from: c@example.com }
                  people: [{ name: ann, address: ann@example.com }, { name: bob, address: bob@example.com }]
                - { id: pager, pagerduty: { routing_key: { env: KEY } } }
              routes:
                - { to: [pager], kinds: [approval], severity: high }
                - { to: [mail], groups: [approver], owners: [team/appsec], playbooks: [secret-leaked] }
                - { to: [chat] }

            """
        ).get().notifications
        func endpoints(_ notice: Notice) -> [String] { notifications.endpoints(for: notice).map(\.id) }
        #expect(endpoints(notice(text: "a")) == ["chat", "mail:ann", "mail:bob", "pager"])
        #expect(endpoints(notice(.doubt, text: "a")) == ["chat", "mail:ann", "mail:bob"])
        #expect(endpoints(notice(.settled, text: "a")) == ["pager"], "only who keeps incidents hears of ends")
        var low = notice(text: "a")
        low.severity = .low
        low.to = ["bob"]
        #expect(endpoints(low) == ["chat"])
    }

    @Test(arguments: [
        ("    - { id: a, webhook: { url: { env: A } }, pagerduty: { routing_key: { env: B } } }", "P044", "is one of"),
        ("    - { id: a, smtp: { url: 'smtp://h', from: c@example.com } }", "P044", "needs people"),
        (
            "    - { id: a, smtp: { url: 'http://h', from: c@example.com }, people: [{ name: b, address: b@c }] }",
            "P044", "no address of a mail server"
        ),
        (
            "    - { id: a, smtp: { url: 'smtp://h', from: 'c@example.com>' }, people: [{ name: b, address: b@c }] }",
            "P044", "'from' is no mail address"
        ),
        (
            "    - { id: a, smtp: { url: 'smtp://h', from: c@e.x }, people: [{ name: b, address: \"b@c\\r\\nX: y\" }] }",
            "P044", "is no mail address"
        ),
        (
            "    - { id: a, smtp: { url: 'smtp://h', from: c@e.x, user: u }, people: [{ name: b, address: b@c }] }",
            "P044", "go together"
        ),
        ("    - { id: A b, webhook: { url: { env: A } } }", "P039", "is no name"),
    ]) func `a channel that can't be used is refused`(channel: String, code: String, words: String) throws {
        guard case .failure(let mistakes) = load("  channels:\n\(channel)\n  routes: []\n") else {
            Issue.record("it was taken")
            return
        }
        #expect(mistakes.all.contains { $0.code == code && $0.message.contains(words) }, "\(mistakes.all.map(\.text))")
    }

    @Test func `a route that leads nowhere, or for what is no kind, is refused`() {
        let text =
            "  channels: [{ id: chat, webhook: { url: { env: A } } }]\n  routes: [{ to: [chta], kinds: [aproval] }]\n"
        guard case .failure(let mistakes) = load(text) else {
            Issue.record("it was taken")
            return
        }
        let texts = mistakes.all.map(\.text).joined(separator: "\n")
        #expect(texts.contains("there is no channel 'chta' (did you mean 'chat'?)"))
        #expect(texts.contains("'aproval' is no kind of notification"))
    }
}
