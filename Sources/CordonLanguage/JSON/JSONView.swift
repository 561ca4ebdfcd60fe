// SPDX-License-Identifier: Apache-2.0

/// A JSON value that is read in place where its text allows it, and from a tree otherwise: for those who ask a few things
/// of very many texts.
package enum JSONView: Sendable {
    case tree(Value)
    case part(JSONOutline, Int)

    /// Nothing for a text that is spelled otherwise than an outline needs; `JSON.parse` reads that.
    package init?(canonical bytes: [UInt8], _ range: Range<Int>, limits: JSONLimits = .default) {
        guard let outline = JSONOutline(bytes, range, limits: limits) else { return nil }
        self = .part(outline, 0)
    }

    /// The member of an object, or `nil` when this is no object or has no such member.
    package subscript(_ name: String) -> JSONView? {
        switch self {
        case .tree(let value): value[name].map(JSONView.tree)
        case .part(let outline, let index): outline.member(name, of: index).map { .part(outline, $0) }
        }
    }

    package var value: Value {
        switch self {
        case .tree(let value): value
        case .part(let outline, let index): outline.value(index)
        }
    }

    package var isObject: Bool {
        switch self {
        case .tree(.object): true
        case .tree: false
        case .part(let outline, let index): outline.parts[index].kind == .object
        }
    }

    package var isNull: Bool {
        switch self {
        case .tree(let value): value.isNull
        case .part(let outline, let index): outline.parts[index].kind == .null
        }
    }

    package var stringValue: String? {
        switch self {
        case .tree(let value): value.stringValue
        case .part(let outline, let index): outline.parts[index].kind == .string ? outline.text(index) : nil
        }
    }

    package var intValue: Int64? {
        switch self {
        case .tree(let value): value.intValue
        case .part(let outline, let index): outline.parts[index].kind == .int ? outline.number(index) : nil
        }
    }

    // The same of a member, without a view of it between: for those who read very many.

    package func string(_ name: String) -> String? {
        switch self {
        case .tree(let value): value[name]?.stringValue
        case .part(let outline, let index): outline.member(name, of: index).flatMap(outline.string)
        }
    }

    package func int(_ name: String) -> Int64? {
        switch self {
        case .tree(let value): value[name]?.intValue
        case .part(let outline, let index): outline.member(name, of: index).flatMap(outline.int)
        }
    }

    /// Whether there is such a member, and it is no `null`.
    package func has(_ name: String) -> Bool {
        switch self {
        case .tree(let value): value[name].map { !$0.isNull } ?? false
        case .part(let outline, let index): outline.member(name, of: index).map { !outline.isNull($0) } ?? false
        }
    }

    /// What an array holds.
    package var elements: [JSONView]? {
        switch self {
        case .tree(let value): value.arrayValue?.map(JSONView.tree)
        case .part(let outline, let index): outline.elements(of: index)?.map { .part(outline, $0) }
        }
    }

    /// `Value.jsonBytes` of it.
    package var jsonBytes: [UInt8] {
        switch self {
        case .tree(let value): value.jsonBytes
        case .part(let outline, let index): Array(outline.bytes[outline.range(index)])
        }
    }

    /// `Value.prettyJSON` of it.
    package var prettyBytes: [UInt8] {
        var bytes: [UInt8] = []
        appendPretty(to: &bytes)
        return bytes
    }

    /// The same behind other bytes.
    package func appendPretty(to bytes: inout [UInt8]) {
        switch self {
        case .tree(let value): bytes.append(contentsOf: value.prettyJSON.utf8)
        case .part(let outline, let index): outline.pretty(index, 0, &bytes)
        }
    }
}

/// Where each value of a JSON text begins and ends, and no tree.
///
/// Only a text that is spelled canonically (RFC 8785), in ASCII without escapes and with integers alone, has an outline:
/// of such a text no two readers think differently, and writing its value gives its bytes again.
package final class JSONOutline: Sendable {
    enum Kind: UInt8 { case null, yes, no, int, string, array, object }

    struct Part: Sendable {
        var kind: Kind
        var start: Int32
        var end: Int32 = 0
        /// The part behind it and all within it. The parts of an object are its names and values by turns.
        var next: Int32 = 0
    }

    let bytes: [UInt8]
    let parts: [Part]

    init?(_ bytes: [UInt8], _ range: Range<Int>, limits: JSONLimits) {
        guard range.count <= limits.bytesMax, range.upperBound <= Int(Int32.max) else { return nil }
        let parts = bytes.withUnsafeBufferPointer { buffer -> [Part]? in
            guard let base = buffer.baseAddress else { return nil }
            var reader = OutlineReader(base: base, end: range.upperBound, at: range.lowerBound, limits)
            return reader.value(depth: 0) && reader.at == range.upperBound ? reader.parts : nil
        }
        guard let parts else { return nil }
        (self.bytes, self.parts) = (bytes, parts)
    }

    func range(_ index: Int) -> Range<Int> { Int(parts[index].start)..<Int(parts[index].end) }

    /// Of a string, without its quotes.
    func text(_ index: Int) -> String {
        let range = range(index)
        return String(decoding: bytes[range.lowerBound + 1..<range.upperBound - 1], as: UTF8.self)
    }

    func string(_ index: Int) -> String? { parts[index].kind == .string ? text(index) : nil }
    func int(_ index: Int) -> Int64? { parts[index].kind == .int ? number(index) : nil }
    func isNull(_ index: Int) -> Bool { parts[index].kind == .null }

    func member(_ name: String, of index: Int) -> Int? {
        guard parts[index].kind == .object else { return nil }
        var name = name
        return name.withUTF8 { wanted in
            bytes.withUnsafeBufferPointer { bytes in
                parts.withUnsafeBufferPointer { parts in JSONOutline.member(wanted, of: index, bytes, parts) }
            }
        }
    }

    private static func member(
        _ wanted: UnsafeBufferPointer<UInt8>, of index: Int, _ bytes: UnsafeBufferPointer<UInt8>,
        _ parts: UnsafeBufferPointer<Part>
    ) -> Int? {
        var at = index + 1
        let end = Int(parts[index].next)
        while at < end {
            let start = Int(parts[at].start) + 1
            if Int(parts[at].end) - start - 1 == wanted.count {
                var offset = 0
                while offset < wanted.count, bytes[start + offset] == wanted[offset] { offset += 1 }
                if offset == wanted.count { return at + 1 }
            }
            at = Int(parts[at + 1].next)
        }
        return nil
    }

    func value(_ index: Int) -> Value {
        let part = parts[index]
        switch part.kind {
        case .null: return .null
        case .yes: return .bool(true)
        case .no: return .bool(false)
        case .int: return .int(number(index))
        case .string: return .string(text(index))
        case .array:
            var items: [Value] = []
            var at = index + 1
            while at < Int(part.next) {
                items.append(value(at))
                at = Int(parts[at].next)
            }
            return .array(items)
        case .object:
            var members: [String: Value] = [:]
            var at = index + 1
            while at < Int(part.next) {
                members[text(at)] = value(at + 1)
                at = Int(parts[at + 1].next)
            }
            return .object(members)
        }
    }

    func elements(of index: Int) -> [Int]? {
        guard parts[index].kind == .array else { return nil }
        return Array(sequence(first: index + 1) { Int(self.parts[$0].next) }.prefix { $0 < Int(parts[index].next) })
    }

    func number(_ index: Int) -> Int64 {
        let digits = bytes[range(index)]
        let isNegative = digits.first == UInt8(ascii: "-")
        let magnitude = digits.dropFirst(isNegative ? 1 : 0).reduce(Int64(0)) { $0 * 10 + Int64($1 & 0xF) }
        return isNegative ? -magnitude : magnitude
    }

    // MARK: Two spaces a level

    func pretty(_ index: Int, _ indent: Int, _ out: inout [UInt8]) {
        let part = parts[index]
        guard part.kind == .array || part.kind == .object, Int(part.next) > index + 1 else {
            return out.append(contentsOf: bytes[range(index)])
        }
        let isObject = part.kind == .object
        out.append(UInt8(ascii: isObject ? "{" : "["))
        var at = index + 1
        while at < Int(part.next) {
            if at > index + 1 { out.append(UInt8(ascii: ",")) }
            JSONOutline.breakLine(indent + 1, &out)
            if isObject {
                out.append(contentsOf: bytes[range(at)])
                out.append(UInt8(ascii: ":"))
                out.append(UInt8(ascii: " "))
                at += 1
            }
            pretty(at, indent + 1, &out)
            at = Int(parts[at].next)
        }
        JSONOutline.breakLine(indent, &out)
        out.append(UInt8(ascii: isObject ? "}" : "]"))
    }

    private static func breakLine(_ indent: Int, _ out: inout [UInt8]) {
        out.append(UInt8(ascii: "\n"))
        for _ in 0..<2 * indent { out.append(UInt8(ascii: " ")) }
    }
}

/// One pass over a text: false as soon as it is not of the one spelling.
private struct OutlineReader {
    let base: UnsafePointer<UInt8>
    let end: Int
    let depthMax: Int
    var at: Int
    var parts: [JSONOutline.Part] = []

    init(base: UnsafePointer<UInt8>, end: Int, at: Int, _ limits: JSONLimits) {
        (self.base, self.end, self.at, depthMax) = (base, end, at, limits.depthMax)
        parts.reserveCapacity(32)
    }

    mutating func value(depth: Int) -> Bool {
        guard at < end else { return false }
        switch base[at] {
        case UInt8(ascii: "\""): return string()
        case UInt8(ascii: "{"): return object(depth: depth + 1)
        case UInt8(ascii: "["): return array(depth: depth + 1)
        case UInt8(ascii: "t"): return literal("true", .yes)
        case UInt8(ascii: "f"): return literal("false", .no)
        case UInt8(ascii: "n"): return literal("null", .null)
        default: return integer()
        }
    }

    private mutating func open(_ kind: JSONOutline.Kind) -> Int {
        parts.append(JSONOutline.Part(kind: kind, start: Int32(truncatingIfNeeded: at)))
        return parts.count - 1
    }

    private mutating func close(_ index: Int) {
        parts[index].end = Int32(truncatingIfNeeded: at)
        parts[index].next = Int32(truncatingIfNeeded: parts.count)
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard at < end, base[at] == byte else { return false }
        at += 1
        return true
    }

    private mutating func string() -> Bool {
        let index = open(.string)
        at = plainRunEnd(base, from: at + 1, to: end, stopsAtHighBit: true)
        guard take(UInt8(ascii: "\"")) else { return false }
        close(index)
        return true
    }

    private mutating func literal(_ word: StaticString, _ kind: JSONOutline.Kind) -> Bool {
        let index = open(kind)
        for offset in 0..<word.utf8CodeUnitCount {
            guard take(word.utf8Start[offset]) else { return false }
        }
        close(index)
        return true
    }

    /// Of at most 18 digits: those fit into 64 bits.
    private mutating func integer() -> Bool {
        let index = open(.int)
        let isNegative = take(UInt8(ascii: "-"))
        let first = at
        while at < end, UInt8(ascii: "0")...UInt8(ascii: "9") ~= base[at] { at += 1 }
        let isZero = at > first && base[first] == UInt8(ascii: "0")
        guard at > first, at - first <= 18, !isZero || (at - first == 1 && !isNegative) else { return false }
        close(index)
        return true
    }

    private mutating func array(depth: Int) -> Bool {
        guard depth <= depthMax else { return false }
        let index = open(.array)
        at += 1
        if !take(UInt8(ascii: "]")) {
            repeat {
                guard value(depth: depth) else { return false }
            } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "]")) else { return false }
        }
        close(index)
        return true
    }

    private mutating func object(depth: Int) -> Bool {
        guard depth <= depthMax else { return false }
        let index = open(.object)
        at += 1
        if !take(UInt8(ascii: "}")) {
            var last: Int?
            repeat {
                let name = parts.count
                guard at < end, base[at] == UInt8(ascii: "\""), string(), last.map({ isBefore($0, name) }) ?? true,
                    take(UInt8(ascii: ":")), value(depth: depth)
                else { return false }
                last = name
            } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "}")) else { return false }
        }
        close(index)
        return true
    }

    /// Each name once, and in order.
    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        let (left, right) = (parts[left], parts[right])
        // Without the quotes: a name is before those that it begins.
        let a = UnsafeBufferPointer(start: base + Int(left.start) + 1, count: Int(left.end - left.start) - 2)
        let b = UnsafeBufferPointer(start: base + Int(right.start) + 1, count: Int(right.end - right.start) - 2)
        return a.lexicographicallyPrecedes(b)
    }
}
