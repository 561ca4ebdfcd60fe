// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

/// What of an entry's line its columns tell: a third of the line, which is not stored a second time.
///
/// Nothing is assumed of a line: what the frame and a body would not give again byte for byte is stored whole.
struct LineFrame {
    /// The number of this frame among those there have ever been, as the column `form` holds it.
    static let form = 1

    private let head: [UInt8]
    private let foot: [UInt8]

    init(of entry: Entry) {
        var head = JSONWriter(capacity: 48)
        head.beginObject()
        head.field("at", entry.at.description)
        head.key("body")
        self.head = head.bytes
        var foot = JSONWriter(capacity: 96)
        foot.beginObject()
        foot.field("n", entry.number)
        foot.field("stream", entry.stream)
        foot.field("type", entry.kind)
        foot.field("v", 1)
        foot.endObject()
        self.foot = [UInt8(ascii: ",")] + foot.bytes.dropFirst()
    }

    /// The body of a line, when the frame gives the rest of it.
    func body(of line: [UInt8]) -> ArraySlice<UInt8>? {
        guard line.count > head.count + foot.count, line.starts(with: head), line.suffix(foot.count) == foot[...] else {
            return nil
        }
        return line[head.count..<(line.count - foot.count)]
    }

    /// The line again.
    static func line(of entry: Entry, body: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var line = JSONWriter(capacity: body.count + entry.stream.utf8.count + entry.kind.utf8.count + 100)
        line.beginObject()
        line.field("at", entry.at.description)
        line.key("body")
        line.raw(body)
        line.field("n", entry.number)
        line.field("stream", entry.stream)
        line.field("type", entry.kind)
        line.field("v", 1)
        line.endObject()
        return line.bytes
    }
}
