// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage

/// What reading the lines of a bundle once, in their order, leaves in hand: what they mean, and what its pages must be.
struct BundleReading {
    /// Bytes as they should stand somewhere, by their digest and number alone.
    struct Expected {
        private var stream = DigestStream()
        private(set) var count = 0

        var digest: Digest { stream.digest }

        mutating func append(_ bytes: [UInt8]) {
            stream.update(bytes)
            count += bytes.count
        }
    }

    let head: BundleHead
    var history: HistoryAudit
    /// Lines that are there, and those that can be read.
    private(set) var count = 0
    private(set) var parsed = 0
    private(set) var first: Instant?
    private(set) var last: Instant?
    private(set) var ocsf = Expected()
    private(set) var rows = Expected()

    init(_ head: BundleHead) {
        self.head = head
        history = HistoryAudit(head.coverage)
    }

    mutating func take(_ line: BundleLine) {
        guard let told = history.take(line.read, place: line.place) else { return }
        first = first ?? told.at
        last = told.at
        parsed += 1
        ocsf.append(line.ocsf)
        rows.append(line.row)
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
