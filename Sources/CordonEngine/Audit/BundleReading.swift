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

        /// The next of what should stand there is a part of some bytes.
        mutating func append(_ bytes: [UInt8], _ part: Range<Int>) {
            guard isSo else { return }
            isSo = holds(part.count) && isNext(bytes, part)
            used += part.count
            count += part.count
        }

        private mutating func holds(_ wanted: Int) -> Bool {
            if used + wanted <= held.count { return true }
            let next = end..<min(range.upperBound, end + max(wanted, ByteSource.chunkBytes))
            guard next.count >= wanted, let bytes = try? source.bytes(next) else { return false }
            (held, used) = (bytes, 0)
            return true
        }

        private func isNext(_ bytes: [UInt8], _ part: Range<Int>) -> Bool {
            guard !part.isEmpty else { return true }
            return held.withUnsafeBytes { held in
                bytes.withUnsafeBytes { told in
                    // `holds` saw that so many are left.
                    guard let held = held.baseAddress, let told = told.baseAddress else { return false }
                    return memcmp(held + used, told + part.lowerBound, part.count) == 0
                }
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

    init(_ head: BundleHead, ocsf: Standing?, rows: Standing?, shards: Int) {
        self.head = head
        history = HistoryAudit(head.coverage, endsEarly: head.endsEarly, shards: shards)
        (self.ocsf, self.rows) = (ocsf, rows)
    }

    mutating func take(_ index: Int, _ judged: AuditShard.Judged, _ shard: AuditShard) {
        if let fault = judged.fault { return history.settle(fault, place: "entry \(index)") }
        history.settle(shard.facts[judged.facts])
        first = first ?? judged.at
        last = judged.at
        parsed += 1
        ocsf?.append(shard.ocsf, judged.ocsf)
        rows?.append(shard.rows, judged.row)
    }

    mutating func count(_ lines: Int) { count += lines }
}

/// Lines of a file, read a piece at a time.
struct LineReader: Sendable {
    /// What is read at once; a line may be longer.
    private static let pieceBytes = 1 << 20
    private static let newline = Int32(UInt8(ascii: "\n"))

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

    /// The next lines and where each of them stands, without its end; nothing after the last.
    mutating func next() throws(EvidenceError) -> (bytes: [UInt8], lines: [Range<Int>])? {
        while at < end {
            let piece = min(end, at + LineReader.pieceBytes)
            rest += try source.bytes(at..<piece)
            at = piece
            let lines = LineReader.lines(rest)
            if let last = lines.last {
                defer { rest = Array(rest[(last.upperBound + 1)...]) }
                return (rest, lines)
            }
            guard rest.count <= JSONLimits.default.bytesMax else {
                throw EvidenceError(.tooLarge, "a line is longer than \(JSONLimits.default.bytesMax) bytes")
            }
        }
        guard !rest.isEmpty else { return nil }
        isCut = true
        defer { rest = [] }
        return (rest, [0..<rest.count])
    }

    private static func lines(_ bytes: [UInt8]) -> [Range<Int>] {
        var lines: [Range<Int>] = []
        bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            var start = 0
            while let found = memchr(base + start, newline, bytes.count - start) {
                let stop = UnsafeRawPointer(found) - base
                lines.append(start..<stop)
                start = stop + 1
            }
        }
        return lines
    }
}
