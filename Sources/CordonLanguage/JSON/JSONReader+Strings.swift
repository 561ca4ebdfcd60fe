// SPDX-License-Identifier: Apache-2.0

extension JSONReader {
    /// Reads a string whose opening quote is behind `at`, eight bytes a step until something needs a closer look.
    mutating func string() throws(Failure) -> String {
        let start = at
        var isASCII = true
        while true {
            at = plainRunEnd(base, from: at, to: count, stopsAtHighBit: isASCII)
            guard at < count else { throw fail(.unexpectedEnd) }
            switch base[at] {
            case UInt8(ascii: "\""):
                let slice = UnsafeBufferPointer(start: base + start, count: at - start)
                at &+= 1
                return isASCII ? String(decoding: slice, as: UTF8.self) : try validated(slice, from: start)
            case UInt8(ascii: "\\"): return try stringWithEscapes(from: start)
            case 0..<0x20: throw fail(.controlCharacter)
            default: isASCII = false
            }
        }
    }

    private func validated(_ slice: UnsafeBufferPointer<UInt8>, from start: Int) throws(Failure) -> String {
        if let text = String(validating: slice, as: UTF8.self) { return text }
        throw fail(.invalidUTF8, at: start + (firstInvalidUTF8(slice) ?? 0))
    }

    /// `at` stands on the first backslash; all before it is plain.
    private mutating func stringWithEscapes(from start: Int) throws(Failure) -> String {
        unescaped.removeAll(keepingCapacity: true)
        try keep(from: start)
        while true {
            guard at < count else { throw fail(.unexpectedEnd) }
            switch base[at] {
            case UInt8(ascii: "\""):
                at &+= 1
                return String(decoding: unescaped, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape()
            case 0..<0x20: throw fail(.controlCharacter)
            default:
                let run = at
                at = plainRunEnd(base, from: at, to: count, stopsAtHighBit: false)
                try keep(from: run)
            }
        }
    }

    /// Appends the run that ends at `at`. A run never splits a well-formed sequence, so checking runs is enough.
    private mutating func keep(from start: Int) throws(Failure) {
        let slice = UnsafeBufferPointer(start: base + start, count: at - start)
        if let bad = firstInvalidUTF8(slice) { throw fail(.invalidUTF8, at: start + bad) }
        unescaped.append(contentsOf: slice)
    }

    private mutating func escape() throws(Failure) {
        let start = at
        at &+= 1
        guard at < count else { throw fail(.unexpectedEnd) }
        let byte = base[at]
        at &+= 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(byte)
        case UInt8(ascii: "b"): unescaped.append(0x08)
        case UInt8(ascii: "f"): unescaped.append(0x0C)
        case UInt8(ascii: "n"): unescaped.append(0x0A)
        case UInt8(ascii: "r"): unescaped.append(0x0D)
        case UInt8(ascii: "t"): unescaped.append(0x09)
        case UInt8(ascii: "u"): try codePoint(from: start)
        default: throw fail(.badEscape, at: start)
        }
    }

    private mutating func codePoint(from start: Int) throws(Failure) {
        var code = try hexadecimal(escape: start)
        if 0xD800..<0xDC00 ~= code {
            guard at < count else { throw fail(.unexpectedEnd) }
            guard base[at] == UInt8(ascii: "\\") else { throw fail(.loneSurrogate, at: start) }
            guard at + 1 < count else { throw fail(.unexpectedEnd, at: count) }
            guard base[at + 1] == UInt8(ascii: "u") else { throw fail(.loneSurrogate, at: start) }
            let second = at
            at &+= 2
            let low = try hexadecimal(escape: second)
            guard 0xDC00..<0xE000 ~= low else { throw fail(.loneSurrogate, at: start) }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw fail(.loneSurrogate, at: start) }
        unescaped.append(contentsOf: UTF8.encode(scalar)!)  // a scalar always has a UTF-8 form
    }

    private mutating func hexadecimal(escape: Int) throws(Failure) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard at < count else { throw fail(.unexpectedEnd) }
            switch base[at] {
            case let byte where UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte: code = code << 4 | UInt32(byte & 0xF)
            case let byte where UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte | 0x20:
                code = code << 4 | UInt32((byte | 0x20) - UInt8(ascii: "a") + 10)
            default: throw fail(.badEscape, at: escape)
            }
            at &+= 1
        }
        return code
    }
}
