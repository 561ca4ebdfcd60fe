// SPDX-License-Identifier: Apache-2.0

/// Collects the header lines of an answer within bounds, and reads them as fields once the answer is whole.
struct ResponseHead: Sendable {
    enum Complaint: Sendable {
        case tooManyBytes, tooManyFields
    }

    private(set) var bytes: [UInt8] = []
    private static let usualBytes = 1024
    /// Counted over interim answers (1xx) and trailers too, which are not kept.
    private var bytesSeen = 0
    private var fieldsSeen = 0
    private var isComplete = false

    /// Takes one line with its line end.
    mutating func take(_ line: UnsafeRawBufferPointer, bytesMax: Int, fieldsMax: Int) -> Complaint? {
        bytesSeen += line.count
        if bytesSeen > bytesMax { return .tooManyBytes }
        if line.starts(with: "HTTP/".utf8) && !isComplete {
            bytes.removeAll(keepingCapacity: true)
            return nil
        }
        fieldsSeen += 1
        if fieldsSeen > fieldsMax { return .tooManyFields }
        if isComplete { return nil }
        if bytes.isEmpty { bytes.reserveCapacity(Self.usualBytes) }
        bytes.append(contentsOf: line)
        return nil
    }

    /// The body has begun: what still comes as a header is a trailer, and a trailer must not replace a header.
    mutating func bodyBegins() { isComplete = true }

    /// Names in lower case; repeated fields joined by a comma and a blank; a folded line continues its field.
    func fields() -> [String: String] {
        bytes.withUnsafeBytes { buffer in
            var fields: [String: String] = [:]
            var lastName: String?
            var start = 0
            while start < buffer.count {
                let end = buffer[start...].firstIndex(of: UInt8(ascii: "\n")) ?? buffer.count
                Self.read(buffer[start..<end], into: &fields, lastName: &lastName)
                start = end + 1
            }
            return fields
        }
    }

    private typealias Line = Slice<UnsafeRawBufferPointer>

    private static func read(_ line: Line, into fields: inout [String: String], lastName: inout String?) {
        let isFolded = line.first == UInt8(ascii: " ") || line.first == UInt8(ascii: "\t")
        let text = trimmed(line)
        if text.isEmpty { return }
        if isFolded {
            if let lastName { fields[lastName, default: ""] += " " + String(decoding: text, as: UTF8.self) }
            return
        }
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")) else { return }
        let name = lowered(trimmed(text[..<colon]))
        let value = String(decoding: trimmed(text[(colon + 1)...]), as: UTF8.self)
        if let earlier = fields.updateValue(value, forKey: name) { fields[name] = earlier + ", " + value }
        lastName = name
    }

    private static func lowered(_ name: Line) -> String {
        String(unsafeUninitializedCapacity: name.count) { buffer in
            var count = 0
            for byte in name {
                buffer[count] = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
                count += 1
            }
            return count
        }
    }

    private static func trimmed(_ line: Line) -> Line {
        var line = line
        while let byte = line.first, isBlank(byte) { line.removeFirst() }
        while let byte = line.last, isBlank(byte) { line.removeLast() }
        return line
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d }
}
