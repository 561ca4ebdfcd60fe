// SPDX-License-Identifier: Apache-2.0

/// One time zone's offsets over time, from a file in TZif form (RFC 8536): the moments at which the offset changed, and
/// a rule for the time after the last of them.
struct ZoneRules: Sendable {
    private var moments: [Int64] = []
    private var offsets: [Int64] = []
    private var first: Int64 = 0
    private var rule: ZoneFooter?

    /// Nil for what is no TZif file.
    init?(_ bytes: [UInt8]) {
        var reader = BigEndianReader(bytes)
        guard let header = Header(&reader) else { return nil }
        guard header.version >= 2 else {
            guard read(&reader, header, wide: false) else { return nil }
            return
        }
        // The first block repeats the data in 32 bits for old readers.
        guard reader.skip(header.bytes(wide: false)), let second = Header(&reader), read(&reader, second, wide: true)
        else {
            return nil
        }
        rule = ZoneFooter(reader.line())
    }

    func offset(at seconds: Int64) -> Int64 {
        guard let last = moments.last else { return rule?.offset(at: seconds) ?? first }
        if seconds >= last, let rule { return rule.offset(at: seconds) }
        var low = 0
        var high = moments.count
        while low < high {
            let middle = (low + high) / 2
            if moments[middle] <= seconds { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? first : offsets[low - 1]
    }

    private struct Header {
        var version = 0
        var counts: [Int] = []

        init?(_ reader: inout BigEndianReader) {
            guard reader.take("TZif"), let version = reader.byte(), reader.skip(15) else { return nil }
            self.version = version == 0 ? 1 : Int(version) - 0x30
            for _ in 0..<6 {
                guard let count = reader.signed(4), (0...100_000).contains(count) else { return nil }
                counts.append(Int(count))
            }
        }

        var times: Int { counts[3] }
        var types: Int { counts[4] }

        func bytes(wide: Bool) -> Int {
            let width = wide ? 8 : 4
            return times * width + times + types * 6 + counts[5] + counts[2] * (width + 4) + counts[1] + counts[0]
        }
    }

    private mutating func read(_ reader: inout BigEndianReader, _ header: Header, wide: Bool) -> Bool {
        let start = reader.position
        for _ in 0..<header.times {
            guard let moment = reader.signed(wide ? 8 : 4) else { return false }
            moments.append(moment)
        }
        var kinds: [Int] = []
        for _ in 0..<header.times {
            guard let kind = reader.byte(), kind < header.types else { return false }
            kinds.append(Int(kind))
        }
        var known: [Int64] = []
        for _ in 0..<header.types {
            guard let offset = reader.signed(4), reader.skip(2) else { return false }
            known.append(offset)
        }
        guard let earliest = known.first else { return false }
        first = earliest
        offsets = kinds.map { known[$0] }
        return reader.skip(start + header.bytes(wide: wide) - reader.position)
    }
}

/// Reads numbers with the high byte first.
struct BigEndianReader {
    private let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func byte() -> UInt8? {
        guard position < bytes.count else { return nil }
        position += 1
        return bytes[position - 1]
    }

    mutating func skip(_ count: Int) -> Bool {
        guard count >= 0, position + count <= bytes.count else { return false }
        position += count
        return true
    }

    mutating func take(_ text: String) -> Bool {
        let wanted = Array(text.utf8)
        guard position + wanted.count <= bytes.count, bytes[position..<(position + wanted.count)].elementsEqual(wanted)
        else { return false }
        position += wanted.count
        return true
    }

    mutating func signed(_ width: Int) -> Int64? {
        guard position + width <= bytes.count else { return nil }
        var value: UInt64 = 0
        for byte in bytes[position..<(position + width)] { value = value << 8 | UInt64(byte) }
        position += width
        return width == 4 ? Int64(Int32(truncatingIfNeeded: value)) : Int64(bitPattern: value)
    }

    /// The text between the next two line feeds.
    mutating func line() -> String {
        guard byte() == 0x0A else { return "" }
        let end = bytes[position...].firstIndex(of: 0x0A) ?? bytes.count
        defer { position = end }
        return String(decoding: bytes[position..<end], as: UTF8.self)
    }
}
