// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage

/// One line of the history in a bundle, with its place in the log and with all of it done that needs no order: hashed,
/// parsed, told in the words of its pages.
struct BundleLine: Sendable {
    /// So many are made, and held, at once.
    static let pageLines = 2000

    let index: Int
    let bytes: [UInt8]
    let hash: Digest
    let read: Result<HistoryLine, HistoryLine.Fault>
    /// Its row in the timeline. What it is in OCSF's words depends on lines before it.
    let row: [UInt8]

    var place: String { "entry \(index)" }

    init(index: Int, bytes: [UInt8]) {
        self.index = index
        self.bytes = bytes
        hash = MerkleLog.leafHash(bytes)
        read = HistoryLine.read(bytes)
        guard case .success(let line) = read else {
            row = []
            return
        }
        var (shown, scratch): ([UInt8], [UInt8]) = ([], [])
        Timeline.write(index, line, to: &shown, by: &scratch)
        row = shown
    }

    /// Two at a time, and in their order.
    static func all(_ lines: [(index: Int, bytes: [UInt8])]) async -> [BundleLine] {
        @Sendable func made(_ part: ArraySlice<(index: Int, bytes: [UInt8])>) -> [BundleLine] {
            part.map { BundleLine(index: $0.index, bytes: $0.bytes) }
        }
        async let half = made(lines.prefix(lines.count / 2))
        let rest = made(lines.suffix(lines.count - lines.count / 2))
        return await half + rest
    }
}
