// SPDX-License-Identifier: Apache-2.0
import CordonConnectors
import TestKit

/// How tests write requests and read deliveries in one line.
extension OutboundRequest {
    static let loopback = EgressPolicy(allowsPlainHTTP: true, allowsLoopback: true)

    static func get(
        _ url: String, egress: EgressPolicy = loopback, timeoutMilliseconds: Int64 = 120_000,
        responseBytesMax: Int = 1 << 20, needsFreshConnection: Bool = false
    ) -> OutboundRequest {
        OutboundRequest(
            method: "GET", url: url, timeoutMilliseconds: timeoutMilliseconds, responseBytesMax: responseBytesMax,
            needsFreshConnection: needsFreshConnection, egress: egress)
    }

    static func post(
        _ url: String, _ body: String = "{}", headers: [(name: String, value: String)] = [],
        egress: EgressPolicy = loopback, timeoutMilliseconds: Int64 = 120_000, needsFreshConnection: Bool = false
    ) -> OutboundRequest {
        OutboundRequest(
            method: "POST", url: url, headers: headers, body: Array(body.utf8),
            timeoutMilliseconds: timeoutMilliseconds, responseBytesMax: 1 << 20,
            needsFreshConnection: needsFreshConnection, egress: egress)
    }
}

/// A delivery without its figures, so that a test states what it expects in one line.
enum Told: Hashable, CustomStringConvertible {
    case answered(Int)
    case notSent(Fault.Kind)
    case mayHaveBeenSent(Fault.Kind)

    var description: String {
        switch self {
        case .answered(let status): "answered \(status)"
        case .notSent(let kind): "not sent: \(kind.rawValue)"
        case .mayHaveBeenSent(let kind): "may have been sent: \(kind.rawValue)"
        }
    }
}

extension Delivery {
    var told: Told {
        switch fate {
        case .answered(let response): .answered(response.status)
        case .notSent(let fault): .notSent(fault.kind)
        case .mayHaveBeenSent(let fault): .mayHaveBeenSent(fault.kind)
        }
    }

    var response: OutboundResponse? {
        if case .answered(let response) = fate { response } else { nil }
    }

    var fault: Fault? {
        switch fate {
        case .answered: nil
        case .notSent(let fault), .mayHaveBeenSent(let fault): fault
        }
    }

    var bodyText: String { String(decoding: response?.body ?? [], as: UTF8.self) }
}

extension CurlTransport.Limits {
    /// Pooled connections last as long as a test may on a busy machine.
    static var patient: CurlTransport.Limits {
        var limits = CurlTransport.Limits()
        limits.pooledConnectionIdleSecondsMax = 3600
        limits.pooledConnectionAgeSecondsMax = 3600
        return limits
    }
}

/// A transport and a server for the time of one test.
func withServer<Result: Sendable>(
    limits: CurlTransport.Limits = .patient,
    _ handler: @escaping LoopbackServer.Handler,
    welcome: @escaping @Sendable (Int) -> LoopbackServer.Welcome = { _ in .serve },
    body: (CurlTransport, LoopbackServer) async throws -> Result
) async throws -> Result {
    let server = try LoopbackServer(handler, welcome: welcome)
    defer { server.stop() }
    let transport = try CurlTransport(limits: limits)
    let result = try await body(transport, server)
    await transport.close()
    return result
}
