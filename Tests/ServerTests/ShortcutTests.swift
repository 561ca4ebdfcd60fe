// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEngine
import CordonLanguage
import CordonStore
import Foundation
import HTTPTypes
import Logging
import TestKit
import Testing

@testable import CordonServer

/// Verdicts that are answered on the connection's own thread: the same words as those of their routes, in their turn.
struct ShortcutTests {
    private static func api(_ registry: Registry) -> API {
        let engine = registry.server.engine
        return API(
            engine: engine, access: registry.server.access, version: "0.0.0", proofKey: nil,
            bodies: BodyReader(heldBytesMax: 1 << 20),
            custody: StreamWriter(StreamWriter.custody, store: engine.store, clock: engine.clock),
            logger: Logger(label: "test"))
    }

    private static func request(
        _ path: String, _ token: String, _ more: [(String, String)] = [("x-cordon-session", "a")],
        method: HTTPRequest.Method = .get
    ) -> HTTPRequest {
        var request = HTTPRequest(method: method, scheme: "http", authority: "127.0.0.1", path: path)
        request.headerFields[.authorization] = "Bearer \(token)"
        for (name, value) in more {
            guard let name = HTTPField.Name(name) else { continue }
            request.headerFields.append(HTTPField(name: name, value: value))
        }
        return request
    }

    @Test func `what is ordinary is answered at once, and what is not goes the long way`() async throws {
        let registry = try await Registry()
        let api = Self.api(registry)
        let gate = registry.gate
        // Nothing was read from the store yet.
        #expect(api.verdictAtOnce(Self.request("/enforce/nginx", gate)) == nil)
        _ = try await registry.server.engine.verdict(on: "a")
        _ = try await registry.server.access.caller(authorization: "Bearer \(gate)")
        #expect(api.verdictAtOnce(Self.request("/enforce/nginx", gate))?.status == .forbidden)
        #expect(api.verdictAtOnce(Self.request("/enforce/envoy/a?b=c", gate, method: .put))?.status == .forbidden)
        #expect(api.verdictAtOnce(Self.request("/api/v1/verdicts/a", gate))?.status == .ok)
        for request in [
            Self.request("/enforce/nginx", registry.keeper), Self.request("/enforce/nginx", "cordon_x"),
            Self.request("/enforce/nginx", gate, []), Self.request("/enforce/nginx", gate, method: .post),
            Self.request("/enforce/nginx?x", gate), Self.request("/enforce/nginx/", gate),
            Self.request("/enforce/nginx", gate, [("x-cordon-session", "a"), ("x-cordon-session", "a")]),
            Self.request("/enforce/nginx", gate, [("x-cordon-session", "a"), ("authorization", "Bearer x")]),
            Self.request("/enforce/envoy/a", gate, method: .head), Self.request("/api/v1/verdicts/%61", gate),
            Self.request("/api/v1/verdicts/", gate), Self.request("/api/v1/verdicts/a/b", gate),
            Self.request("/api/v1/sessions", gate),
        ] { #expect(api.verdictAtOnce(request) == nil, "\(request)") }
    }

    @Test func `tokens are read anew by one caller before they are stale for all`() async throws {
        let registry = try await Registry()
        let access = registry.server.access
        let presented = "Bearer \(registry.gate)"
        #expect(access.callerAtOnce(authorization: presented) == nil)
        _ = try await access.caller(authorization: presented)
        #expect(access.callerAtOnce(authorization: presented) != nil)
        registry.clock.advance(milliseconds: ServerLimits.tokensRefreshMilliseconds / 2)
        #expect(access.callerAtOnce(authorization: presented) == nil)
        _ = try await access.caller(authorization: presented)
        #expect(access.callerAtOnce(authorization: presented) != nil)
        registry.clock.advance(milliseconds: -1)
        #expect(access.callerAtOnce(authorization: presented) == nil, "the clock was set back")
    }

    @Test(arguments: ["", "slow", "read_only", "isolate", "exceed"])
    func `both ways say the same`(_ deed: String) async throws {
        let registry = try await Registry()
        try await registry.server.serving { url in
            let all = url + "/api/v1/sessions"
            try await registry.open("a", and: deed, at: all)
            // What has a body goes the long way.
            for (method, path) in [
                ("GET", "/api/v1/verdicts/a"), ("GET", "/enforce/nginx"), ("POST", "/enforce/envoy/x"),
            ] {
                let named = [(name: "x-cordon-session", value: "a"), (name: "x-original-method", value: "POST")]
                let first = try await registry.ask(method, url + path, registry.gate, nil, named)
                let second = try await registry.ask(method, url + path, registry.gate, "long", named)
                #expect(first.status == second.status)
                #expect(first.body == second.body)
                #expect(first.headers.keys.contains("date"))
                #expect(
                    first.headers.filter { $0.key != "date" } == second.headers.filter { $0.key != "date" }, "\(path)")
            }
        }
    }

    @Test func `answers keep the order of their requests`() async throws {
        let registry = try await Registry()
        try await registry.server.serving { url in
            // What a verdict needs is in memory from here on.
            let named = [(name: "x-cordon-session", value: "a")]
            _ = try await registry.ask("GET", url + "/enforce/nginx", registry.gate, nil, named)
            let port = try #require(url.split(separator: ":").last.flatMap { Int($0) })
            func request(_ path: String) -> String {
                "GET \(path) HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer \(registry.gate)\r\n"
                    + "x-cordon-session: a\r\n\r\n"
            }
            let paths = ["/enforce/nginx", "/health", "/enforce/nginx", "/api/v1/whoami", "/enforce/nginx"]
            let bytes = Array((paths + paths).map(request).joined().utf8)
            let answer = try await exchange(bytes, port: port) { bytes in
                String(decoding: bytes, as: UTF8.self).components(separatedBy: "HTTP/1.1 ").count > 10
            }
            let text = String(decoding: answer, as: UTF8.self)
            let statuses = text.components(separatedBy: "HTTP/1.1 ").dropFirst().map { $0.prefix(3) }
            #expect(statuses == ["403", "200", "403", "200", "403", "403", "200", "403", "200", "403"])
        }
    }
}
