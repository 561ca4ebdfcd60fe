// SPDX-License-Identifier: Apache-2.0

/// A request that was found fit to be sent: well-formed, within bounds, with its address guard ready.
struct CheckedRequest: Sendable {
    let request: OutboundRequest
    let addressGuard: AddressGuard
    let isEncrypted: Bool
    let timeoutMilliseconds: Int64
    let connectTimeoutMilliseconds: Int64

    init(_ request: OutboundRequest, limits: CurlTransport.Limits) throws(Fault) {
        self.request = request
        isEncrypted = try Self.checkURL(of: request, limits: limits)
        try Self.checkMethod(request.method)
        try Self.checkHeaders(of: request, limits: limits)
        if let count = request.body?.count, count > limits.requestBytesMax {
            throw Fault(badRequest: "the body has \(count) bytes, more than \(limits.requestBytesMax)")
        }
        if request.responseBytesMax < 0 { throw Fault(badRequest: "responseBytesMax is negative") }
        guard request.timeoutMilliseconds > 0 else {
            throw Fault(kind: .timedOut, number: 0, reason: "no time was left to send the request")
        }
        timeoutMilliseconds = min(request.timeoutMilliseconds, limits.timeoutMillisecondsMax)
        connectTimeoutMilliseconds = min(max(1, request.connectTimeoutMilliseconds), timeoutMilliseconds)
        addressGuard = try AddressGuard(request.egress)
    }

    /// Returns whether the request goes over TLS.
    private static func checkURL(of request: OutboundRequest, limits: CurlTransport.Limits) throws(Fault) -> Bool {
        let url = request.url.utf8
        if url.count > limits.urlBytesMax {
            throw Fault(badRequest: "the URL has \(url.count) bytes, more than \(limits.urlBytesMax)")
        }
        guard url.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw Fault(badRequest: "the URL holds a blank, a control or a non-ASCII character: percent-encode it")
        }
        if begins(request.url, with: "https://") { return true }
        guard begins(request.url, with: "http://") else {
            throw Fault(badRequest: "the URL must be absolute and begin with https://")
        }
        guard request.egress.allowsPlainHTTP else {
            throw Fault(badRequest: "http is not allowed here: use https, or allow plain http in the egress policy")
        }
        return false
    }

    private static func begins(_ url: String, with scheme: String) -> Bool {
        url.utf8.count > scheme.utf8.count
            && zip(url.utf8, scheme.utf8).allSatisfy { $0 == $1 || $0 | 0x20 == $1 }
    }

    private static func checkMethod(_ method: String) throws(Fault) {
        guard !method.isEmpty, method.utf8.count <= 32, method.utf8.allSatisfy({ $0 >= 0x41 && $0 <= 0x5a }) else {
            throw Fault(badRequest: "the method must be a word in capital letters")
        }
        if method == "CONNECT" || method == "TRACE" { throw Fault(badRequest: "the method \(method) is not allowed") }
    }

    /// How the message is framed, and how the connection lives, is the transport's alone: two opinions about it are
    /// how requests are smuggled.
    private static let ownHeaders: Set<String> = [
        "connection", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]

    private static func checkHeaders(of request: OutboundRequest, limits: CurlTransport.Limits) throws(Fault) {
        if request.headers.count > limits.requestHeadersMax {
            throw Fault(badRequest: "more than \(limits.requestHeadersMax) headers")
        }
        var bytes = 0
        for (name, value) in request.headers {
            bytes += name.utf8.count + value.utf8.count
            guard !name.isEmpty, name.utf8.allSatisfy(isTokenByte) else {
                throw Fault(badRequest: "a header name holds a character that HTTP doesn't allow")
            }
            guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
                throw Fault(badRequest: "the value of header \(name) holds a control character")
            }
            if ownHeaders.contains(name.lowercased()) {
                throw Fault(badRequest: "the header \(name) is set by the transport")
            }
        }
        if bytes > limits.requestHeaderBytesMax {
            throw Fault(badRequest: "the headers have \(bytes) bytes, more than \(limits.requestHeaderBytesMax)")
        }
    }

    /// RFC 9110 §5.6.2, one bit for each ASCII character.
    private static let tokenBytes: UInt128 = {
        var letters = Array("!#$%&'*+-.^_`|~".utf8)
        letters += UInt8(ascii: "a")...UInt8(ascii: "z")
        letters += UInt8(ascii: "A")...UInt8(ascii: "Z")
        letters += UInt8(ascii: "0")...UInt8(ascii: "9")
        return letters.reduce(0) { $0 | 1 << UInt128($1) }
    }()

    private static func isTokenByte(_ byte: UInt8) -> Bool { byte < 128 && tokenBytes >> UInt128(byte) & 1 == 1 }
}

extension Fault {
    init(badRequest reason: String) { self.init(kind: .badRequest, number: 0, reason: reason) }
}
