// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import CordonEvidence

/// Requests that other implementations of the witness protocol are tested with.
@Suite struct WitnessVectorTests {
    private struct Exchange {
        var request: [UInt8]
        var status: Int
        /// The whole body, where the script says it.
        var body: String?
    }

    private static let logName = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
    private static let logKey = "ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f"

    private func exchanges(_ script: String) throws -> [Exchange] {
        let part = try #require(script.components(separatedBy: "-- add-checkpoint.hurl --\n").last)
        return try part.components(separatedBy: "POST http://localhost:7380/add-checkpoint\n").dropFirst().map { text in
            let pieces = text.components(separatedBy: "```\n")
            let rest = try #require(pieces.last)
            let status = try #require(rest.components(separatedBy: "HTTP ").last.flatMap { Int($0.prefix(3)) })
            let body = rest.components(separatedBy: "body == \"").dropFirst().first?
                .components(separatedBy: "\"").first?.replacing("\\n", with: "\n")
            return Exchange(request: Array(pieces[1].utf8), status: status, body: body)
        }
    }

    @Test func `litewitness's script is answered as litewitness answers it`() throws {
        guard let script = try Corpus.text("witness/litewitness.txt") else { return }
        let exchanges = try exchanges(script)
        #expect(exchanges.count == 9)
        let log = try VerifierKey(
            name: Self.logName, kind: .ed25519, publicKey: try #require(Hex.bytes(Self.logKey.utf8)))
        let key = try SigningKey(name: "example.com/witness", kind: .cosignature)
        let scratch = try Scratch()
        var witness = try Witness(at: scratch.path, key: key, logs: [log])
        for (number, exchange) in exchanges.enumerated() {
            let answer = try witness.add(exchange.request, timeSeconds: UInt64(number))
            let (status, body): (Int, String?) =
                switch answer {
                case .cosigned(let line): (200, line)
                case .malformed: (400, nil)
                // That script is older than the specification's 404 for a log that is not known.
                case .unknownLog: (403, nil)
                case .unsigned: (403, nil)
                case .conflict(let size): (409, "\(size)\n")
                case .inconsistent: (422, nil)
                }
            #expect(status == exchange.status, "exchange \(number + 1): \(answer)")
            if let expected = exchange.body { #expect(body == expected, "exchange \(number + 1)") }
            if status == 200 { #expect(body?.hasPrefix("— example.com/witness ") == true) }
        }
        #expect(try Witness.seen(in: scratch.path, key: key.verifier).map(\.checkpoint.size) == [5])
    }

    @Test func `the request of an independent log of 300 entries is cosigned`() throws {
        guard let request = try Corpus.bytes("tlog-300/add-checkpoint.request"),
            let policyText = try Corpus.text("tlog-300/policy.txt"),
            let before = try Corpus.bytes("tlog-300/checkpoint.257"),
            let after = try Corpus.bytes("tlog-300/checkpoint.300")
        else { return }
        let policy = try WitnessPolicy(parsing: policyText)
        let key = try SigningKey(
            name: "witness.example/w1", kind: .cosignature, seed: [UInt8](repeating: 2, count: 32))
        #expect(policy.witnesses.map(\.name) == ["w1", "w2"])
        #expect(policy.witnesses.first?.key == key.verifier)
        let scratch = try Scratch()
        var witness = try Witness(at: scratch.path, key: key, logs: policy.logKeys)
        #expect(try witness.add(request, timeSeconds: 1) == .conflict(size: 0))
        let first = WitnessRequest(oldSize: 0, hashes: [], checkpoint: before)
        guard case .cosigned = try witness.add(first.bytes, timeSeconds: 1) else {
            Issue.record("checkpoint 257 was not cosigned")
            return
        }
        let made = try #require(
            try OpenedCheckpoint(after, logKeys: policy.logKeys, witnesses: [key.verifier]).witnesses.first)
        #expect(try WitnessRequest(parsing: request).bytes == request)
        guard case .cosigned(let line) = try witness.add(request, timeSeconds: try #require(made.timeSeconds)) else {
            Issue.record("the request was not cosigned")
            return
        }
        let whole = try Note(parsing: WitnessRequest(parsing: request).checkpoint).adding(
            Array(line.utf8), by: [key.verifier])
        #expect(
            try OpenedCheckpoint(whole.bytes, logKeys: policy.logKeys, witnesses: [key.verifier]).witnesses == [made])
    }
}
