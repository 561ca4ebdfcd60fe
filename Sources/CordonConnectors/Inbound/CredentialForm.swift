// SPDX-License-Identifier: Apache-2.0

/// Finds credentials in running text by the marks that issuers put on theirs so that such texts are found.
///
/// Names of keys that are no secret themselves, such as the key ids of AWS, are none: incidents are matched by them.
enum CredentialForm {
    private static let marks = [
        "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "xoxa-", "xoxs-", "xapp-",
        "sk_live_", "rk_live_", "sk-ant-", "sk-proj-", "AIza", "hvs.", "npm_", "dop_v1_", "pypi-", "whsec_",
    ].map { Array($0.utf8) }
    private static let firstBytes = Set(marks.map { $0[0] })
    private static let keyBegin = Array("-----BEGIN ".utf8)
    private static let keyWords = Array("PRIVATE KEY-----".utf8)
    private static let keyEnd = Array("-----END ".utf8)
    private static let tokenBegin = Array("eyJ".utf8)
    /// How much has to follow a mark: issuers' own are longer.
    private static let lengthMin = 16

    /// Whether a closer look is worth it: cheap, and never wrong about what has none.
    static func maybeIn(_ bytes: [UInt8]) -> Bool { !ranges(in: bytes, stopsAtFirst: true).isEmpty }

    static func ranges(in bytes: [UInt8]) -> [Range<Int>] { ranges(in: bytes, stopsAtFirst: false) }

    private static func ranges(in bytes: [UInt8], stopsAtFirst: Bool) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var at = 0
        var isInWord = false
        while at < bytes.count {
            let byte = bytes[at]
            let end: Int? =
                switch byte {
                case UInt8(ascii: "-"): privateKeyEnd(bytes, at)
                case UInt8(ascii: "e") where !isInWord: tokenEnd(bytes, at)
                default: nil
                }
            let last = end ?? (!isInWord && firstBytes.contains(byte) ? markedEnd(bytes, at) : nil)
            if let last {
                found.append(at..<last)
                if stopsAtFirst { return found }
                at = last
                isInWord = true
            } else {
                isInWord = isWordByte(byte)
                at += 1
            }
        }
        return found
    }

    private static func markedEnd(_ bytes: [UInt8], _ at: Int) -> Int? {
        guard let mark = marks.first(where: { bytes.has($0, at) }) else { return nil }
        let end = wordEnd(bytes, at + mark.count)
        return end - at - mark.count >= lengthMin ? end : nil
    }

    /// A signed JSON web token (RFC 7515): three parts, the first two of which begin JSON objects.
    private static func tokenEnd(_ bytes: [UInt8], _ at: Int) -> Int? {
        guard bytes.has(tokenBegin, at) else { return nil }
        let first = wordEnd(bytes, at)
        guard first < bytes.count, bytes[first] == UInt8(ascii: "."), bytes.has(tokenBegin, first + 1) else {
            return nil
        }
        let second = wordEnd(bytes, first + 1)
        guard second < bytes.count, bytes[second] == UInt8(ascii: ".") else { return nil }
        let third = wordEnd(bytes, second + 1)
        return third - second > lengthMin ? third : nil
    }

    /// To the end of its last line, or of the text where that is cut off.
    private static func privateKeyEnd(_ bytes: [UInt8], _ at: Int) -> Int? {
        guard bytes.has(keyBegin, at), let words = bytes.first(keyWords, from: at, within: 64) else { return nil }
        guard let end = bytes.first(keyEnd, from: words, within: bytes.count) else { return bytes.count }
        return bytes.first(keyWords, from: end, within: 64).map { $0 + keyWords.count } ?? bytes.count
    }

    private static func wordEnd(_ bytes: [UInt8], _ start: Int) -> Int {
        var end = start
        while end < bytes.count, isWordByte(bytes[end]) { end += 1 }
        return end
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

extension [UInt8] {
    fileprivate func has(_ text: [UInt8], _ at: Int) -> Bool {
        guard at + text.count <= count else { return false }
        for index in text.indices where self[at + index] != text[index] { return false }
        return true
    }

    fileprivate func first(_ text: [UInt8], from start: Int, within span: Int) -> Int? {
        (start..<Swift.min(count, start + span)).first { has(text, $0) }
    }
}
