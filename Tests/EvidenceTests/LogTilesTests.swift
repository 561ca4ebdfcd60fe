// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonEvidence

@Suite struct LogTilesTests {
    static let origin = "cordon.example/log"

    @Test func `paths are those of tlog-tiles`() {
        #expect(TilePath.tile(level: 0, index: 0).text == "tile/0/000")
        #expect(TilePath.tile(level: 1, index: 1_234_067, width: 17).text == "tile/1/x001/x234/067.p/17")
        #expect(TilePath.tile(level: 5, index: 999).text == "tile/5/999")
        #expect(TilePath.bundle(index: 1000).text == "tile/entries/x001/000")
        #expect(TilePath.bundle(index: 3, width: 255).text == "tile/entries/003.p/255")
    }

    @Test func `a log has the same files however it grew`() throws {
        let whole = try Scratch()
        var log = try LogTiles(at: whole.path + "/log")
        try log.append(Entries.list(0..<700))
        for lots in [[1, 255, 1, 443], [256, 256, 188], [300, 0, 212, 188], [511, 2, 187]] {
            let pieces = try Scratch()
            var next = 0
            for count in lots {
                var log = try LogTiles(at: pieces.path + "/log")
                #expect(log.edge.size == UInt64(next))
                try log.append(Entries.list(next..<next + count))
                next += count
            }
            #expect(try LogTiles(at: pieces.path + "/log").edge == log.edge)
            for file in whole.files() { #expect(try pieces.read(file) == whole.read(file), "\(file)") }
            #expect(pieces.files().filter { !$0.contains(".p/") } == whole.files().filter { !$0.contains(".p/") })
        }
    }

    @Test func `full files replace partial ones`() throws {
        let scratch = try Scratch()
        var log = try LogTiles(at: scratch.path + "/log")
        for size in stride(from: 0, to: 250, by: 50) { try log.append(Entries.list(size..<size + 50)) }
        #expect(scratch.files().count { $0.contains("000.p/") } == 10)
        try log.append(Entries.list(250..<300))
        #expect(
            scratch.files() == [
                "log/edge", "log/tile/0/000", "log/tile/0/001.p/44", "log/tile/1/000.p/1", "log/tile/entries/000",
                "log/tile/entries/001.p/44",
            ])
    }

    @Test func `the files of an independent log are the ones made here`() throws {
        guard let corpus = Corpus.path("tlog-300") else { return }
        let scratch = try Scratch()
        var log = try LogTiles(at: scratch.path + "/log")
        try log.append(Entries.list(0..<300))
        for file in scratch.files() where file.contains("/tile/") {
            let published = try Disk.real.read(corpus + file.dropFirst("log".count), 1 << 20)?.bytes
            #expect(try scratch.read(file) == published, "\(file)")
        }
    }

    @Test func `proofs from tiles hold at every size`() throws {
        let scratch = try Scratch()
        var log = try LogTiles(at: scratch.path + "/log")
        var roots: [UInt64: Digest] = [:]
        for size in [1, 2, 255, 256, 257, 300, 512, 600] {
            try log.append(Entries.list(Int(log.edge.size)..<size))
            roots[log.edge.size] = log.edge.root
            let reader = try log.reader
            try reader.verify(root: log.edge.root)
            for index in stride(from: 0, to: size, by: 37) {
                let proof = try reader.tree.inclusionProof(of: UInt64(index))
                try proof.verify(leafHash: MerkleLog.leafHash(reader.entry(at: UInt64(index))), root: log.edge.root)
                #expect(try reader.entry(at: UInt64(index)) == Entries.list(index..<index + 1)[0])
            }
            for (old, root) in roots {
                try reader.tree.consistencyProof(from: old).verify(oldRoot: root, newRoot: log.edge.root)
            }
        }
    }

    @Test func `an older size can still be read after the log grew`() throws {
        let scratch = try Scratch()
        var log = try LogTiles(at: scratch.path + "/log")
        try log.append(Entries.list(0..<200))
        let root = log.edge.root
        try log.append(Entries.list(200..<600))
        let reader = try TileReader(size: 200, folder: scratch.path + "/log")
        try reader.verify(root: root)
        #expect(throws: EvidenceError(.sizeRefused, "")) { try reader.entry(at: 200) }
        #expect(throws: EvidenceError(.sizeRefused, "")) { try reader.leafHash(at: 200) }
    }

    @Test func `any changed byte of any file is found`() throws {
        let model = ModelDisk()
        var log = try LogTiles(at: "/log", disk: model.disk)
        try log.append(Entries.list(0..<300))
        let reader = try log.reader
        try reader.verify(root: log.edge.root)
        for path in model.paths where path.contains("/tile/") {
            for offset in stride(from: 0, to: try #require(try model.disk.read(path, 1 << 20)).bytes.count, by: 331) {
                model.corrupt(path, at: offset)
                #expect(throws: EvidenceError.self, "\(path) at \(offset)") { try reader.verify(root: log.edge.root) }
                model.corrupt(path, at: offset)
            }
        }
        try reader.verify(root: log.edge.root)
    }

    @Test func `entries that are not those of the log are refused and change nothing`() throws {
        let model = ModelDisk()
        var log = try LogTiles(at: "/log", disk: model.disk)
        try log.append(Entries.list(0..<10))
        // The edge was lost, so the same entries are appended again; others would be another log.
        _ = try model.disk.remove("/log/edge")
        var again = try LogTiles(at: "/log", disk: model.disk)
        #expect(again.edge.size == 0)
        #expect(throws: EvidenceError(.contentDiffers, "")) { try again.append(Entries.list(1..<11)) }
        #expect(again.edge.size == 0)
        try again.append(Entries.list(0..<10))
        #expect(again.edge == log.edge)
    }

    @Test func `an edge that is not that of the tiles is refused`() throws {
        let model = ModelDisk()
        var log = try LogTiles(at: "/log", disk: model.disk)
        try log.append(Entries.list(0..<10))
        model.corrupt("/log/edge", at: 20)
        #expect(throws: EvidenceError(.rootDiffers, "")) { try LogTiles(at: "/log", disk: model.disk) }
        model.corrupt("/log/edge", at: 7)
        #expect(throws: EvidenceError(.frontierMalformed, "")) { try LogTiles(at: "/log", disk: model.disk) }
    }

    @Test func `an entry over the limit is refused before anything is written`() throws {
        let model = ModelDisk()
        var log = try LogTiles(at: "/log", disk: model.disk)
        let large = [UInt8](repeating: 1, count: 65_536)
        #expect(throws: EvidenceError(.tooLarge, "")) { try log.append([[1], large]) }
        #expect(model.paths.allSatisfy { !$0.contains("/tile") })
        try log.append([Array(large.dropLast()), []])
        #expect(try log.reader.entry(at: 0).count == 65_535)
        #expect(try log.reader.entry(at: 1).isEmpty)
    }

    @Test func `only a checkpoint of this log as it is now is published`() throws {
        let model = ModelDisk()
        let key = try SigningKey(name: LogTilesTests.origin)
        var log = try LogTiles(at: "/log", disk: model.disk)
        try log.append(Entries.list(0..<5))
        let five = try log.checkpoint(origin: LogTilesTests.origin).signed(by: [key])
        try log.publish(five)
        #expect(try log.published() == five.bytes)
        try log.append(Entries.list(5..<6))
        #expect(throws: EvidenceError(.rootDiffers, "")) { try log.publish(five) }
        try log.publish(log.checkpoint(origin: LogTilesTests.origin).signed(by: [key]))
    }

    @Test func `an older copy of the log publishes nothing`() throws {
        let model = ModelDisk()
        let key = try SigningKey(name: LogTilesTests.origin)
        var log = try LogTiles(at: "/log", disk: model.disk)
        try log.append(Entries.list(0..<5))
        var older = log
        try log.append(Entries.list(5..<9))
        try log.publish(log.checkpoint(origin: LogTilesTests.origin).signed(by: [key]))
        let stale = try older.checkpoint(origin: LogTilesTests.origin).signed(by: [key])
        #expect(throws: EvidenceError(.rootDiffers, "")) { try older.publish(stale) }
        try older.append(Entries.list(5..<9))
        #expect(older.edge == log.edge)
    }

    @Test func `a tile or bundle of another length is refused`() throws {
        let files: [String: [UInt8]] = [
            "tile/0/000.p/3": Entries.leafHashes(3).flatMap(\.bytes).dropLast(),
            "tile/entries/000.p/3": Entries.list(0..<3).flatMap(EntryBundle.bytes).dropLast(),
            "tile/0/000.p/2": Entries.leafHashes(3).flatMap(\.bytes) + [0],
            "tile/entries/000.p/2": Entries.list(0..<1).flatMap(EntryBundle.bytes),
        ]
        for size: UInt64 in [2, 3] {
            let reader = try TileReader(size: size) { path, _ in files[path] }
            #expect(throws: EvidenceError(.tileMalformed, "")) { try reader.leafHash(at: 0) }
            #expect(throws: EvidenceError(.bundleMalformed, "")) { try reader.entry(at: 0) }
        }
        let empty = try TileReader(size: 1) { _, _ in nil }
        #expect(throws: EvidenceError(.notFound, "")) { try empty.entry(at: 0) }
        #expect(throws: EvidenceError(.sizeRefused, "")) { try TileReader(size: .max) { _, _ in nil } }
    }
}
