// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Synchronization
import Testing

/// A new credential goes from one system's answer to another's request in memory, and nowhere else.
@Suite struct IssuedSecretTests {
    private static let text = """
        connector: vendor
        title: A vendor that issues keys
        vendor: https://vendor.example/docs
        provider:
          settings: { url: { type: url } }
          secrets: [key]
          subject_secrets: []
          authentication: { scheme: header, prefix: Bearer, secret: key }
          capabilities:
            credential.issue:
              class: probeable
              request: { method: POST, to: url, path: /keys, json: { name: "${mark}" } }
              answers: { done: [201], refused: [403], later: [429] }
              keep: { id: "${body.id}" }
              issues: { known: { id: "${body.id}" }, secret: { key: "${body.key}" } }
              state:
                request: { method: GET, to: url, path: /keys }
                answers: { done: [200], refused: [403], later: [429] }
                keep: { ours: "${body.items.exists(k, k.name == mark)}" }
              probe: after.ours == true
            credential.prove:
              class: read
              request: { method: GET, to: url, path: /me, as_issued: true }
              answers: { done: [200], refused: [403], later: [401] }
              keep: [name]
            secret.deliver:
              class: convergent
              request: { method: PUT, to: url, path: /store, json: { data: "${issued.value}", text: "${issued.text}" } }
              answers: { done: [200], refused: [403], later: [429] }
              keep: []

        """

    private static let secret = "s3cr3t-of-the-new-key"

    private func desk(_ text: String = text, body: String? = nil) throws -> CallDesk {
        let answer = body ?? #"{"id":"k2","key":"\#(Self.secret)"}"#
        var desk = CallDesk.with(
            try #require(try connector("vendor", text).provider),
            transport: ScriptedTransport { request, _ in
                request.url.hasSuffix("/keys") && request.method == "POST"
                    ? .answered(201, answer) : .answered(200, #"{"name":"billing","items":[]}"#)
            })
        desk.connectionSecrets = ["key": .environment("KEY")]
        desk.secrets = ["KEY": "cordon's own"]
        return desk
    }

    @Test func `the history gets a handle and a keyed fingerprint, and the delivery the secret itself`() async throws {
        let desk = try desk()
        let performer = desk.performer
        let issued = await desk.perform(try desk.call("credential.issue", .act, ["subject": "a"]), by: performer)
        #expect(issued.outcome.kind == .done)
        let handle = try #require(issued.outcome.result["secret"]?.stringValue)
        #expect(handle.hasPrefix("‹issued:run_01"))
        let fingerprint = try #require(issued.outcome.result["fingerprint"]?.stringValue)
        #expect(fingerprint.hasPrefix("hmac-sha256:"))
        let told = issued.outcome.value.json + String(decoding: issued.keepsake ?? [], as: UTF8.self) + "\(issued)"
        #expect(!told.contains(Self.secret))
        let call = try desk.call("secret.deliver", .act, ["to": "x", "secret": .string(handle)])
        #expect(!call.seal.requestDigest.isEmpty)
        #expect(await desk.perform(call, by: performer).outcome.kind == .done)
        let sent = try JSON.parse(desk.requests.last?.body ?? [])
        #expect(sent["data"] == ["id": "k2", "key": .string(Self.secret)])
        #expect(sent["text"] == .string(#"{"id":"k2","key":"\#(Self.secret)"}"#))
    }

    @Test func `whoever holds the new credential asks, where a request says so`() async throws {
        let desk = try desk()
        let performer = desk.performer
        let issued = await desk.perform(try desk.call("credential.issue", .act, ["subject": "a"]), by: performer)
        #expect(desk.requests.last?.header("authorization") == "Bearer cordon's own")
        let handle = try #require(issued.outcome.result["secret"])
        let call = try desk.call("credential.prove", .act, ["credential": "a", "secret": handle])
        #expect(await desk.perform(call, by: performer).outcome.kind == .done)
        #expect(desk.requests.last?.header("authorization") == "Bearer \(Self.secret)")
    }

    @Test func `another process has the secret no more, sends nothing, and says so`() async throws {
        let desk = try desk()
        let issued = await desk.perform(
            try desk.call("credential.issue", .act, ["subject": "a"]), by: desk.performer)
        let handle = try #require(issued.outcome.result["secret"])
        let call = try desk.call("secret.deliver", .act, ["to": "x", "secret": handle])
        let answer = await desk.perform(call, by: desk.performer)
        #expect(answer.outcome.kind == .refused)
        #expect(answer.outcome.lacksSecret)
        #expect(desk.requests.count == 1)
    }

    @Test func `one that waits longer than an hour is gone`() async throws {
        var desk = try desk()
        let clock = Mutex(Instant.start)
        let performer = desk.performer { clock.withLock { $0 } }
        let issued = await desk.perform(try desk.call("credential.issue", .act, ["subject": "a"]), by: performer)
        let handle = try #require(issued.outcome.result["secret"])
        desk.now = Instant.start.adding(milliseconds: Limits.issuedSecretMilliseconds)
        clock.withLock { $0 = desk.now }
        let call = try desk.call("secret.deliver", .act, ["to": "x", "secret": handle])
        #expect(await desk.perform(call, by: performer).outcome.lacksSecret)
    }

    @Test func `a connector that would keep the secret keeps nothing, and an answer without one is in doubt`()
        async throws
    {
        let leaky = try desk(
            Self.text.replacing(
                "keep: { id: \"${body.id}\" }", with: "keep: { id: \"${body.id}\", more: \"${body.key}\" }"))
        let answer = await leaky.perform(
            try leaky.call("credential.issue", .act, ["subject": "a"]), by: leaky.performer)
        #expect(answer.outcome.kind == .unknown)
        #expect(answer.outcome.result == .null)
        #expect(!answer.outcome.value.json.contains(Self.secret))
        #expect(answer.keepsake == nil)
        let silent = try desk(body: #"{"id":"k2"}"#)
        let none = await silent.perform(
            try silent.call("credential.issue", .act, ["subject": "a"]), by: silent.performer)
        #expect(none.outcome.kind == .unknown)
    }

    @Test func `a new credential is not proved by a token that was fetched with another`() throws {
        let fetched = """
            { scheme: token, sign_in: { request: { method: POST, to: url }, answers: { done: [200] }, token: "${body.t}" } }
            """
        let text = Self.text.replacing("{ scheme: header, prefix: Bearer, secret: key }", with: fetched)
        guard case .failure(let refusal) = Connector.load(Array(text.utf8), file: "vendor.yaml", digest: "") else {
            Issue.record("it was taken")
            return
        }
        #expect(refusal.all.map(\.code) == ["P044"], "\(refusal.text)")
    }

    @Test func `the mark of a step is the same for each of its calls, and another for each step`() async throws {
        let desk = try desk()
        _ = await desk.perform(try desk.call("credential.issue", .act, ["subject": "a"]), by: desk.performer)
        let mark = try #require(try JSON.parse(desk.requests[0].body ?? [])["name"]?.stringValue)
        #expect(mark.count == 32)
        _ = await desk.perform(try desk.call("credential.issue", .act, ["subject": "b"]), by: desk.performer)
        #expect(try JSON.parse(desk.requests[1].body ?? [])["name"]?.stringValue == mark)
        let text = #"{"items":[{"name":"\#(mark)"}]}"#
        var found = CallDesk.with(
            desk.shape, transport: ScriptedTransport { _, _ in .answered(200, text) })
        found.connectionSecrets = desk.connectionSecrets
        found.secrets = desk.secrets
        let state = await found.perform(
            try found.call("credential.issue", .probe, ["subject": "a"]), by: found.performer)
        #expect(state.outcome.result == ["ours": true])
    }
}
