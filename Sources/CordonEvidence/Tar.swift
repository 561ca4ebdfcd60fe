// SPDX-License-Identifier: Apache-2.0

/// An uncompressed archive (POSIX ustar) in which equal content gives equal bytes: names in order, no times, no owners.
///
/// What reads it accepts only what `header` writes: no byte of an archive is without meaning, so none can be changed
/// without being noticed.
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

    /// The archive of these files, in the order of their names' bytes. Names must differ.
    package static func archive(_ files: [File]) throws(EvidenceError) -> [UInt8] {
        let sorted = files.sorted { isBefore($0.name, $1.name) }
        var out: [UInt8] = []
        out.reserveCapacity(files.reduce(2 * blockBytes) { $0 + $1.bytes.count + 2 * blockBytes })
        for (place, file) in sorted.enumerated() {
            if place > 0, !isBefore(sorted[place - 1].name, file.name) {
                throw malformed("\(file.name) would stand in it twice")
            }
            out += try header(file.name, byteCount: file.bytes.count)
            out += file.bytes
            out += [UInt8](repeating: 0, count: padding(file.bytes.count))
        }
        return out + [UInt8](repeating: 0, count: 2 * blockBytes)
    }

    /// The files of an archive that `archive` wrote. Refuses every other, and says where it differs.
    package static func files(_ bytes: [UInt8]) throws(EvidenceError) -> [File] {
        var files: [File] = []
        var at = 0
        while true {
            guard at + blockBytes <= bytes.count else {
                throw malformed("it ends in the middle, at byte \(bytes.count)")
            }
            let block = bytes[at..<at + blockBytes]
            if block.allSatisfy({ $0 == 0 }) { break }
            let file = try file(in: bytes, at: at)
            if let last = files.last, !isBefore(last.name, file.name) {
                throw malformed("\(file.name) stands behind \(last.name), out of order")
            }
            files.append(file)
            at += blockBytes + file.bytes.count + padding(file.bytes.count)
        }
        guard bytes.count == at + 2 * blockBytes, bytes[at...].allSatisfy({ $0 == 0 }) else {
            throw malformed("it does not end with two empty blocks, at byte \(at)")
        }
        return files
    }

    private static func file(in bytes: [UInt8], at start: Int) throws(EvidenceError) -> File {
        let header = bytes[start..<start + blockBytes]
        let name = String(decoding: header.prefix(nameBytesMax).prefix { $0 != 0 }, as: UTF8.self)
        let digits = header.dropFirst(124).prefix(11)
        guard let count = Int(String(decoding: digits, as: UTF8.self), radix: 8), count >= 0 else {
            throw malformed("the header at byte \(start) has no length")
        }
        guard isName(name), try Array(header) == self.header(name, byteCount: count) else {
            throw malformed("the header at byte \(start) is not one that Cordon writes")
        }
        let begin = start + blockBytes
        let end = begin + count
        guard end + padding(count) <= bytes.count else { throw malformed("\(name) ends behind the archive's end") }
        guard bytes[end..<end + padding(count)].allSatisfy({ $0 == 0 }) else {
            throw malformed("there is something between \(name) and the next file")
        }
        return File(name: name, bytes: Array(bytes[begin..<end]))
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
    private static func isName(_ name: String) -> Bool {
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

    private static func isBefore(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    private static func padding(_ count: Int) -> Int { (blockBytes - count % blockBytes) % blockBytes }

    private static func octal(_ number: Int, digits: Int) -> String {
        let text = String(number, radix: 8)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }

    private static func malformed(_ cause: String) -> EvidenceError {
        EvidenceError(.archiveMalformed, "could not use the archive: \(cause)")
    }
}
