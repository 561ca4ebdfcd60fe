// SPDX-License-Identifier: Apache-2.0

/// Where the files of an archive lie that `Tar` wrote. Their content stays where it is.
///
/// It accepts only what `Tar.header` writes: no byte of an archive is without meaning, so none can be changed without
/// being noticed.
package struct TarIndex: Sendable {
    /// Each takes memory; a bundle has some for each run that it tells of.
    package static let filesMax = 5_000_000

    package struct Place: Sendable {
        package let name: String
        package let range: Range<Int>
    }

    /// In the order of their names' bytes.
    package let places: [Place]

    package init(_ source: ByteSource) throws(EvidenceError) {
        var places: [Place] = []
        var at = 0
        while true {
            guard at + Tar.blockBytes <= source.count else {
                throw Tar.malformed("it ends in the middle, at byte \(source.count)")
            }
            let block = try source.bytes(at..<at + Tar.blockBytes)
            if block.allSatisfy({ $0 == 0 }) { break }
            let place = try TarIndex.place(block, at: at, source)
            if let last = places.last, !Tar.isBefore(last.name, place.name) {
                throw Tar.malformed("\(place.name) stands behind \(last.name), out of order")
            }
            guard places.count < TarIndex.filesMax else {
                throw Tar.malformed("more than \(TarIndex.filesMax) files are in it")
            }
            places.append(place)
            at = place.range.upperBound + Tar.padding(place.range.count)
        }
        guard source.count == at + 2 * Tar.blockBytes, try source.bytes(at..<source.count).allSatisfy({ $0 == 0 })
        else { throw Tar.malformed("it does not end with two empty blocks, at byte \(at)") }
        self.places = places
    }

    private static func place(
        _ header: [UInt8], at start: Int, _ source: ByteSource
    ) throws(EvidenceError) -> Place {
        let name = String(decoding: header.prefix(Tar.nameBytesMax).prefix { $0 != 0 }, as: UTF8.self)
        let digits = header.dropFirst(124).prefix(11)
        guard let count = Int(String(decoding: digits, as: UTF8.self), radix: 8), count >= 0 else {
            throw Tar.malformed("the header at byte \(start) has no length")
        }
        guard Tar.isName(name), try header == Tar.header(name, byteCount: count) else {
            throw Tar.malformed("the header at byte \(start) is not one that Cordon writes")
        }
        let begin = start + Tar.blockBytes
        let end = begin + count
        guard end + Tar.padding(count) <= source.count else {
            throw Tar.malformed("\(name) ends behind the archive's end")
        }
        guard try source.bytes(end..<end + Tar.padding(count)).allSatisfy({ $0 == 0 }) else {
            throw Tar.malformed("there is something between \(name) and the next file")
        }
        return Place(name: name, range: begin..<end)
    }
}
