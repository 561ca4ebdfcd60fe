// SPDX-License-Identifier: Apache-2.0

/// One file of the repository as the rules see it: its lines, and for code the same lines with comments and the
/// insides of strings blanked out, so that a word in a sentence is not taken for a call.
struct Source {
    /// Relative to the repository, with `/`.
    let path: String
    let lines: [Substring]
    /// As long as `lines`; the lines themselves where the file is no code.
    let code: [Substring]
    /// Whether a comment stands on the line; as long as `lines`.
    let hasComment: [Bool]

    init(_ path: String, _ text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if Source.isCode(path) {
            let masked = Mask(Array(text.utf8))
            code = String(decoding: masked.code, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            hasComment = lines.indices.map(masked.commentedLines.contains)
        } else {
            code = lines
            hasComment = lines.map { _ in false }
        }
    }

    static func isCode(_ path: String) -> Bool {
        [".swift", ".c", ".h", ".js"].contains { path.hasSuffix($0) }
    }

    var isSwift: Bool { path.hasSuffix(".swift") }
    var name: Substring { path.split(separator: "/").last ?? "" }
    var isUnderTests: Bool { path.hasPrefix("Tests/") }
    var isUnderSources: Bool { path.hasPrefix("Sources/") }

    /// `CordonCore` of `Sources/CordonCore/Run/Run.swift`, `StoreTests` of `Tests/StoreTests/…`.
    var room: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && (isUnderSources || isUnderTests) ? String(parts[1]) : nil
    }

    /// Data from outside that is kept as it came: vectors, payloads, recorded histories.
    var isFixture: Bool {
        let folders = path.split(separator: "/").dropLast()
        return isUnderTests
            && folders.contains { ["fixtures", "vectors", "histories", "golden"].contains($0.lowercased()) }
    }

    /// A comment on the line itself, or on the one before it, is taken for the reason.
    func hasReason(at index: Int) -> Bool { hasComment[index] || (index > 0 && hasComment[index - 1]) }
}
