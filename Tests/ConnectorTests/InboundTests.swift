// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation
import Testing

/// What is taken from outside and what is not: signature first, on the raw bytes, then the delivery's id.
@Suite struct InboundTests {
    /// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    private static let secret = Secret("It's a Secret to Everybody")
    private static let body = Array("Hello, World!".utf8)
    private static let code = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    private static let headers = [
        "x-hub-signature-256": "sha256=" + code, "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "x-github-event": "ping", "user-agent": "GitHub-Hookshot/044aadd",
    ]

    private let shape: SourceShape

    init() throws { shape = try #require(try shippedConnector("github").source) }

    /// The code that the vendor would send with a body.
    private func sign(_ body: [UInt8]) throws -> String {
        try #require(
            shape.authentication.headers(body, delivery: "d-1", with: Self.secret, at: .start)?.first?.value)
    }

    private func receive(
        _ headers: [String: String] = headers, _ body: [UInt8] = body, secrets: [Secret] = [secret]
    ) throws(Rejection) -> Alert {
        try shape.receive(
            InboundDelivery(headers: headers, body: body), source: "github-main", secrets: secrets,
            id: AlertID(stem: "01"), at: .start)
    }

    private func rejection(
        _ change: (inout [String: String]) -> Void, _ body: [UInt8] = body, secrets: [Secret] = [secret]
    ) -> Rejection? {
        var headers = Self.headers
        change(&headers)
        do throws(Rejection) {
            _ = try receive(headers, body, secrets: secrets)
            return nil
        } catch {
            return error
        }
    }

    @Test func `the vendor's documented example is taken, with what is known of it`() throws {
        let alert = try receive()
        #expect(alert.id == AlertID(stem: "01"))
        #expect(alert.source == "github-main")
        #expect(alert.deliveryID == "72d3162e-cc78-11e3-81ab-4c9367dc0958")
        #expect(alert.receivedAt == .start)
        #expect(alert.headers == ["x-github-event": "ping"])
        #expect(alert.body == Self.body)
        #expect(alert.bodyDigest == "sha256:dffd6021bb2bd5b0af676290809ec3a53191dd81c7f70a4b28688a362182986f")
        #expect(alert.originProof == .sharedSecret)
        #expect(alert.state == .received)
    }

    @Test func `signing gives the vendor's documented code`() throws {
        #expect(try sign(Self.body) == "sha256=" + Self.code)
    }

    @Test func `a signature in capital hex digits is the same signature`() throws {
        #expect(rejection { $0["x-hub-signature-256"] = "sha256=" + Self.code.uppercased() } == nil)
    }

    @Test func `one changed bit anywhere in the signature refuses the delivery`() {
        for place in 0..<Self.code.utf8.count {
            var digits = Array(Self.code.utf8)
            digits[place] = digits[place] == UInt8(ascii: "0") ? UInt8(ascii: "1") : UInt8(ascii: "0")
            let signature = "sha256=" + String(decoding: digits, as: UTF8.self)
            #expect(rejection { $0["x-hub-signature-256"] = signature } == .signatureWrong)
        }
    }

    @Test(arguments: ["Hello, World", "Hello, World!\n", "hello, World!", "", "Hello, World!\u{0}"])
    func `another body refuses the delivery, be it by white space alone`(_ body: String) {
        #expect(rejection({ _ in }, Array(body.utf8)) == .signatureWrong)
    }

    private static let misspelled: [String] = [
        "", "sha256=", code, "SHA256=\(code)", "Sha256=\(code)", "sha1=\(code)", "sha256:\(code)", " sha256=\(code)",
        "sha256=\(code) ", "sha256= \(code)", "sha256=\(code)00", "sha256=\(code.dropLast(2))",
        "sha256=\(code.dropLast())", "sha256=sha256=\(code)", "sha256=0x\(code)", "sha256=\(code),\(code)",
        "sha256=\(String(repeating: "0", count: 64))", "sha256=\(String(repeating: "g", count: 64))",
        "sha256=\(String(repeating: "０", count: 64))", "sha256=dXEH6g6yUJ/CESIczphLijdXC211hsIsRvQ3nIsEPhc=",
    ]

    @Test(arguments: misspelled)
    func `a signature of another form is wrong`(_ signature: String) {
        #expect(rejection { $0["x-hub-signature-256"] = signature } == .signatureWrong)
    }

    @Test func `a delivery without the signature, or with the legacy one only, is refused`() {
        #expect(rejection { $0["x-hub-signature-256"] = nil } == .signatureMissing)
        let legacy = rejection {
            $0["x-hub-signature-256"] = nil
            $0["x-hub-signature"] = "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59"
        }
        #expect(legacy == .signatureMissing)
    }

    @Test func `any secret of a rotation may have signed, and none signs for nobody`() throws {
        let others = [Secret("another"), Secret("a third")]
        #expect(rejection({ _ in }, secrets: others + [Self.secret]) == nil)
        #expect(rejection({ _ in }, secrets: [Self.secret] + others) == nil)
        #expect(rejection({ _ in }, secrets: others) == .signatureWrong)
        #expect(rejection({ _ in }, secrets: []) == .signatureWrong)
    }

    @Test func `a body of the bound is taken, one byte more is refused before anything is computed`() throws {
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: shape.bodyBytesMax)
        let signature = try sign(body)
        #expect(rejection({ $0["x-hub-signature-256"] = signature }, body) == nil)
        let longer = body + [UInt8(ascii: "x")]
        let itsSignature = try sign(longer)
        #expect(rejection({ $0["x-hub-signature-256"] = itsSignature }, longer) == .bodyTooLarge)
        #expect(rejection({ $0["x-hub-signature-256"] = nil }, longer) == .bodyTooLarge)
    }

    @Test func `a signed delivery without a usable id is told apart by its bytes`() throws {
        let longest = String(repeating: "d", count: Limits.deliveryIDBytesMax)
        let wide = String(repeating: "é", count: Limits.deliveryIDBytesMax / 2 + 1)
        for name in [nil, "", longest + "d", wide] as [String?] {
            var headers = Self.headers
            headers["x-github-delivery"] = name
            let alert = try receive(headers)
            #expect(alert.deliveryID == alert.bodyDigest)
        }
        var headers = Self.headers
        headers["x-github-delivery"] = longest
        #expect(try receive(headers).deliveryID == longest)
    }

    @Test func `who can't sign learns nothing about the rest of the delivery`() {
        let both = rejection {
            $0["x-hub-signature-256"] = "sha256=00"
            $0["x-github-delivery"] = nil
        }
        #expect(both == .signatureWrong)
    }

    @Test func `a kept header is cut to its bound in bytes`() throws {
        var headers = Self.headers
        let accents = String(repeating: "\u{301}", count: 4000)
        for value in ["a", "é", "e\u{301}"].map({ String(repeating: $0, count: 4000) }) + ["e" + accents] {
            headers["x-github-event"] = value
            let kept = try #require(try receive(headers).headers["x-github-event"])
            #expect(kept.utf8.count <= Limits.headerValueBytesMax)
        }
    }

    @Test func `the published vectors of this scheme come out as they say`() throws {
        guard let bytes = try sharedAlerts("signatures/webhook-vectors.json") else { return }
        let vectors = try #require(try JSON.parse(bytes).arrayValue).filter { $0["scheme"] == "github" }
        #expect(vectors.count >= 4)
        for vector in vectors {
            var headers = ["x-github-delivery": "a-delivery"]
            for (name, value) in vector["headers"]?.objectValue ?? [:] {
                headers[name.lowercased()] = value.stringValue
            }
            let body = try #require(vector["body_base64"]?.stringValue.flatMap { Data(base64Encoded: $0) })
            let secret = Secret(try #require(vector["secret"]?.stringValue))
            let isTaken = (try? receive(headers, Array(body), secrets: [secret])) != nil
            #expect(isTaken == (vector["expect"] == "accept"), "\(vector["note"]?.json ?? "")")
        }
    }

    @Test func `a source that signs nothing is taken as it is, told apart by its bytes, and proves nothing`() throws {
        var open = shape
        open.authentication = .none
        open.deliveryHeader = nil
        let alert = try open.receive(
            InboundDelivery(headers: [:], body: Self.body), source: "bench", secrets: [], id: AlertID(stem: "01"),
            at: .start)
        #expect(alert.deliveryID == alert.bodyDigest)
        #expect(alert.originProof == .none)
    }
}
