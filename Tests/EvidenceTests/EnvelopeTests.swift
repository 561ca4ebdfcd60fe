// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import CordonEvidence

@Suite struct EnvelopeTests {
    private struct Vector: Decodable {
        var payloadType: String
        var payload: String
        var pae: String
        var x: String
        var sig: String
    }

    @Test func `what is signed is what the protocol's own example says`() throws {
        guard let bytes = try Corpus.bytes("dsse/vector-1.json") else { return }
        let vector = try JSONDecoder().decode(Vector.self, from: Data(bytes))
        let payload = try #require(Base64.bytes(vector.payload.utf8))
        let envelope = try Envelope(payloadType: vector.payloadType, payload: payload)
        #expect(envelope.preAuthenticationEncoding == Array(vector.pae.utf8))
    }

    @Test func `it is believed only under a key that signed these very bytes as this very type`() throws {
        let key = try SigningKey(name: "cordon.example/log")
        let other = try SigningKey(name: "cordon.example/log")
        var envelope = try Envelope(payloadType: "text/plain", payload: [1, 2, 3])
        #expect(throws: EvidenceError(.signatureMissing, "")) { try envelope.verify(with: [key.verifier]) }
        try envelope.sign(with: [key])
        #expect(try envelope.verify(with: [other.verifier, key.verifier]) == [key.verifier])
        #expect(throws: EvidenceError(.signatureMissing, "")) { try envelope.verify(with: [other.verifier]) }
        for (type, payload) in [("text/plaim", [1, 2, 3]), ("text/plain", [1, 2, 4]), ("text/plain 3", [1, 2])] {
            let changed = try Envelope(
                payloadType: type, payload: payload.map { UInt8($0) }, signatures: envelope.signatures)
            #expect(throws: EvidenceError(.signatureInvalid, "")) { try changed.verify(with: [key.verifier]) }
        }
    }

    @Test func `openssl verifies it with the key's PEM`() throws {
        let key = try SigningKey(name: "cordon.example/log", seed: [UInt8](repeating: 3, count: 32))
        var envelope = try Envelope(payloadType: "text/plain", payload: Array("hello".utf8))
        try envelope.sign(with: [key])
        let scratch = try Scratch()
        try scratch.write(Array(key.verifier.pem.utf8), to: "key.pem")
        try scratch.write(envelope.preAuthenticationEncoding, to: "message")
        try scratch.write(envelope.signatures[0].bytes, to: "signature")
        let openssl = Process()
        openssl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        openssl.arguments = [
            "openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "message", "-sigfile",
            "signature",
        ]
        openssl.currentDirectoryURL = URL(fileURLWithPath: scratch.path)
        openssl.standardOutput = FileHandle.nullDevice
        try openssl.run()
        openssl.waitUntilExit()
        #expect(openssl.terminationStatus == 0)
    }
}
