// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonLanguage
import Foundation

/// A plain HTTP client for tests, over the product's own transport.
struct Web {
    struct Answer {
        var status: Int
        var headers: [String: String]
        var body: [UInt8]
        var json: Value { (try? JSON.parse(body)) ?? .null }
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    struct NoAnswer: Error { var reason: String }

    let transport: CurlTransport

    init() throws { transport = try CurlTransport() }

    func ask(
        _ method: String, _ url: String, headers: [(name: String, value: String)] = [], body: String? = nil
    ) async throws -> Answer {
        let delivery = await transport.send(
            OutboundRequest(
                method: method, url: url, headers: headers, body: body.map { Array($0.utf8) },
                timeoutMilliseconds: 20_000, responseBytesMax: 8 * 1024 * 1024,
                egress: EgressPolicy(allowsPlainHTTP: true, allowsLoopback: true)))
        switch delivery.fate {
        case .answered(let response):
            return Answer(status: response.status, headers: response.headers, body: response.body)
        case .notSent(let fault), .mayHaveBeenSent(let fault): throw NoAnswer(reason: fault.reason)
        }
    }

    func form(_ url: String, _ fields: [(String, String)], user: String? = nil, password: String = "") async throws
        -> Answer
    {
        var headers = [(name: "content-type", value: "application/x-www-form-urlencoded")]
        if let user {
            headers.append(("authorization", "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()))
        }
        let allowed = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~"))
        let body = fields.map { name, value in
            name + "=" + (value.addingPercentEncoding(withAllowedCharacters: allowed) ?? "")
        }.joined(separator: "&")
        return try await ask("POST", url, headers: headers, body: body)
    }
}

/// Asks until it holds, for `seconds` and at least `askedMin` times; what is waited for is another process, so there is
/// nothing to await. The count matters because tests that compute hold the shared threads: for a minute a task here
/// may come to ask but once, and that says nothing about the other process.
func eventually(_ what: String, seconds: Double = 90, askedMin: Int = 25, _ holds: () async throws -> Bool) async throws
{
    let end = ContinuousClock.now + .seconds(seconds)
    var asked = 0
    while ContinuousClock.now < end || asked < askedMin {
        asked += 1
        if try await holds() { return }
        // Another process gives no event to wait for.
        try await Task.sleep(for: .milliseconds(20))
    }
    throw Web.NoAnswer(reason: "waited \(seconds) s, asked \(asked) times, for: \(what)")
}
