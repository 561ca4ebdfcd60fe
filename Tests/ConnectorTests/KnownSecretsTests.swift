// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import Foundation
import TestKit
import Testing

/// What somebody else says is quoted, but for what holds a part of a secret that this process has held.
@Suite struct KnownSecretsTests {
    private static let secret = "pa/ss \"word\"+7=e1\\x%"

    private func known(_ secrets: String...) -> KnownSecrets {
        let known = KnownSecrets()
        for secret in secrets { known.note(secret) }
        return known
    }

    @Test func `what holds no secret is quoted in one line of its length`() {
        let known = known(Self.secret)
        #expect(known.quote("no such channel", 120) == "no such channel")
        #expect(known.quote("no\nsuch\u{202E}channel", 120) == "no such channel")
        #expect(known.quote("0123456789", 4) == "012…")
        #expect(KnownSecrets().quote("anything at all", 120) == "anything at all")
        #expect(known.quote("", 120) == "")
    }

    @Test func `a secret is found in every form in which a text is written down`() throws {
        let known = known(Self.secret)
        let bytes = Array(Self.secret.utf8)
        let unreserved = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~"))
        let escaped = try #require(Self.secret.addingPercentEncoding(withAllowedCharacters: unreserved))
        let json = String(decoding: try JSONEncoder().encode(Self.secret), as: UTF8.self)
        let hex = bytes.map { String(format: "%02x", $0) }.joined()
        var forms = [
            Self.secret, escaped, escaped.lowercased(), escaped.replacing("%20", with: "+"), json,
            json.replacing("\\/", with: "/"), hex, hex.uppercased(), "0" + hex,
            bytes.map { String(format: "%%%02X", $0) }.joined(),
        ]
        for before in ["", "u:", "user:", "ab:x:"] {
            let encoded = Data(Array(before.utf8) + bytes).base64EncodedString()
            forms += [encoded, "z" + encoded, encoded.replacing("+", with: "-").replacing("/", with: "_")]
            forms.append(encoded.addingPercentEncoding(withAllowedCharacters: unreserved) ?? encoded)
        }
        for form in forms { #expect(known.quote("you said \(form), I say no", 500) == "", "\(form)") }
    }

    @Test func `a secret that is cut off at the end of what is quoted is found too`() {
        let known = known("canary-secret-0123456789abcdef")
        #expect(known.quote("you said canary-secret-0123456789abcdef", 20) == "")
        #expect(known.quote("you said canary-secret-0123456789abcdef", 12) == "you said ca…")
    }

    @Test func `of an address the host is no secret, and of a key its frame is none`() {
        let address = "https://hooks.example.com/services/T0001/B0002/x1y2z3x1y2z3"
        #expect(known(address).quote("hooks.example.com is closed", 120) == "hooks.example.com is closed")
        #expect(known(address).quote("no T0001/B0002", 120) == "")
        let key = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0w\n-----END PRIVATE KEY-----\n"
        #expect(known(key).quote("-----BEGIN PRIVATE KEY----- is no form", 120) != "")
        #expect(known(key).quote("what is 'MIGHAgEAMBMGByqG'?", 120) == "")
        let file = #"{"type":"service_account","private_key":"\#(key.replacing("\n", with: "\\n"))"}"#
        #expect(known(file).quote("a service_account is none", 120) != "")
        #expect(known(file).quote("what is 'MIGHAgEAMBMGByqG'?", 120) == "")
    }

    @Test func `of what was told just now parts of six letters are too much`() {
        let known = known("https://chat.example.com/hooks/abc123/x")
        #expect(known.quote("no hook abc123", 120) == "no hook abc123")
        #expect(known.quote("no hook abc123", 120, hiding: "https://chat.example.com/hooks/abc123/x") == "")
    }

    @Test func `short secrets are looked for as a whole, and those of three letters not at all`() {
        #expect(known("k1-x9").quote("what is k1-x9?", 120) == "")
        #expect(known("k1-x9").quote("what is k1-x?", 120) == "what is k1-x?")
        #expect(known("abc").quote("abcdef", 120) == "abcdef")
    }

    @Test func `whatever a reader read is known, but for what anybody may read`() throws {
        let reader = SecretReader(folder: "/", environment: { _ in "canary-of-the-environment" })
        _ = try reader.read(.environment("X"))
        let copy = reader
        #expect(copy.known.quote("canary-of-the-environment", 120) == "")
        let other = SecretReader(folder: "/", environment: { _ in "canary-of-the-environment" })
        _ = try other.read(.environment("X"), isPublic: true)
        #expect(other.known.quote("canary-of-the-environment", 120) != "")
    }
}
