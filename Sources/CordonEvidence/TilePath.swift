// SPDX-License-Identifier: Apache-2.0

/// Where a tile or a bundle of entries is kept (C2SP tlog-tiles): `tile/0/x001/234`, `tile/entries/000.p/17`.
package struct TilePath: Hashable, Sendable {
    /// How many hashes or entries a full file holds.
    package static let width = 256
    static let widthBits = 8
    /// Ends the name of a folder with the files of one tile that is not full.
    static let partialSuffix = ".p"

    /// The folders from the log's own down to the file.
    let folders: [String]
    let name: String

    package var text: String { (folders + [name]).joined(separator: "/") }

    /// A tile of `width` hashes of one level; each is the root of 256^`level` leaves.
    package static func tile(level: Int, index: UInt64, width: Int = TilePath.width) -> TilePath {
        TilePath(kind: String(level), index: index, width: width)
    }

    /// The entries whose leaf hashes are in the tile of level 0 with the same index.
    package static func bundle(index: UInt64, width: Int = TilePath.width) -> TilePath {
        TilePath(kind: "entries", index: index, width: width)
    }

    private init(kind: String, index: UInt64, width: Int) {
        // Thousands are folders, so that no folder grows without a bound.
        var parts = [TilePath.threeDigits(index % 1000)]
        var rest = index / 1000
        while rest > 0 {
            parts.insert("x" + TilePath.threeDigits(rest % 1000), at: 0)
            rest /= 1000
        }
        let isPartial = width < TilePath.width
        if isPartial { parts[parts.count - 1] += TilePath.partialSuffix }
        if isPartial { parts.append(String(width)) }
        folders = ["tile", kind] + parts.dropLast()
        name = parts[parts.count - 1]
    }

    private static func threeDigits(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: 3 - digits.count) + digits
    }
}

/// The entries of one bundle: each with its length before it, in two big-endian bytes.
enum EntryBundle {
    static let entryBytesMax = Int(UInt16.max)
    static let bytesMax = TilePath.width * (entryBytesMax + 2)

    /// The caller has checked the length.
    static func bytes(of entry: [UInt8]) -> [UInt8] { BigEndian.bytes(UInt16(entry.count)) + entry }

    /// Nothing unless the bytes are exactly whole entries.
    static func entries(_ bytes: [UInt8]) -> [[UInt8]]? {
        var entries: [[UInt8]] = []
        var start = 0
        while start < bytes.count {
            guard start + 2 <= bytes.count else { return nil }
            let end = start + 2 + (Int(bytes[start]) << 8 | Int(bytes[start + 1]))
            guard end <= bytes.count else { return nil }
            entries.append(Array(bytes[(start + 2)..<end]))
            start = end
        }
        return entries
    }
}
