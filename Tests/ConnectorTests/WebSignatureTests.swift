// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Crypto
import Foundation
import Testing

@testable import CordonConnectors

/// Tokens signed by others: what holds and what does not, over the vectors of others.
@Suite struct WebSignatureTests {
    /// The vectors that C. Wycheproof's project publishes, without the algorithms that are not taken here.
    @Test func `every vector of Wycheproof is taken or refused as it says`() throws {
        guard let bytes = try sharedData("evidence/wycheproof/json_web_signature_test.json") else { return }
        var taken = 0
        for group in (try JSON.parse(bytes))["testGroups"]?.arrayValue ?? [] {
            let key = group["public"] ?? group["private"] ?? .null
            let isOurs = ["RS256", "ES256"].contains(key["alg"]?.stringValue)
            for test in group["tests"]?.arrayValue ?? [] {
                let isTaken = holds(test["jws"]?.stringValue ?? "", Secret(key.jsonBytes))
                let isValid = test["result"] == "valid" && isOurs
                #expect(isTaken == isValid, "\(test["tcId"]?.json ?? "") \(test["comment"]?.json ?? "")")
                if isTaken { taken += 1 }
            }
        }
        #expect(taken >= 9)
    }

    private func holds(_ text: String, _ keys: Secret) -> Bool {
        do throws(WebSignature.Fault) {
            try WebSignature(Array(text.utf8)).verify(WebKey.all(in: keys))
            return true
        } catch { return false }
    }

    @Test func `base 64 for URLs is read in its one spelling`() {
        #expect(decodeBase64URL(Array("Zm9v".utf8)) == Array("foo".utf8))
        #expect(decodeBase64URL(Array("_-8".utf8)) == [0xFF, 0xEF])
        for wrong in ["Zm9v=", "Zg==", "Zh", "Zm9", "Z", "a+b/", "Zm9v\n", "Zm 9v"] where wrong != "Zm9" {
            #expect(decodeBase64URL(Array(wrong.utf8)) == nil, "\(wrong)")
        }
    }

    // MARK: Security event tokens

    private static let now = Instant(milliseconds: 1_767_323_045_000)

    /// The error that a transmitter is told, or `nil` for a token that is taken.
    private func refusal(
        _ token: [UInt8], _ keys: Secret, _ settings: [String: String], type: String? = "application/secevent+jwt"
    ) throws -> String? {
        let shape = try requireSource("ssf")
        do throws(Rejection) {
            let alert = try shape.receive(
                InboundDelivery(headers: type.map { ["content-type": $0] } ?? [:], body: token), source: "s",
                secrets: [Secret("{}"), keys], settings: settings, id: AlertID(stem: "01"), at: Self.now)
            #expect(alert.originProof == .asymmetric)
            return nil
        } catch { return error.rawValue }
    }

    @Test func `every case of the corpus is taken, or refused with the code that it says`() throws {
        guard let cases = try sharedAlerts("signatures/set/cases.json"),
            let keys = try sharedAlerts("signatures/set/jwks.json")
        else { return }
        let value = try JSON.parse(cases)
        let settings = [
            "issuer": value["issuer"]?.stringValue ?? "", "audience": value["audience"]?.stringValue ?? "",
        ]
        let all = try #require(value["cases"]?.arrayValue)
        #expect(all.count == 20)
        for test in all {
            let token = Array((test["jws"]?.stringValue ?? "").utf8)
            let found = try refusal(token, Secret(keys), settings)
            #expect(found == test["err"]?.stringValue, "\(test["name"]?.stringValue ?? "")")
        }
    }

    private static let claims: [String: Value] = [
        "iss": .string(SigningSource.issuer), "aud": "https://cordon.example", "jti": "j-1", "iat": 1_767_323_000,
        "sub_id": ["format": "email", "email": "a@b.example"],
        "events": ["https://schemas.openid.net/secevent/caep/event-type/session-revoked": ["event_timestamp": 1]],
    ]

    private func refusal(
        type: String? = "application/secevent+jwt", state: String? = nil, _ change: (inout [String: Value]) -> Void
    ) throws -> String? {
        var claims = Self.claims
        change(&claims)
        let source = try SigningSource("ssf")
        let (token, keys) = try source.jws(.object(claims), type: "secevent+jwt")
        var settings = source.settings
        settings["state"] = state
        return try refusal(token, keys, settings, type: type)
    }

    @Test func `a token's name is the delivery's, and each claim is looked at`() throws {
        #expect(try refusal { _ in } == nil)
        #expect(try refusal(type: "application/json") { _ in } == "invalid_request")
        #expect(try refusal(type: "Application/SecEvent+JWT; charset=utf-8") { _ in } == nil)
        #expect(try refusal { $0["iat"] = nil } == "invalid_request")
        #expect(try refusal { $0["iat"] = "2026-01-02T03:04:05Z" } == "invalid_request")
        #expect(try refusal { $0["iat"] = 15_203_800_012 } == nil)
        #expect(try refusal { $0["iat"] = 1_000_000_000 } == nil)
        #expect(try refusal { $0["jti"] = "" } == "invalid_request")
        #expect(try refusal { $0["events"] = [:] } == "invalid_request")
        #expect(try refusal { $0["events"] = ["x": 7] } == "invalid_request")
        #expect(try refusal { $0["iss"] = ["https://signals.example"] } == "invalid_issuer")
        #expect(try refusal { $0["aud"] = ["https://other.example", "https://cordon.example"] } == nil)
        #expect(try refusal { $0["aud"] = nil } == "invalid_audience")
    }

    @Test func `a verification holds the state that was asked for`() throws {
        let verification = { (state: Value) in
            { (claims: inout [String: Value]) in
                claims["events"] = [
                    "https://schemas.openid.net/secevent/ssf/event-type/verification": ["state": state]
                ]
            }
        }
        #expect(try refusal(state: "asked", verification("asked")) == nil)
        #expect(try refusal(state: "asked", verification("other")) == "invalid_state")
        #expect(try refusal(state: "asked", verification(nil)) == "invalid_state")
        #expect(try refusal(verification("any")) == nil)
        #expect(try refusal(state: "asked") { _ in } == nil)
    }

    // MARK: Identity tokens

    /// Whether Pub/Sub's push would be taken with these claims in place of its own.
    private func outcome(type: String = "JWT", _ change: (inout [String: Value]) -> Void) throws -> String {
        let source = try SigningSource("google-scc")
        var claims: [String: Value] = [
            "iss": "https://accounts.google.com", "aud": "cordon", "email_verified": true,
            "email": "pusher@example.iam.gserviceaccount.com", "iat": 1_767_323_000, "exp": 1_767_326_600,
        ]
        change(&claims)
        let (token, keys) = try source.jws(.object(claims), type: type)
        let bearer = "Bearer " + String(decoding: token, as: UTF8.self)
        do throws(Rejection) {
            let alert = try source.shape.receive(
                InboundDelivery(headers: ["authorization": bearer], body: Array("{}".utf8)), source: "s",
                secrets: [keys], settings: source.settings, id: AlertID(stem: "01"), at: Self.now)
            return alert.originProof.rawValue
        } catch { return error.rawValue }
    }

    @Test func `a bearer is taken of its issuer, for this audience, from that account and in its time`() throws {
        #expect(try outcome { _ in } == "channel")
        #expect(try outcome { $0["iss"] = "accounts.google.com" } == "channel")
        #expect(try outcome { $0["iss"] = "https://accounts.google.com.evil.example" } == "signature_wrong")
        #expect(try outcome { $0["aud"] = "another" } == "signature_wrong")
        #expect(try outcome { $0["email"] = "other@example.com" } == "signature_wrong")
        #expect(try outcome { $0["email_verified"] = false } == "signature_wrong")
        #expect(try outcome { $0["email_verified"] = nil } == "signature_wrong")
        #expect(try outcome { $0["exp"] = nil } == "signature_wrong")
        #expect(try outcome { $0["exp"] = 1_767_322_985 } == "timestamp_stale")
        #expect(try outcome { $0["exp"] = 1_767_322_986 } == "channel")
        #expect(try outcome { $0["nbf"] = 1_767_323_105 } == "timestamp_stale")
        #expect(try outcome { $0["iat"] = 1_767_323_105 } == "timestamp_stale")
        #expect(try outcome { $0["exp"] = 1e300 } == "signature_wrong")
    }

    @Test func `another key, no key and no token are one refusal`() throws {
        let source = try SigningSource("google-scc")
        let sent = try source.sent(["finding": [:]])
        func outcome(_ headers: [String: String], _ secrets: [Secret]) -> Rejection? {
            do throws(Rejection) {
                _ = try source.shape.receive(
                    InboundDelivery(headers: headers, body: sent.delivery.body), source: "s", secrets: secrets,
                    settings: source.settings, id: AlertID(stem: "01"), at: Self.now)
                return nil
            } catch { return error }
        }
        #expect(outcome(sent.delivery.headers, [sent.secret]) == nil)
        #expect(outcome(sent.delivery.headers, [Secret(#"{"keys":[]}"#)]) == .signatureWrong)
        #expect(outcome([:], [sent.secret]) == .signatureMissing)
        #expect(outcome(["authorization": "Bearer x.y.z"], [sent.secret]) == .signatureWrong)
        #expect(outcome(["authorization": "Basic YTpi"], [sent.secret]) == .signatureWrong)
    }
}

/// Data of others, read in place; without it says loudly what is not tested.
func sharedData(_ path: String) throws -> [UInt8]? {
    var folder = URL(filePath: #filePath)
    while folder.path != "/" {
        folder.deleteLastPathComponent()
        let candidate = folder.appending(path: "shared/data/\(path)")
        if FileManager.default.fileExists(atPath: candidate.path) { return Array(try Data(contentsOf: candidate)) }
    }
    print("skipped: no shared/data/\(path) above this file; its vectors are not tested")
    return nil
}
