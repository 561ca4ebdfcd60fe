// SPDX-License-Identifier: Apache-2.0

/// An IPv4 or IPv6 address. An IPv4 address equals its IPv4-mapped form in IPv6.
struct IPAddress: Sendable, Hashable {
    let high: UInt64
    let low: UInt64
    let isV4: Bool

    private static let mappedPrefix: UInt64 = 0xFFFF_0000_0000

    init(high: UInt64, low: UInt64, isV4: Bool) {
        self.high = high
        self.low = low
        self.isV4 = isV4
    }

    /// Strict text: no leading zeros, no zone, no IPv4 inside IPv6.
    init(parsing text: String) throws(Fault) {
        if text.utf8.contains(UInt8(ascii: "%")) { throw Self.failure(text, "an address has no zone here") }
        if text.utf8.contains(UInt8(ascii: ":")) {
            if text.utf8.contains(UInt8(ascii: ".")) {
                throw Self.failure(text, "an IPv4 address inside IPv6 is not taken")
            }
            guard let groups = Self.groups(text) else { throw Self.failure(text, "it is no IPv6 address") }
            self.init(
                high: groups[0..<4].reduce(0) { $0 << 16 | UInt64($1) },
                low: groups[4..<8].reduce(0) { $0 << 16 | UInt64($1) }, isV4: false)
        } else {
            guard let value = Self.v4(text) else { throw Self.failure(text, "it is no IPv4 address") }
            self.init(high: 0, low: UInt64(value), isV4: true)
        }
    }

    private static func failure(_ text: String, _ why: String) -> Fault {
        Fault(.badConversion, "\(Datum.string(text).brief) is no IP address: \(why)")
    }

    private static func v4(_ text: String) -> UInt32? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.count == 1 || part.first != 0x30 else { return nil }
            var number: UInt32 = 0
            for byte in part {
                guard byte >= 0x30, byte <= 0x39 else { return nil }
                number = number * 10 + UInt32(byte - 0x30)
            }
            guard number < 256 else { return nil }
            value = value << 8 | number
        }
        return value
    }

    /// The eight groups; one `::` stands for one or more zero groups.
    private static func groups(_ text: String) -> [UInt16]? {
        let bytes = Array(text.utf8)
        let colon = UInt8(ascii: ":")
        let gap = bytes.indices.dropLast().first { bytes[$0] == colon && bytes[$0 + 1] == colon }
        guard let gap else {
            let all = list(bytes[...])
            return all?.count == 8 ? all : nil
        }
        guard let before = list(bytes[..<gap]), let after = list(bytes[(gap + 2)...]) else { return nil }
        let zeros = 8 - before.count - after.count
        return zeros >= 1 ? before + Array(repeating: 0, count: zeros) + after : nil
    }

    /// Groups of one to four hexadecimal digits between colons.
    private static func list(_ bytes: ArraySlice<UInt8>) -> [UInt16]? {
        if bytes.isEmpty { return [] }
        var groups: [UInt16] = []
        for part in bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false) {
            guard (1...4).contains(part.count) else { return nil }
            var value: UInt32 = 0
            for byte in part {
                guard let digit = Lexer.hexDigit(Unicode.Scalar(byte)) else { return nil }
                value = value << 4 | digit
            }
            groups.append(UInt16(value))
        }
        return groups
    }

    // MARK: Questions

    private var mapped: UInt32? {
        if isV4 { return UInt32(truncatingIfNeeded: low) }
        return high == 0 && low >> 32 == 0xFFFF ? UInt32(truncatingIfNeeded: low) : nil
    }

    static func == (left: Self, right: Self) -> Bool {
        if let a = left.mapped, let b = right.mapped { return a == b }
        return left.isV4 == right.isV4 && left.high == right.high && left.low == right.low
    }

    func hash(into hasher: inout Hasher) {
        if let mapped {
            hasher.combine(mapped)
        } else {
            hasher.combine(high)
            hasher.combine(low)
        }
    }

    var isUnspecified: Bool { high == 0 && low == 0 }

    var isLoopback: Bool {
        if let mapped { return mapped >> 24 == 127 }
        return high == 0 && low == 1
    }

    var isMulticast: Bool {
        if let mapped { return mapped >> 28 == 0xE }
        return high >> 56 == 0xFF
    }

    var isLinkLocalMulticast: Bool {
        if let mapped { return mapped >> 8 == 0xE00000 }
        return high >> 48 & 0xFF0F == 0xFF02
    }

    var isLinkLocalUnicast: Bool {
        if let mapped { return mapped >> 16 == 0xA9FE }
        return high >> 54 == 0xFE80 >> 6
    }

    var isGlobalUnicast: Bool {
        if let mapped, mapped == UInt32.max { return false }
        return !isUnspecified && !isLoopback && !isMulticast && !isLinkLocalUnicast
    }

    // MARK: Text

    /// RFC 5952: lower case, the longest run of zero groups as `::`.
    var text: String {
        if isV4 { return Self.v4Text(UInt32(truncatingIfNeeded: low)) }
        if let mapped { return "::ffff:\(Self.v4Text(mapped))" }
        let groups = [high >> 48, high >> 32, high >> 16, high, low >> 48, low >> 32, low >> 16, low]
            .map { UInt16(truncatingIfNeeded: $0) }
        let zeros = Self.longestZeros(groups)
        func hex(_ part: some Sequence<UInt16>) -> String {
            part.map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard let zeros else { return hex(groups) }
        return "\(hex(groups[..<zeros.lowerBound]))::\(hex(groups[zeros.upperBound...]))"
    }

    private static func v4Text(_ value: UInt32) -> String {
        "\(value >> 24).\(value >> 16 & 255).\(value >> 8 & 255).\(value & 255)"
    }

    /// The first of the longest runs of two or more zero groups.
    private static func longestZeros(_ groups: [UInt16]) -> Range<Int>? {
        var best: Range<Int>?
        var start = 0
        while start < groups.count {
            var end = start
            while end < groups.count, groups[end] == 0 { end += 1 }
            if end - start >= 2, end - start > (best?.count ?? 0) { best = start..<end }
            start = max(end, start + 1)
        }
        return best
    }
}

/// A network in CIDR notation; bits behind the prefix are kept as written.
struct IPNetwork: Sendable, Hashable {
    let address: IPAddress
    let prefix: Int

    init(address: IPAddress, prefix: Int) {
        self.address = address
        self.prefix = prefix
    }

    init(parsing text: String) throws(Fault) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let prefix = UInt8(parts[1]), "\(prefix)" == parts[1] else {
            throw Fault(.badConversion, "\(Datum.string(text).brief) is no network: write address/bits")
        }
        address = try IPAddress(parsing: String(parts[0]))
        self.prefix = Int(prefix)
        guard self.prefix <= (address.isV4 ? 32 : 128) else {
            throw Fault(.badConversion, "\(Datum.string(text).brief) has more prefix bits than the address")
        }
    }

    var text: String { "\(address.text)/\(prefix)" }

    var masked: IPNetwork {
        let bits = address.isV4 ? prefix + 96 : prefix
        let high = bits >= 64 ? UInt64.max : (bits == 0 ? 0 : UInt64.max << (64 - UInt64(bits)))
        let low = bits <= 64 ? 0 : (bits == 128 ? UInt64.max : UInt64.max << (128 - UInt64(bits)))
        return IPNetwork(
            address: IPAddress(high: address.high & high, low: address.low & low, isV4: address.isV4), prefix: prefix)
    }

    func contains(_ other: IPAddress) -> Bool {
        guard other.isV4 == address.isV4 else { return false }
        let left = masked.address
        let right = IPNetwork(address: other, prefix: prefix).masked.address
        return left.high == right.high && left.low == right.low
    }

    func contains(_ other: IPNetwork) -> Bool { other.prefix >= prefix && contains(other.address) }
}
