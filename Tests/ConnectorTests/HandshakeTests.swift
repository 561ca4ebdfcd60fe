// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonLanguage
import Testing

/// What senders ask before they send.
@Suite struct HandshakeTests {
    private func text(_ handshake: Handshake, _ question: HandshakeQuestion, _ settings: [String: String] = [:])
        -> String?
    {
        handshake.answer(question, settings: settings).map { String(decoding: $0.body, as: UTF8.self) }
    }

    @Test func `Okta's challenge comes back in JSON`() {
        func ask(_ method: String, _ challenge: String?) -> String? {
            text(
                .okta,
                HandshakeQuestion(
                    method: method, headers: challenge.map { ["x-okta-verification-challenge": $0] } ?? [:]))
        }
        #expect(ask("GET", "aB3-x") == #"{"verification":"aB3-x"}"#)
        #expect(ask("GET", #"a"b"#) == #"{"verification":"a\"b"}"#)
        #expect(ask("POST", "aB3-x") == nil)
        for wrong in [nil, "", "a\nb", "é", String(repeating: "a", count: 513)] as [String?] {
            #expect(ask("GET", wrong) == nil)
        }
    }

    @Test func `Graph's token comes back as plain text that no browser takes for a page`() {
        func ask(_ method: String, _ query: [String: String]) -> HandshakeAnswer? {
            Handshake.microsoftGraph.answer(HandshakeQuestion(method: method, query: query), settings: [:])
        }
        let token = "Validation: Testing <script> application 1"
        let answer = ask("POST", ["validationToken": token])
        #expect(answer?.body == Array(token.utf8))
        #expect(answer?.headers["content-type"] == "text/plain")
        #expect(answer?.headers["x-content-type-options"] == "nosniff")
        #expect(ask("GET", ["validationToken": token]) == nil)
        #expect(ask("POST", ["validationtoken": token]) == nil)
        #expect(ask("POST", ["validationToken": String(repeating: "a", count: 2049)]) == nil)
    }

    @Test func `an emitter of CloudEvents is let in when it is the one that is configured`() {
        func ask(_ origin: String?, _ settings: [String: String]) -> HandshakeAnswer? {
            Handshake.cloudEvents.answer(
                HandshakeQuestion(method: "OPTIONS", headers: origin.map { ["webhook-request-origin": $0] } ?? [:]),
                settings: settings)
        }
        #expect(ask("e.example", ["origin": "e.example"])?.headers["webhook-allowed-origin"] == "e.example")
        #expect(ask("other.example", ["origin": "e.example"]) == nil)
        #expect(ask("e.example", [:]) == nil)
        #expect(ask(nil, ["origin": "e.example"]) == nil)
    }
}
