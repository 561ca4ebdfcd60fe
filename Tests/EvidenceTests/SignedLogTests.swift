// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonEvidence

@Suite struct SignedLogTests {
    private static let origin = "cordon.example/log"
    private let key: SigningKey

    init() throws { key = try SigningKey(name: Self.origin, seed: [UInt8](repeating: 5, count: 32)) }

    @Test func `what it signs is checked from its folder alone`() throws {
        let scratch = try Scratch()
        var log = try SignedLog(at: scratch.path + "/log", signers: [key])
        try log.append(Entries.leafHashes(300))
        try log.sign(keeps: true)
        let folder = LogFolder(scratch.path + "/log")
        #expect(try folder.keys() == [key.verifier])
        let opened = try OpenedCheckpoint(#require(try folder.published()), logKeys: folder.keys())
        #expect(opened.checkpoint.size == 300)
        try folder.tiles(size: 300).verifyTiles(root: opened.checkpoint.root)
        #expect(try folder.kept().map(\.name) == ["checkpoints/00000000000000000300"])
        let proof = try folder.tiles(size: 300).tree.inclusionProof(of: 17)
        try proof.verify(leafHash: Entries.leafHashes(18)[17], root: opened.checkpoint.root)
    }

    @Test func `while keys are changed both sign, and afterwards the old signatures still hold`() throws {
        let scratch = try Scratch()
        let next = try SigningKey(name: Self.origin)
        var log = try SignedLog(at: scratch.path + "/log", signers: [key])
        try log.append(Entries.leafHashes(1))
        let first = try log.sign(keeps: true)
        try log.take([key, next])
        try log.append([Entries.leafHashes(2)[1]])
        let both = try log.sign(keeps: true)
        #expect(both.signatures.count == 2)
        #expect(try OpenedCheckpoint(both.bytes, logKeys: [key.verifier]).checkpoint.size == 2)
        #expect(try OpenedCheckpoint(both.bytes, logKeys: [next.verifier]).checkpoint.size == 2)
        log = try SignedLog(at: scratch.path + "/log", signers: [next], trusted: [key.verifier])
        #expect(log.published?.size == 2)
        #expect(
            try OpenedCheckpoint(first.bytes, logKeys: LogFolder(scratch.path + "/log").keys()).checkpoint.size == 1)
    }

    @Test func `parts of different age are refused before anything is signed`() throws {
        let scratch = try Scratch()
        var log = try SignedLog(at: scratch.path + "/log", signers: [key])
        try log.append(Entries.leafHashes(10))
        try log.sign(keeps: false)
        let older = try scratch.read("log/checkpoint")
        let edge = try scratch.read("log/edge")
        try log.append(Array(Entries.leafHashes(20).suffix(10)))
        try log.sign(keeps: false)
        let newer = try scratch.read("log/checkpoint")
        // An older checkpoint alone is no fork: what follows it was not published, or is published again.
        try scratch.write(older, to: "log/checkpoint")
        #expect(try SignedLog(at: scratch.path + "/log", signers: [key]).published?.size == 10)
        try scratch.write(newer, to: "log/checkpoint")
        try scratch.write(edge, to: "log/edge")
        #expect(throws: EvidenceError(.logForked, "")) { try SignedLog(at: scratch.path + "/log", signers: [key]) }
    }

    @Test func `a checkpoint of another key is refused`() throws {
        let scratch = try Scratch()
        let thief = try SigningKey(name: Self.origin)
        var log = try SignedLog(at: scratch.path + "/log", signers: [key])
        try log.append(Entries.leafHashes(3))
        try log.sign(keeps: false)
        let forged = try Checkpoint(origin: Self.origin, size: 3, root: log.tiles.edge.root).signed(by: [thief])
        try scratch.write(forged.bytes, to: "log/checkpoint")
        #expect(throws: EvidenceError(.signatureMissing, "")) {
            try SignedLog(at: scratch.path + "/log", signers: [key])
        }
    }

    @Test func `it signs nothing without a key, and not under a witness's`() throws {
        let scratch = try Scratch()
        var log = try SignedLog(at: scratch.path + "/log", signers: [])
        #expect(throws: EvidenceError(.signatureMissing, "")) { try log.sign(keeps: false) }
        let witness = try SigningKey(name: Self.origin, kind: .cosignature)
        #expect(throws: EvidenceError(.keyMalformed, "")) { try log.take([witness]) }
    }

    @Test func `whatever write fails between append and checkpoint, the ordinary start goes on with the same log`()
        throws
    {
        let points = try self.points()
        #expect(points > 20)
        for fault in FaultCase.all {
            for point in 1...points {
                let model = ModelDisk()
                let switched = SwitchedDisk(model.disk)
                var log = try begin(switched.disk)
                switched.use(Fault(at: point, fault.kind, fault.afterwards).disk(over: model.disk))
                #expect(throws: EvidenceError.self) { try grow(&log) }
                model.crash(fault.names)
                let comment: Comment = "\(fault) at point \(point)"
                var reopened = try SignedLog(at: "/log", signers: [key], disk: model.disk)
                let published = try #require(reopened.published, comment)
                #expect([200, 520].contains(Int(published.size)), comment)
                #expect(published.size <= reopened.size, comment)
                try grow(&reopened)
                #expect(reopened.published?.root == MerkleLog.root(of: Entries.leafHashes(520)), comment)
            }
        }
    }

    private func begin(_ disk: Disk) throws -> SignedLog {
        var log = try SignedLog(at: "/log", signers: [key], disk: disk)
        try log.append(Entries.leafHashes(200))
        try log.sign(keeps: true)
        return log
    }

    private func grow(_ log: inout SignedLog) throws {
        try log.append(Array(Entries.leafHashes(520).dropFirst(Int(log.size))))
        try log.sign(keeps: true)
    }

    private func points() throws -> Int {
        let model = ModelDisk()
        let switched = SwitchedDisk(model.disk)
        var log = try begin(switched.disk)
        let counter = Fault(at: Int.max)
        switched.use(counter.disk(over: model.disk))
        try grow(&log)
        return counter.pointsSeen
    }
}
