// SPDX-License-Identifier: Apache-2.0

/// IP addresses and networks: is this address one of ours?
enum NetworkLibrary {
    static func call(_ function: Builtin, _ call: Call) throws(Fault) -> Datum {
        switch function {
        case .ip: return try ip(call)
        case .cidr:
            if case .network = call[0] { return call[0] }
            return .network(try IPNetwork(parsing: try call.string(0)))
        case .isIP:
            let text = try call.string(0)
            return .bool((try? IPAddress(parsing: text)) != nil)
        case .isCIDR:
            let text = try call.string(0)
            return .bool((try? IPNetwork(parsing: text)) != nil)
        case .isCanonical:
            let text = try call.string(0)
            return .bool(try IPAddress(parsing: text).text.isSame(as: text))
        case .containsIP, .containsCIDR, .masked, .prefixLength: return try network(function, call)
        default: return try address(function, call)
        }
    }

    private static func ip(_ call: Call) throws(Fault) -> Datum {
        switch call[0] {
        case .address: return call[0]
        case .network(let network): return .address(network.address)
        default: return .address(try IPAddress(parsing: try call.string(0)))
        }
    }

    private static func address(_ function: Builtin, _ call: Call) throws(Fault) -> Datum {
        guard case .address(let address) = call[0] else { throw call.mismatch }
        switch function {
        case .family: return .int(address.isV4 ? 4 : 6)
        case .isUnspecified: return .bool(address.isUnspecified)
        case .isLoopback: return .bool(address.isLoopback)
        case .isGlobalUnicast: return .bool(address.isGlobalUnicast)
        case .isLinkLocalMulticast: return .bool(address.isLinkLocalMulticast)
        default: return .bool(address.isLinkLocalUnicast)
        }
    }

    private static func network(_ function: Builtin, _ call: Call) throws(Fault) -> Datum {
        guard case .network(let network) = call[0] else { throw call.mismatch }
        switch function {
        case .masked: return .network(network.masked)
        case .prefixLength: return .int(Int64(network.prefix))
        case .containsIP:
            if case .address(let other) = call[1] { return .bool(network.contains(other)) }
            return .bool(network.contains(try IPAddress(parsing: try call.string(1))))
        default:
            if case .network(let other) = call[1] { return .bool(network.contains(other)) }
            return .bool(network.contains(try IPNetwork(parsing: try call.string(1))))
        }
    }
}
