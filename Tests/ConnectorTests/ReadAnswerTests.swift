// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Testing

/// What an answer means: doubt stays doubt, and what can't have happened may be tried again.
@Suite struct ReadAnswerTests {
    private typealias Answers = ProviderShape.Answers

    private static let bare = Answers(done: [200])
    private static let told = Answers(done: [200, 201], already: [409], later: [429, 503], refused: [400, 404])

    private func exchange(_ answers: Answers, keep: [String] = []) -> ProviderShape.Exchange {
        ProviderShape.Exchange(
            request: ProviderShape.Request(method: "POST", to: "url", path: nil, form: [:], json: nil),
            answers: answers, keep: keep)
    }

    private func outcome(
        _ delivery: Delivery, _ effectClass: EffectClass, _ answers: Answers = told, keep: [String] = []
    ) -> Outcome {
        read(delivery, exchange(answers, keep: keep), effectClass).outcome
    }

    // MARK: Status

    @Test(arguments: EffectClass.allCases)
    func `the connector's own sets speak first`(_ effectClass: EffectClass) {
        let expected: [(Int, Outcome.Kind)] = [
            (200, .done), (201, .done), (409, .already), (429, .later), (400, .refused), (404, .refused),
            (503, effectClass == .once ? .unknown : .later),
        ]
        for (status, kind) in expected {
            let outcome = outcome(.answered(status), effectClass)
            #expect(outcome.kind == kind, "\(status)")
            #expect(outcome.status == status)
            #expect((outcome.reason == nil) == (kind == .done || kind == .already))
        }
    }

    @Test(arguments: EffectClass.allCases)
    func `a status that the connector doesn't name is read by its hundred`(_ effectClass: EffectClass) {
        let expected: [(Int, Outcome.Kind)] = [
            (100, .unknown), (199, .unknown), (202, .unknown), (204, .unknown), (299, .unknown),
            (300, .refused), (301, .refused), (302, .refused), (307, .refused), (308, .refused),
            (400, .refused), (401, .refused), (403, .refused), (404, .refused), (409, .refused), (422, .refused),
            (429, .later),
            (500, .unknown), (501, .unknown), (502, .unknown), (504, .unknown), (520, .unknown), (599, .unknown),
            (503, effectClass == .once ? .unknown : .later), (600, .unknown), (999, .unknown),
        ]
        for (status, kind) in expected {
            #expect(outcome(.answered(status), effectClass, Self.bare).kind == kind, "\(status)")
        }
    }

    @Test(arguments: [500, 502, 503, 504])
    func `no connector can say of an effect that must not double that a server's fault is harmless`(_ status: Int) {
        #expect(outcome(.answered(status), .once, Answers(done: [200], later: [status])).kind == .unknown)
    }

    // MARK: Retry-After

    @Test(
        arguments: [
            ("7", 7000), ("0", 0), ("86400", 86_400_000), ("86401", 86_400_000), ("9223372036854775807", 86_400_000),
            ("-1", nil), ("1.5", nil), ("", nil), ("soon", nil), ("9223372036854775808", nil),
            ("Wed, 21 Oct 2026 07:28:00 GMT", nil),
        ] as [(String, Int64?)])
    func `Retry-After is taken in whole seconds up to a day, and a date is not`(
        _ text: String, _ milliseconds: Int64?
    ) {
        for status in [429, 503] {
            let outcome = outcome(.answered(status, headers: ["retry-after": text]), .convergent)
            #expect(outcome.kind == .later)
            #expect(outcome.retryAfterMilliseconds == milliseconds)
        }
    }

    @Test func `Retry-After means nothing where the call is not to be tried later`() {
        for status in [200, 404, 502] {
            #expect(outcome(.answered(status, headers: ["retry-after": "7"]), .read).retryAfterMilliseconds == nil)
        }
        #expect(outcome(.answered(503, headers: ["retry-after": "7"]), .once).retryAfterMilliseconds == nil)
    }

    // MARK: What is kept

    @Test func `only the named members of an answer are kept`() throws {
        let body = #"{"active":true,"exp":7,"token":"eyJhbGciOi","nested":{"active":false}}"#
        let answer = read(.answered(200, body), exchange(Self.told, keep: ["active", "exp", "absent"]), .read)
        #expect(answer.outcome.kind == .done)
        #expect(answer.outcome.result == ["active": true, "exp": 7])
        let keepsake = try #require(answer.keepsake)
        #expect(String(decoding: keepsake, as: UTF8.self) == #"{"body":{"active":true,"exp":7},"status":200}"#)
    }

    @Test func `nothing of an answer is kept where the connector names nothing`() {
        let answer = read(.answered(200, #"{"token":"eyJhbGciOi"}"#), exchange(Self.told), .convergent)
        #expect(answer.outcome.kind == .done)
        #expect(answer.outcome.result == .null)
        #expect(answer.keepsake.map { String(decoding: $0, as: UTF8.self) } == #"{"body":null,"status":200}"#)
    }

    @Test(arguments: ["", "ok", "[]", "null", "true", #"{"active":tru"#, #"{"active":true} {"active":false}"#])
    func `a success that can't be read proves nothing`(_ body: String) {
        for effectClass in EffectClass.allCases {
            let outcome = outcome(.answered(200, body), effectClass, keep: ["active"])
            #expect(outcome.kind == (effectClass == .read ? .later : .unknown))
            #expect(outcome.reason == "the answer is no JSON object")
            #expect(outcome.result == .null)
        }
    }

    @Test func `a refusal needs no body`() {
        #expect(outcome(.answered(404, "<html>"), .read, keep: ["active"]).kind == .refused)
        #expect(outcome(.answered(409, "<html>"), .convergent, keep: ["active"]).kind == .unknown)
        #expect(outcome(.answered(409, "{}"), .convergent, keep: ["active"]).kind == .already)
    }

    // MARK: No answer

    @Test(arguments: EffectClass.allCases)
    func `a request that did not leave may be made later, but for what only a person can change`(
        _ effectClass: EffectClass
    ) {
        let final: Set<Fault.Kind> = [.addressForbidden, .badRequest, .tlsRefused]
        for kind in Fault.Kind.allCases {
            let fault = Fault(kind: kind, number: 7, reason: "a fault")
            let answer = read(
                Delivery(fate: .notSent(fault), durationMilliseconds: 5), exchange(Self.told), effectClass)
            #expect(answer.outcome.kind == (final.contains(kind) ? .refused : .later), "\(kind)")
            #expect(answer.outcome.reason == "not sent: a fault")
            #expect(answer.outcome.status == nil)
            #expect(answer.keepsake == nil)
        }
    }

    @Test(arguments: EffectClass.allCases)
    func `a request that may have left is unknown, whatever broke`(_ effectClass: EffectClass) {
        for kind in Fault.Kind.allCases {
            let fault = Fault(kind: kind, number: 56, reason: "a fault")
            let answer = read(
                Delivery(fate: .mayHaveBeenSent(fault), wasSentTwice: true, durationMilliseconds: 9),
                exchange(Self.told), effectClass)
            #expect(answer.outcome.kind == .unknown)
            #expect(answer.outcome.wasSentTwice)
            #expect(answer.outcome.durationMilliseconds == 9)
            #expect(answer.keepsake == nil)
        }
    }
}
