// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// Holds and erasures as an operator orders them, with a server and without one.
@Suite(.serialized)
struct RetentionCommandTests {
    @Test func `a subject is held, released and erased; nothing of what was said of it is left on the disk`()
        async throws
    {
        let provider = try PracticeAuthority()
        let place = try provider.installation()
        #expect(try await place.finish("init").end == .exited(0))
        let serving = try await place.serve()
        defer { serving.program.kill() }
        // A word that stands in the alert's body alone.
        let body = Installation.alert().replacingOccurrences(of: "octocat", with: "needle-in-the-body")
        #expect(try await serving.post(body, delivery: "d-1").status == 202)
        try await eventually("the run to end") { try await place.runs().first?["phase"] == "ended" }
        let subject = try #require(try await place.runs().first?["subject"]?.stringValue)

        let held = try await place.finish("retention", "hold", "subject", subject, "--reason", "case 1")
        #expect(held.end == .exited(0), "\(held.error)")
        let refused = try await place.finish("retention", "erase", subject, "--reason", "request 7")
        #expect(refused.end == .exited(6))
        #expect(refused.error.contains("case 1; release it first"), "\(refused.error)")
        #expect(try await place.finish("retention", "list").output.contains("held    subject \(subject)"))
        #expect(
            try await place.finish("retention", "release", "subject", subject, "--reason", "closed").end == .exited(0))
        #expect(try await place.finish("retention", "hold", "everything", "--reason", "x").end == .exited(64))
        #expect(try await place.finish("retention", "erase", "credential:nobody", "--reason", "x").end == .exited(3))

        let erased = try await place.finish("retention", "erase", subject, "--reason", "request 7", "-o", "json")
        #expect(erased.end == .exited(0), "\(erased.error)")
        #expect(try erased.json["alerts"]?.arrayValue?.count == 1)
        #expect(try erased.json["blobs"]?.arrayValue?.isEmpty == false)
        #expect(try await serving.stop() == .exited(0))
        let evidence = FileManager.default.subpaths(atPath: place.scratch.path("state/evidence")) ?? []
        #expect(evidence.filter { $0.count > 10 } == [])

        // Without a server the command speaks to the history itself.
        let listed = try await place.finish("retention", "list", "-o", "json")
        let told = try #require(try listed.json["erasures"]?.arrayValue?.first)
        #expect(told["reason"] == "request 7")
        #expect(told["by"]?.stringValue?.isEmpty == false)
        #expect(try await place.finish("retention", "hold", "subject", subject, "--reason", "case 2").end == .exited(0))
        #expect(try await place.finish("retention", "hold", "subject", subject, "--reason", "case 2").end == .exited(6))
        let verified = try await place.finish("audit", "verify", "-o", "json")
        #expect(verified.end == .exited(0), "\(verified.output)")
        let codes = try verified.json["findings"]?.arrayValue?.compactMap { $0["code"]?.stringValue } ?? []
        #expect(codes.contains("blobErased"))
        // The write-ahead log was taken in at the stop: the file itself holds nothing of the body.
        let database = try Data(contentsOf: URL(filePath: place.scratch.path("state/cordon.db")))
        #expect(database.range(of: Data("needle-in-the-body".utf8)) == nil)
    }
}
