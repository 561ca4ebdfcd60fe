// SPDX-License-Identifier: Apache-2.0

import CordonCore

/// The part of a target behind the question mark, read strictly: each field once, each known, each of its type.
/// A plus sign is a plus sign; a blank is `%20`.
struct Query: Sendable {
    private let fields: [String: String]

    init(_ text: String?, knows known: [String] = []) throws(Problem) {
        guard let text, !text.isEmpty else {
            fields = [:]
            return
        }
        guard text.utf8.count <= ServerLimits.queryBytesMax else {
            throw Problem(.badParameter, "the query is over \(ServerLimits.queryBytesMax) bytes (queryBytesMax)")
        }
        let parts = text.split(separator: "&", omittingEmptySubsequences: false)
        guard parts.count <= ServerLimits.queryFieldsMax else {
            throw Problem(.badParameter, "the query has over \(ServerLimits.queryFieldsMax) fields (queryFieldsMax)")
        }
        var fields: [String: String] = [:]
        for part in parts {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = percentDecoded(pair[0]), !name.isEmpty, pair.count == 2,
                let value = percentDecoded(pair[1])
            else {
                throw Problem(.badParameter, "\(String(part).forMessage) is no name=value with valid percent-encoding")
            }
            guard known.contains(name) else {
                let all = known.isEmpty ? "this route takes none" : "this route knows " + known.joined(separator: ", ")
                throw Problem(.badParameter, "there is no parameter \(name.forMessage); \(all)")
            }
            guard fields.updateValue(value, forKey: name) == nil else {
                throw Problem(.badParameter, "the parameter '\(name)' stands twice; give it once")
            }
        }
        self.fields = fields
    }

    func text(_ name: String) throws(Problem) -> String? {
        guard let text = fields[name] else { return nil }
        guard !text.isEmpty else { throw Problem(.badParameter, "the parameter '\(name)' is empty; leave it out") }
        return text
    }

    func id<Noun>(_ name: String, _ noun: ID<Noun>.Type = ID<Noun>.self) throws(Problem) -> ID<Noun>? {
        guard let text = try text(name) else { return nil }
        guard let id = ID<Noun>(text) else {
            throw Problem(
                .badParameter, "'\(name)' must be an id that begins with \(Noun.prefix), not \(text.forMessage)")
        }
        return id
    }

    func oneOf(_ name: String, _ choices: [String]) throws(Problem) -> String? {
        guard let text = try text(name) else { return nil }
        guard choices.contains(text) else {
            let all = choices.joined(separator: ", ")
            throw Problem(.badParameter, "'\(name)' must be one of \(all), not \(text.forMessage)")
        }
        return text
    }

    func flag(_ name: String) throws(Problem) -> Bool { try oneOf(name, ["true", "false"]) == "true" }

    func limit() throws(Problem) -> Int {
        try number("limit", 1...ServerLimits.pageRowsMax) ?? ServerLimits.pageRowsDefault
    }

    func number(_ name: String, _ range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let text = try text(name) else { return nil }
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let number = Int(text),
            range.contains(number)
        else {
            throw Problem(
                .badParameter,
                "'\(name)' must be a number from \(range.lowerBound) to \(range.upperBound), not \(text.forMessage)")
        }
        return number
    }
}

/// `nil` for a broken escape, and for bytes that are no UTF-8.
func percentDecoded(_ text: some StringProtocol, plusIsBlank: Bool = false) -> String? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    var rest = text.utf8.makeIterator()
    while let byte = rest.next() {
        if byte == UInt8(ascii: "%") {
            guard let high = rest.next().flatMap(hexDigit), let low = rest.next().flatMap(hexDigit) else { return nil }
            bytes.append(high << 4 | low)
        } else {
            bytes.append(plusIsBlank && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
        }
    }
    return String(validating: bytes, as: UTF8.self)
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
