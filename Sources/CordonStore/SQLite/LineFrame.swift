// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage

/// What of an entry's line its columns tell: a third of the line, which is not stored a second time.
///
/// Nothing is assumed of a line: what the frame and a body would not give again byte for byte is stored whole.
enum LineFrame {
    /// The number of this frame among those there have ever been, as the column `form` holds it.
    static let form = 1

    /// The body of an entry's line, when the frame gives the rest of it.
    static func body(of entry: Entry) -> ArraySlice<UInt8>? {
        // What would be escaped in a line is rare in a name, and then the line is kept as it is.
        guard isPlain(entry.stream), isPlain(entry.kind) else { return nil }
        let head = #"{"at":""# + entry.at.description + #"","body":"#
        let foot = ",\"n\":\(entry.number),\"stream\":\"" + entry.stream + #"","type":""# + entry.kind + #"","v":1}"#
        let ends = entry.bytes.count - foot.utf8.count
        guard ends > head.utf8.count, holds(entry.bytes, head, at: 0), holds(entry.bytes, foot, at: ends) else {
            return nil
        }
        return entry.bytes[head.utf8.count..<ends]
    }

    private static func holds(_ bytes: [UInt8], _ text: String, at start: Int) -> Bool {
        var text = text
        return bytes.withUnsafeBufferPointer { bytes in
            text.withUTF8 { text in
                for index in 0..<text.count where bytes[start + index] != text[index] { return false }
                return true
            }
        }
    }

    private static func isPlain(_ name: String) -> Bool {
        name.utf8.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
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
