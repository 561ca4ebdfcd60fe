// SPDX-License-Identifier: Apache-2.0

import CordonEvidence
import CordonLanguage
import Foundation
import TestKit
import Testing

/// An auditor's way with the built program: sign, kill, export, verify, change one byte, verify.
@Suite(.serialized)
struct AuditCommandTests {
    /// An installation whose server contained one leaked token and was killed right after.
    private func killed() async throws -> (installation: Installation, provider: PracticeAuthority, run: String) {
        let provider = try PracticeAuthority()
        let installation = try provider.installation()
        #expect(try await installation.finish("init").end == .exited(0))
        let serving = try await installation.serve()
        #expect(try await serving.post(Installation.alert(), delivery: "d-1").status == 202)
        try await eventually("the run to end") { try await installation.runs().first?["phase"] == "ended" }
        serving.program.kill()
        _ = try await serving.program.waitForExit()
        return (installation, provider, try #require(try await installation.runs().first?["id"]?.stringValue))
    }

    @Test func `a killed server's history is signed by the next, exported, verified, and one flipped byte is found`()
        async throws
    {
        let (installation, provider, run) = try await killed()
        // Whatever was not signed when it was killed is an open item at most, and nothing is broken.
        #expect(try await installation.finish("audit", "verify").end == .exited(0))
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        let export = try await installation.finish("run", "export", run, "--reason", "sample 1 of 25")
        #expect(export.end == .exited(0), "\(export.error)")
        let bundle = try #require(export.outputLines.first)
        let keys = try await installation.finish("key", "list", "-o", "json").json
        let key = try #require(keys.arrayValue?.first?["key"]?.stringValue)

        let sound = try await installation.finish("audit", "verify", bundle, "--key", key, "-o", "json")
        #expect(sound.end == .exited(0), "\(sound.output) \(sound.error)")
        #expect(try sound.json["verdict"] == "sound")
        #expect(try sound.json["runs"] == 1)
        // The bundle tells that it was taken out, why, and by whom.
        let lines = try await entries(of: bundle, installation)
        #expect(lines.contains { $0["type"] == "exported" && $0.at("body", "reason") == "sample 1 of 25" })
        #expect(provider.revocations == 1)

        var bytes = try Data(contentsOf: URL(filePath: bundle))
        bytes[bytes.count / 2] ^= 1
        let changed = installation.scratch.path("changed.tar")
        try bytes.write(to: URL(filePath: changed))
        let broken = try await installation.finish("audit", "verify", changed, "--key", key, "-o", "json")
        #expect(broken.end == .exited(9))
        #expect(try broken.json["verdict"] == "broken")
        #expect(try await installation.finish("audit", "verify", bundle, "--key", stranger).end == .exited(9))

        // The same period, as one file.
        let period = try await installation.finish(
            "audit", "export", "--from", "2020-01-01", "--to", "2100-01-01", "--out", "all.tar")
        #expect(period.end == .exited(0), "\(period.error)")
        let report = try await installation.finish("audit", "verify", "all.tar", "--key", key)
        #expect(report.end == .exited(0), "\(report.output)")
        #expect(report.output.hasPrefix("sound: period bundle of cordon/"))
        let again = try await installation.finish(
            "audit", "export", "--from", "2020-01-01", "--to", "2100-01-01", "--out", "all.tar")
        #expect(again.end == .exited(6), "a file that is there stays as it is")
    }

    /// A good key that signed nothing here.
    private var stranger: String { get throws { try SigningKey(name: "cordon/x").verifier.text } }

    private func entries(of bundle: String, _ installation: Installation) async throws -> [Value] {
        let tar = try ProgramUnderTest(
            "/usr/bin/env", ["tar", "-xOf", bundle, "entries.jsonl"], capturedIn: installation.scratch, as: "tar")
        #expect(try await tar.waitForExit() == .exited(0))
        return try tar.output.split(separator: "\n").map { try JSON.parse(String($0)) }
    }

    @Test func `open items end with 8 when asked for, and broken input says how it is meant`() async throws {
        let installation = try PracticeAuthority().installation()
        let serving = try await installation.serve()
        let body = Installation.alert().replacingOccurrences(of: "octo-org/billing", with: "octo-org/other")
        #expect(try await serving.post(body, delivery: "d-1").status == 202)
        try await eventually("the run to ask") { try await installation.runs().first?["phase"] == "asked" }
        #expect(try await serving.stop() == .exited(0))
        let verified = try await installation.finish("audit", "verify", "--exit-status", "-o", "json")
        #expect(verified.end == .exited(8))
        #expect(try verified.json["findings"]?.arrayValue?.contains { $0["code"] == "runLive" } == true)
        #expect(try await installation.finish("audit", "verify").end == .exited(0))
        #expect(try await installation.finish("audit", "verify", "nothing.tar").end == .exited(3))
        #expect(try await installation.finish("audit", "verify", "--key", "no key").end == .exited(64))
        #expect(try await installation.finish("audit", "export", "--from", "x", "--to", "y").end == .exited(64))
        #expect(try await installation.finish("run", "export", "run_NONE").end == .exited(3))
        #expect(try await installation.finish("audit", "reopen", "--reason", "none").end == .exited(6))
    }

    @Test func `a restored backup is not signed: doctor and verify say so, runs go on, and a new log can be begun`()
        async throws
    {
        let (installation, _, _) = try await killed()
        let state = installation.scratch.path("state")
        let backup = installation.scratch.path("backup.db")
        try await installation.finishSettled()
        // The write-ahead log belongs to it.
        for end in ["", "-wal"] {
            try? FileManager.default.copyItem(atPath: state + "/cordon.db" + end, toPath: backup + end)
        }
        var serving = try await installation.serve()
        #expect(try await serving.post(Installation.alert(number: 43), delivery: "d-2").status == 202)
        try await eventually("two runs to end") {
            try await installation.runs().filter { $0["phase"] == "ended" }.count == 2
        }
        #expect(try await serving.stop() == .exited(0))
        for name in ["cordon.db-wal", "cordon.db-shm", "cordon.db"] {
            try? FileManager.default.removeItem(atPath: state + "/" + name)
        }
        for end in ["", "-wal"] {
            try? FileManager.default.copyItem(atPath: backup + end, toPath: state + "/cordon.db" + end)
        }

        let lost = try await installation.finish("audit", "verify", "-o", "json")
        #expect(lost.end == .exited(9))
        #expect(try codes(lost).contains("entryMissing"))
        serving = try await installation.serve()
        try await serving.program.waitForLine(containing: "nothing is signed any more", on: .error)
        #expect(try await serving.post(Installation.alert(number: 44), delivery: "d-3").status == 202)
        try await eventually("the run after the restore to end") {
            try await installation.runs().filter { $0["phase"] == "ended" }.count == 2
        }
        let doctor = try await installation.finish("doctor")
        #expect(doctor.end == .exited(1))
        #expect(doctor.output.contains("forked, nothing is signed since"))
        #expect(try await serving.stop() == .exited(0))
        #expect(try codes(try await installation.finish("audit", "verify", "-o", "json")).contains("logForked"))

        let reopened = try await installation.finish("audit", "reopen", "--reason", "the disk failed")
        #expect(reopened.end == .exited(0), "\(reopened.error)")
        #expect(FileManager.default.fileExists(atPath: state + "/log.forked-1/checkpoint"))
        #expect(FileManager.default.fileExists(atPath: state + "/log.forked-1/log-1"))
        serving = try await installation.serve()
        #expect(try await serving.stop() == .exited(0))
        let sound = try await installation.finish("audit", "verify", "-o", "json")
        #expect(sound.end == .exited(0), "\(sound.output)")
        #expect(try sound.json["origin"]?.stringValue?.hasSuffix("-2") == true)
        #expect(try await installation.finish("doctor").output.contains("entries signed, 1 key"))
    }

    @Test func `a key is changed while the server runs, with both signing until the old one is retired`() async throws {
        let installation = try PracticeAuthority().installation()
        #expect(try await installation.finish("init").end == .exited(0))
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        let old = try #require(try await installation.finish("key", "list", "-o", "json").json.arrayValue?.first)
        let rotated = try await installation.finish("key", "rotate", "-o", "json")
        let new = try #require(try rotated.json["key"]?.stringValue)
        try await exported("both.tar", installation)
        for key in [try #require(old["key"]?.stringValue), new] {
            #expect(try await installation.finish("audit", "verify", "both.tar", "--key", key).end == .exited(0))
        }
        #expect(try await installation.finish("key", "retire", try #require(old["id"]?.stringValue)).end == .exited(0))
        try await exported("new.tar", installation)
        #expect(try await installation.finish("audit", "verify", "new.tar", "--key", new).end == .exited(0))
        let states = try await installation.finish("key", "list", "-o", "json").json.arrayValue?.compactMap {
            $0["state"]?.stringValue
        }
        #expect(states == ["retired", "signs"])
        #expect(try await installation.finish("key", "retire", "00000000").end == .exited(3))
    }

    @Test func `a backup made while the server runs verifies, and what is restored from it begins a new log`()
        async throws
    {
        let installation = try PracticeAuthority().installation()
        #expect(try await installation.finish("init").end == .exited(0))
        let serving = try await installation.serve()
        #expect(try await serving.post(Installation.alert(), delivery: "d-1").status == 202)
        try await eventually("the run to end") { try await installation.runs().first?["phase"] == "ended" }
        try await exported("before.tar", installation)
        let backup = try await installation.finish("backup", "kept")
        #expect(backup.end == .exited(0), "\(backup.error)")
        #expect(try await installation.finish("backup", "kept").end == .exited(6))
        #expect(try await serving.stop() == .exited(0))
        let names = FileManager.default.subpaths(atPath: installation.scratch.path("kept")) ?? []
        #expect(
            !names.contains { $0.contains("log-1") || $0.contains("seal") || $0.hasSuffix("token") },
            "no key goes along")
        #expect(try await installation.finish("audit", "verify", "kept").end == .exited(0))

        #expect(
            try await installation.finish("restore", "kept", "--reason", "again").end == .exited(6),
            "nothing is overwritten")
        let restored = try await installation.finish(
            "restore", "kept", "--state", installation.scratch.path("new"), "--reason", "the disk failed")
        #expect(restored.end == .exited(0), "\(restored.error)")
        let again = try await installation.serve(wrapper: [], "--state", installation.scratch.path("new"))
        #expect(try await again.stop() == .exited(0))
        let verified = try await installation.finish("audit", "verify", "new", "-o", "json")
        #expect(verified.end == .exited(0), "\(verified.output)")
        #expect(try verified.json["origin"]?.stringValue?.hasSuffix("-2") == true)
        #expect(FileManager.default.fileExists(atPath: installation.scratch.path("new/log.forked-1/checkpoint")))
    }

    @Test func `a sample is drawn by its seed alone, and one line's proof is printed`() async throws {
        let (installation, _, run) = try await killed()
        try await installation.finishSettled()
        let span = ["--from", "2020-01-01", "--to", "2100-01-01"]
        let listed = try await installation.finish(["audit", "list", "-o", "json"] + span)
        #expect(try listed.json.arrayValue?.count == 1)
        for seed in ["7", "7", "eight"] {
            let drawn = try await installation.finish(["audit", "sample", "--seed", seed, "-o", "json"] + span)
            #expect(try drawn.json.arrayValue?.first?["run"]?.stringValue == run)
        }
        #expect(
            try await installation.finish(["audit", "sample", "--seed", "7", "--count", "0"] + span).end == .exited(64))
        let drawn = try await installation.finish(["audit", "sample", "--seed", "7"] + span)
        #expect(drawn.error.contains("1 of 1 runs by the seed 7, population sha256:"), "\(drawn.error)")
        #expect(
            try await installation.finish("audit", "list", "--from", "2100-01-01", "--to", "2020-01-01").end
                == .exited(64))
        // The same from a bundle, without a state folder.
        #expect(try await installation.finish(["audit", "export", "--out", "all.tar"] + span).end == .exited(0))
        let away = try ScratchFolder("cordon-auditor")
        let file = installation.scratch.path("all.tar")
        let told = try await Installation.finish(
            ["audit", "sample", "--seed", "7", "--bundle", file, "-o", "json"] + span, in: away)
        #expect(try told.json.arrayValue?.first?["run"]?.stringValue == run, "\(told.error)")
        let population = drawn.error.firstMatch(of: /population (sha256:[0-9a-f]+)/)?.1 ?? ""
        #expect(!population.isEmpty && told.error.contains(population), "\(told.error)")
        #expect(
            try await Installation.finish(["audit", "report", "--bundle", file] + span, in: away).end == .exited(64))
        let proof = try await installation.finish("audit", "prove", "\(run)@3")
        #expect(proof.end == .exited(0), "\(proof.error)")
        #expect(proof.output.hasPrefix("c2sp.org/tlog-proof@v1\nindex "))
        let line = try await installation.finish("audit", "prove", "\(run)@3", "--line")
        let parsed = try LogProof(parsing: Array(proof.output.utf8))
        let keys = try LogFolder(installation.scratch.path("state/log")).keys()
        _ = try parsed.verify(entry: Array(line.output.dropLast().utf8), logKeys: keys)
        #expect(try await installation.finish("audit", "prove", "\(run)@999").end == .exited(3))
        #expect(try await installation.finish("audit", "prove", "nonsense").end == .exited(64))
    }

    @Test func `times to detect, decide and contain are told per playbook and identity`() async throws {
        let (installation, _, run) = try await killed()
        let span = ["--from", "2020-01-01", "--to", "2100-01-01"]
        let report = try await installation.finish(["audit", "report", "-o", "json"] + span)
        #expect(report.end == .exited(0), "\(report.error)")
        let row = try #require(try report.json.arrayValue?.first)
        #expect(row["playbook"] == "secret-leaked")
        #expect(row["runs"] == 1)
        for part in ["detect", "decide", "contain"] {
            #expect(row.at(part, "count") == 1, "\(part)")
            #expect((row.at(part, "max_ms")?.intValue ?? -1) >= 0, "\(part)")
        }
        #expect(row["restore"] == .null)
        #expect(row["late"] == [])
        let subject = try await installation.run(run)["subject"]
        let byIdentity = try await installation.finish(["audit", "report", "--by", "identity"] + span)
        #expect(byIdentity.end == .exited(0))
        #expect(byIdentity.output.hasPrefix("IDENTITY"))
        #expect(byIdentity.output.contains("credential:billing-token"), "\(subject ?? .null) \(byIdentity.output)")
        #expect(try await installation.finish(["audit", "report", "--by", "color"] + span).end == .exited(64))

        // The next run is opened on a playbook that asks for the impossible, which is taken back after it.
        let root = URL(filePath: #filePath).appending(path: "../../..").standardized.path
        let playbook = try String(contentsOfFile: root + "/playbooks/secret-leaked.yaml", encoding: .utf8)
        let strict = playbook.replacingOccurrences(of: "within: 15m", with: "within: 1ms")
        try #require(strict != playbook)
        try installation.scratch.write(strict, to: "playbooks/secret-leaked.yaml")
        let serving = try await installation.serve()
        #expect(try await serving.post(Installation.alert(number: 43), delivery: "d-2").status == 202)
        try await eventually("two runs to end") {
            try await installation.runs().filter { $0["phase"] == "ended" }.count == 2
        }
        #expect(try await serving.stop() == .exited(0))
        try installation.scratch.write(playbook, to: "playbooks/secret-leaked.yaml")
        let second = try #require(try await installation.runs().first { $0["id"]?.stringValue != run }?["id"])
        let later = try await installation.finish(["audit", "report", "-o", "json"] + span)
        #expect(try later.json.arrayValue?.first?["late"] == [second], "\(later.output) \(later.error)")
    }

    private func exported(_ name: String, _ installation: Installation) async throws {
        let export = try await installation.finish(
            "audit", "export", "--from", "2020-01-01", "--to", "2100-01-01", "--out", name)
        #expect(export.end == .exited(0), "\(export.error)")
    }

    private func codes(_ ended: Installation.Ended) throws -> [String] {
        (try ended.json["findings"]?.arrayValue ?? []).compactMap { $0["code"]?.stringValue }
    }
}

extension Installation {
    /// Has a server start and stop in order, so that all is signed and the write-ahead log is empty.
    func finishSettled() async throws {
        let serving = try await serve()
        #expect(try await serving.stop() == .exited(0))
    }
}
