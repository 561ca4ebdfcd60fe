// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonEvidence

/// Archives that are larger than the memory: written from what waits on disk, read where they lie.
@Suite struct SpoolTests {
    @Test func `what was put aside comes back as it was, and leaves no file behind`() throws {
        let scratch = try Scratch()
        let spool = try Spool(in: scratch.path)
        #expect(try Disk.real.names(scratch.path) == [])
        // More than it keeps in hand.
        let pieces = (0..<10).map { [UInt8](repeating: UInt8($0), count: 70_000) }
        for piece in pieces { try spool.append(piece) }
        let all = Array(pieces.joined())
        #expect(spool.count == all.count)
        #expect(spool.digest == Digest.of(all))
        let source = try spool.source()
        #expect(source.count == all.count)
        #expect(try source.bytes(69_999..<140_001) == [0] + pieces[1] + [2])
        #expect(try source.digest(of: 0..<all.count) == Digest.of(all))
        #expect(try source.digest(of: 70_000..<140_000) == Digest.of(pieces[1]))
    }

    @Test func `a spool on a disk that is full says so`() throws {
        let scratch = try Scratch()
        var disk = Disk.real
        disk.write = { _, _ throws(EvidenceError) in throw EvidenceError(.writeFailed, "no space left") }
        let spool = try Spool(in: scratch.path, disk: disk)
        try spool.append([1, 2, 3])
        #expect(throws: EvidenceError(.writeFailed, "")) { try spool.source() }
        #expect(throws: EvidenceError(.writeFailed, "")) { try Spool(in: scratch.path + "/none") }
    }

    @Test func `an archive of pieces is the archive of their bytes`() throws {
        let scratch = try Scratch()
        let spool = try Spool(in: scratch.path)
        try spool.append(Array("ab".utf8))
        try spool.append(Array("cdef".utf8))
        let source = try spool.source()
        let head = ByteSource(Array("> ".utf8))
        let part = Tar.Part(name: "part", pieces: [(head, 0..<2), (source, 2..<6), (source, 0..<1)])
        #expect(try part.digest() == Digest.of(Array("> cdefa".utf8)))
        var written: [UInt8] = []
        try Tar.write([part, Tar.Part(Tar.File(name: "a", bytes: [7]))]) { bytes throws(EvidenceError) in
            written += bytes
        }
        let whole = try Tar.archive([
            Tar.File(name: "a", bytes: [7]), Tar.File(name: "part", bytes: Array("> cdefa".utf8)),
        ])
        #expect(written == whole)
        #expect(throws: EvidenceError(.archiveMalformed, "")) {
            try Tar.write([part, part]) { _ throws(EvidenceError) in }
        }
    }

    @Test func `a file is read where it lies, and one that shrinks meanwhile is refused`() throws {
        let scratch = try Scratch()
        let archive = try Tar.archive([Tar.File(name: "a", bytes: [1, 2]), Tar.File(name: "b/c", bytes: [])])
        try scratch.write(archive, to: "it.tar")
        let source = try #require(try ByteSource(file: scratch.path + "/it.tar"))
        let index = try TarIndex(source)
        #expect(index.places.map(\.name) == ["a", "b/c"])
        #expect(try source.bytes(index.places[0].range) == [1, 2])
        try scratch.write(Array(archive.prefix(600)), to: "it.tar")
        #expect(throws: EvidenceError(.readFailed, "")) { try TarIndex(source) }
        #expect(try ByteSource(file: scratch.path + "/none").map(\.count) == nil)
        #expect(throws: EvidenceError(.readFailed, "")) { try ByteSource(file: scratch.path) }
    }
}
