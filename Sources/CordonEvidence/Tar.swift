// SPDX-License-Identifier: Apache-2.0

/// An uncompressed archive (POSIX ustar) in which equal content gives equal bytes: names in order, no times, no owners.
package enum Tar {
    package static let blockBytes = 512
    package static let nameBytesMax = 100
    /// Eleven octal digits.
    package static let fileBytesMax = (1 << 33) - 1

    package struct File: Hashable, Sendable {
        package var name: String
        package var bytes: [UInt8]

        package init(name: String, bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }
    }

    /// A file whose content lies in pieces, in memory or on disk.
    package struct Part: Sendable {
        package typealias Piece = (source: ByteSource, range: Range<Int>)

        package let name: String
        package let pieces: [Piece]
        package let byteCount: Int

        package init(name: String, pieces: [Piece]) {
            self.name = name
            self.pieces = pieces
            byteCount = pieces.reduce(0) { $0 + $1.range.count }
        }

        package init(_ file: File) {
            let source = ByteSource(file.bytes)
            self.init(name: file.name, pieces: [(source, 0..<source.count)])
        }

        package func eachChunk(_ body: ([UInt8]) throws(EvidenceError) -> Void) throws(EvidenceError) {
            for piece in pieces { try piece.source.eachChunk(of: piece.range, body) }
        }

        package func digest() throws(EvidenceError) -> Digest {
            var stream = DigestStream()
            try eachChunk { chunk throws(EvidenceError) in stream.update(chunk) }
            return stream.digest
        }
    }

    /// Takes the next bytes of an archive that is being written.
    package typealias Sink = (_ bytes: [UInt8]) throws(EvidenceError) -> Void

    /// The archive of these files, in the order of their names' bytes. Names must differ.
    package static func archive(_ files: [File]) throws(EvidenceError) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(files.reduce(2 * blockBytes) { $0 + $1.bytes.count + 2 * blockBytes })
        try write(files.map(Part.init)) { bytes throws(EvidenceError) in out += bytes }
        return out
    }

    /// The same, without holding more than a piece of it.
    package static func write(_ parts: [Part], to sink: Sink) throws(EvidenceError) {
        let sorted = parts.sorted { isBefore($0.name, $1.name) }
        for (place, part) in sorted.enumerated() {
            if place > 0, !isBefore(sorted[place - 1].name, part.name) {
                throw malformed("\(part.name) would stand in it twice")
            }
            try sink(try header(part.name, byteCount: part.byteCount))
            try part.eachChunk(sink)
            try sink([UInt8](repeating: 0, count: padding(part.byteCount)))
        }
        try sink([UInt8](repeating: 0, count: 2 * blockBytes))
    }

    /// The files of an archive that `archive` wrote. Refuses every other, and says where it differs.
    package static func files(_ bytes: [UInt8]) throws(EvidenceError) -> [File] {
        let source = ByteSource(bytes)
        return try TarIndex(source).places.map { place throws(EvidenceError) in
            File(name: place.name, bytes: try source.bytes(place.range))
        }
    }

    static func header(_ name: String, byteCount: Int) throws(EvidenceError) -> [UInt8] {
        guard isName(name) else { throw malformed("'\(name)' can't be a name in it") }
        guard byteCount <= fileBytesMax else { throw malformed("\(name) is too large for it") }
        var block = [UInt8](repeating: 0, count: blockBytes)
        func put(_ text: String, at start: Int) {
            for (offset, byte) in text.utf8.enumerated() { block[start + offset] = byte }
        }
        put(name, at: 0)
        put("0000644", at: 100)
        put("0000000", at: 108)
        put("0000000", at: 116)
        put(octal(byteCount, digits: 11), at: 124)
        put("00000000000", at: 136)
        put("        ", at: 148)
        put("0", at: 156)
        put("ustar\0" + "00", at: 257)
        put(octal(block.reduce(0) { $0 + Int($1) }, digits: 6) + "\0 ", at: 148)
        return block
    }

    /// Relative, without a way upward, of plain letters: what any system can write.
    static func isName(_ name: String) -> Bool {
        let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return name.utf8.count <= nameBytesMax
            && parts.allSatisfy { part in
                !part.isEmpty && !part.elementsEqual(".".utf8) && !part.elementsEqual("..".utf8)
                    && part.allSatisfy(isPlain)
            }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    static func isBefore(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    static func padding(_ count: Int) -> Int { (blockBytes - count % blockBytes) % blockBytes }

    private static func octal(_ number: Int, digits: Int) -> String {
        let text = String(number, radix: 8)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }

    static func malformed(_ cause: String) -> EvidenceError {
        EvidenceError(.archiveMalformed, "could not use the archive: \(cause)")
    }
}
