// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Crypto
import Foundation
import Testing

/// How deliveries show whose they are: every scheme, what it refuses, and the vendors' own vectors.
@Suite struct SourceAuthenticationTests {
    private static let body = Array(#"{"a":1}"#.utf8)
    private static let now = Instant(milliseconds: 1_767_323_045_000)

    private func receive(
        _ authentication: SourceShape.Authentication, _ headers: [String: String], _ body: [UInt8] = body,
        secrets: [String], at now: Instant = now
    ) -> Result<Alert.OriginProof, Rejection> {
        let shape = SourceShape(
            authentication: authentication, deliveryHeader: "x-id", keptHeaders: [], bodyBytesMax: 1 << 20, rules: [])
        var headers = headers
        headers["x-id"] = headers["x-id"] ?? "d-1"
        do throws(Rejection) {
            return .success(
                try shape.receive(
                    InboundDelivery(headers: headers, body: body), source: "s",
                    secrets: secrets.map { Secret(Array($0.utf8)) }, id: AlertID(stem: "01"), at: now
                ).originProof)
        } catch { return .failure(error) }
    }

    /// Signs as a sender would and hands it in, with one change.
    private func signed(
        _ authentication: SourceShape.Authentication, secret: String, at now: Instant = now, body: [UInt8] = body,
        _ change: (inout [String: String]) -> Void = { _ in }
    ) throws -> Result<Alert.OriginProof, Rejection> {
        let made = try #require(
            authentication.headers(Self.body, delivery: "d-1", with: Secret(Array(secret.utf8)), at: Self.now))
        var headers = Dictionary(made.map { ($0.name, $0.value) }) { first, _ in first }
        change(&headers)
        return receive(authentication, headers, body, secrets: ["another", secret], at: now)
    }

    /// The vectors of C. Wycheproof's project. A code that was cut is refused, though what is left of it is right.
    @Test func `every vector of Wycheproof for HMAC with SHA-256 is taken or refused as it says`() throws {
        guard let vectors = try sharedData("evidence/wycheproof/hmac_sha256_test.json") else { return }
        let scheme = SourceShape.Authentication.hmac(
            SourceShape.Signature(header: "x-sig", prefix: "", encoding: .hex))
        let shape = SourceShape(
            authentication: scheme, deliveryHeader: "x-id", keptHeaders: [], bodyBytesMax: 1 << 20, rules: [])
        var (count, taken) = (0, 0)
        for group in (try JSON.parse(vectors))["testGroups"]?.arrayValue ?? [] {
            for test in group["tests"]?.arrayValue ?? [] {
                let headers = ["x-sig": test["tag"]?.stringValue ?? "", "x-id": "d-1"]
                let delivery = InboundDelivery(headers: headers, body: decoded(test["msg"]))
                let isTaken =
                    (try? shape.receive(
                        delivery, source: "s", secrets: [Secret(decoded(test["key"]))], id: AlertID(stem: "01"),
                        at: Self.now)) != nil
                let isValid = test["result"] == "valid" && group["tagSize"] == 256
                #expect(isTaken == isValid, "\(test["tcId"]?.json ?? "") \(test["comment"]?.json ?? "")")
                count += 1
                if isTaken { taken += 1 }
            }
        }
        #expect(count == 174)
        #expect(taken > 30)
    }

    private func decoded(_ hex: Value?) -> [UInt8] {
        let digits = Array(hex?.stringValue ?? "")
        return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
    }

    private static let timed = SourceShape.Authentication.hmac(
        SourceShape.Signature(
            header: "x-sig", prefix: "v1=", encoding: .hex, hash: .sha512, separator: ",",
            signed: [.timestamp, .delivery, .body],
            timestamp: SourceShape.Signature.Timestamp(header: "x-time", toleranceMilliseconds: 60_000)))

    @Test func `a code over time, delivery and body holds for exactly these`() throws {
        #expect(try signed(Self.timed, secret: "s") == .success(.sharedSecret))
        #expect(try signed(Self.timed, secret: "s") { $0["x-time"] = "1767323046" } == .failure(.signatureWrong))
        #expect(try signed(Self.timed, secret: "s") { $0["x-id"] = "d-2" } == .failure(.signatureWrong))
        #expect(try signed(Self.timed, secret: "s", body: Self.body + [32]) == .failure(.signatureWrong))
        #expect(try signed(Self.timed, secret: "s") { $0["x-time"] = nil } == .failure(.signatureMissing))
        #expect(try signed(Self.timed, secret: "s") { $0["x-sig"] = "v1=" } == .failure(.signatureWrong))
    }

    @Test func `of several signatures one must hold, and unknown versions are passed over`() throws {
        let held = try signed(Self.timed, secret: "s") { $0["x-sig"] = "v2=00, v1=abcd, " + ($0["x-sig"] ?? "") }
        #expect(held == .success(.sharedSecret))
        let none = try signed(Self.timed, secret: "s") { $0["x-sig"] = "v2=00, v1=abcd" }
        #expect(none == .failure(.signatureWrong))
    }

    @Test(arguments: [(-60_000, true), (-59_999, false), (59_999, false), (60_000, true)] as [(Int64, Bool)])
    func `what was signed exactly so long ago, or ahead, is stale`(_ distance: Int64, _ isStale: Bool) throws {
        let found = try signed(Self.timed, secret: "s", at: Self.now.adding(milliseconds: distance))
        #expect(found == (isStale ? .failure(.timestampStale) : .success(.sharedSecret)))
    }

    @Test func `a stale time that nobody signed is told as a wrong signature`() throws {
        let found = try signed(Self.timed, secret: "s") { $0["x-time"] = "1" }
        #expect(found == .failure(.signatureWrong))
    }

    @Test(arguments: ["whsec_Y29yZG9uLXN0YW5kYXJkLXdlYmhvb2sta2V5LTAwMDE="])
    func `a Standard Webhook is signed and checked`(_ secret: String) throws {
        let scheme = SourceShape.Authentication.standardWebhooks(toleranceMilliseconds: 300_000)
        #expect(try signed(scheme, secret: secret) == .success(.sharedSecret))
        #expect(try signed(scheme, secret: secret) { $0["webhook-id"] = "d-2" } == .failure(.signatureWrong))
        let late = try signed(scheme, secret: secret, at: Self.now.adding(milliseconds: 300_000))
        #expect(late == .failure(.timestampStale))
        #expect(scheme.headers(Self.body, delivery: "d", with: Secret(Array("plain".utf8)), at: Self.now) == nil)
    }

    @Test func `an asymmetric Standard Webhook proves its author to others`() throws {
        let key = Curve25519.Signing.PrivateKey()
        let code = try key.signature(for: Array("d-1.1767323045.".utf8) + Self.body)
        let scheme = SourceShape.Authentication.standardWebhooks(toleranceMilliseconds: 300_000)
        let headers = [
            "webhook-id": "d-1", "webhook-timestamp": "1767323045",
            "webhook-signature": "v1a," + Data(code).base64EncodedString(),
        ]
        let secret = "whpk_" + key.publicKey.rawRepresentation.base64EncodedString()
        #expect(receive(scheme, headers, secrets: [secret]) == .success(.asymmetric))
        #expect(receive(scheme, headers, Self.body + [32], secrets: [secret]) == .failure(.signatureWrong))
        var dotted = headers
        dotted["webhook-id"] = "d.1"
        #expect(receive(scheme, dotted, secrets: [secret]) == .failure(.signatureWrong))
    }

    @Test func `an elliptic curve's signature is checked under the public key`() throws {
        let key = P256.Signing.PrivateKey()
        let code = try key.signature(for: Self.body).derRepresentation.base64EncodedString()
        let scheme = SourceShape.Authentication.ecdsaP256(header: "x-sig")
        let pem = key.publicKey.pemRepresentation
        let other = P256.Signing.PrivateKey().publicKey.pemRepresentation
        #expect(receive(scheme, ["x-sig": code], secrets: [other, pem]) == .success(.asymmetric))
        #expect(receive(scheme, ["x-sig": code], secrets: [other]) == .failure(.signatureWrong))
        #expect(receive(scheme, ["x-sig": "AAAA"], secrets: [pem]) == .failure(.signatureWrong))
        #expect(receive(scheme, [:], secrets: [pem]) == .failure(.signatureMissing))
    }

    @Test func `a token and a password are compared whole`() throws {
        let bearer = SourceShape.Authentication.token(header: "authorization", prefix: "Bearer ")
        #expect(receive(bearer, ["authorization": "Bearer t0k"], secrets: ["t0k"]) == .success(.channel))
        for wrong in ["Bearer t0", "Bearer t0kk", "t0k", "bearer t0k"] {
            #expect(receive(bearer, ["authorization": wrong], secrets: ["t0k"]) == .failure(.signatureWrong))
        }
        #expect(try signed(.basic, secret: "ann:pass") == .success(.channel))
        #expect(receive(.basic, ["authorization": "Basic AAAA"], secrets: ["ann:pass"]) == .failure(.signatureWrong))
        let open = SourceShape.Authentication.token(header: "authorization", prefix: "")
        #expect(receive(open, ["authorization": ""], secrets: [""]) == .failure(.signatureWrong))
    }

    @Test func `a key that anybody could guess signs nothing, and a full stop in a signed id is refused`() throws {
        let scheme = SourceShape.Authentication.standardWebhooks(toleranceMilliseconds: 300_000)
        for secret in ["whsec_", "whsec_AAAA"] {
            #expect(
                scheme.headers(Self.body, delivery: "d", with: Secret(Array(secret.utf8)), at: Self.now) == nil)
        }
        #expect(try signed(Self.timed, secret: "s") { $0["x-id"] = "d.1" } == .failure(.signatureWrong))
    }

    @Test func `what a browser's page posts to a source that signs nothing is refused`() {
        #expect(receive(.none, [:], secrets: []) == .success(.none))
        for name in ["origin", "sec-fetch-site"] {
            #expect(receive(.none, [name: "https://evil.example"], secrets: []) == .failure(.signatureMissing))
        }
    }

    // MARK: The vendors' own

    private static let vendors: [String: SourceShape.Authentication] = [
        "github": .hmac(SourceShape.Signature(header: "x-hub-signature-256", prefix: "sha256=", encoding: .hex)),
        "standard-webhooks": .standardWebhooks(toleranceMilliseconds: 300_000),
        "pagerduty-v3": .hmac(
            SourceShape.Signature(header: "x-pagerduty-signature", prefix: "v1=", encoding: .hex, separator: ",")),
        "gitguardian": .hmac(
            SourceShape.Signature(
                header: "gitguardian-signature", prefix: "sha256=", encoding: .hex, key: [.timestamp, .secret],
                timestamp: SourceShape.Signature.Timestamp(header: "timestamp", toleranceMilliseconds: 60_000))),
        "sentry": .hmac(SourceShape.Signature(header: "sentry-hook-signature", prefix: "", encoding: .hex)),
        "keycloak-phasetwo": .hmac(SourceShape.Signature(header: "x-keycloak-signature", prefix: "", encoding: .hex)),
        "okta-event-hook": .token(header: "authorization", prefix: ""),
        "github-secret-scanning-partner": .ecdsaP256(header: "github-public-key-signature"),
    ]

    /// What others published, beside the repository; said loudly where it is not.
    private static func outside(_ path: String) -> Data? {
        var folder = URL(filePath: #filePath).deletingLastPathComponent()
        while folder.path != "/" {
            if let bytes = try? Data(contentsOf: folder.appending(path: "shared/data/" + path)) { return bytes }
            folder.deleteLastPathComponent()
        }
        print("skipped: no shared/data/\(path) beside the repository")
        return nil
    }

    @Test func `every published vector is taken or refused as its vendor says`() throws {
        guard let bytes = Self.outside("alerts/signatures/webhook-vectors.json") else { return }
        let vectors = try #require(try JSON.parse(Array(bytes)).arrayValue)
        #expect(vectors.count == 17)
        for vector in vectors {
            let scheme = try #require(vector["scheme"]?.stringValue)
            let authentication = try #require(Self.vendors[scheme], "no authentication for \(scheme)")
            var headers: [String: String] = [:]
            for (name, value) in vector["headers"]?.objectValue ?? [:] {
                headers[name.lowercased()] = value.stringValue
            }
            let body = Array(try #require(Data(base64Encoded: vector["body_base64"]?.stringValue ?? "")))
            let time = headers["webhook-timestamp"] ?? headers["timestamp"] ?? "1767323045"
            let now = Instant(milliseconds: (Int64(time) ?? 0) * 1000)
            let found = receive(
                authentication, headers, body, secrets: [vector["secret"]?.stringValue ?? ""], at: now)
            let isTaken = if case .success = found { true } else { false }
            #expect(isTaken == (vector["expect"] == "accept"), "\(scheme): \(vector["note"]?.stringValue ?? "")")
        }
    }
}
