// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore
import Foundation
import TestKit
import Testing

@testable import CordonEngine

/// What is handed out verifies by itself, and nothing in it can be changed without being found and named.
@Suite(.timeLimit(.minutes(20))) struct BundleTests {
    private let place: AuditedInstallation
    private let key: VerifierKey

    init() async throws {
        place = try AuditedInstallation()
        try await place.contain("d-1")
        try await place.sign()
        try await place.contain("d-2")
        try await place.sign()
        key = try #require(try place.keys.load().first?.verifier)
    }

    private var trust: AuditTrust { AuditTrust(keys: [key]) }

    @Test func `a run's bundle is sound, complete and the same each time`() async throws {
        let bundle = try await place.runBundle()
        #expect(try await place.runBundle() == bundle)
        let report = await BundleAudit.run(bundle, trust: trust)
        #expect(report.broken == [], "\(report.findings)")
        #expect(report.codes(.open) == [])
        #expect(report.runs == 1)
        #expect(report.blobs > 0)
        #expect(report.verdict == "sound")
        // The bodies of alerts stay out, and the bundle says so.
        #expect(report.codes(.note) == [.blobErased])
        #expect(await BundleAudit.run(bundle, trust: AuditTrust()).codes(.note).contains(.keysFromBundle))
    }

    @Test func `a period's bundle is sound, from the log's beginning and from a checkpoint on`() async throws {
        let whole = await BundleAudit.run(try await place.periodBundle(), trust: trust)
        #expect(whole.broken == [], "\(whole.findings)")
        #expect(whole.runs == 2)
        #expect(whole.entries == Int(try place.signed.size))

        place.installation.clock.advance(to: place.installation.clock.now.adding(milliseconds: 5000))
        let later = place.installation.clock.now
        try await place.contain("d-3")
        try await place.sign()
        let bundle = try await place.bundler.period(from: later, to: later.adding(milliseconds: 60_000))
        let report = await BundleAudit.run(bundle, trust: trust)
        #expect(report.broken == [], "\(report.findings)")
        #expect(report.checkpoints == 2)
        #expect(report.entries < Int(report.size))
        #expect(try Tar.files(bundle).contains { $0.name == "since.checkpoint" })
        await #expect(throws: Bundler.Failure.empty) {
            try await place.bundler.period(from: Instant(milliseconds: 0), to: Instant(milliseconds: 1))
        }
    }

    @Test func `bodies go along only when asked for`() async throws {
        let bundler = Bundler(
            store: place.store, folder: place.folder, blobs: place.installation.blobs, signers: try place.keys.load(),
            includesBodies: true)
        let bundle = try await bundler.run(try #require(try await place.installation.runs.last).id)
        let report = await BundleAudit.run(bundle, trust: trust)
        #expect(report.broken == [])
        #expect(report.codes(.note) == [])
    }

    // MARK: Tampering

    @Test func `every byte of a run's bundle that is flipped is found`() async throws {
        let bundle = try await place.runBundle()
        // Each byte of what is small, and one byte in each 97 of the rest: no file is left out.
        var missed: [Int] = []
        for at in stride(from: 0, to: bundle.count, by: 97) {
            var changed = bundle
            changed[at] ^= 0x01
            if await !BundleAudit.run(changed, trust: trust).isBroken { missed.append(at) }
        }
        #expect(missed == [])
    }

    @Test func `a flipped byte in each file of a bundle is named with its file`() async throws {
        for bundle in [try await place.runBundle(), try await place.periodBundle()] {
            let files = try Tar.files(bundle)
            for file in files where !file.bytes.isEmpty {
                for at in [0, file.bytes.count / 2, file.bytes.count - 1] {
                    let report = try await audit(files.map { $0.name == file.name ? flipped($0, at: at) : $0 })
                    #expect(report.isBroken, "\(file.name) at \(at)")
                    let isNamed = report.findings.contains {
                        $0.grade == .broken && ($0.place.contains(file.name) || $0.says.contains(file.name))
                    }
                    #expect(isNamed || file.name.hasPrefix("manifest"), "\(file.name) at \(at): \(report.findings)")
                }
            }
        }
    }

    @Test func `each file that is dropped, added or put under another name is named`() async throws {
        let files = try Tar.files(try await place.runBundle())
        for file in files {
            let report = try await audit(files.filter { $0.name != file.name })
            #expect(report.isBroken, "\(file.name)")
            #expect(report.findings.contains { $0.grade == .broken && $0.place.contains(file.name) }, "\(file.name)")
        }
        #expect(try await audit(files + [Tar.File(name: "extra.txt", bytes: [1])]).broken == [.fileUnlisted])
        var swapped = files
        let blobs = files.indices.filter { files[$0].name.hasPrefix("blobs/") }
        try #require(blobs.count >= 2)
        swapped[blobs[0]].bytes = files[blobs[1]].bytes
        swapped[blobs[1]].bytes = files[blobs[0]].bytes
        #expect(try await audit(swapped).broken.filter { $0 == .blobChanged }.count == 2)
    }

    @Test func `truncation is found wherever it ends`() async throws {
        let bundle = try await place.runBundle()
        for count in stride(from: 0, to: bundle.count, by: 311) {
            #expect(await BundleAudit.run(Array(bundle.prefix(count)), trust: trust).broken == [.archiveMalformed])
        }
        #expect(await BundleAudit.run(bundle + bundle, trust: trust).broken == [.archiveMalformed])
    }

    /// What an attacker with the log's own key could still not do: the manifest is his, the log is not.
    @Test(arguments: ["drop", "swap", "insert", "change", "cut"])
    func `lines that are changed and signed for anew do not lead to the checkpoint`(_ deed: String) async throws {
        for bundle in [try await place.runBundle(), try await place.periodBundle()] {
            var files = try Tar.files(bundle)
            let at = try #require(files.firstIndex { $0.name == "entries.jsonl" })
            var lines = files[at].bytes.split(separator: UInt8(ascii: "\n")).map(Array.init)
            switch deed {
            case "drop": lines.remove(at: 3)
            case "swap": lines.swapAt(3, 4)
            case "insert": lines.insert(lines[3], at: 4)
            case "change":
                lines[3] = Array(String(decoding: lines[3], as: UTF8.self).replacing("\"n\":", with: "\"n\":1").utf8)
            default: lines.removeLast()
            }
            files[at].bytes = lines.flatMap { $0 + [UInt8(ascii: "\n")] }
            let report = await BundleAudit.run(try sealed(files, with: try place.keys.load()), trust: trust)
            #expect(
                report.broken.contains(.entryUnproved) || report.broken.contains(.entryMissing), "\(report.findings)")
            #expect(!report.broken.contains(.signatureInvalid), "the manifest is signed")
        }
    }

    @Test func `a bundle that another key signed is not believed`() async throws {
        let thief = try SigningKey(name: key.name)
        let files = try Tar.files(try await place.runBundle())
        let resigned = await BundleAudit.run(try sealed(files, with: [thief]), trust: trust)
        #expect(resigned.broken == [.signatureMissing])
        // With his own key laid beside, and no key brought, the checkpoint still is not his.
        var own = files
        for index in own.indices where own[index].name == "keys/log.vkeys" {
            own[index].bytes = Array((thief.verifier.text + "\n").utf8)
        }
        let report = await BundleAudit.run(try sealed(own, with: [thief]), trust: AuditTrust())
        #expect(report.broken.contains(.signatureMissing))
    }

    @Test func `an older checkpoint in a newer bundle is found`() async throws {
        let older = try #require(try place.folder.kept().first { $0.bytes != (try? place.folder.published()) })
        var files = try Tar.files(try await place.runBundle())
        for index in files.indices where files[index].name == "checkpoint" { files[index].bytes = older.bytes }
        let report = await BundleAudit.run(try sealed(files, with: try place.keys.load()), trust: trust)
        #expect(report.broken.contains(.checkpointDiffers))
        #expect(report.broken.contains(.entryUnproved))
    }

    @Test func `a page that does not follow from the lines is found though it is signed`() async throws {
        var files = try Tar.files(try await place.runBundle())
        for index in files.indices where files[index].name == "timeline.html" {
            files[index].bytes = Array("<p>nothing happened</p>".utf8)
        }
        let report = await BundleAudit.run(try sealed(files, with: try place.keys.load()), trust: trust)
        #expect(report.findings.filter { $0.grade == .broken }.map(\.place) == ["timeline.html"])
    }

    @Test func `pages of another version are signed, and told apart from those that were compared`() async throws {
        let files = try Tar.files(try await place.runBundle())
        let manifest = try #require(files.first { $0.name == "manifest.dsse.json" })
        let payload = try JSON.parse(manifest.bytes)["payload"]?.stringValue ?? ""
        let statement = try JSON.parse(try #require(Base64.bytes(payload.utf8)))
        #expect(statement.at("predicate", "views") == .int(Int64(BundleViews.version)))
        var predicate = try #require(statement["predicate"]?.objectValue)
        for (version, broken) in [(Value.int(99), [AuditFinding.Code]()), ("x", [])] {
            predicate["views"] = version
            var other = files
            for index in other.indices where other[index].name == "timeline.html" { other[index].bytes = [0x2e] }
            let bundle = try sealed(other, with: try place.keys.load(), predicate: .object(predicate))
            let report = await BundleAudit.run(bundle, trust: trust)
            #expect(report.broken == broken, "\(report.findings)")
            #expect(report.codes(.open) == [.viewsUnchecked])
        }
        // Before the version was told there was one.
        predicate["views"] = nil
        let old = try sealed(try asFirst(files), with: try place.keys.load(), predicate: .object(predicate))
        let report = await BundleAudit.run(old, trust: trust)
        #expect(report.verdict == "sound", "\(report.findings)")
        // What only its version calls otherwise does not pass for the older one.
        let mixed = try sealed(files, with: try place.keys.load(), predicate: .object(predicate))
        let found = await BundleAudit.run(mixed, trust: trust).findings.filter { $0.grade == .broken }
        #expect(found.map(\.place) == ["ocsf.jsonl"])
    }

    @Test func `a file that is longer than such a file may be is named, and not read`() async throws {
        var files = try Tar.files(try await place.runBundle())
        for index in files.indices where files[index].name == "checkpoint" {
            files[index].bytes = [UInt8](repeating: 0x61, count: BundleFormat.fileBytesMax + 1)
        }
        let report = try await audit(files)
        #expect(report.findings.contains { $0.place == "checkpoint" && $0.says.contains("longer than") })
    }

    @Test func `a witness that must have signed is missed`() async throws {
        let witness = try SigningKey(name: "witness.example", kind: .cosignature)
        let policy = try WitnessPolicy(
            parsing: "log \(key.text)\nwitness w \(witness.verifier.text)\nquorum w\n")
        let report = await BundleAudit.run(try await place.runBundle(), trust: AuditTrust(policy: policy))
        #expect(report.broken == [.quorumMissing])
    }

    // MARK: What its maker may claim

    @Test(arguments: ["none", "half", "zero"])
    func `a manifest that does not call a run's lines whole is not believed`(_ deed: String) async throws {
        let (files, predicate) = try await parts(of: place.runBundle())
        var streams = try #require(predicate["streams"]?.objectValue)
        let run = try #require(predicate["run"]?.stringValue)
        switch deed {
        case "none": streams = [:]
        case "half": streams[run] = .double(0.5)
        default: streams = streams.filter { $0.key != (try? alert(of: run)) }
        }
        var claimed = predicate
        claimed["streams"] = .object(streams)
        let bundle = try sealed(files, with: try place.keys.load(), predicate: .object(claimed))
        let report = await BundleAudit.run(bundle, trust: trust)
        #expect(
            !Set(report.broken).isDisjoint(with: [.streamUnopened, .streamCut, .manifestMalformed]),
            "\(report.findings)")
    }

    /// An alert and what comes of it have their stem in common.
    private func alert(of run: String) throws -> String {
        "alr_" + run.dropFirst("run_".count)
    }

    @Test func `a period that is cut, or that claims another time, is told`() async throws {
        let from = Instant(milliseconds: 0)
        place.installation.clock.advance(to: place.installation.clock.now.adding(milliseconds: 5000))
        let later = place.installation.clock.now
        try await place.contain("d-3")
        try await place.sign()
        let bundle = try await place.bundler.period(from: from, to: later)
        #expect(await BundleAudit.run(bundle, trust: trust).codes(.open) == [])
        var (files, predicate) = try await parts(of: bundle)
        predicate["to"] = .string(later.adding(milliseconds: 3_600_000).description)
        let claimed = try sealed(files, with: try place.keys.load(), predicate: .object(predicate))
        #expect(await BundleAudit.run(claimed, trust: trust).codes(.open).contains(.entryMissing))
        files.removeAll { $0.name == "timeline.html" || $0.name == "open.json" }
        let bare = await BundleAudit.run(try sealed(files, with: try place.keys.load()), trust: trust)
        #expect(bare.findings.filter { $0.grade == .broken }.map(\.place).contains("timeline.html"))
        #expect(bare.findings.filter { $0.grade == .broken }.map(\.place).contains("open.json"))
    }

    @Test func `sizes that no log has end in a verdict`() async throws {
        let (files, predicate) = try await parts(of: place.periodBundle())
        for size in [Int64.max, 1 << 62, -1] {
            var claimed = predicate
            claimed["size"] = .int(size)
            claimed["first"] = .int(max(0, size - 24))
            claimed["end"] = .int(size)
            let bundle = try sealed(files, with: try place.keys.load(), predicate: .object(claimed))
            #expect(await BundleAudit.run(bundle, trust: trust).isBroken)
        }
    }

    @Test func `a manifest is signed by its own log's key, not by any that is trusted`() async throws {
        let other = try SigningKey(name: "another.example/log")
        let witness = try SigningKey(name: "witness.example", kind: .cosignature)
        let files = try Tar.files(try await place.runBundle())
        for signer in [other, witness] {
            let bundle = try sealed(files, with: [signer])
            let report = await BundleAudit.run(bundle, trust: AuditTrust(keys: [key, signer.verifier]))
            #expect(report.broken.contains(.signatureMissing), "\(report.findings)")
        }
    }

    @Test func `what lies in a folder of digests is what it is called, and nothing there is gone for no reason`()
        async throws
    {
        let (files, predicate) = try await parts(of: place.runBundle())
        let named = Tar.File(name: "blobs/" + String(repeating: "0", count: 64), bytes: [1, 2, 3])
        let keys = try place.keys.load()
        let extra = await BundleAudit.run(
            try sealed(files + [named], with: keys, predicate: .object(predicate)), trust: trust)
        #expect(extra.broken == [.blobChanged])
        let definition = try #require(files.first { $0.name.hasPrefix("definitions/") })
        var without = files.filter { $0.name != definition.name }
        let digest = "sha256:" + definition.name.dropFirst("definitions/".count).dropLast(".yaml".count)
        for index in without.indices where without[index].name == "absent.json" {
            without[index].bytes = BundleViews.jsonFile([
                ["what": "definition", "digest": .string(digest), "state": "erased", "reason": "so"]
            ])
        }
        let gone = await BundleAudit.run(try sealed(without, with: keys, predicate: .object(predicate)), trust: trust)
        #expect(gone.broken.contains(.blobMissing), "\(gone.findings)")
    }

    @Test func `a file of nothing but what can't be read is told of in few words`() async throws {
        var (files, predicate) = try await parts(of: place.periodBundle())
        predicate["views"] = .int(Int64(BundleViews.version))
        for index in files.indices where files[index].name == "entries.jsonl" {
            files[index].bytes = [UInt8](repeating: 0x0a, count: 300_000)
        }
        let bundle = try sealed(files, with: try place.keys.load(), predicate: .object(predicate))
        let report = await BundleAudit.run(bundle, trust: trust)
        #expect(report.isBroken)
        #expect(report.findings.count < 2 * HistoryAudit.unreadableMax)
    }

    @Test func `a run that two signals of one alert joined holds that alert's lines once`() async throws {
        let installation = place.installation
        let earlier = try #require(try await installation.runs.last).alert
        let valve = Valve()
        let transport = ScriptedTransport(installation) { _, number in
            if number == 1 { await valve.wait() }
            return nil
        }
        let engine = installation.engine(transport)
        try await installation.whileRunning(engine) {
            try await installation.waitUntilStarted()
            await installation.post(engine, delivery: "d-joined")
            try await installation.wait { transport.requests.count == 1 }
            let run = try #require(try await installation.runs.first { $0.phase != "ended" }).id
            for number in [7, 8] {
                guard case .done = await engine.control(run, .join(earlier.signal(number), earlier)) else {
                    Issue.record("signal \(number) did not join")
                    return
                }
            }
            valve.open()
            try await installation.waitUntilEnded(3)
        }
        try await place.sign()
        let joined = try #require(try await installation.runs.first { try $0.run().joined.count == 2 })
        let report = await BundleAudit.run(try await place.bundler.run(joined.id), trust: trust)
        #expect(report.broken == [], "\(report.findings)")
    }

    // MARK: Other readers

    @Test func `the README's commands, typed by hand, verify it with openssl and sha256sum`() async throws {
        for (name, bundle) in [("run", try await place.runBundle()), ("period", try await place.periodBundle())] {
            let scratch = try ScratchFolder("cordon-by-hand")
            try Data(bundle).write(to: URL(fileURLWithPath: scratch.path("BUNDLE.tar")))
            let readme = try #require(try Tar.files(bundle).first { $0.name == "README.txt" })
            let text = String(decoding: readme.bytes, as: UTF8.self)
            let lines = text.split(separator: "\n").filter { $0.hasPrefix("  ") && !$0.contains("cordon audit") }
            let commands = lines.prefix { !$0.contains("manifest.dsse.json  an") }.map { $0.dropFirst(2) }
            #expect(commands.count == 9)
            let shell = try ProgramUnderTest(
                "/bin/sh", ["-ec", commands.joined(separator: "\n")], folder: scratch.path, capturedIn: scratch,
                as: name)
            #expect(try await shell.waitForExit() == .exited(0), "\(shell.error)")
            #expect(
                shell.output.split(separator: "\n") == [
                    "Signature Verified Successfully", "Signature Verified Successfully", "OK",
                ], "\(shell.output) \(shell.error)")
        }
    }

    @Test func `text of an alert can't become markup in the timeline`() throws {
        let hostile = "<script>alert('1')</script>&\"\u{202e}"
        #expect(
            Timeline.escaped(hostile)
                == "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;[U+202E]")
        let line: Value = [
            "stream": .string(hostile), "n": 1, "at": "2026-01-01T00:00:00.000Z", "type": .string(hostile), "v": 1,
            "body": ["text": .string(hostile)],
        ]
        let head = BundleHead(kind: .run, origin: hostile, size: 1, run: hostile)
        let row = try HistoryLine.read(line.jsonBytes).get()
        var (bytes, scratch): ([UInt8], [UInt8]) = ([], [])
        Timeline.write(0, row, to: &bytes, by: &scratch)
        let page =
            Timeline.start(head, 1, [AuditFinding(.open, .runLive, hostile, hostile)])
            + String(decoding: bytes, as: UTF8.self)
        #expect(!page.contains("<script"))
        #expect(!page.contains("\u{202e}"))
        #expect(page.contains("default-src 'none'"))
    }

    @Test func `signals and actions are told in OCSF's words`() async throws {
        let files = try Tar.files(try await place.runBundle())
        let ocsf = try #require(files.first { $0.name == "ocsf.jsonl" })
        let events = try ocsf.bytes.split(separator: UInt8(ascii: "\n")).map { try JSON.parse(Array($0)) }
        #expect(events.first?["class_uid"] == 2004)
        let intents = events.filter { $0["class_uid"] == 7001 && $0["status"] == "Intended" }
        #expect(intents.count == 1)
        #expect(intents[0]["type_uid"] == 700_102)
        #expect(
            intents[0]["countermeasures"]?.arrayValue?.first?.at("d3f_technique", "uid") == "D3-CR")
        for event in events { #expect(event["metadata"]?["version"] == "1.8.0") }
    }

    // MARK: Making changed bundles

    /// The files as pages of version 1 had them.
    private func asFirst(_ files: [Tar.File]) throws -> [Tar.File] {
        let entries = try #require(files.first { $0.name == "entries.jsonl" })
        var (writer, lines) = (OCSF(views: 1), [UInt8]())
        for line in entries.bytes.split(separator: UInt8(ascii: "\n")) {
            writer.write(try HistoryLine.read(Array(line)).get(), to: &lines)
        }
        return files.filter { $0.name != "frameworks.json" }.map {
            $0.name == "ocsf.jsonl" ? Tar.File(name: $0.name, bytes: lines) : $0
        }
    }

    private func flipped(_ file: Tar.File, at: Int) -> Tar.File {
        var bytes = file.bytes
        bytes[at] ^= 0x04
        return Tar.File(name: file.name, bytes: bytes)
    }

    private func audit(_ files: [Tar.File]) async throws -> AuditReport {
        await BundleAudit.run(try Tar.archive(files), trust: trust)
    }
}
