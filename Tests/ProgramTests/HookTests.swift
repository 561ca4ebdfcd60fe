// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// Deliveries over the wire: what their sender learns, and what is stored of them.
@Suite(.serialized)
struct HookTests {
    private static let rejected = "cordon_alerts_rejected_total"

    @Test func `a delivery that its source did not sign gets 401 without a word, is counted, and leaves nothing`()
        async throws
    {
        let installation = try Installation.alone()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        let token = try installation.firstToken
        let body = Installation.alert()
        for forgery in Forgery.allCases {
            let before = try await serving.counter(HookTests.rejected, token: token)[forgery.reason] ?? 0
            let answer = try await serving.web.ask(
                "POST", serving.url + forgery.path, headers: forgery.headers(of: body), body: body)
            #expect(answer.status == 401, "\(forgery)")
            #expect(answer.body.isEmpty, "\(forgery)")
            let after = try await serving.counter(HookTests.rejected, token: token)
            #expect(after[forgery.reason] == before + 1, "\(forgery)")
        }
        let alerts = try await serving.get("/api/v1/alerts", token: token)
        #expect(alerts.status == 200)
        #expect(alerts.json["alerts"]?.arrayValue?.isEmpty == true)
    }

    /// Ways in which a delivery is not its source's.
    private enum Forgery: String, CaseIterable {
        case unsigned, signedWithNothing, signedWithAnotherSecret, signedForAnotherBody, cutShort, withoutPrefix, legacy
        case ofNoSource

        var path: String { self == .ofNoSource ? "/hooks/nobody" : "/hooks/github" }

        var reason: String {
            switch self {
            case .unsigned, .legacy: "signature_missing"
            case .ofNoSource: "source_unknown"
            default: "signature_wrong"
            }
        }

        func headers(of body: String) -> [(name: String, value: String)] {
            let right = Installation.sign(body)
            let signature: (name: String, value: String)? =
                switch self {
                case .unsigned: nil
                case .legacy: ("x-hub-signature", "sha1=" + right.dropFirst(7).prefix(40))
                case .signedWithNothing: ("x-hub-signature-256", "sha256=")
                case .signedWithAnotherSecret: ("x-hub-signature-256", "sha256=" + String(repeating: "ab", count: 32))
                case .signedForAnotherBody: ("x-hub-signature-256", Installation.sign(body + " "))
                case .cutShort: ("x-hub-signature-256", String(right.dropLast(2)))
                case .withoutPrefix: ("x-hub-signature-256", String(right.dropFirst(7)))
                case .ofNoSource: ("x-hub-signature-256", right)
                }
            let always = [
                (name: "content-type", value: "application/json"), ("x-github-event", "secret_scanning_alert"),
                ("x-github-delivery", "forged-\(rawValue)"),
            ]
            return always + [signature].compactMap { $0 }
        }
    }

    @Test func `a body at the bound is taken and one byte more gets 413 and is counted`() async throws {
        let bytesMax = 1_048_576
        let installation = try Installation.alone()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        let token = try installation.firstToken
        let whole = "{}" + String(repeating: " ", count: bytesMax - 2)
        #expect(try await serving.post(whole, delivery: "at-the-bound", event: "ping").status == 202)
        let answer = try await serving.post(whole + " ", delivery: "over-it", event: "ping")
        #expect(answer.status == 413)
        #expect(answer.json.at("error", "code") == "body_too_large")
        #expect(try await serving.counter(HookTests.rejected, token: token)["body_too_large"] == 1)
        let alerts = try await serving.get("/api/v1/alerts", token: token).json["alerts"]?.arrayValue ?? []
        #expect(alerts.map { $0["delivery"] } == ["at-the-bound"])
    }

    @Test(arguments: [
        ("push", #"{"ref":"refs/heads/main"}"#), ("secret_scanning_alert", #"{"hello":"world"}"#),
        ("secret_scanning_alert", "no JSON at all"), ("secret_scanning_alert", ""),
    ])
    func `a validly signed delivery of unknown shape is stored, quarantined and answered with 202`(
        _ event: String, _ body: String
    ) async throws {
        let installation = try Installation.alone()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        let token = try installation.firstToken
        let answer = try await serving.post(body, delivery: "strange", event: event)
        #expect(answer.status == 202)
        let id = try #require(answer.json["alert"]?.stringValue)
        #expect(try await serving.stateOnceRead(id, token: token) == "quarantined")
        let alert = try await serving.get("/api/v1/alerts/\(id)", token: token).json
        // Of what can't be looked through nothing stays, where its source says that it may hold a secret.
        if body == "no JSON at all" {
            #expect(alert["cut"] == [["place": "", "class": "secret", "count": 1]])
        } else {
            #expect(alert["bytes"] == .int(Int64(body.utf8.count)))
        }
        #expect((alert["entries"]?.arrayValue ?? []).count == 2, "it was received, it was quarantined")
        #expect(try await serving.counter("cordon_alerts_quarantined_total", token: token) == ["": 1])
        #expect(try await installation.runs().isEmpty)
    }

    @Test func `a ping is taken and opens no run`() async throws {
        let installation = try Installation.alone()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        let token = try installation.firstToken
        let answer = try await serving.post(
            #"{"zen":"Keep it logically awesome.","hook_id":1}"#, delivery: "p", event: "ping")
        #expect(answer.status == 202)
        let id = try #require(answer.json["alert"]?.stringValue)
        #expect(try await serving.stateOnceRead(id, token: token) == "read")
        #expect(
            try await serving.get("/api/v1/decisions?alert=\(id)", token: token).json["decisions"]?.arrayValue == [])
        #expect(try await installation.runs().isEmpty)
    }

    @Test func `a signed delivery without an id of its own is stored, and the same bytes again are a repeat`()
        async throws
    {
        let installation = try Installation.alone()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        let body = #"{"zen":"Keep it logically awesome."}"#
        var answers: [Web.Answer] = []
        for _ in 1...2 {
            answers.append(
                try await serving.web.ask(
                    "POST", serving.url + "/hooks/github",
                    headers: [("x-github-event", "ping"), ("x-hub-signature-256", Installation.sign(body))],
                    body: body))
        }
        #expect(answers.map(\.status) == [202, 202])
        #expect(answers[1].json["alert"] == answers[0].json["alert"])
        #expect(answers[1].json["duplicate"] == true)
    }

    @Test(arguments: [SIGTERM, SIGKILL])
    func `an alert that got its 202 is there after the server ended and started again`(_ signal: Int32) async throws {
        let installation = try Installation.alone()
        let first = try await installation.serve()
        let token = try installation.firstToken
        let answer = try await first.post(#"{"ref":"refs/heads/main"}"#, delivery: "kept", event: "push")
        #expect(answer.status == 202)
        let id = try #require(answer.json["alert"]?.stringValue)
        first.program.send(signal: signal)
        #expect(try await first.program.waitForExit() == (signal == SIGTERM ? .exited(0) : .killed(bySignal: SIGKILL)))

        let second = try await installation.serve()
        defer { second.program.kill() }
        #expect(try await second.stateOnceRead(id, token: token) == "quarantined")
        let again = try await second.post(#"{"ref":"refs/heads/main"}"#, delivery: "kept", event: "push")
        #expect(again.status == 202)
        #expect(again.json["alert"]?.stringValue == id)
        #expect(again.json["duplicate"] == true)
    }
}
