// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage
import Glibc

/// What reading the lines of a bundle once, in their order, leaves in hand: what they mean, and what its pages must be.
struct BundleReading {
    /// What should stand in a file from a place on, compared while it is made: nothing of it is kept.
    struct Standing {
        private let source: ByteSource
        private let range: Range<Int>
        /// What was read of the file, up to where the next piece begins.
        private var held: [UInt8] = []
        private var used = 0
        private(set) var count = 0
        private(set) var isSo = true

        var start: Int { range.lowerBound }
        var end: Int { start + count }

        init(_ source: ByteSource, _ range: Range<Int>) { (self.source, self.range) = (source, range) }

        mutating func append(_ bytes: [UInt8]) {
            guard isSo else { return }
            isSo = holds(bytes.count) && isNext(bytes)
            used += bytes.count
            count += bytes.count
        }

        private mutating func holds(_ wanted: Int) -> Bool {
            if used + wanted <= held.count { return true }
            let next = end..<min(range.upperBound, end + max(wanted, ByteSource.chunkBytes))
            guard next.count >= wanted, let bytes = try? source.bytes(next) else { return false }
            (held, used) = (bytes, 0)
            return true
        }

        private func isNext(_ bytes: [UInt8]) -> Bool {
            guard !bytes.isEmpty else { return true }
            return held[used..<used + bytes.count].withUnsafeBytes { held in
                // Neither is empty, so both have an address.
                bytes.withUnsafeBytes { memcmp(held.baseAddress!, $0.baseAddress!, bytes.count) == 0 }
            }
        }
    }

    let head: BundleHead
    var history: HistoryAudit
    /// Lines that are there, and those that can be read.
    private(set) var count = 0
    private(set) var parsed = 0
    private(set) var first: Instant?
    private(set) var last: Instant?
    /// In their files, where those are there.
    private(set) var ocsf: Standing?
    private(set) var rows: Standing?

    init(_ head: BundleHead, ocsf: Standing?, rows: Standing?) {
        self.head = head
        history = HistoryAudit(head.coverage)
        (self.ocsf, self.rows) = (ocsf, rows)
    }

    mutating func take(_ line: BundleLine) {
        guard let told = history.take(line.read, place: line.place) else { return }
        first = first ?? told.at
        last = told.at
        parsed += 1
        ocsf?.append(line.ocsf)
        rows?.append(line.row)
    }

    mutating func count(_ lines: Int) { count += lines }
}

/// Lines of a file, read a piece at a time.
struct LineReader {
    /// What is read at once; a line may be longer.
    private static let pieceBytes = 1 << 21
    private static let newline = UInt8(ascii: "\n")

    private let source: ByteSource
    private let end: Int
    private var at: Int
    private var rest: [UInt8] = []
    /// Whether the last line that was handed out had no end.
    private(set) var isCut = false

    init(_ source: ByteSource, _ range: Range<Int>) {
        self.source = source
        (at, end) = (range.lowerBound, range.upperBound)
    }

    /// The next lines, without their ends; nothing after the last.
    mutating func next() throws(EvidenceError) -> [[UInt8]]? {
        while at < end {
            let piece = min(end, at + LineReader.pieceBytes)
            rest += try source.bytes(at..<piece)
            at = piece
            let lines = takeLines()
            if !lines.isEmpty { return lines }
            guard rest.count <= JSONLimits.default.bytesMax else {
                throw EvidenceError(.tooLarge, "a line is longer than \(JSONLimits.default.bytesMax) bytes")
            }
        }
        guard !rest.isEmpty else { return nil }
        isCut = true
        defer { rest = [] }
        return [rest]
    }

    private mutating func takeLines() -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var start = 0
        while let stop = rest[start...].firstIndex(of: LineReader.newline) {
            lines.append(Array(rest[start..<stop]))
            start = stop + 1
        }
        rest.removeFirst(start)
        return lines
    }
}
