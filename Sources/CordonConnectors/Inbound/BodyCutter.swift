// SPDX-License-Identifier: Apache-2.0

package import CordonCore
package import CordonLanguage
import Foundation

/// Takes out of a body what must not be stored, and leaves in its place the class and the keyed fingerprint.
package struct BodyCutter {
    private let rules: [Redaction.Rule]
    /// Those after are looked for in every body, and cut only where they are texts.
    private let declared: Int
    private let fingerprints: Fingerprints
    private var counts: [Int: Int] = [:]
    private var forms = 0
    private var whole: Alert.Cut.Kind?

    package init(_ redaction: Redaction, _ fingerprints: Fingerprints) {
        rules = redaction.rules + Redaction.everywhere
        declared = redaction.rules.count
        self.fingerprints = fingerprints
    }

    /// What was cut so far: each place once, with the number of values.
    package var cuts: [Alert.Cut] {
        var cuts = rules.indices.compactMap { index in
            counts[index].map { Alert.Cut(place: rules[index].place.text, kind: rules[index].kind, count: $0) }
        }
        if forms > 0 { cuts.append(Alert.Cut(place: Alert.Cut.anywhere, kind: .secret, count: forms)) }
        if let whole { cuts.append(Alert.Cut(place: "", kind: whole, count: 1)) }
        return cuts
    }

    /// One JSON value.
    package mutating func json(_ bytes: [UInt8]) throws(JSONError) -> [UInt8] { try json(bytes, rules.map(\.place)) }

    private mutating func json(_ bytes: [UInt8], _ places: [JSONPlace]) throws(JSONError) -> [UInt8] {
        var copy = self
        // The cutter calls back while it works: what it counts is taken over when it is done.
        let cut = try JSONCutter.cut(bytes, at: places, seesTexts: CredentialForm.maybeIn(bytes)) { place, value in
            copy.replacement(place, value)
        }
        self = copy
        return cut ?? bytes
    }

    private mutating func replacement(_ place: Int?, _ value: Value) -> String? {
        guard let place else { return value.stringValue.flatMap { text($0) } }
        let bytes: [UInt8]
        switch value {
        case .null, .string(""): return nil
        case .string(let text): bytes = Array(text.utf8)
        default:
            guard place < declared else { return nil }
            bytes = value.jsonBytes
        }
        counts[place, default: 0] += 1
        return fingerprints.replacement(of: bytes, rules[place].kind)
    }

    /// Running text: whatever has the form of a credential. Nothing when there is none.
    private mutating func text(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        let ranges = CredentialForm.ranges(in: bytes)
        guard !ranges.isEmpty else { return nil }
        forms += ranges.count
        var out: [UInt8] = []
        var copied = 0
        for range in ranges {
            out += bytes[copied..<range.lowerBound]
            out += Array(fingerprints.replacement(of: Array(bytes[range]), .secret).utf8)
            copied = range.upperBound
        }
        return String(decoding: out + bytes[copied...], as: UTF8.self)
    }

    // MARK: Bodies

    /// The body of an alert as its source wraps it. What should be JSON and is none can't be looked through: where the
    /// source says that it holds something to be cut, nothing of it stays.
    mutating func body(_ bytes: [UInt8], of shape: SourceShape) -> [UInt8] {
        guard !bytes.isEmpty, !shape.authentication.signsWholeBodies else { return bytes }
        do throws(JSONError) {
            switch shape.content {
            case _ where shape.authentication == .sns: return try wrapped(bytes, in: ["Message"], as: .text)
            case .json: return try json(bytes)
            case .text:
                if let cut = try? json(bytes) { return cut }
                return running(bytes)
            case .lines: return try lines(bytes)
            case .pubsub: return try wrapped(bytes, in: ["message", "data"], as: .base64)
            }
        } catch {
            guard declared > 0 else { return running(bytes) }
            let kind: Alert.Cut.Kind = rules.prefix(declared).contains { $0.kind == .secret } ? .secret : .personal
            whole = kind
            return Value.string(fingerprints.replacement(of: bytes, kind)).jsonBytes
        }
    }

    private mutating func running(_ bytes: [UInt8]) -> [UInt8] {
        guard CredentialForm.maybeIn(bytes), let cut = text(String(decoding: bytes, as: UTF8.self)) else {
            return bytes
        }
        return Array(cut.utf8)
    }

    private mutating func lines(_ bytes: [UInt8]) throws(JSONError) -> [UInt8] {
        let places = rules.map(\.place)
        if let whole = try? JSON.parse(bytes) {
            return try json(bytes, whole.arrayValue == nil ? places : places.map(\.inEachItem))
        }
        var out: [UInt8] = []
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            if index > 0 { out.append(UInt8(ascii: "\n")) }
            let isBlank = line.allSatisfy { [0x20, 0x0D, 0x09].contains($0) }
            out += isBlank ? Array(line) : try json(Array(line))
        }
        return out
    }

    private enum Wrapping { case text, base64 }

    /// A body that stands as one text in another.
    private mutating func wrapped(
        _ bytes: [UInt8], in path: [String], as wrapping: Wrapping
    ) throws(JSONError) -> [UInt8] {
        guard let place = JSONPlace("/" + path.joined(separator: "/")) else { return bytes }
        var copy = self
        var failure: JSONError?
        let cut = try JSONCutter.cut(bytes, at: [place], seesTexts: false) { _, value in
            guard let text = value.stringValue else { return nil }
            switch wrapping {
            case .text:
                guard (try? JSON.parse(text)) != nil else { return copy.text(text) }
                return (try? copy.json(Array(text.utf8))).map { String(decoding: $0, as: UTF8.self) }
            case .base64:
                guard let inner = Data(base64Encoded: text) else { return nil }
                do throws(JSONError) { return Data(try copy.json(Array(inner))).base64EncodedString() } catch {
                    failure = error
                    return nil
                }
            }
        }
        if let failure { throw failure }
        self = copy
        return cut ?? bytes
    }
}
