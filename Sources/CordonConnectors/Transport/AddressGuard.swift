// SPDX-License-Identifier: Apache-2.0
import Glibc

/// An IP address in 128 bits, IPv4 as `::ffff:a.b.c.d`; wrapped IPv4 (mapped, NAT64) is the address that it wraps.
struct IPAddress: Hashable, Sendable {
    let bits: UInt128

    private static let mappedPrefix: UInt128 = 0xffff << 32
    private static let nat64Prefix: UInt128 = 0x0064_ff9b << 96

    var isIPv4: Bool { bits >> 32 == 0xffff }

    init(ipv4: UInt32) { bits = Self.mappedPrefix | UInt128(ipv4) }

    init(ipv6: UInt128) {
        let wrapsIPv4 = ipv6 >> 32 == Self.nat64Prefix >> 32
        bits = wrapsIPv4 ? Self.mappedPrefix | (ipv6 & 0xffff_ffff) : ipv6
    }

    /// Dotted or colon form as `inet_pton` reads it: no octal, no abbreviation, no zone.
    init?(_ text: String) { self.init(cString: text) }

    init?(cString text: UnsafePointer<CChar>) {
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            self.init(ipv4: UInt32(bigEndian: four.s_addr))
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            self.init(ipv6: Self.bits(of: six))
        } else {
            return nil
        }
    }

    /// Reads `sockaddr_in` or `sockaddr_in6`; nil for any other family.
    init?(socketAddress: UnsafeRawPointer, family: Int32) {
        switch family {
        case AF_INET:
            let address = socketAddress.loadUnaligned(as: sockaddr_in.self)
            self.init(ipv4: UInt32(bigEndian: address.sin_addr.s_addr))
        case AF_INET6:
            let address = socketAddress.loadUnaligned(as: sockaddr_in6.self)
            self.init(ipv6: Self.bits(of: address.sin6_addr))
        default:
            return nil
        }
    }

    private static func bits(of address: in6_addr) -> UInt128 {
        withUnsafeBytes(of: address) { UInt128(bigEndian: $0.loadUnaligned(as: UInt128.self)) }
    }
}

extension IPAddress: CustomStringConvertible {
    var description: String {
        if isIPv4 {
            let low = UInt32(truncatingIfNeeded: bits)
            return "\(low >> 24).\(low >> 16 & 255).\(low >> 8 & 255).\(low & 255)"
        }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let size = socklen_t(text.count)
        _ = withUnsafeBytes(of: bits.bigEndian) { inet_ntop(AF_INET6, $0.baseAddress, &text, size) }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

/// A network in CIDR form. IPv4 addresses lie only in IPv4 networks, so `::/0` doesn't open the IPv4 world.
struct IPNetwork: Hashable, Sendable {
    let first: IPAddress
    /// Counted over 128 bits: `10.0.0.0/8` has 104.
    let prefix: Int
    let isIPv4: Bool

    /// `10.0.0.0/8`, `fd00::/8`, or one address alone.
    init(_ text: String) throws(Fault) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(String(parts[0])) else {
            throw Self.fault(text, "has no IP address before the /")
        }
        let isWrittenAsIPv4 = !parts[0].contains(":")
        let bitsMax = isWrittenAsIPv4 ? 32 : 128
        var length = bitsMax
        if parts.count == 2 {
            let digits = parts[1]
            guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), let given = Int(digits), given <= bitsMax else {
                throw Self.fault(text, "needs a prefix length from 0 to \(bitsMax) after the /")
            }
            length = given
        }
        guard isWrittenAsIPv4 || !address.isIPv4 else {
            throw Self.fault(text, "wraps IPv4 in IPv6: write the IPv4 network itself")
        }
        isIPv4 = isWrittenAsIPv4
        prefix = isWrittenAsIPv4 ? 96 + length : length
        first = address
        guard address.bits << prefix == 0 else {
            throw Self.fault(text, "has bits set behind its prefix length: write the network's first address")
        }
    }

    func contains(_ address: IPAddress) -> Bool {
        address.isIPv4 == isIPv4 && (address.bits ^ first.bits) >> (128 - prefix) == 0
    }

    private static func fault(_ text: String, _ complaint: String) -> Fault {
        Fault(kind: .badRequest, number: 0, reason: "allowed network \"\(text.prefix(60))\" \(complaint)")
    }
}

/// Says which addresses a request may reach: public ones, and others only where the policy opens them.
///
/// It is asked twice: for each socket before it connects, and before each request with the address of the connection
/// in use, because a pooled connection opens no socket. It sees addresses after name resolution, so odd spellings and
/// names that change their address make no difference.
struct AddressGuard: Sendable {
    private let allowsLoopback: Bool
    private let allowed: [IPNetwork]

    init(_ policy: EgressPolicy) throws(Fault) {
        allowsLoopback = policy.allowsLoopback
        var networks: [IPNetwork] = []
        for text in policy.allowedNetworks { networks.append(try IPNetwork(text)) }
        allowed = networks
    }

    /// Why the address is refused, for a person; nil when it may be reached.
    func refusal(of address: IPAddress) -> String? {
        // Cloud metadata hands out credentials: a wide network doesn't open it, only its own address does.
        if SpecialNetworks.metadata.contains(address) {
            if allowed.contains(where: { $0.prefix == 128 && $0.contains(address) }) { return nil }
            return "\(address) is a cloud metadata address; it opens only by naming that one address"
        }
        guard let kind = SpecialNetworks.kind(of: address) else { return nil }
        if kind == .loopback && allowsLoopback { return nil }
        if allowed.contains(where: { $0.contains(address) }) { return nil }
        return "\(address) is \(kind.rawValue); the egress policy doesn't open it"
    }
}

/// Addresses that aren't globally reachable, after IANA's special-purpose registries (RFC 6890 and its updates).
enum SpecialNetworks {
    enum Kind: String {
        case unspecified = "an unspecified address"
        case loopback = "a loopback address"
        case privateUse = "a private address"
        case carrierGrade = "a carrier-grade NAT address"
        case linkLocal = "a link-local address"
        case multicast = "a multicast address"
        case reserved = "a reserved address"
        case tunnel = "a tunnel address that hides another one"
    }

    /// AWS, Azure, GCP and others; ECS; Alibaba; Oracle; Azure's wire server; AWS over IPv6.
    static let metadata = Set(
        [
            "169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "192.0.0.192", "168.63.129.16",
            "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254",
        ].compactMap(IPAddress.init))

    static func kind(of address: IPAddress) -> Kind? {
        address.isIPv4 ? ipv4Kind(UInt32(truncatingIfNeeded: address.bits)) : ipv6Kind(address.bits)
    }

    private static func ipv4Kind(_ address: UInt32) -> Kind? {
        for row in ipv4 where (address ^ row.first) >> (32 - row.prefix) == 0 { return row.kind }
        return nil
    }

    private static let ipv4: [(first: UInt32, prefix: UInt32, kind: Kind)] = [
        (0x0000_0000, 8, .unspecified),  // 0.0.0.0/8, reaches the machine itself on Linux
        (0x0a00_0000, 8, .privateUse),  // 10.0.0.0/8
        (0x6440_0000, 10, .carrierGrade),  // 100.64.0.0/10
        (0x7f00_0000, 8, .loopback),  // 127.0.0.0/8
        (0xa9fe_0000, 16, .linkLocal),  // 169.254.0.0/16
        (0xac10_0000, 12, .privateUse),  // 172.16.0.0/12
        (0xc000_0000, 24, .reserved),  // 192.0.0.0/24
        (0xc000_0200, 24, .reserved),  // 192.0.2.0/24
        (0xc058_6300, 24, .tunnel),  // 192.88.99.0/24
        (0xc0a8_0000, 16, .privateUse),  // 192.168.0.0/16
        (0xc612_0000, 15, .reserved),  // 198.18.0.0/15
        (0xc633_6400, 24, .reserved),  // 198.51.100.0/24
        (0xcb00_7100, 24, .reserved),  // 203.0.113.0/24
        (0xe000_0000, 4, .multicast),  // 224.0.0.0/4
        (0xf000_0000, 4, .reserved),  // 240.0.0.0/4
    ]

    /// Only 2000::/3 is global unicast, so everything else is refused whether it has a name or not.
    private static func ipv6Kind(_ address: UInt128) -> Kind? {
        if address == 0 { return .unspecified }
        if address == 1 { return .loopback }
        let top = UInt32(truncatingIfNeeded: address >> 96)
        if top >> 29 != 1 {
            if top >> 25 == 0x7e { return .privateUse }  // fc00::/7
            if top >> 22 == 0x3fa { return .linkLocal }  // fe80::/10
            if top >> 24 == 0xff { return .multicast }
            return .reserved
        }
        if top >> 9 == 0x2001_0000 >> 9 { return .tunnel }  // 2001::/23, Teredo and protocol assignments
        if top == 0x2001_0db8 { return .reserved }  // 2001:db8::/32
        if top >> 16 == 0x2002 { return .tunnel }  // 2002::/16, 6to4
        if top >> 12 == 0x3fff0 { return .reserved }  // 3fff::/20
        return nil
    }
}
