// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Testing

/// A provider that takes what a representation lacks for a wish to have it gone: what stands there is read just before,
/// and sent back whole with one member changed.
@Suite struct MergedChangeTests {
    private static let user =
        #"{"id":"u1","username":"svc","enabled":true,"attributes":{"team":["blue"]},"totp":false}"#

    private func desk(_ read: Delivery) throws -> CallDesk {
        let shape = try #require(try shippedConnector("keycloak").provider)
        var desk = CallDesk.with(
            shape, url: "https://id.example/admin/realms/r",
            transport: ScriptedTransport { request, _ in
                request.url.hasSuffix("/token")
                    ? .answered(200, #"{"access_token":"t","expires_in":60}"#)
                    : request.method == "GET" ? read : .answered(204)
            })
        desk.settings["token_endpoint"] = "https://id.example/token"
        desk.settings["client_id"] = "cordon"
        desk.connectionSecrets["client_secret"] = .environment("CLIENT")
        desk.secrets["CLIENT"] = "s"
        return desk
    }

    private func asked(_ desk: CallDesk) -> [OutboundRequest] { desk.requests.filter { !$0.url.hasSuffix("/token") } }

    @Test func `a Keycloak user is sent back as it stands, with one member changed, and nothing of it is kept`()
        async throws
    {
        let desk = try desk(.answered(200, Self.user))
        let call = try desk.call("account.suspend", .act, ["account": ["user_id": "u1"]])
        let answer = await desk.perform(call)
        #expect(answer.outcome.kind == .done)
        let requests = asked(desk)
        #expect(requests.map(\.method) == ["GET", "PUT"])
        #expect(Set(requests.map(\.url)) == ["https://id.example/admin/realms/r/users/u1"])
        #expect(requests[0].body == nil && requests[0].header("idempotency-key") == nil)
        #expect(
            try JSON.parse(requests[1].body ?? [])
                == [
                    "id": "u1", "username": "svc", "enabled": false, "attributes": ["team": ["blue"]], "totp": false,
                ])
        let kept = String(decoding: answer.keepsake ?? [], as: UTF8.self) + answer.outcome.result.json
        #expect(!kept.contains("team"))
        // What was intended is the change alone, whatever stands there.
        #expect(
            call.seal.requestDigest
                == (try desk.call("account.suspend", .act, ["account": ["user_id": "u1"]])).seal.requestDigest)
    }

    @Test func `a client is changed at its own address`() async throws {
        let desk = try desk(.answered(200, #"{"id":"c1","clientId":"ci","enabled":true,"secret":"x"}"#))
        let call = try desk.call(
            "account.suspend", .undo, ["account": ["client_uuid": "c1"], "before": ["enabled": true]])
        #expect(await desk.perform(call).outcome.kind == .done)
        #expect(asked(desk).last?.url == "https://id.example/admin/realms/r/clients/c1")
        #expect(asked(desk).last?.text == #"{"clientId":"ci","enabled":true,"id":"c1","secret":"x"}"#)
    }

    @Test(arguments: [
        (Delivery.answered(404, #"{"error":"User not found"}"#), Outcome.Kind.refused),
        (.answered(200, "<html>sign in</html>"), .refused), (.answered(200, "[]"), .refused),
        (.answered(503), .later), (.answered(429), .later),
        (
            Delivery(
                fate: .mayHaveBeenSent(Fault(kind: .reset, number: 56, reason: "reset")), durationMilliseconds: 1),
            .later
        ),
    ])
    func `where it can't be read nothing is sent`(_ read: Delivery, _ kind: Outcome.Kind) async throws {
        let desk = try desk(read)
        let call = try desk.call("account.suspend", .act, ["account": ["user_id": "u1"]])
        let outcome = await desk.perform(call).outcome
        #expect(outcome.kind == kind)
        #expect(outcome.reason?.hasPrefix("not sent: what stands there could not be read") == true)
        #expect(asked(desk).map(\.method) == ["GET"])
    }

    @Test func `only a PUT to its own address is merged`() {
        func told(_ request: String) -> [String] {
            let text = """
                connector: whole
                title: One that takes wholes
                vendor: https://whole.example/docs
                provider:
                  settings: { url: { type: url } }
                  secrets: []
                  subject_secrets: []
                  authentication: { scheme: none }
                  capabilities:
                    account.restore:
                      class: convergent
                      request: { \(request) }
                      answers: { done: [204] }

                """
            guard case .failure(let found) = Connector.load(Array(text.utf8), file: "whole.yaml", digest: "") else {
                return []
            }
            return found.all.map(\.code)
        }
        #expect(told("method: PUT, to: url, merge: { enabled: true }") == [])
        #expect(told("method: PATCH, to: url, merge: { enabled: true }") == ["P044"])
        #expect(told("method: PUT, to: url, merge: { enabled: true }, json: { a: 1 }").contains("P044"))
        #expect(told("method: PUT, to: url, merge: { enabled: true }, query: { a: 1 }") == ["P044"])
    }
}
