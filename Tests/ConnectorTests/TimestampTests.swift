// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import Foundation
import TestKit
import Testing

/// Timestamps of RFC 3161: those of other programs are read and believed as openssl does, and no other.
@Suite struct TimestampTests {
    /// A file of `shared/data/evidence/rfc3161`; without the folder says loudly what is not tested.
    private func vector(_ name: String) throws -> [UInt8]? {
        var folder = URL(fileURLWithPath: #filePath)
        while folder.path != "/" {
            folder.deleteLastPathComponent()
            let file = folder.appending(path: "shared/data/evidence/rfc3161/\(name)")
            if FileManager.default.fileExists(atPath: file.path) { return Array(try Data(contentsOf: file)) }
        }
        print("skipped: no shared/data/evidence/rfc3161/\(name) above this file; its timestamp is not tested")
        return nil
    }

    private func authorities(_ name: String) throws -> TimestampTrust? {
        guard let pem = try vector(name) else { return nil }
        return TimestampTrust(pem: pem)
    }

    @Test func `a checkpoint's timestamp is believed under its authority, and under no other`() async throws {
        guard let answer = try vector("response.tsr"), let text = try vector("checkpoint.txt"),
            let trust = try authorities("root.pem"), let other = try authorities("trailofbits/sigstage/ts_chain.pem")
        else { return }
        let token = try TimestampToken(answer: answer)
        #expect(token.time == Instant(rfc3339: "2026-11-23T21:56:34Z"))
        try await token.verify(over: text, trust: trust)
        await #expect(throws: Self.error(.differs)) { try await token.verify(over: text + [10], trust: trust) }
        await #expect(throws: Self.error(.untrusted)) { try await token.verify(over: text, trust: other) }
        // Nobody asked for it just now.
        await #expect(throws: Self.error(.differs)) {
            try await token.verify(over: text, answering: TimestampRequest(over: text, nonce: 1), trust: trust)
        }
    }

    @Test func `whatever byte of a timestamp is changed, it says the same or is not believed`() async throws {
        guard let answer = try vector("response.tsr"), let text = try vector("checkpoint.txt"),
            let trust = try authorities("root.pem")
        else { return }
        let honest = try TimestampToken(answer: answer)
        var refused = 0
        for index in answer.indices {
            var changed = answer
            changed[index] ^= 0x01
            do {
                let token = try TimestampToken(answer: changed)
                try await token.verify(over: text, trust: trust)
                #expect(token.time == honest.time && token.digest == honest.digest && token.serial == honest.serial)
            } catch { refused += 1 }
        }
        #expect(refused > answer.count / 2)
        for count in [0, 1, answer.count / 2, answer.count - 1] {
            #expect(throws: Self.error(.malformed)) { try TimestampToken(answer: Array(answer.prefix(count))) }
        }
        #expect(throws: Self.error(.malformed)) { try TimestampToken(answer: answer + [0]) }
    }

    @Test(
        arguments: [
            ("response-sha256.tsr", nil), ("response-invalid-signature.tsr", .signatureInvalid),
            ("response-sha384.tsr", .differs), ("response-sha512.tsr", .differs),
        ] as [(String, TimestampError.Code?)])
    func `another authority's answers are judged alike`(_ name: String, _ expected: TimestampError.Code?) async throws {
        guard let answer = try vector("trailofbits/sigstage/\(name)"),
            let trust = try authorities("trailofbits/sigstage/ts_chain.pem")
        else { return }
        var found: TimestampError.Code?
        do throws(TimestampError) {
            try await TimestampToken(answer: answer).verify(over: Array("hello".utf8), trust: trust)
        } catch { found = error.code }
        #expect(found == expected)
    }

    @Test func `what is no answer is refused`() {
        for bytes in [[], [0x30, 0], Array("not DER".utf8), [UInt8](repeating: 0x30, count: 100_000)] {
            #expect(throws: Self.error(.malformed)) { try TimestampToken(answer: bytes) }
        }
        // RFC 3161 §2.4.2: status 2, rejection.
        #expect(throws: Self.error(.refused)) { try TimestampToken(answer: [0x30, 5, 0x30, 3, 2, 1, 2]) }
        #expect(TimestampTrust(pem: Array("nothing".utf8)) == nil)
    }

    @Test func `openssl reads the question`() throws {
        let scratch = try ScratchFolder()
        let request = TimestampRequest(over: Array("hello".utf8), nonce: .max)
        try Data(request.bytes).write(to: URL(fileURLWithPath: scratch.path("q.tsq")))
        let openssl = Process()
        openssl.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        openssl.arguments = ["ts", "-query", "-in", scratch.path("q.tsq"), "-text"]
        let output = Pipe()
        openssl.standardOutput = output
        try openssl.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        openssl.waitUntilExit()
        #expect(openssl.terminationStatus == 0)
        #expect(text.contains("Hash Algorithm: sha256") && text.contains("Nonce: 0x7FFFFFFFFFFFFFFF"))
        #expect(
            text.contains("Certificate required: yes")
                && text.contains("2c f2 4d ba 5f b0 a3 0e-26 e8 3b 2a c5 b9 e2 9e"))
    }

    private static func error(_ code: TimestampError.Code) -> TimestampError {
        TimestampError(code, "")
    }
}
