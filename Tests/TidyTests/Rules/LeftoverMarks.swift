// SPDX-License-Identifier: Apache-2.0

/// Marks that say "later": what is unfinished is finished, or its limit is written down for the reader.
enum LeftoverMarks {
    /// Put together here, so that this file passes its own rule.
    static let words = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]

    static func check(_ source: Source) -> [Violation] {
        // What others wrote is kept as it came.
        guard !source.isFixture else { return [] }
        return source.lines.enumerated().compactMap { index, line in
            guard let word = words.first(where: { stands($0, in: line) }) else { return nil }
            return Violation(
                source.path, index + 1, "\(word): finish it, or write down what is not done where its reader looks")
        }
    }

    /// As a word of its own: a longer word, such as a placeholder's, is none.
    private static func stands(_ word: String, in line: Substring) -> Bool {
        guard line.holds(word) else { return false }
        return line.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.contains { $0 == word }
    }
}
