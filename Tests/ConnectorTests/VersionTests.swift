// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Testing

/// What is read before a change is bound to what is written after it, and what of it is secret is never stored.
@Suite struct VersionTests {
    private func exchange(_ name: String, _ capability: String, _ purpose: Call.Purpose) throws
        -> ProviderShape.Exchange
    {
        let action = try #require(try shippedConnector(name).provider?.actions[capability])
        return try #require(action.exchange(for: purpose))
    }

    @Test(arguments: [
        ("scim", "account.suspend", 412), ("agent-sessions", "session.isolate", 412),
        ("kubernetes", "workload.pause", 409),
    ])
    func `who came in between gets the last word: nothing is tried again, and a person reads why`(
        _ name: String, _ capability: String, _ status: Int
    ) throws {
        let exchange = try exchange(name, capability, .undo)
        #expect(exchange.answers.conflict == [status])
        let outcome = read(.answered(status, "{}"), exchange, .convergent).outcome
        #expect(outcome.kind == .refused)
        #expect(outcome.reason == "conflict: somebody changed it since it was read, so nothing was written")
    }

    @Test func `every version that is read is sent back where the provider compares it`() throws {
        var versions = 0
        for name in ["agent-sessions", "kubernetes", "scim"] {
            for (verb, action) in try #require(try shippedConnector(name).provider).actions {
                guard let etag = action.state?.etag else { continue }
                versions += 1
                #expect(action.state?.keep.contains(etag) == true, "\(name) \(verb)")
            }
        }
        #expect(versions == 5)
    }

    private static let text = """
        connector: desk
        title: A desk
        vendor: https://desk.example
        provider:
          settings: { url: { type: url } }
          secrets: []
          subject_secrets: []
          authentication: { scheme: none }
          capabilities:
            account.suspend:
              class: convergent
              request: { method: POST, to: url }
              answers: { done: [200], refused: [400], later: [429] }
              state:
                request: { method: GET, to: url }
                answers: { done: [200], refused: [400], later: [429] }
                keep: [enabled, password]
                secret: [password]
              probe: after.enabled == false
              undo:
                request: { method: POST, to: url, json: { enabled: "${with.before.enabled}" } }
                answers: { done: [200], refused: [400], later: [429] }

        """

    @Test func `a secret of the state is cut before anything is kept, and a mark tells whether it was changed`() throws
    {
        let action = try #require(try connector("desk", Self.text).provider?.actions["account.suspend"])
        let state = try #require(action.state)
        func seen(_ password: String) -> ReadAnswer {
            read(.answered(200, #"{"enabled":true,"password":\#(password),"else":1}"#), state, .read) {
                "‹\($0.count)›"
            }
        }
        let answer = seen(#""hunter2""#)
        #expect(answer.outcome.result == ["enabled": true, "password": "‹9›"])
        let kept = String(decoding: answer.keepsake ?? [], as: UTF8.self)
        #expect(!kept.contains("hunter2") && kept.contains("‹9›"))
        #expect(seen("null").outcome.result == ["enabled": true, "password": .null])
        // Without a key there is no mark, and the secret is cut all the same.
        let bare = read(.answered(200, #"{"enabled":true,"password":"hunter2"}"#), state, .read)
        #expect(bare.outcome.result == ["enabled": true, "password": "‹secret›"])
    }

    @Test func `what is cut can't be written back`() throws {
        let text = Self.text.replacing("with.before.enabled", with: "with.before.password")
        guard
            case .failure(let found) = Connector.load(
                Array(text.utf8), file: "workflows/connectors/desk.yaml", digest: "")
        else {
            Issue.record("it loads")
            return
        }
        #expect(
            found.all.map { "\($0.code) \($0.message)" } == [
                "P132 'password' is cut before it is stored, so it can't be sent back"
            ])
    }
}
