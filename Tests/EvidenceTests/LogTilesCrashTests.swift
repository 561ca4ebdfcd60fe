// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonEvidence

/// A log grows over the edge of a tile and is published, and each write point of that fails once in each way.
@Suite struct LogTilesCrashTests {
    private let start = 200
    private let end = 520

    @Test func `whatever write point fails, the ordinary start goes on with the same log`() throws {
        let key = try SigningKey(name: LogTilesTests.origin, seed: [UInt8](repeating: 9, count: 32))
        let points = try self.points(key)
        #expect(points > 50)
        for fault in FaultCase.all {
            for point in 1...points {
                let model = ModelDisk()
                let switched = SwitchedDisk(model.disk)
                var log = try begin(switched.disk, key)
                switched.use(Fault(at: point, fault.kind, fault.afterwards).disk(over: model.disk))
                #expect(throws: EvidenceError.self) { try grow(&log, key) }
                model.crash(fault.names)
                try expectSound(model, key, "\(fault) at point \(point)")
            }
        }
    }

    @Test func `what append and publish returned from survives a crash at once`() throws {
        let key = try SigningKey(name: LogTilesTests.origin)
        for names in ModelDisk.UnsyncedNames.allCases {
            let model = ModelDisk()
            var log = try begin(model.disk, key)
            model.crash(names)
            log = try LogTiles(at: "/log", disk: model.disk)
            #expect(log.edge.size == UInt64(start))
            try grow(&log, key)
            model.crash(names)
            log = try LogTiles(at: "/log", disk: model.disk)
            #expect(log.edge.size == UInt64(end))
            #expect(try Checkpoint(parsing: Note(parsing: #require(try log.published())).text).size == UInt64(end))
            try log.reader.verify(root: log.edge.root)
        }
    }

    private func begin(_ disk: Disk, _ key: SigningKey) throws -> LogTiles {
        var log = try LogTiles(at: "/log", disk: disk)
        try log.append(Entries.list(0..<start))
        try log.publish(log.checkpoint(origin: LogTilesTests.origin).signed(by: [key]))
        return log
    }

    private func grow(_ log: inout LogTiles, _ key: SigningKey) throws {
        try log.append(Entries.list(Int(log.edge.size)..<end))
        try log.publish(log.checkpoint(origin: LogTilesTests.origin).signed(by: [key]))
    }

    private func points(_ key: SigningKey) throws -> Int {
        let model = ModelDisk()
        let switched = SwitchedDisk(model.disk)
        var log = try begin(switched.disk, key)
        let counter = Fault(at: Int.max)
        switched.use(counter.disk(over: model.disk))
        try grow(&log, key)
        return counter.pointsSeen
    }

    private func expectSound(_ model: ModelDisk, _ key: SigningKey, _ comment: Comment) throws {
        var log = try LogTiles(at: "/log", disk: model.disk)
        try log.sweep()
        #expect(model.paths.filter { $0.contains(Disk.draftPrefix) } == [], comment)
        #expect([start, end].contains(Int(log.edge.size)), comment)
        try log.reader.verify(root: log.edge.root)
        let note = try #require(try log.published(), comment)
        let opened = try OpenedCheckpoint(note, logKeys: [key.verifier])
        #expect(opened.checkpoint.size <= log.edge.size, comment)
        try TileReader(size: opened.checkpoint.size, folder: "/log", disk: model.disk)
            .verify(root: opened.checkpoint.root)
        try grow(&log, key)
        #expect(log.edge.root == MerkleLog.root(of: Entries.leafHashes(end)), comment)
        try log.reader.verify(root: log.edge.root)
    }
}
