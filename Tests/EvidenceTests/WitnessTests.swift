// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonEvidence

@Suite struct WitnessTests {
    private static let origin = "cordon.example/log"
    private let log: SigningKey
    private let key: SigningKey

    init() throws {
        log = try SigningKey(name: Self.origin, seed: [UInt8](repeating: 7, count: 32))
        key = try SigningKey(name: "witness.example/w1", kind: .cosignature, seed: [UInt8](repeating: 8, count: 32))
    }

    private func witness(_ disk: Disk) throws -> Witness {
        try Witness(at: "/w", key: key, logs: [log.verifier], disk: disk)
    }

    private func model() throws -> ModelDisk {
        let model = ModelDisk()
        try model.disk.makeRoot("/w")
        return model
    }

    private func note(_ size: Int, branch: Int? = nil, by signer: SigningKey? = nil) throws -> [UInt8] {
        var hashes = Entries.leafHashes(size)
        if let branch { for index in branch..<size { hashes[index] = Digest.of([9, UInt8(index & 255)]) } }
        let root = MerkleLog.root(of: hashes)
        return try Checkpoint(origin: Self.origin, size: UInt64(size), root: root).signed(by: [signer ?? log]).bytes
    }

    /// The request of an honest log with so many entries.
    private func request(_ old: Int, _ new: Int, branch: Int? = nil) throws -> WitnessRequest {
        let model = ModelDisk()
        var tiles = try LogTiles(at: "/t", disk: model.disk)
        try tiles.append(leafHashes: Entries.leafHashes(new))
        let hashes = old == 0 || old >= new ? [] : try tiles.reader.tree.consistencyProof(from: UInt64(old)).hashes
        return WitnessRequest(oldSize: UInt64(old), hashes: hashes, checkpoint: try note(new, branch: branch))
    }

    @Test func `it cosigns a log as it grows, and its line verifies under its key`() throws {
        var witness = try witness(try model().disk)
        var old = 0
        for (step, size) in [0, 1, 2, 3, 255, 256, 257, 300].enumerated() {
            let answer = try witness.add(request(old, size).bytes, timeSeconds: UInt64(1000 + step))
            guard case .cosigned(let line) = answer else {
                Issue.record("size \(size): \(answer)")
                return
            }
            let whole = try Note(parsing: note(size)).adding(Array(line.utf8), by: [key.verifier])
            let opened = try OpenedCheckpoint(whole.bytes, logKeys: [log.verifier], witnesses: [key.verifier])
            #expect(opened.witnesses.map(\.timeSeconds) == [UInt64(1000 + step)])
            old = size
        }
        // The same tree again is cosigned again.
        guard case .cosigned = try witness.add(request(300, 300).bytes, timeSeconds: 2000) else {
            Issue.record("an equal tree is no other tree")
            return
        }
    }

    @Test func `each false request has its answer, and changes nothing`() throws {
        let model = try model()
        var witness = try witness(model.disk)
        _ = try witness.add(request(0, 5).bytes, timeSeconds: 1)
        let stranger = try SigningKey(name: Self.origin)
        let good = try request(5, 9)
        func answer(_ request: WitnessRequest) throws -> Witness.Answer {
            try witness.add(request.bytes, timeSeconds: 2)
        }
        #expect(try answer(request(0, 9)) == .conflict(size: 5))
        #expect(try answer(request(4, 9)) == .conflict(size: 5))
        #expect(try answer(request(0, 3)) == .conflict(size: 5), "a log that became smaller")
        #expect(try answer(request(5, 5, branch: 2)) == .conflict(size: 5), "another tree of that size")
        for (name, hashes) in [
            ("none", []), ("one less", Array(good.hashes.dropLast())), ("one more", good.hashes + [good.hashes[0]]),
            ("another", good.hashes.reversed()),
        ] {
            let bad = WitnessRequest(oldSize: 5, hashes: Array(hashes), checkpoint: good.checkpoint)
            guard case .inconsistent = try answer(bad) else {
                Issue.record("a proof with \(name) must be refused")
                continue
            }
        }
        guard case .inconsistent = try answer(request(5, 9, branch: 3)),
            case .inconsistent = try answer(
                WitnessRequest(oldSize: 5, hashes: good.hashes, checkpoint: note(5))),
            case .malformed = try answer(WitnessRequest(oldSize: 9, hashes: [], checkpoint: note(5))),
            case .unsigned = try answer(
                WitnessRequest(oldSize: 5, hashes: good.hashes, checkpoint: note(9, by: stranger))),
            case .unknownLog = try answer(
                WitnessRequest(
                    oldSize: 0, hashes: [],
                    checkpoint: try Checkpoint(origin: "other.example", size: 0, root: MerkleLog.emptyRoot)
                        .signed(by: [SigningKey(name: "other.example")]).bytes))
        else {
            Issue.record("one of them was not refused as it should be")
            return
        }
        #expect(try Witness.seen(in: "/w", key: key.verifier, disk: model.disk).map(\.checkpoint.size) == [5])
        guard case .cosigned = try answer(good) else {
            Issue.record("and the good one is still taken")
            return
        }
    }

    @Test func `bytes that are no request are told so`() throws {
        var witness = try witness(try model().disk)
        let good = try request(0, 1).bytes
        for bytes in [
            [], Array("old\n".utf8), Array("old -1\n\n".utf8), Array("old 01\n\nx\n".utf8),
            Array("old 0\nAA==\n\nx\n".utf8), Array("old 0\n\n".utf8), Array(good.dropLast()), Array(good.dropFirst()),
            Array("old 0\n".utf8)
                + Array(repeating: Array((Base64.text(Digest.of([]).bytes) + "\n").utf8), count: 64)
                .flatMap { $0 } + [Note.newline] + (try note(1)),
            good + [UInt8](repeating: 10, count: WitnessRequest.bytesMax),
        ] {
            switch try witness.add(bytes, timeSeconds: 1) {
            case .malformed, .unsigned: continue
            case let answer: Issue.record("\(String(decoding: bytes.prefix(40), as: UTF8.self)): \(answer)")
            }
        }
        #expect(try WitnessRequest(parsing: good) == (try request(0, 1)))
    }

    @Test func `whatever write fails, what was cosigned is remembered by the next start, and no smaller tree is taken`()
        throws
    {
        let points = try self.points()
        #expect(points == 6, "create, write, sync, rename, open the folder, sync it")
        for fault in FaultCase.all {
            for point in 1...points {
                let model = try model()
                let switched = SwitchedDisk(model.disk)
                var first = try witness(switched.disk)
                _ = try first.add(request(0, 3).bytes, timeSeconds: 1)
                switched.use(Fault(at: point, fault.kind, fault.afterwards).disk(over: model.disk))
                #expect(throws: EvidenceError.self) { try first.add(request(3, 7).bytes, timeSeconds: 2) }
                model.crash(fault.names)
                let comment: Comment = "\(fault) at point \(point)"
                let sizes = try Witness.seen(in: "/w", key: key.verifier, disk: model.disk).map(\.checkpoint.size)
                #expect(sizes == [3] || sizes == [7], comment)
                var second = try witness(model.disk)
                guard case .cosigned = try second.add(request(Int(sizes[0]), 9).bytes, timeSeconds: 3) else {
                    Issue.record(comment)
                    continue
                }
            }
        }
    }

    private func points() throws -> Int {
        let model = try model()
        let switched = SwitchedDisk(model.disk)
        var first = try witness(switched.disk)
        let counter = Fault(at: Int.max)
        switched.use(counter.disk(over: model.disk))
        _ = try first.add(request(0, 3).bytes, timeSeconds: 1)
        return counter.pointsSeen
    }

    @Test func `what it cosigned survives a crash right after its answer`() throws {
        for names in ModelDisk.UnsyncedNames.allCases {
            let model = try model()
            var first = try witness(model.disk)
            _ = try first.add(request(0, 300).bytes, timeSeconds: 1)
            model.crash(names)
            var second = try witness(model.disk)
            #expect(try second.add(request(0, 200).bytes, timeSeconds: 2) == .conflict(size: 300))
        }
    }

    @Test func `a memory that is not under its key is refused at its start`() throws {
        let model = try model()
        var first = try witness(model.disk)
        _ = try first.add(request(0, 300).bytes, timeSeconds: 1)
        let name = try #require(try model.disk.names("/w/seen").first)
        let stored = try #require(try model.disk.read("/w/seen/" + name, Note.bytesMax)).bytes
        // Only the log's signature is left, as somebody would write it who has no witness's key.
        try model.disk.replace(try note(2), in: "/w/seen", as: name)
        #expect(throws: EvidenceError(.signatureMissing, "")) { try witness(model.disk) }
        // The sound memory of another log, put in its place.
        try model.disk.replace(stored, in: "/w/seen", as: Digest.of(Array("other".utf8)).hex)
        try model.disk.replace(stored, in: "/w/seen", as: name)
        #expect(throws: EvidenceError(.checkpointMalformed, "")) { try witness(model.disk) }
        #expect(throws: EvidenceError(.keyMalformed, "")) {
            try Witness(at: "/w", key: log, logs: [log.verifier], disk: model.disk)
        }
    }
}
