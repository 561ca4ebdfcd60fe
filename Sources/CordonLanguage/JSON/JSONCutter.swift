// SPDX-License-Identifier: Apache-2.0

/// Copies a JSON text with some of its values replaced by texts; all else stays byte for byte.
package struct JSONCutter {
    /// What stands in place of a value, or nothing where it stays.
    ///
    /// - Parameters:
    ///   - place: which of the places it stands at; nothing for a text that stands at none.
    package typealias Replacement = (_ place: Int?, _ value: Value) -> String?

    /// How far into a place the way down has come.
    private struct Position: Hashable {
        var place: Int
        var step: Int
    }

    private let bytes: [UInt8]
    private let places: [JSONPlace]
    /// Texts that stand at no place are looked at too.
    private let seesTexts: Bool
    private let replacement: Replacement
    private var at = 0
    private var copied = 0
    private var out: [UInt8] = []

    /// Nothing when no value was replaced.
    package static func cut(
        _ bytes: [UInt8], at places: [JSONPlace], seesTexts: Bool, _ replacement: @escaping Replacement
    ) throws(JSONError) -> [UInt8]? {
        // From here on the text is known to be whole, so that going through it needs no second set of refusals.
        _ = try JSON.parse(bytes)
        var cutter = JSONCutter(bytes: bytes, places: places, seesTexts: seesTexts, replacement: replacement)
        cutter.skipSpace()
        cutter.value(places.indices.map { Position(place: $0, step: 0) })
        guard cutter.copied > 0 else { return nil }
        return cutter.out + bytes[cutter.copied...]
    }

    private init(bytes: [UInt8], places: [JSONPlace], seesTexts: Bool, replacement: @escaping Replacement) {
        (self.bytes, self.places, self.seesTexts, self.replacement) = (bytes, places, seesTexts, replacement)
    }

    private mutating func value(_ positions: [Position]) {
        let start = at
        if let met = positions.first(where: { $0.step == places[$0.place].steps.count }) {
            skip()
            if replace(from: start, met.place) { return }
            at = start
        }
        switch bytes[at] {
        case UInt8(ascii: "{"): container(positions, UInt8(ascii: "}"), isObject: true)
        case UInt8(ascii: "["): container(positions, UInt8(ascii: "]"), isObject: false)
        case UInt8(ascii: "\""):
            skip()
            if seesTexts { _ = replace(from: start, nil) }
        default: skip()
        }
    }

    private mutating func container(_ positions: [Position], _ end: UInt8, isObject: Bool) {
        at += 1
        skipSpace()
        var index = 0
        while bytes[at] != end {
            let name: String
            if isObject {
                let start = at
                skip()
                name = text(start..<at)
                skipSpace()
                at += 1  // The colon.
                skipSpace()
            } else {
                name = positions.isEmpty ? "" : String(index)
            }
            value(next(positions, name))
            skipSpace()
            if bytes[at] == UInt8(ascii: ",") {
                at += 1
                skipSpace()
            }
            index += 1
        }
        at += 1
    }

    /// What stands between the quotes of a name.
    private func text(_ range: Range<Int>) -> String {
        let inner = bytes[(range.lowerBound + 1)..<(range.upperBound - 1)]
        guard inner.contains(UInt8(ascii: "\\")) else { return String(decoding: inner, as: UTF8.self) }
        return (try? JSON.parse(bytes[range]))?.stringValue ?? ""
    }

    private func next(_ positions: [Position], _ name: String) -> [Position] {
        var next: [Position] = []
        func add(_ position: Position) { if !next.contains(position) { next.append(position) } }
        for var position in positions {
            let steps = places[position.place].steps
            while position.step < steps.count, steps[position.step] == .many {
                add(position)
                position.step += 1
            }
            guard position.step < steps.count, steps[position.step].meets(name) else { continue }
            position.step += 1
            add(position)
        }
        return next
    }

    private mutating func replace(from start: Int, _ place: Int?) -> Bool {
        guard let value = try? JSON.parse(bytes[start..<at]), let text = replacement(place, value) else { return false }
        out += bytes[copied..<start]
        out += Value.string(text).jsonBytes
        copied = at
        return true
    }

    // MARK: Going on

    private mutating func skipSpace() {
        while at < bytes.count {
            switch bytes[at] {
            case 0x20, 0x0A, 0x0D, 0x09: at += 1
            default: return
            }
        }
    }

    /// To behind the value that begins here.
    private mutating func skip() {
        var depth = 0
        repeat {
            switch bytes[at] {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                at += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                at += 1
            case UInt8(ascii: "\""): skipText()
            case UInt8(ascii: ","), UInt8(ascii: ":"), 0x20, 0x0A, 0x0D, 0x09: at += 1
            default: skipWord()
            }
        } while depth > 0
    }

    private mutating func skipText() {
        at += 1
        while bytes[at] != UInt8(ascii: "\"") { at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1 }
        at += 1
    }

    /// A number, or one of the three words.
    private mutating func skipWord() {
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
                at += 1
            default: return
            }
        }
    }
}
