// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore
import Foundation
import Logging
import TestKit
import Testing

@testable import CordonEngine

/// What an alert brings that must not be stored never is, and repeats are told all the same.
@Suite struct EngineRedactionTests {
    private static let secret = "hunter2-the-very-secret"

    private let installation: Installation

    init() throws { installation = try Installation() }

    private func body(_ action: String = "created") -> [UInt8] {
        let body: Value = [
            "action": .string(action),
            "alert": ["number": 42, "secret_type": "adafruit_io_key", "secret": .string(Self.secret)],
            "repository": ["full_name": "octo-org/octo-repo", "owner": ["email": "mona@octo.example"]],
        ]
        return body.jsonBytes
    }

    private func stored(_ receipt: Receipt) async throws -> Alert {
        guard case .stored(let id) = receipt else { throw ScratchError(text: "\(receipt)") }
        var query = AlertQuery()
        query.id = id
        return try #require(try await installation.base.alerts(query).first)
    }

    private struct ScratchError: Error { var text: String }

    @Test func `a secret and a person's address are in no row and no line, and the history says where they stood`()
        async throws
    {
        let engine = installation.engine(ScriptedTransport(installation))
        let alert = try await stored(engine.receive(source: "github-main", installation.delivery(body(), "d-1")))
        await engine.read(alert)
        let text = String(decoding: alert.body, as: UTF8.self)
        #expect(!text.contains(Self.secret) && !text.contains("mona@octo.example"))
        #expect(text.contains("cordon:cut:secret:hmac-sha256:") && text.contains("cordon:cut:personal:hmac-sha256:"))
        let lines = try await installation.base.log(from: 0, limit: 1000).map {
            String(decoding: $0.entry.bytes, as: UTF8.self)
        }
        #expect(!lines.contains { $0.contains(Self.secret) || $0.contains("mona@octo.example") })
        let receipt = try #require(lines.first { $0.contains("alertReceived") })
        let body = try #require(try JSON.parse(receipt)["body"])
        #expect(body["cut"]?.arrayValue?.compactMap { $0["place"]?.stringValue } == ["/alert/secret", "/**/email"])
        #expect(body["salted"] == true && body["body"] == .string(alert.bodyDigest))
        // Only the fingerprint could tell it, and that stands in the body, which may be erased.
        #expect(!receipt.contains("cordon:cut"))
        #expect(alert.bodyDigest == alert.bodyCommitment && alert.salt.count == 32)
        #expect(try await installation.base.signals(of: alert.id).count == 1)
    }

    @Test func `the same delivery is a repeat, and another body under its id is not`() async throws {
        let engine = installation.engine(ScriptedTransport(installation))
        let first = try await stored(engine.receive(source: "github-main", installation.delivery(body(), "d-1")))
        let again = await engine.receive(source: "github-main", installation.delivery(body(), "d-1"))
        #expect(again == .duplicate(of: first.id))
        let other = try await stored(
            engine.receive(source: "github-main", installation.delivery(body("reopened"), "d-1")))
        #expect(other.deliveryID == "d-1#" + other.mark)
        let otherAgain = await engine.receive(source: "github-main", installation.delivery(body("reopened"), "d-1"))
        #expect(otherAgain == .duplicate(of: other.id))
    }

    @Test func `what an earlier version stored under its plain digest is known as a repeat`() async throws {
        let bytes = body()
        let old = Alert(
            id: AlertID(at: installation.clock.now, random: (5, 5)), source: "github-main", deliveryID: "d-1",
            receivedAt: installation.clock.now, headers: [:], body: bytes, bodyDigest: digestText(bytes),
            originProof: .sharedSecret)
        let entry = Chronicle().entry(old.id.text, 1, old.receivedAt, "alertReceived", old.receipt)
        _ = try await installation.base.accept(old, entry: entry)
        let engine = installation.engine(ScriptedTransport(installation))
        let again = await engine.receive(source: "github-main", installation.delivery(bytes, "d-1"))
        #expect(again == .duplicate(of: old.id))
    }

    @Test func `the keys of fingerprints are files for their owner, and a renamed one is still known`() throws {
        let scratch = try ScratchFolder()
        let folder = StateFolder(scratch.path("state"))
        try folder.make()
        let first = try folder.fingerprints()
        let mark = markOfNothing(first)
        #expect(try folder.fingerprints().isMark(mark, ofBody: []))
        let file = folder.keysPath + "/fingerprint"
        try FileManager.default.moveItem(atPath: file, toPath: file + ".2026")
        let second = try folder.fingerprints()
        #expect(second.isMark(mark, ofBody: []))
        #expect(second.formerMarks(ofBody: []) == [mark])
        #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
    }

    private func markOfNothing(_ fingerprints: Fingerprints) -> String {
        Alert(
            id: AlertID(at: installation.clock.now, random: (1, 1)), source: "s", deliveryID: "d",
            receivedAt: installation.clock.now, headers: [:], body: [], bodyDigest: "", originProof: .none
        ).sealed(as: nil, fingerprints, salt: []).mark
    }
}
