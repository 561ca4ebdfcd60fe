// SPDX-License-Identifier: Apache-2.0

/// A class of a regular expression: ranges of code points and general categories, or everything but those.
struct ScalarSet: Sendable {
    private(set) var ranges: [ClosedRange<UInt32>] = []
    private var categories: UInt32 = 0
    /// Each stands for every category that it does not name.
    private var excluded: [UInt32] = []
    var isNegated = false
    /// One bit for each ASCII character, negation already applied.
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    mutating func insert(_ range: ClosedRange<UInt32>) { ranges.append(range) }

    mutating func insert(_ scalar: Unicode.Scalar) { ranges.append(scalar.value...scalar.value) }

    mutating func insert(categories mask: UInt32, isNegated: Bool) {
        if isNegated { excluded.append(mask) } else { categories |= mask }
    }

    /// Everything that `ranges` leaves out.
    mutating func insert(complementOf others: [ClosedRange<UInt32>]) {
        var start: UInt32 = 0
        for range in others.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > start { ranges.append(start...(range.lowerBound - 1)) }
            start = max(start, range.upperBound + 1)
        }
        if start <= 0x10FFFF { ranges.append(start...0x10FFFF) }
    }

    /// Adds the other cases of all letters inside.
    mutating func foldCase() {
        // Merged first: overlapping ranges would each bring all letters of all cases.
        merge()
        var more: [ClosedRange<UInt32>] = []
        for range in ranges { more += CaseFolding.variants(of: range) }
        ranges += more
        let cased =
            ScalarSet.mask(.uppercaseLetter) | ScalarSet.mask(.lowercaseLetter) | ScalarSet.mask(.titlecaseLetter)
        if categories & cased != 0 { categories |= cased }
    }

    /// Must come before the first question.
    mutating func close() {
        merge()
        for value: UInt32 in 0..<128 where holds(value) {
            if value < 64 { low |= 1 << UInt64(value) } else { high |= 1 << UInt64(value - 64) }
        }
    }

    private mutating func merge() {
        ranges.sort { $0.lowerBound < $1.lowerBound }
        var merged: [ClosedRange<UInt32>] = []
        for range in ranges {
            if let last = merged.last, range.lowerBound <= last.upperBound + 1 {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        ranges = merged
    }

    @inline(__always)
    func contains(_ scalar: Unicode.Scalar) -> Bool {
        let value = scalar.value
        if value < 64 { return low >> UInt64(value) & 1 == 1 }
        if value < 128 { return high >> UInt64(value - 64) & 1 == 1 }
        return holds(value)
    }

    private func holds(_ value: UInt32) -> Bool {
        var first = 0
        var last = ranges.count
        while first < last {
            let middle = (first + last) / 2
            if ranges[middle].upperBound < value { first = middle + 1 } else { last = middle }
        }
        if first < ranges.count, ranges[first].contains(value) { return !isNegated }
        guard categories != 0 || !excluded.isEmpty, let scalar = Unicode.Scalar(value) else { return isNegated }
        let mask = Self.mask(scalar.properties.generalCategory)
        return (categories & mask != 0 || excluded.contains { $0 & mask == 0 }) != isNegated
    }

    // MARK: Names

    private static let categoryNames: [(name: String, category: Unicode.GeneralCategory)] = [
        ("Lu", .uppercaseLetter), ("Ll", .lowercaseLetter), ("Lt", .titlecaseLetter), ("Lm", .modifierLetter),
        ("Lo", .otherLetter), ("Mn", .nonspacingMark), ("Mc", .spacingMark), ("Me", .enclosingMark),
        ("Nd", .decimalNumber), ("Nl", .letterNumber), ("No", .otherNumber), ("Pc", .connectorPunctuation),
        ("Pd", .dashPunctuation), ("Ps", .openPunctuation), ("Pe", .closePunctuation), ("Pi", .initialPunctuation),
        ("Pf", .finalPunctuation), ("Po", .otherPunctuation), ("Sm", .mathSymbol), ("Sc", .currencySymbol),
        ("Sk", .modifierSymbol), ("So", .otherSymbol), ("Zs", .spaceSeparator), ("Zl", .lineSeparator),
        ("Zp", .paragraphSeparator), ("Cc", .control), ("Cf", .format), ("Cs", .surrogate), ("Co", .privateUse),
    ]

    static func mask(_ category: Unicode.GeneralCategory) -> UInt32 {
        categoryNames.firstIndex { $0.category == category }.map { 1 << UInt32($0) } ?? 0
    }

    /// The categories that `\p{name}` stands for: `Lu`, or all that begin with `L`.
    static func mask(named name: String) -> UInt32? {
        if name == "Any" { return UInt32.max }
        let masks = categoryNames.filter { $0.name == name || (name.utf8.count == 1 && $0.name.hasPrefix(name)) }
            .map { mask($0.category) }
        return masks.isEmpty ? nil : masks.reduce(0, |)
    }

    static let digits: [ClosedRange<UInt32>] = [0x30...0x39]
    static let words: [ClosedRange<UInt32>] = [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A]
    static let spaces: [ClosedRange<UInt32>] = [0x09...0x0A, 0x0C...0x0D, 0x20...0x20]

    static let posix: [String: [ClosedRange<UInt32>]] = [
        "alnum": [0x30...0x39, 0x41...0x5A, 0x61...0x7A], "alpha": [0x41...0x5A, 0x61...0x7A], "ascii": [0...0x7F],
        "blank": [0x09...0x09, 0x20...0x20], "cntrl": [0...0x1F, 0x7F...0x7F], "digit": digits,
        "graph": [0x21...0x7E], "lower": [0x61...0x7A], "print": [0x20...0x7E],
        "punct": [0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E], "space": [0x09...0x0D, 0x20...0x20],
        "upper": [0x41...0x5A], "word": words, "xdigit": [0x30...0x39, 0x41...0x46, 0x61...0x66],
    ]
}
