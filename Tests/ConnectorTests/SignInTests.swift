// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import TestKit
import Testing

/// Tokens that a provider gives for a time: fetched once, kept in memory, renewed before their end and when refused.
@Suite struct SignInTests {
    private static let text = """
        connector: granted
        title: A service behind an authorization server
        vendor: https://www.rfc-editor.org/rfc/rfc6749
        provider:
          settings: { url: { type: url }, token_endpoint: { type: url }, client: { type: string } }
          secrets: [client_secret]
          subject_secrets: []
          authentication:
            scheme: token
            sign_in:
              client: { user: client, password: client_secret }
              request:
                method: POST
                to: token_endpoint
                form: { grant_type: client_credentials, scope: users }
              answers: { done: [200], refused: [400, 401, 403] }
              token: "${body.access_token}"
              expires: "${body.expires_in}"
          capabilities:
            account.suspend:
              class: convergent
              request: { method: POST, to: url, path: "/users/${with.account}/suspend" }
              answers: { done: [200] }
        """

    private func desk(_ script: @escaping @Sendable (OutboundRequest, Int) -> Delivery) throws -> CallDesk {
        let shape = try #require(try connector("granted", Self.text).provider)
        var desk = CallDesk.with(shape, transport: ScriptedTransport(script))
        desk.settings["token_endpoint"] = "https://login.example/token"
        desk.settings["client"] = "cordon"
        desk.connectionSecrets = ["client_secret": .environment("CLIENT")]
        desk.secrets = ["CLIENT": "p@ss"]
        return desk
    }

    private func suspend(_ desk: CallDesk) async throws -> Outcome {
        await desk.perform(try desk.call("account.suspend", .act, ["account": "bob"])).outcome
    }

    private static func token(_ number: Int, expiresIn: Int = 3600) -> Delivery {
        .answered(200, #"{"access_token":"tok-\#(number)","token_type":"Bearer","expires_in":\#(expiresIn)}"#)
    }

    private static func isSignIn(_ request: OutboundRequest) -> Bool { request.url == "https://login.example/token" }

    @Test func `a token is asked for as RFC 6749 says, carried by the call, and used again`() async throws {
        let desk = try desk { request, number in Self.isSignIn(request) ? Self.token(number) : .answered(200) }
        #expect(try await suspend(desk).kind == .done)
        #expect(try await suspend(desk).kind == .done)
        #expect(
            desk.requests.map(\.url) == [
                "https://login.example/token", "https://api.example/users/bob/suspend",
                "https://api.example/users/bob/suspend",
            ])
        let asked = try #require(desk.requests.first)
        #expect(asked.text == "grant_type=client_credentials&scope=users")
        #expect(asked.header("authorization") == "Basic " + "Y29yZG9uOnAlNDBzcw==")
        #expect(asked.header("idempotency-key") == nil)
        #expect(desk.requests.dropFirst().map { $0.header("authorization") } == ["Bearer tok-1", "Bearer tok-1"])
    }

    @Test func `a token is renewed a tenth of its life before its end`() async throws {
        var desk = try desk { request, number in
            Self.isSignIn(request) ? Self.token(number, expiresIn: 100) : .answered(200)
        }
        _ = try await suspend(desk)
        desk.now = .start.adding(milliseconds: 89_999)
        _ = try await suspend(desk)
        #expect(desk.requests.filter(Self.isSignIn).count == 1)
        desk.now = .start.adding(milliseconds: 90_000)
        _ = try await suspend(desk)
        #expect(desk.requests.filter(Self.isSignIn).count == 2)
        #expect(desk.requests.last?.header("authorization") == "Bearer tok-4")
    }

    @Test func `a token that is refused is renewed once, and a second refusal is the provider's word`() async throws {
        let once = try desk { request, number in
            if Self.isSignIn(request) { return Self.token(number) }
            return request.header("authorization") == "Bearer tok-1" ? .answered(401) : .answered(200)
        }
        #expect(try await suspend(once).kind == .done)
        #expect(once.requests.count == 4)
        let always = try desk { request, number in
            Self.isSignIn(request) ? Self.token(number) : .answered(401)
        }
        let outcome = try await suspend(always)
        #expect(outcome.kind == .refused && outcome.status == 401)
        #expect(always.requests.count == 4)
    }

    @Test(arguments: [
        (Delivery.answered(400, #"{"error":"invalid_client","hint":"p@ss"}"#), Outcome.Kind.refused),
        (.answered(401), .refused), (.answered(503), .later), (.answered(502), .later), (.answered(429), .later),
        (.answered(200, "{}"), .refused), (.answered(200, "no JSON"), .refused),
        (.answered(200, #"{"access_token":""}"#), .refused),
        (
            Delivery(
                fate: .mayHaveBeenSent(Fault(kind: .timedOut, number: 28, reason: "timed out")),
                durationMilliseconds: 1), .later
        ),
    ])
    func `without a token nothing is sent, and the reason quotes nobody`(
        _ answer: Delivery, _ kind: Outcome.Kind
    ) async throws {
        let desk = try desk { _, _ in answer }
        let outcome = try await suspend(desk)
        #expect(outcome.kind == kind)
        #expect(outcome.reason?.hasPrefix("not sent: ") == true)
        #expect(outcome.reason?.contains("p@ss") == false)
        #expect(desk.requests.count == 1)
    }

    @Test func `many callers at once cause one fetch`() async throws {
        let count = 20
        let server = try LoopbackServer { request in
            request.path == "/token" ? .json(#"{"access_token":"tok","expires_in":60}"#) : .json("{}")
        }
        defer { server.stop() }
        let transport = try CurlTransport()
        let shape = try #require(try connector("granted", Self.text).provider)
        var desk = CallDesk.with(shape, url: server.url, transport: transport)
        desk.egress.allowsPlainHTTP = true
        desk.settings["token_endpoint"] = server.url + "/token"
        desk.settings["client"] = "cordon"
        desk.connectionSecrets = ["client_secret": .environment("CLIENT")]
        desk.secrets = ["CLIENT": "p@ss"]
        let (ready, call) = (desk, try desk.call("account.suspend", .act, ["account": "bob"]))
        let kinds = await withTaskGroup(of: Outcome.Kind.self) { group in
            for _ in 0..<count { group.addTask { await ready.perform(call).outcome.kind } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        await transport.close()
        #expect(kinds == Array(repeating: .done, count: count))
        #expect(server.requests.filter { $0.path == "/token" }.count == 1)
    }

    @Test func `what is sealed holds a handle, and no outcome holds the token`() async throws {
        let desk = try desk { request, number in
            Self.isSignIn(request) ? Self.token(number) : .answered(403, #"{"seen":"tok-1"}"#)
        }
        let call = try desk.call("account.suspend", .act, ["account": "bob"])
        let answer = await desk.perform(call)
        #expect(!"\(call)".contains("tok-1") && !"\(answer.outcome)".contains("tok-1"))
        #expect(answer.keepsake.map { String(decoding: $0, as: UTF8.self) } == #"{"body":null,"status":403}"#)
    }
}
