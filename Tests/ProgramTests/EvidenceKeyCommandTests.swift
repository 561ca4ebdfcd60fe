// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// Evidence that is sealed at rest, at the built program.
@Suite(.serialized)
struct EvidenceKeyCommandTests {
    /// Every file of the evidence, as it lies on the disk.
    private func stored(_ place: Installation) throws -> [Data] {
        let folder = place.scratch.path("state/evidence")
        return try (FileManager.default.subpaths(atPath: folder) ?? []).filter { $0.count > 10 }.map {
            try Data(contentsOf: URL(filePath: folder + "/" + $0))
        }
    }

    private func contain(_ place: Installation, _ delivery: String, _ count: Int) async throws {
        let serving = try await place.serve()
        defer { serving.program.kill() }
        // Another alert each time: the same one told twice opens no second run.
        #expect(try await serving.post(Installation.alert(number: 40 + count), delivery: delivery).status == 202)
        try await eventually("the run to end") {
            try await place.runs().filter { $0["phase"] == "ended" }.count == count
        }
        #expect(try await serving.stop() == .exited(0))
    }

    private func codes(_ ended: Installation.Ended) throws -> [String] {
        (try ended.json["findings"]?.arrayValue ?? []).compactMap { $0["code"]?.stringValue }
    }

    @Test func `sealed evidence says nothing on the disk, verifies and exports with its key, and without it says so`()
        async throws
    {
        let provider = try PracticeAuthority()
        let place = try provider.installation()
        #expect(try await place.finish("init").end == .exited(0))
        #expect(try await place.finish("evidence-key", "new", "No Label").end == .exited(64))
        let made = try await place.finish("evidence-key", "new", "acme-2026")
        #expect(made.end == .exited(0) && made.output.contains("evidence-acme-2026"), "\(made.error)")
        #expect(try await place.finish("evidence-key", "new", "acme-2026").end == .exited(6))
        let settings = try place.scratch.read("cordon.yaml")
        try place.scratch.write(settings + "evidence: { seal_with: other }\n", to: "cordon.yaml")
        let absent = try await place.finish("serve")
        #expect(absent.end != .exited(0) && absent.error.contains("no evidence key 'other'"), "\(absent.error)")
        let lacking = try await place.finish("doctor")
        #expect(lacking.end == .exited(1) && lacking.output.contains("no evidence key 'other'"), "\(lacking.output)")
        try place.scratch.write(settings + "evidence: { seal_with: acme-2026 }\n", to: "cordon.yaml")
        let key = place.scratch.path("state/keys/evidence-acme-2026")
        #expect(chmod(key, 0o644) == 0)
        let open = try await place.finish("doctor")
        #expect(open.end == .exited(1) && open.output.contains("others may read"), "\(open.output)")
        #expect(chmod(key, 0o600) == 0)
        let well = try await place.finish("doctor")
        #expect(well.output.contains("new evidence is sealed with acme-2026"), "\(well.output)")
        try await contain(place, "d-1", 1)

        let files = try stored(place)
        #expect(!files.isEmpty)
        for file in files {
            #expect(file.starts(with: Data("cordon-sealed/1\n".utf8)))
            for word in ["active", "scope", "repo:read", "client_id"] {
                #expect(file.range(of: Data(word.utf8)) == nil)
            }
        }
        let sound = try await place.finish("audit", "verify", "-o", "json")
        #expect(sound.end == .exited(0), "\(sound.output)")
        #expect(try !codes(sound).contains("blobSealed"))
        let run = try #require(try await place.runs().first?["id"]?.stringValue)
        let exported = try await place.finish("run", "export", run, "--reason", "audit", "--out", "open.tar")
        #expect(exported.end == .exited(0), "\(exported.error)")
        let archive = try Data(contentsOf: URL(filePath: place.scratch.path("open.tar")))
        #expect(archive.range(of: Data("repo:read".utf8)) != nil, "a bundle holds what was sealed")
        #expect(try await place.finish("audit", "verify", "open.tar").end == .exited(0))
        #expect(try await place.finish("evidence-key", "list").output.contains("acme-2026"))

        let aside = place.scratch.path("aside")
        try FileManager.default.moveItem(atPath: key, toPath: aside)
        let sealed = try await place.finish("audit", "verify", place.scratch.path("state"), "-o", "json")
        #expect(sealed.end == .exited(0), "\(sealed.output)")
        #expect(try codes(sealed).filter { $0 == "blobSealed" }.count == files.count)
        #expect(sealed.output.contains("not read") && sealed.output.contains("'acme-2026', which is not here"))
        #expect(
            try await place.finish("audit", "verify", place.scratch.path("state"), "--exit-status").end == .exited(8))
        try place.scratch.write(settings, to: "cordon.yaml")
        let closed = try await place.finish("run", "export", run, "--reason", "audit", "--out", "closed.tar")
        #expect(closed.end == .exited(0), "\(closed.error)")
        let without = try await place.finish("audit", "verify", "closed.tar", "-o", "json")
        #expect(without.end == .exited(0), "\(without.output)")
        #expect(try codes(without).contains("blobSealed"))

        // The key is there again: then it is destroyed, and with it what it sealed.
        try FileManager.default.moveItem(atPath: aside, toPath: key)
        let destroyed = try await place.finish("evidence-key", "destroy", "acme-2026", "--reason", "the contract ended")
        #expect(destroyed.end == .exited(0), "\(destroyed.error)")
        #expect(!FileManager.default.fileExists(atPath: key))
        let erased = try await place.finish("audit", "verify", "-o", "json")
        #expect(erased.end == .exited(0), "\(erased.output)")
        #expect(try codes(erased).contains("blobErased") && !codes(erased).contains("blobSealed"))
        #expect(erased.output.contains("the contract ended"))
        let last = try await place.finish("run", "export", run, "--reason", "audit", "--out", "last.tar")
        #expect(last.end == .exited(0), "\(last.error)")
        #expect(try await place.finish("audit", "verify", "last.tar").end == .exited(0))
    }

    @Test func `a provider of one tenant has a key of its own, and what is old stays as it was`() async throws {
        let provider = try PracticeAuthority()
        let place = try provider.installation()
        #expect(try await place.finish("init").end == .exited(0))
        try await contain(place, "d-1", 1)
        let plain = try stored(place)
        #expect(plain.allSatisfy { !$0.starts(with: Data("cordon-sealed".utf8)) })
        let connections = try place.scratch.read("connections.yaml")
        let named = connections.replacingOccurrences(
            of: "connector: oauth2\n", with: "connector: oauth2\n    evidence_key: tenant-a\n")
        try #require(named != connections)
        try place.scratch.write(named, to: "connections.yaml")
        let refused = try await place.finish("serve")
        #expect(
            refused.end != .exited(0) && refused.error.contains("names the evidence key 'tenant-a'"), "\(refused.error)"
        )
        #expect(try await place.finish("evidence-key", "new", "tenant-a").end == .exited(0))
        try await contain(place, "d-2", 2)
        let sealed = try stored(place).filter { $0.starts(with: Data("cordon-sealed".utf8)) }
        #expect(!sealed.isEmpty && sealed.allSatisfy { $0.range(of: Data("tenant-a".utf8)) != nil })
        let sound = try await place.finish("audit", "verify")
        #expect(sound.end == .exited(0), "\(sound.output)")
    }
}
