// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// The files by which an installation is set are part of its history: what they were, when they became others.
@Suite(.serialized)
struct ConfigurationHistoryTests {
    /// All changes that were told, the oldest first.
    private func changes(_ installation: Installation) async throws -> [Value] {
        var changes: [Value] = []
        for number in 1... {
            let line = try await installation.finish("audit", "prove", "configuration@\(number)", "--line")
            guard line.end == .exited(0) else { break }
            changes += try JSON.parse(String(line.output.dropLast())).at("body", "changes")?.arrayValue ?? []
        }
        return changes
    }

    @Test func `what was changed before a start is told with its former digest, kept, and goes along with a run`()
        async throws
    {
        let installation = try PracticeAuthority().installation()
        #expect(try await installation.finish("init").end == .exited(0))
        var serving = try await installation.serve()
        #expect(try await serving.stop() == .exited(0))
        let first = try await changes(installation)
        let names = first.compactMap { $0["what"]?.stringValue }
        for what in ["inventory", "connections", "settings", "key seal", "key fingerprint"] {
            #expect(names.contains(what), "\(names)")
        }
        #expect(first.filter { $0["kept"] == true }.allSatisfy { $0["what"]?.stringValue?.hasPrefix("key") == false })

        serving = try await installation.serve()
        #expect(try await serving.stop() == .exited(0))
        #expect(try await changes(installation).count == first.count, "nothing is told twice")

        let identities = try installation.scratch.read("identities.yaml")
        try installation.scratch.write(
            identities.replacingOccurrences(of: "owner: team/billing", with: "owner: team/other"),
            to: "identities.yaml")
        serving = try await installation.serve()
        #expect(try await serving.post(Installation.alert(), delivery: "d-1").status == 202)
        try await eventually("the run to end") { try await installation.runs().first?["phase"] == "ended" }
        let run = try #require(try await installation.runs().first?["id"]?.stringValue)
        #expect(try await serving.stop() == .exited(0))
        let all = try await changes(installation)
        let changed = Array(all.dropFirst(first.count))
        #expect(changed.map { $0["what"]?.stringValue } == ["inventory"])
        let was = first.first { $0["what"] == "inventory" }?["digest"]
        #expect(changed.first?["was"] == was)

        let verified = try await installation.finish("audit", "verify")
        #expect(verified.end == .exited(0), "\(verified.output)")
        let bundle = try await installation.finish("run", "export", run, "--out", "run.tar")
        #expect(bundle.end == .exited(0), "\(bundle.error)")
        let sound = try await installation.finish("audit", "verify", "run.tar")
        #expect(sound.end == .exited(0), "\(sound.output)")
        let digest = try #require(changed.first?["digest"]?.stringValue)
        let file = "definitions/\(digest.dropFirst(7)).yaml"
        let tar = try ProgramUnderTest(
            "/usr/bin/env", ["tar", "-xOf", installation.scratch.path("run.tar"), file],
            capturedIn: installation.scratch, as: "tar")
        #expect(try await tar.waitForExit() == .exited(0))
        #expect(tar.output.contains("team/other"))
    }

    @Test func `a key that was changed is found, one that is missing is open, and a backup has none`() async throws {
        let installation = try PracticeAuthority().installation()
        #expect(try await installation.finish("init").end == .exited(0))
        try await installation.finishSettled()
        let path = installation.scratch.path("state/keys/seal")
        let key = try Data(contentsOf: URL(filePath: path))
        var other = key
        other[10] = other[10] == UInt8(ascii: "a") ? UInt8(ascii: "b") : UInt8(ascii: "a")
        try other.write(to: URL(filePath: path))
        let changed = try await installation.finish("audit", "verify", "-o", "json")
        #expect(changed.end == .exited(9))
        #expect(changed.output.contains("keyChanged"))
        try FileManager.default.removeItem(atPath: path)
        let missing = try await installation.finish("audit", "verify", "-o", "json")
        #expect(missing.end == .exited(0), "\(missing.output)")
        #expect(missing.output.contains("keyChanged"))
        #expect(try await installation.finish("backup", "kept").end == .exited(0))
        let backup = try await installation.finish("audit", "verify", "kept", "-o", "json")
        #expect(backup.end == .exited(0))
        #expect(!backup.output.contains("keyChanged"))
    }
}
