// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// One line of a history as it is read for an audit: strictly, and with the event that a run's line tells.
///
/// Lines are written canonically, so their frame is read in place; whatever is spelled otherwise goes the long way, and
/// both ways accept the same lines. A class, because it goes from hand to hand: an event is large, and nobody changes it.
package final class HistoryLine: Sendable {
    package enum Fault: Error, Sendable {
        case unreadable
        case versionUnknown
    }

    package let stream: String
    package let number: Int
    package let kind: String
    package let at: Instant
    /// How the time was spelled, where that is not how it is written.
    private let spelledAt: String?
    /// What it tells: read in place where the line is spelled as the chronicle spells it.
    package let told: JSONView
    package var body: Value { told.value }
    /// Of a run's line what it tells, or why it can't be read.
    let event: Result<Event, UnreadableRecord>?

    /// Whether its time is spelled as a chronicle spells it.
    package var isSpelledAsWritten: Bool { spelledAt.map { $0 == at.description } ?? true }
    package var atText: String { spelledAt ?? at.description }
    var place: LinePlace { LinePlace(stream: stream, number: number) }

    /// The whole line again, for those who show it.
    package var value: Value {
        [
            "at": .string(atText), "body": body, "n": .int(Int64(number)), "stream": .string(stream),
            "type": .string(kind), "v": 1,
        ]
    }

    /// - Parameter known: the stream's name where the reader has it: a line of it then needs no copy of that.
    package static func read(_ bytes: [UInt8], known: String? = nil) -> Result<HistoryLine, Fault> {
        read(bytes, bytes.indices, known: known)
    }

    /// Reads a line that is a part of some bytes: as long as it is kept, they are.
    package static func read(
        _ bytes: [UInt8], _ range: Range<Int>, known: String? = nil
    ) -> Result<HistoryLine, Fault> {
        let read = bytes.withUnsafeBufferPointer {
            canonical(UnsafeBufferPointer(rebasing: $0[range]), known, bytes, range.lowerBound)
        }
        if let read { return .success(read) }
        guard let line = try? JSON.parse(range == bytes.indices ? bytes : Array(bytes[range])),
            let stream = line["stream"]?.stringValue,
            let number = line["n"]?.intValue.flatMap({ Int(exactly: $0) }), number > 0, number < .max,
            let kind = line["type"]?.stringValue, let text = line["at"]?.stringValue,
            let at = Instant(rfc3339: text), let body = line["body"]
        else { return .failure(.unreadable) }
        guard line["v"]?.intValue == 1 else { return .failure(.versionUnknown) }
        return .success(HistoryLine(stream, number, kind, at, text, .tree(body)))
    }

    /// The shard that judges a stream; the same for its name and for a line of it.
    static func shard(of stream: String, among shards: Int) -> Int {
        guard shards > 1 else { return 0 }
        var stream = stream
        return stream.withUTF8 { shard(of: $0, among: shards) }
    }

    private static func shard(of stream: UnsafeBufferPointer<UInt8>, among shards: Int) -> Int {
        // FNV-1a: spread well enough, and the same in each process.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in stream { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return Int(truncatingIfNeeded: (hash ^ hash >> 32) % UInt64(shards))
    }

    /// Which shard judges a line, and whether it is of the stream that is judged by what stands of all the others.
    package struct Route: Sendable {
        package var shard: Int
        package var isRetention: Bool

        package init(shard: Int, isRetention: Bool) { (self.shard, self.isRetention) = (shard, isRetention) }
    }

    /// - Returns: nothing for a line that has to be read to be known.
    package static func route(_ line: UnsafeBufferPointer<UInt8>, among shards: Int) -> Route? {
        var tail = LineTail(line)
        guard tail.drop(#","v":1}"#), tail.quoted() != nil, tail.drop(#","type":"#), let stream = tail.quoted(),
            tail.drop(#","stream":"#), tail.positive() != nil, tail.drop(#","n":"#)
        else { return nil }
        let name = UnsafeBufferPointer(rebasing: stream)
        return Route(
            shard: shard(of: name, among: shards), isRetention: name.elementsEqual(RetentionAudit.stream.utf8))
    }

    package func route(among shards: Int) -> Route {
        Route(shard: Self.shard(of: stream, among: shards), isRetention: stream == RetentionAudit.stream)
    }

    private init(_ stream: String, _ number: Int, _ kind: String, _ at: Instant, _ text: String?, _ told: JSONView) {
        (self.stream, self.number, self.kind, self.at, spelledAt, self.told) = (stream, number, kind, at, text, told)
        guard stream.hasPrefix(Run.prefix) else {
            event = nil
            return
        }
        do throws(UnreadableRecord) { event = .success(try Event(kind: kind, told)) } catch { event = .failure(error) }
    }

    /// Nothing when the line is not framed as the chronicle frames it: that says nothing against it.
    private static func canonical(
        _ line: UnsafeBufferPointer<UInt8>, _ known: String?, _ bytes: [UInt8], _ start: Int
    ) -> HistoryLine? {
        let limits = JSONLimits.default
        guard line.count > bodyOffset, line.count <= limits.bytesMax, line.starts(with: head),
            line[timeEnd..<bodyOffset].elementsEqual(bodyHead),
            let at = Instant(canonical: UnsafeBufferPointer(rebasing: line[head.count..<timeEnd]))
        else { return nil }
        var tail = LineTail(line)
        guard tail.drop(#","v":1}"#), let kind = tail.quoted(), tail.drop(#","type":"#), let stream = tail.quoted(),
            tail.drop(#","stream":"#), let number = tail.positive(), tail.drop(#","n":"#), tail.end > bodyOffset
        else { return nil }
        // A value of its own between head and tail: no other reading of the line is possible.
        let place = bodyOffset..<tail.end
        let inner = JSONLimits(bytesMax: limits.bytesMax, depthMax: limits.depthMax - 1)
        guard
            let told = JSONView(canonical: bytes, start + place.lowerBound..<start + place.upperBound, limits: inner)
                ?? (try? JSON.parse(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: line[place])), limits: inner))
                .map(JSONView.tree)
        else { return nil }
        let isKnown = known.map { stream.elementsEqual($0.utf8) } ?? false
        let name = isKnown ? known ?? "" : String(decoding: stream, as: UTF8.self)
        return HistoryLine(name, number, String(decoding: kind, as: UTF8.self), at, nil, told)
    }

    private static let head = Array(#"{"at":""#.utf8)
    private static let timeEnd = head.count + Instant.canonicalByteCount
    private static let bodyHead = Array(#"","body":"#.utf8)
    private static let bodyOffset = timeEnd + bodyHead.count
}

/// Where a line stands, spelled only when somebody must be told.
package struct LinePlace: Sendable {
    var stream: String
    var number: Int

    var text: String { "\(stream)@\(number)" }
}

/// Takes pieces from the end of a line.
struct LineTail {
    private let line: UnsafeBufferPointer<UInt8>
    private(set) var end: Int

    init(_ line: UnsafeBufferPointer<UInt8>) { (self.line, end) = (line, line.count) }

    mutating func drop(_ text: StaticString) -> Bool {
        let start = end - text.utf8CodeUnitCount
        guard start >= 0 else { return false }
        for offset in 0..<text.utf8CodeUnitCount where line[start + offset] != text.utf8Start[offset] { return false }
        end = start
        return true
    }

    /// A string without escapes, of visible ASCII alone.
    mutating func quoted() -> Slice<UnsafeBufferPointer<UInt8>>? {
        let quote = UInt8(ascii: "\"")
        guard end > 1, line[end - 1] == quote else { return nil }
        var start = end - 1
        while start > 0, line[start - 1] != quote {
            guard (0x20..<0x7F).contains(line[start - 1]), line[start - 1] != UInt8(ascii: "\\") else { return nil }
            start -= 1
        }
        // What stands before the quote must not make it part of a string.
        guard start > 1, line[start - 2] == UInt8(ascii: ":") else { return nil }
        defer { end = start - 1 }
        return line[start..<end - 1]
    }

    /// A number over 0 without leading zeros, of at most 18 digits.
    mutating func positive() -> Int? {
        var start = end
        while start > 0, end - start < 18, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(line[start - 1]) {
            start -= 1
        }
        guard start < end, start > 0, line[start] != UInt8(ascii: "0"), line[start - 1] == UInt8(ascii: ":") else {
            return nil
        }
        defer { end = start }
        return line[start..<end].reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }
}
