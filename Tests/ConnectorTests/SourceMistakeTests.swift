// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonLanguage
import Testing

/// What the author of a source is told, in which words.
@Suite struct SourceMistakeTests {
    private func source(_ lines: String) -> [Diagnostic] {
        let text = """
            connector: desk
            title: A desk
            vendor: https://desk.example
            source:
            \(lines.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n"))
              signals: []

            """
        guard
            case .failure(let refusal) = Connector.load(
                Array(text.utf8), file: "desk.yaml", digest: "sha256:desk")
        else { return [] }
        return refusal.all
    }

    private static let mistakes: [(lines: String, code: String, message: String)] = [
        (
            "authentication: { scheme: sns }\ndelivery: x-id", "P044",
            "the scheme names the delivery itself, in what is signed"
        ),
        (
            "authentication: { scheme: set }\ncontent: lines", "P044",
            "the scheme itself says how its bodies are read"
        ),
        ("authentication: { scheme: oidc, issuers: [] }", "P044", "without an issuer no token is anybody's"),
        ("authentication: { scheme: oidc }", "P020", "the field 'issuers' is missing"),
        ("authentication: { scheme: body-token, path: [] }", "P044", "the path leads to no field of the body"),
        ("authentication: { scheme: basic }\ndelivery: []", "P044", "the path leads to no field of the body"),
        (
            "authentication: { scheme: basic }\nhandshake: otka", "P025",
            "'handshake' must be one of okta, microsoft-graph, cloudevents, found 'otka'"
        ),
        (
            "authentication: { scheme: basic }\ncontent: xml", "P025",
            "'content' must be one of json, lines, text, pubsub, found 'xml'"
        ),
        ("authentication: { scheme: sns, header: x }", "P021", "the field 'header' is unknown"),
    ]

    @Test(arguments: mistakes.indices)
    func `a mistake in a source is told by number and words`(_ index: Int) throws {
        let mistake = Self.mistakes[index]
        let found = source(mistake.lines)
        #expect(found.map(\.code) == [mistake.code])
        #expect(found.first?.message == mistake.message)
    }

    @Test func `a list that is read item by item must be a list`() {
        let found = source("authentication: { scheme: basic }\neach: size(body) > 1")
        #expect(found.count == 1)
        #expect(found.first?.message.contains("list") == true)
    }

    // MARK: connections.yaml

    private func connections(_ source: String) throws -> Result<Connections, Diagnostics> {
        var connectors: [String: Connector] = [:]
        for name in ["guardduty", "gitguardian", "cloudevents", "pagerduty", "ssf"] {
            connectors[name] = try shippedConnector(name)
        }
        return Connections.load(
            Array("sources:\n  - \(source)\nproviders: []\n".utf8), file: "connections.yaml", connectors: connectors)
    }

    @Test(
        arguments: [
            (
                "{ id: s, connector: pagerduty, keys: 'https://k.example' }",
                "the scheme knows no keys that an issuer publishes"
            ),
            (
                "{ id: s, connector: ssf, settings: { issuer: a, audience: b }, keys: 'http://k.example' }",
                "'keys' is no absolute URL of https"
            ),
            ("{ id: s, connector: ssf, settings: { issuer: a, audience: b } }", "the field 'secrets' is missing"),
            ("{ id: s, connector: guardduty, secrets: [{ env: A }] }", "the field 'settings' is missing"),
            ("{ id: s, connector: guardduty, secrets: [{ env: A }], settings: {} }", "the field 'topic' is missing"),
            (
                "{ id: s, connector: guardduty, secrets: [{ env: A }], settings: { topic: '' } }", "'topic' is empty"
            ),
            (
                "{ id: s, connector: guardduty, secrets: [{ env: A }], settings: { topic: a, url: b } }",
                "the field 'url' is unknown"
            ),
            (
                "{ id: s, connector: gitguardian, secrets: [{ env: A }], limits: { per_second: 5 } }",
                "what is put off would be lost: this source does not send it again"
            ),
            (
                "{ id: s, connector: guardduty, secrets: [], settings: { topic: a } }",
                "a source needs the secret that it signs with"
            ),
            (
                "{ id: s, connector: pagerduty, secrets: [{ env: A }], authentication: { scheme: sha } }",
                "'scheme' must be one of hmac-sha256, hmac-sha512, standard-webhooks, ecdsa-p256, token, basic, body-token, sns, oidc, set, mtls, none, found 'sha'"
            ),
        ] as [(String, String)])
    func `a mistake in a source's connection is told in words`(_ source: String, _ message: String) throws {
        guard case .failure(let refusal) = try connections(source) else {
            Issue.record("must not load")
            return
        }
        #expect(refusal.all.map(\.message) == [message])
    }

    @Test func `a connection sets what its scheme compares with, its own scheme and its pace`() throws {
        let line = """
            { id: s, connector: guardduty, secrets: [{ env: A }], limits: { per_second: 5 }, \
            authentication: { scheme: token, header: X-Api-Key } }
            """
        let source = try #require(try connections(line).get().sources.first)
        #expect(source.authentication == .token(header: "x-api-key", prefix: ""))
        #expect(source.settings.isEmpty)
        #expect(source.perSecondMax == 5)
        var shape = try requireSource("guardduty")
        shape.authenticate(by: try #require(source.authentication))
        #expect(shape.authentication == source.authentication)
        let events = "{ id: s, connector: cloudevents, secrets: [{ env: A }], settings: { origin: e.example } }"
        #expect(try connections(events).get().sources.first?.settings == ["origin": "e.example"])
        let open = "{ id: s, connector: cloudevents, authentication: { scheme: none } }"
        #expect(try connections(open).get().sources.first?.secrets.isEmpty == true)
    }
}
