// SPDX-License-Identifier: Apache-2.0

/// One pass over the bytes of one JSON text, from which `JSON.parse` gets its value or the first mistake.
struct JSONReader {
    /// A mistake before its line and column are known: small, because every function here may throw one.
    struct Failure: Error {
        var code: JSONError.Code
        var offset: Int
    }

    /// Members of the objects that are still open. One stack for all, so that each dictionary is made once, at its
    /// final size.
    private struct Member {
        var name: String
        var offset: Int
        var value: Value
    }

    let base: UnsafePointer<UInt8>
    let count: Int
    let depthMax: Int
    var at = 0
    /// Where strings with escapes are put together.
    var unescaped: [UInt8] = []
    private var open: [Member] = []

    init(base: UnsafePointer<UInt8>, count: Int, limits: JSONLimits) {
        self.base = base
        self.count = count
        depthMax = limits.depthMax
    }

    mutating func document() throws(Failure) -> Value {
        if count >= 3, base[0] == 0xEF, base[1] == 0xBB, base[2] == 0xBF { throw fail(.byteOrderMark) }
        skipSpace()
        let value = try value(depth: 0)
        skipSpace()
        guard at == count else { throw fail(.trailingBytes) }
        return value
    }

    func fail(_ code: JSONError.Code) -> Failure { Failure(code: code, offset: at) }
    func fail(_ code: JSONError.Code, at offset: Int) -> Failure { Failure(code: code, offset: offset) }

    /// A byte that fits nowhere: the end of the text has its own name.
    func failUnexpected() -> Failure { fail(at < count ? .unexpectedByte : .unexpectedEnd) }

    @inline(__always)
    mutating func skipSpace() {
        while at < count {
            switch base[at] {
            case 0x20, 0x0A, 0x0D, 0x09: at &+= 1
            default: return
            }
        }
    }

    private mutating func value(depth: Int) throws(Failure) -> Value {
        guard at < count else { throw fail(.unexpectedEnd) }
        switch base[at] {
        case UInt8(ascii: "\""):
            at &+= 1
            return .string(try string())
        case UInt8(ascii: "{"): return try object(depth: depth + 1)
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw fail(.unexpectedByte)
        }
    }

    private mutating func literal(_ word: StaticString, _ value: Value) throws(Failure) -> Value {
        for index in 0..<word.utf8CodeUnitCount {
            guard at < count, base[at] == word.utf8Start[index] else { throw failUnexpected() }
            at &+= 1
        }
        return value
    }

    private mutating func array(depth: Int) throws(Failure) -> Value {
        guard depth <= depthMax else { throw fail(.tooDeep) }
        at &+= 1
        skipSpace()
        var items: [Value] = []
        if at < count, base[at] == UInt8(ascii: "]") {
            at &+= 1
            return .array(items)
        }
        while true {
            items.append(try value(depth: depth))
            skipSpace()
            guard at < count else { throw fail(.unexpectedEnd) }
            if base[at] == UInt8(ascii: "]") { break }
            guard base[at] == UInt8(ascii: ",") else { throw fail(.unexpectedByte) }
            at &+= 1
            skipSpace()
        }
        at &+= 1
        return .array(items)
    }

    private mutating func object(depth: Int) throws(Failure) -> Value {
        guard depth <= depthMax else { throw fail(.tooDeep) }
        at &+= 1
        skipSpace()
        if at < count, base[at] == UInt8(ascii: "}") {
            at &+= 1
            return .object([:])
        }
        let mark = open.count
        while true {
            try member(depth: depth)
            guard at < count else { throw fail(.unexpectedEnd) }
            if base[at] == UInt8(ascii: "}") { break }
            guard base[at] == UInt8(ascii: ",") else { throw fail(.unexpectedByte) }
            at &+= 1
            skipSpace()
        }
        at &+= 1
        return .object(try closed(from: mark))
    }

    private mutating func member(depth: Int) throws(Failure) {
        let start = at
        guard at < count else { throw fail(.unexpectedEnd) }
        guard base[at] == UInt8(ascii: "\"") else { throw fail(.nameExpected) }
        at &+= 1
        let name = try string()
        skipSpace()
        guard at < count, base[at] == UInt8(ascii: ":") else { throw failUnexpected() }
        at &+= 1
        skipSpace()
        open.append(Member(name: name, offset: start, value: try value(depth: depth)))
        skipSpace()
    }

    private mutating func closed(from mark: Int) throws(Failure) -> [String: Value] {
        let size = open.count - mark
        var members = [String: Value](minimumCapacity: size)
        for index in mark..<open.count {
            members[open[index].name] = open[index].value
        }
        guard members.count == size else { throw duplicate(from: mark) }
        open.removeLast(size)
        return members
    }

    /// Finds the second occurrence again: slow, but only on the way to an error.
    private func duplicate(from mark: Int) -> Failure {
        var seen: Set<String> = []
        let second = open[mark...].first { !seen.insert($0.name).inserted }
        return fail(.duplicateName, at: second?.offset ?? at)
    }
}
