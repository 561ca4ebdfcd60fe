// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Testing

/// What comes from outside grows only up to a bound that has a name; at the bound it is taken.
@Suite struct SizeLimitTests {
    // MARK: signalBytesMax

    @Test func `a signal at the bound is taken, and one byte more is kept for a person, with the limit's name`() throws
    {
        let shape = try #require(try shippedConnector("github").source)
        let empty = try #require(shape.normalize(alert(repository: "")).signals.first)
        // The repository's name stands twice in the attributes.
        let room = Limits.signalBytesMax - empty.attributes.jsonBytes.count
        try #require(room > 2)
        let whole = String(repeating: "r", count: room / 2)
        let odd = room % 2 == 1 ? "?" : ""
        let signal = try #require(shape.normalize(alert(repository: whole, validity: odd)).signals.first)
        #expect(signal.attributes.jsonBytes.count == Limits.signalBytesMax)

        let over = shape.normalize(alert(repository: whole, validity: odd + "?"))
        guard case .unknownShape(let reason) = over else {
            Issue.record("a signal over the bound was taken: \(over)")
            return
        }
        #expect(reason.contains("the signal would have \(Limits.signalBytesMax + 1) bytes"))
        #expect(reason.contains("the limit is \(Limits.signalBytesMax) (signalBytesMax)"))
    }

    private func alert(repository: String, validity: String = "") -> Alert {
        let body: Value = [
            "action": "created", "alert": ["number": 1, "secret_type": "t", "validity": .string(validity)],
            "repository": ["full_name": .string(repository)],
        ]
        return Alert(
            id: AlertID(stem: "01"), source: "github-main", deliveryID: "d", receivedAt: .start,
            headers: ["x-github-event": "secret_scanning_alert"], body: body.jsonBytes,
            bodyDigest: digestText(body.jsonBytes), originProof: .sharedSecret)
    }

    // MARK: resultBytesMax

    @Test(arguments: EffectClass.allCases)
    func `a result at the bound is read, and a larger one is cut without hiding that the change happened`(
        _ effectClass: EffectClass
    ) throws {
        let around = (["note": ""] as Value).jsonBytes.count
        let fits = answer(String(repeating: "n", count: Limits.resultBytesMax - around), effectClass)
        #expect(fits.outcome.kind == .done)
        #expect(fits.outcome.result.jsonBytes.count == Limits.resultBytesMax)
        #expect(fits.outcome.reason == nil)

        let text = String(repeating: "n", count: Limits.resultBytesMax - around + 1)
        let cut = answer(text, effectClass)
        // A reading that can't be used must not pass for one; a change has happened all the same.
        #expect(cut.outcome.kind == (effectClass.isWrite ? .done : .refused))
        #expect(cut.outcome.result == .null)
        #expect(
            cut.outcome.reason
                == "the answer's kept members are \(Limits.resultBytesMax + 1) bytes, the limit is \(Limits.resultBytesMax) (resultBytesMax)"
        )
        let kept = try JSON.parse(try #require(cut.keepsake))
        #expect(kept == ["status": 200, "body": ["note": .string(text)]], "the evidence has it whole")
    }

    @Test func `an answer that says no says so, however long its words are`() {
        let text = String(repeating: "n", count: Limits.resultBytesMax)
        for (status, kind) in [(404, Outcome.Kind.refused), (429, .later)] {
            #expect(answer(text, .convergent, status: status).outcome.kind == kind)
            #expect(answer(text, .convergent, status: status).outcome.result == .null)
        }
    }

    private func answer(_ note: String, _ effectClass: EffectClass, status: Int = 200) -> ReadAnswer {
        let exchange = ProviderShape.Exchange(
            request: ProviderShape.Request(method: "POST", to: "url", path: nil, form: [:], json: nil),
            answers: ProviderShape.Answers(done: [200]), keep: ["note"])
        let body: Value = ["note": .string(note), "other": "cut"]
        let response = OutboundResponse(status: status, headers: [:], body: body.jsonBytes)
        return read(Delivery(fate: .answered(response), durationMilliseconds: 1), exchange, effectClass)
    }
}
