// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

@testable import CordonConnectors

/// The keys that sign security events, and how an operator says who is told.
struct TransmitterTests {
    private static let algorithms: [ProviderShape.WebToken.Algorithm] = [.rs256, .es256]

    @Test(arguments: TransmitterTests.algorithms)
    func `what is signed is verified by what is published, and by Cordon's own receiver`(
        algorithm: ProviderShape.WebToken.Algorithm
    ) throws {
        let keys = try #require(EventKeys([try EventKeys.make(algorithm)]))
        let claims: Value = [
            "iss": "https://cordon.example", "aud": "https://gateway.example", "jti": "t-1", "iat": 1_800_000_000,
            "sub_id": ["format": "opaque", "id": "a"],
            "events": [SecurityEvent.Kind.sessionRevoked.uri: ["event_timestamp": 1_800_000_000]],
        ]
        let token = keys.sign(claims)
        let read = try WebSignature(token)
        #expect(read.header["typ"] == "secevent+jwt" && read.header["alg"] == .string(algorithm.rawValue))
        let published = Secret(keys.published.jsonBytes)
        try read.verify(WebKey.all(in: published))
        #expect(read.claims == claims.objectValue)

        func shown(_ audience: String) throws -> String? {
            try SecurityEventToken.verify(
                InboundDelivery(headers: ["content-type": SecurityEventToken.mediaType], body: token), [published],
                ["issuer": "https://cordon.example", "audience": audience]
            ).delivery
        }
        #expect(try shown("https://gateway.example") == "t-1")
        #expect(throws: Rejection.eventAudienceWrong) { try shown("https://else.example") }
        let other = try #require(EventKeys([try EventKeys.make(algorithm)]))
        #expect(throws: WebSignature.Fault.keyUnknown) {
            try read.verify(WebKey.all(in: Secret(other.published.jsonBytes)))
        }
    }

    @Test func `the last key signs, the former ones are published, and what is no key is none`() throws {
        let (old, new) = (try EventKeys.make(.rs256), try EventKeys.make(.es256))
        let token = try #require(EventKeys([old])).sign(["a": 1])
        let both = try #require(EventKeys([old, new]))
        #expect(both.published["keys"]?.arrayValue?.count == 2)
        let published = WebKey.all(in: Secret(both.published.jsonBytes))
        try WebSignature(token).verify(published)
        let next = try WebSignature(both.sign(["a": 2]))
        #expect(next.header["alg"] == "ES256")
        try next.verify(published)
        #expect(!both.published.json.contains("\"d\""), "nothing private is published")
        #expect(EventKeys([]) == nil)
        #expect(EventKeys([Secret(Array("no key".utf8))]) == nil)
    }

    private func load(_ text: String) -> Result<Connections, Diagnostics> {
        Connections.load(
            Array(("sources: []\nproviders: []\ntransmitter:\n" + text).utf8), file: "connections.yaml",
            connectors: [:])
    }

    @Test func `streams are read with what they are told and how`() throws {
        let transmitter = try #require(
            try load(
                """
                  issuer: https://cordon.example
                  streams:
                    - { id: gateway, audience: g, push: "https://g.example/events", token: { file: t }, events: [session-revoked] }
                    - { id: far, audience: f, poll: true, token: { env: FAR } }

                """
            ).get().transmitter)
        #expect(transmitter.algorithm == .rs256)
        #expect(transmitter["gateway"]?.means == .push(url: "https://g.example/events"))
        #expect(transmitter["gateway"]?.kinds == [.sessionRevoked])
        #expect(transmitter["far"]?.isPolled == true)
        #expect(transmitter["far"]?.kinds.count == SecurityEvent.Kind.allCases.count)
    }

    @Test(arguments: [
        ("issuer: http://cordon.example\n  streams: []", "'issuer' is no URL of https without query and fragment"),
        ("issuer: https://c.example\n  algorithm: HS256\n  streams: []", "'HS256' is no algorithm of event streams"),
        (
            "issuer: https://c.example\n  streams: [{ id: a, audience: b, push: \"http://g.example\" }]",
            "'push' is no absolute URL of https"
        ),
        (
            "issuer: https://c.example\n  streams: [{ id: a, audience: b, poll: true }]",
            "a receiver that asks must show who it is"
        ),
        ("issuer: https://c.example\n  streams: [{ id: a, audience: b }]", "a stream is one of push and poll"),
        (
            "issuer: https://c.example\n  streams: [{ id: a, audience: b, push: \"https://g\", poll: true }]",
            "a stream is one of push and poll"
        ),
        (
            "issuer: https://c.example\n  streams: [{ id: a, audience: b, push: \"https://g\", events: [session-revoke] }]",
            "Cordon tells of no 'session-revoke'"
        ),
        (
            "issuer: https://c.example\n  streams: [{ id: a, audience: b, push: \"https://g\", events: [] }]",
            "a stream of no events tells nothing"
        ),
        ("issuer: https://c.example\n  streams: [{ id: A_, audience: b, push: \"https://g\" }]", "'A_' is no name"),
        (
            "issuer: https://c.example\n  streams: [{ id: a, audience: b, push: \"https://g\" }, "
                + "{ id: a, audience: b, push: \"https://g\" }]", "the id 'a' stands twice"
        ),
        ("issuer: https://c.example\n  stream: []\n  streams: []", "stream"),
    ])
    func `a mistake is told with its place`(text: String, words: String) {
        guard case .failure(let mistakes) = load("  " + text + "\n") else {
            Issue.record("it was taken: \(text)")
            return
        }
        let told = mistakes.all.map(\.text).joined()
        #expect(told.contains(words), "\(told)")
        #expect(told.contains("connections.yaml:"))
    }
}
