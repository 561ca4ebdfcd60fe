// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation
import Testing

/// How a call becomes a request: as it was sealed, with its secrets put in at the last moment, or not at all.
@Suite struct OutboundTests {
    @Test func `a revocation is sent as the standard asks, with the key that was sealed`() async throws {
        let desk = try CallDesk.oauth()
        let call = try desk.call("tokens.revoke", .act, ["credential": "deploy-token"])
        let answer = await desk.perform(call)
        #expect(answer.outcome.kind == .done)
        let request = try #require(desk.requests.first)
        #expect(request.method == "POST")
        #expect(request.url == "https://auth.example/revoke")
        #expect(request.text == "token=t%2F0%20k%26n&token_type_hint=access_token")
        #expect(request.header("content-type") == "application/x-www-form-urlencoded")
        #expect(request.header("accept") == "application/json")
        #expect(request.header("idempotency-key") == call.seal.idempotencyKey)
        let basic = Data("cordon:p%40ss%3Aword".utf8).base64EncodedString()
        #expect(request.header("authorization") == "Basic \(basic)")
        #expect(request.timeoutMilliseconds == 10_000)
        #expect(request.responseBytesMax == Limits.responseBytesMax)
        #expect(request.egress == EgressPolicy(allowsLoopback: true))
        #expect(desk.requests.count == 1)
    }

    @Test(arguments: [Call.Purpose.before, .probe, .readBack])
    func `a reading purpose asks for the state and carries no key`(_ purpose: Call.Purpose) async throws {
        let desk = try CallDesk.oauth()
        _ = await desk.perform(try desk.call("tokens.revoke", purpose, ["credential": "deploy-token"]))
        let request = try #require(desk.requests.first)
        #expect(request.url == "https://auth.example/introspect")
        #expect(request.text == "token=t%2F0%20k%26n")
        #expect(request.header("idempotency-key") == nil)
    }

    // MARK: Secrets

    @Test func `what is sealed holds handles and no secret, so a rotated secret changes no seal`() throws {
        let desk = try CallDesk.oauth()
        var rotated = desk
        rotated.secrets = ["TOKEN": "another", "CLIENT": "another"]
        let draft = desk.draft("tokens.revoke", .act, ["credential": "deploy-token"])
        let seal = try desk.sealer.seal(draft).get()
        #expect(try rotated.sealer.seal(draft).get() == seal)
        // The digest is that of the request with handles, byte for byte.
        let handle = "%E2%80%B9secret%3Atoken%E2%80%BA"
        let basic = Data("cordon:%E2%80%B9secret%3Aclient_secret%E2%80%BA".utf8).base64EncodedString()
        let sealed: Value = [
            "method": "POST", "url": "https://auth.example/revoke",
            "headers": [
                "accept": "application/json", "authorization": .string("Basic \(basic)"),
                "content-type": "application/x-www-form-urlencoded", "idempotency-key": .string(seal.idempotencyKey),
                "user-agent": "cordon",
            ],
            "body": .string("token=\(handle)&token_type_hint=access_token"),
        ]
        #expect(seal.requestDigest == digestText(sealed.jsonBytes))
        let stored = try desk.call("tokens.revoke", .act, ["credential": "deploy-token"])
        #expect(!"\(stored)".contains("t/0 k&n") && !"\(stored)".contains("p@ss"))
    }

    @Test func `a secret that is missing sends nothing and is told by name only`() async throws {
        for (missing, reason) in [("TOKEN", "variable TOKEN is not set"), ("CLIENT", "variable CLIENT is not set")] {
            var desk = try CallDesk.oauth()
            let call = try desk.call("tokens.revoke", .act, ["credential": "deploy-token"])
            desk.secrets[missing] = nil
            let outcome = await desk.perform(call).outcome
            #expect(outcome.kind == .refused)
            #expect(outcome.reason?.contains(reason) == true)
            #expect(desk.requests.isEmpty)
        }
    }

    @Test func `a subject that the inventory lost sends nothing`() async throws {
        var desk = try CallDesk.oauth()
        let call = try desk.call("tokens.revoke", .act, ["credential": "deploy-token"])
        desk.inventory = Inventory(identities: [], digest: "")
        let outcome = await desk.perform(call).outcome
        #expect(outcome.kind == .refused)
        #expect(outcome.reason == "not sent: the inventory has no secret 'token' for deploy-token")
        #expect(desk.requests.isEmpty)
    }

    // MARK: What was intended is what is sent

    @Test func `the same draft gives the same seal, and every part of it counts`() throws {
        let desk = try CallDesk.oauth()
        let draft = desk.draft("tokens.revoke", .act, ["credential": "deploy-token"])
        let seal = try desk.sealer.seal(draft).get()
        #expect(try desk.sealer.seal(draft).get() == seal)
        var next = draft
        next.number += 1
        var other = draft
        other.step = "again"
        var foreign = draft
        foreign.run = RunID(stem: "02")
        let keys = try [draft, next, other, foreign].map { try desk.sealer.seal($0).get().idempotencyKey }
        #expect(Set(keys).count == 4)
        #expect(keys.allSatisfy { $0.utf8.count == 32 })
    }

    @Test func `settings that changed since the intent send nothing`() async throws {
        var desk = try CallDesk.oauth()
        let call = try desk.call("tokens.revoke", .act, ["credential": "deploy-token"])
        desk.settings["revocation_endpoint"] = "https://elsewhere.example/revoke"
        let outcome = await desk.perform(call).outcome
        #expect(outcome.kind == .refused)
        #expect(outcome.reason?.hasPrefix("not sent: the request is no longer the one that was intended") == true)
        #expect(desk.requests.isEmpty)
    }

    @Test func `arguments that differ from the sealed ones send nothing`() async throws {
        let desk = try CallDesk.posting()
        var call = try desk.call("http.call", .act, ["body": ["id": "a"]])
        call.arguments = ["body": ["id": "b"]]
        #expect(await desk.perform(call).outcome.kind == .refused)
        #expect(desk.requests.isEmpty)
    }

    @Test func `a provider or capability that is no longer offered sends nothing`() async throws {
        let desk = try CallDesk.oauth()
        let good = try desk.call("tokens.revoke", .act, ["credential": "deploy-token"])
        var gone = good
        gone.provider = "nobody"
        var lacking = good
        lacking.capability = "http.call"
        for call in [gone, lacking] {
            let outcome = await desk.perform(call).outcome
            #expect(outcome.kind == .refused)
            #expect(outcome.reason == "not sent: \(call.provider) no longer offers \(call.capability)")
        }
        #expect(desk.requests.isEmpty)
    }

    // MARK: Time and connections

    @Test func `a call has its provider's time from when it leaves, and no more than what is left of its step's`()
        async throws
    {
        var desk = try CallDesk.oauth()
        var call = try desk.call("tokens.revoke", .act, ["credential": "deploy-token"])
        // It stood in line for longer than its intent foresaw.
        call.deadline = .start
        _ = await desk.perform(call)
        _ = await desk.perform(call, until: Instant.start.adding(milliseconds: 250))
        let late = await desk.perform(call, until: .start).outcome
        #expect(late == Outcome(.later, reason: "not sent: its time was up before it began", wasWithheld: true))
        desk.shape.actions["tokens.revoke"]?.timeoutMilliseconds = 3_600_000
        _ = await desk.perform(call)
        #expect(desk.requests.map(\.timeoutMilliseconds) == [10_000, 250, Limits.callTimeoutMillisecondsMax])
    }

    @Test func `what forbids a call is looked at when it would leave, and it costs nobody anything`() async throws {
        let desk = try CallDesk.oauth()
        let call = try desk.call("tokens.revoke", .act, ["credential": "deploy-token"])
        let errand = Errand(run: RunID(stem: "01"), step: "a", call: call, subject: nil)
        let answer = await desk.performer.perform(errand, .go) { "halted: everything" }
        #expect(answer.outcome == Outcome(.later, reason: "not sent: halted: everything", wasWithheld: true))
        #expect(desk.requests.isEmpty)
    }

    @Test(arguments: [
        (EffectClass.read, Call.Purpose.act, false), (.convergent, .act, false), (.keyed, .act, true),
        (.probeable, .act, true), (.once, .act, true), (.once, .readBack, false), (.keyed, .before, false),
        (.probeable, .probe, false),
    ])
    func `an effect that must not double gets a fresh connection`(
        _ effectClass: EffectClass, _ purpose: Call.Purpose, _ isFresh: Bool
    ) async throws {
        var desk = try CallDesk.oauth()
        desk.shape.actions["tokens.revoke"]?.effectClass = effectClass
        var call = try desk.call("tokens.revoke", purpose, ["credential": "deploy-token"])
        call.effectClass = effectClass
        _ = await desk.perform(call)
        #expect(desk.requests.first?.needsFreshConnection == isFresh)
    }
}
