// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation
import Testing

/// What never reaches the disk, and what is left in its place.
@Suite struct RedactionTests {
    private static let key = Secret("0123456789abcdef0123456789abcdef")
    private static let other = Secret("another key, another fingerprint")
    private static let salt = [UInt8](repeating: 7, count: 32)
    private static let token = "ghp_" + String(repeating: "a1B2", count: 9)

    private func shape(_ source: String) throws -> SourceShape {
        let text = """
            connector: desk
            title: A desk
            vendor: https://desk.example
            source:
            \(source.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n"))
              signals: []

            """
        return try #require(try connector("desk", text).source)
    }

    private func seal(
        _ body: String, _ shape: SourceShape, _ fingerprints: Fingerprints = Fingerprints(key)
    ) -> (alert: Alert, body: String) {
        let bytes = Array(body.utf8)
        let raw = Alert(
            id: AlertID(at: .start, random: (1, 1)), source: "s", deliveryID: "d-1", receivedAt: .start, headers: [:],
            body: bytes, bodyDigest: digestText(bytes), originProof: .sharedSecret)
        let alert = raw.sealed(as: shape, fingerprints, salt: Self.salt)
        return (alert, String(decoding: alert.body, as: UTF8.self))
    }

    private let desk =
        "authentication: { scheme: basic }\nredact:\n  secret: [/alert/secret]\n  personal: [/people/*/mail]"

    @Test func `a place is cut, class and fingerprint stay, and the alert says where`() throws {
        let (alert, body) = seal(
            #"{"alert": {"secret": "hunter2", "n": 1.0},"people":[{"mail":"a@b.c"},{"mail":"d@e.f"}]}"#,
            try shape(desk))
        #expect(!body.contains("hunter2") && !body.contains("a@b.c") && !body.contains("d@e.f"))
        #expect(body.hasPrefix(#"{"alert": {"secret": "cordon:cut:secret:hmac-sha256:"#))
        #expect(body.contains(#""n": 1.0},"people":[{"mail":"cordon:cut:personal:hmac-sha256:"#))
        #expect(
            alert.cuts == [
                .init(place: "/alert/secret", kind: .secret, count: 1),
                .init(place: "/people/*/mail", kind: .personal, count: 2),
            ])
        #expect(Alert.cuts(alert.cutsText) == alert.cuts)
        #expect(
            alert.receipt["cut"]?.arrayValue?.first == ["place": "/alert/secret", "class": "secret", "count": 1])
    }

    @Test func `the same secret has the same fingerprint wherever it stands, and another under another key`() throws {
        let first = seal(#"{"alert":{"secret":"hunter2"}}"#, try shape(desk)).body
        let again = seal(#"{ "alert" : {"secret":"h\u0075nter2"}}"#, try shape(desk)).body
        func fingerprint(_ body: String) throws -> String? {
            try JSON.parse(body).at("alert", "secret")?.stringValue
        }
        #expect(try fingerprint(first) == fingerprint(again))
        #expect(try fingerprint(first) != fingerprint(seal(#"{"alert":{"secret":"hunter3"}}"#, try shape(desk)).body))
        let under = seal(#"{"alert":{"secret":"hunter2"}}"#, try shape(desk), Fingerprints(Self.other)).body
        #expect(try fingerprint(first) != fingerprint(under))
        // RFC 4231 gives no vector for a key of ours; the hex digest of the plain text must not be in it.
        #expect(!first.contains(digestText(Array("hunter2".utf8)).dropFirst(7)))
    }

    @Test func `the digest is a commitment to what is stored and not to what came`() throws {
        let body = #"{"alert":{"secret":"hunter2"}}"#
        let alert = seal(body, try shape(desk)).alert
        #expect(alert.bodyDigest == digestText([2] + Self.salt + alert.body))
        #expect(alert.bodyDigest != digestText(alert.body))
        #expect(alert.bodyDigest != digestText(Array(body.utf8)))
        #expect(alert.receipt["salted"] == true)
        #expect(alert.receipt["body"] == .string(alert.bodyDigest))
    }

    @Test func `a key that was replaced still tells a repeat`() throws {
        let body = Array(#"{"a":1}"#.utf8)
        let old = seal(#"{"a":1}"#, try shape(desk)).alert
        let rotated = Fingerprints(Self.other, former: [Self.key])
        #expect(rotated.isMark(old.mark, ofBody: body))
        #expect(!rotated.isMark(old.mark, ofBody: body + [32]))
        #expect(!Fingerprints(Self.other).isMark(old.mark, ofBody: body))
        #expect(rotated.formerMarks(ofBody: body) == [old.mark])
    }

    @Test func `a delivery without a name is named by a keyed mark, and is known by its earlier names`() throws {
        let body = Array(#"{"a":1}"#.utf8)
        let raw = Alert(
            id: AlertID(at: .start, random: (1, 1)), source: "s", deliveryID: digestText(body), receivedAt: .start,
            headers: [:], body: body, bodyDigest: digestText(body), originProof: .none)
        let old = raw.sealed(as: nil, Fingerprints(Self.key), salt: Self.salt)
        let new = raw.sealed(as: nil, Fingerprints(Self.other, former: [Self.key]), salt: Self.salt)
        #expect(old.deliveryID.hasPrefix("hmac-sha256:") && new.deliveryID != old.deliveryID)
        #expect(new.formerDeliveryIDs == [old.deliveryID, digestText(body)])
    }

    // MARK: How bodies are wrapped

    @Test(
        arguments: [
            ("content: lines", #"{"alert":{"secret":"hunter2"}}"# + "\n\r\n" + #"{"alert":{"secret":"hunter2"}}"#),
            ("content: lines", #"[{"alert":{"secret":"hunter2"}},{"alert":{"secret":"hunter2"}}]"#),
        ])
    func `each line or item is cut`(_ content: String, _ body: String) throws {
        let shape = try shape(desk + "\n" + content)
        let (alert, stored) = seal(body, shape)
        #expect(!stored.contains("hunter2"))
        #expect(alert.cuts == [.init(place: "/alert/secret", kind: .secret, count: 2)])
    }

    @Test func `what Pub/Sub wraps in base64 is cut and wrapped again`() throws {
        let inner = Data(#"{"alert":{"secret":"hunter2"},"kept":true}"#.utf8).base64EncodedString()
        let (_, stored) = seal(
            #"{"message":{"data":"\#(inner)","messageId":"7"}}"#, try shape(desk + "\ncontent: pubsub"))
        let data = try #require(try JSON.parse(stored).at("message", "data")?.stringValue)
        let body = try JSON.parse(Array(try #require(Data(base64Encoded: data))))
        #expect(body.at("alert", "secret")?.stringValue?.hasPrefix("cordon:cut:secret:") == true)
        #expect(body["kept"] == true)
    }

    @Test func `what SNS wraps in a text is cut and wrapped again`() throws {
        let message = Value.string(#"{"alert":{"secret":"hunter2"},"kept":true}"#).json
        let sns = desk.replacing("basic", with: "sns")
        let (alert, stored) = seal(#"{"Type":"Notification","Message":\#(message)}"#, try shape(sns))
        #expect(!stored.contains("hunter2") && stored.contains(#"\"kept\":true"#))
        #expect(alert.cuts.map(\.place) == ["/alert/secret"])
    }

    @Test func `of a body that should be JSON and is none nothing stays where something should have been cut`() throws {
        let (alert, stored) = seal(#"{"alert":{"secret":"hunter2""#, try shape(desk))
        #expect(try JSON.parse(stored).stringValue?.hasPrefix("cordon:cut:secret:") == true)
        #expect(alert.cuts == [.init(place: "", kind: .secret, count: 1)])
        let plain = try shape("authentication: { scheme: basic }")
        #expect(seal("{ not json", plain).body == "{ not json")
    }

    @Test func `a token that its issuer signed stays whole, and its places can't be named`() throws {
        let ssf = try #require(try shippedConnector("ssf").source)
        #expect(seal("eyJhbGciOiJub25lIn0.eyJwYXNzd29yZCI6IngifQ.c2lnbmF0dXJl", ssf).alert.cuts == [])
        let text = """
            connector: desk
            title: A desk
            vendor: https://desk.example
            source:
              authentication: { scheme: set }
              redact: { secret: [/a] }
              signals: []

            """
        guard case .failure(let refusal) = Connector.load(Array(text.utf8), file: "desk.yaml", digest: "sha256:d")
        else {
            Issue.record("it was taken")
            return
        }
        #expect(refusal.all.map(\.message) == ["its bodies are tokens that their issuer signed as a whole"])
    }

    @Test func `the source's own secret in a body is cut`() throws {
        let (_, stored) = seal(
            #"{"auth":{"k/1":"hunter2"}}"#, try shape("authentication: { scheme: body-token, path: [auth, k/1] }"))
        #expect(!stored.contains("hunter2"))
    }

    // MARK: What is looked for everywhere

    @Test(
        arguments: [
            #"{"deep":[{"client_secret":"hunter2"}]}"#, #"{"password":"hunter2"}"#, #"{"SecretAccessKey":"hunter2"}"#,
        ])
    func `a member of a telling name is cut in any source`(_ body: String) throws {
        let (alert, stored) = seal(body, try shape("authentication: { scheme: basic }"))
        #expect(!stored.contains("hunter2"))
        #expect(alert.cuts.count == 1 && alert.cuts[0].kind == .secret)
    }

    @Test func `a text with the form of a credential is cut, and the text around it stays`() throws {
        let plain = try shape("authentication: { scheme: basic }")
        let (alert, stored) = seal(#"{"note":"found \#(Self.token) in main.swift"}"#, plain)
        #expect(!stored.contains(Self.token))
        #expect(
            stored.hasPrefix(#"{"note":"found cordon:cut:secret:hmac-sha256:"#)
                && stored.hasSuffix(#" in main.swift"}"#))
        #expect(alert.cuts == [.init(place: "**", kind: .secret, count: 1)])
    }

    @Test(
        arguments: [
            "-----BEGIN EC PRIVATE KEY-----\\nhunter2\\n-----END EC PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----hunter2",
            "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.aGVyZS1zdGFuZHMtYS1zaWduYXR1cmU",
            "xoxb-123456789012-abcdefABCDEF",
        ])
    func `keys and tokens have such forms`(_ text: String) throws {
        let (alert, stored) = seal(#"{"note":"\#(text)"}"#, try shape("authentication: { scheme: basic }"))
        #expect(!stored.contains("hunter2") && alert.cuts.map(\.place) == ["**"])
    }

    @Test(arguments: [
        "ghp_short", "AKIAIOSFODNN7EXAMPLE", "-----BEGIN CERTIFICATE-----", "a.b.c", "eyJ.eyJ.x",
        "notghp_aaaaaaaaaaaaaaaaaaaaaaaa",
    ])
    func `what only resembles one stays`(_ text: String) throws {
        let body = #"{"note":"\#(text)"}"#
        #expect(seal(body, try shape("authentication: { scheme: basic }")).body == body)
    }

    // MARK: Mistakes

    @Test(
        arguments: [
            ("redact: { secret: [alert.secret] }", "P044", "'alert.secret' is no place in a body"),
            ("redact: { secret: [/**] }", "P044", "'/**' is no place in a body"),
            ("redact: { hidden: [/a] }", "P021", "the field 'hidden' is unknown"),
            (
                "redact: { secret: [\((0..<65).map { "/a\($0)" }.joined(separator: ", "))] }", "P037",
                "65 places, the limit is 64 (redactedPlacesMax)"
            ),
        ])
    func `a mistake in what is cut is told`(_ line: String, _ code: String, _ message: String) throws {
        let text = """
            connector: desk
            title: A desk
            vendor: https://desk.example
            source:
              authentication: { scheme: basic }
              \(line)
              signals: []

            """
        guard case .failure(let refusal) = Connector.load(Array(text.utf8), file: "desk.yaml", digest: "sha256:d")
        else {
            Issue.record("it was taken")
            return
        }
        #expect(refusal.all.map(\.code) == [code])
        #expect(refusal.all.first?.message == message)
    }
}
