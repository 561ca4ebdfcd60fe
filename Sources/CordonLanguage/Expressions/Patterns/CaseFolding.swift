// SPDX-License-Identifier: Apache-2.0

/// Which code points are one letter in different cases: K, k and the Kelvin sign.
enum CaseFolding {
    /// Every code point that has another case, in order, with all of its cases.
    private static let table: [(value: UInt32, variants: [UInt32])] = {
        var groups: [UInt32: [UInt32]] = [:]
        // The blocks that hold letters with case.
        let blocks: [ClosedRange<UInt32>] = [
            0x41...0x58F, 0x10A0...0x10FF, 0x13A0...0x13FF, 0x1C80...0x1CBF, 0x1D00...0x1FFF, 0x2100...0x218F,
            0x24B6...0x24E9, 0x2C00...0x2D2F, 0xA640...0xA7FF, 0xAB30...0xABBF, 0xFF21...0xFF5A,
            0x10400...0x104FF, 0x10570...0x105BF, 0x10C80...0x10CFF, 0x118A0...0x118DF, 0x16E40...0x16E7F,
            0x1E900...0x1E943,
        ]
        for value in blocks.joined() {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let upper = single(scalar.properties.uppercaseMapping) ?? scalar
            let key = single(upper.properties.lowercaseMapping) ?? upper
            groups[key.value, default: []].append(value)
        }
        return groups.values.filter { $0.count > 1 }
            .flatMap { group in group.map { ($0, group) } }
            .sorted { $0.value < $1.value }
    }()

    private static func single(_ text: String) -> Unicode.Scalar? {
        text.unicodeScalars.count == 1 ? text.unicodeScalars.first : nil
    }

    /// All cases of all letters in a range.
    static func variants(of range: ClosedRange<UInt32>) -> [ClosedRange<UInt32>] {
        var first = 0
        var last = table.count
        while first < last {
            let middle = (first + last) / 2
            if table[middle].value < range.lowerBound { first = middle + 1 } else { last = middle }
        }
        var found: [ClosedRange<UInt32>] = []
        while first < table.count, table[first].value <= range.upperBound {
            found += table[first].variants.filter { !range.contains($0) }.map { $0...$0 }
            first += 1
        }
        return found
    }
}
