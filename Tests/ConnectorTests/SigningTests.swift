// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation
import Testing

/// Requests under AWS Signature Version 4, beside the signatures that another implementation gives for the same.
@Suite struct SigningTests {
    private static let text = """
        connector: signed
        title: A signed service
        vendor: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
        provider:
          settings: { url: { type: url }, region: { type: string } }
          secrets: [id, key]
          optional_secrets: [session]
          subject_secrets: []
          authentication:
            scheme: sigv4
            access_key: id
            secret_key: key
            session_token: session
            region: region
            service: SERVICE
          capabilities:
            credential.delete:
              class: convergent
              request: { method: POST, to: url, form: { Action: DeleteAccessKey } }
              answers: { done: [200] }
              state:
                request: { REQUEST }
                answers: { done: [200] }
        """

    private func desk(_ request: String, service: String = "iam", region: String = "us-east-1", url: String) throws
        -> CallDesk
    {
        let yaml = Self.text.replacingOccurrences(of: "REQUEST", with: request)
            .replacingOccurrences(of: "SERVICE", with: service)
        var desk = CallDesk.with(try #require(try connector("signed", yaml).provider), url: url)
        desk.settings["region"] = region
        desk.connectionSecrets = ["id": .environment("ID"), "key": .environment("KEY")]
        desk.secrets = ["ID": "AKIAEXAMPLEEXAMPLE01", "KEY": "secret/key+with=signs", "SESSION": "session+token=="]
        desk.now = try #require(Instant(rfc3339: "2026-11-25T18:04:05.678Z"))
        return desk
    }

    private func authorization(_ desk: CallDesk) async throws -> String {
        #expect(await desk.perform(try desk.call("credential.delete", .before, [:])).outcome.kind == .done)
        return try #require(desk.requests.last?.header("authorization"))
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var request: String
        var url: String
        var service = "iam"
        var region = "us-east-1"
        var names: String
        var signature: String
        var testDescription: String { "\(request) \(url)" }
    }

    static let cases = [
        Case(
            request: "method: POST, to: url, path: /, form: { Action: ListUsers, Version: \"2010-05-08\" }",
            url: "https://iam.amazonaws.com", names: "content-type;host;x-amz-date",
            signature: "d786134ffaeaa0412c8d0aa78e4d2276e426eb4e045d9a8e46b433e2e7270185"),
        Case(
            request: "method: GET, to: url", url: "https://iam.amazonaws.com/?b=2&a=1&a=0&c",
            names: "host;x-amz-date", signature: "5ca22b8ea475600e9699617e76980d96323865422c7a83a7cbc646404c12f7d3"),
        Case(
            request: "method: GET, to: url, path: \"/one%20two/${'thür~x'}\"",
            url: "https://sts.us-west-2.amazonaws.com",
            service: "sts", region: "us-west-2", names: "host;x-amz-date",
            signature: "e3dcf40198cdc2f6d91b450c46e5871f428225fa60685f6b48b37c0219f6b755"),
        Case(
            request: "method: POST, to: url, headers: { X-Amz-Meta: \"  a   b  \" }", url: "http://127.0.0.1:5566/",
            names: "host;x-amz-date;x-amz-meta",
            signature: "26ca8a600fa03c05899702d4e47860ecb3d26b5278443636e46c107d121101ce"),
        Case(
            request: "method: DELETE, to: url, path: /a/b, query: { \"y\": /, x: a b }",
            url: "https://iam.amazonaws.com:8443", names: "host;x-amz-date",
            signature: "be7019a22c5ca1fed708b36506c0b0ae5ca7724ab9b7c46ba263662ae6d7ad29"),
        // The object store signs the path as it is sent, and the digest of the body as a header.
        Case(
            request: "method: GET, to: url, path: /reports, query: { versions: \"true\", prefix: out/ }",
            url: "https://s3.eu-central-1.amazonaws.com", service: "s3", region: "eu-central-1",
            names: "host;x-amz-content-sha256;x-amz-date",
            signature: "44aee4c2a4aff66a053753591394df06c95c6d75084875c3c4012b9cdfa50791"),
        Case(
            request: "method: PUT, to: url, path: /reports, tail: out/a bü.csv, "
                + "headers: { X-Amz-Copy-Source: \"reports/out/a.csv?versionId=v1\" }",
            url: "https://s3.eu-central-1.amazonaws.com", service: "s3", region: "eu-central-1",
            names: "host;x-amz-content-sha256;x-amz-copy-source;x-amz-date",
            signature: "f06698af14731fbec96ae6450d35bc7ec939fc26bf1b372bf30067db92d57ebc"),
    ]

    @Test(arguments: cases)
    func `a request is signed as another implementation signs it`(_ known: Case) async throws {
        let desk = try desk(known.request, service: known.service, region: known.region, url: known.url)
        let header = try await authorization(desk)
        #expect(
            header
                == "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLEEXAMPLE01/20261125/\(known.region)/\(known.service)/aws4_request, "
                + "SignedHeaders=\(known.names), Signature=\(known.signature)")
        #expect(desk.requests.last?.header("x-amz-date") == "20261125T180405Z")
        #expect(desk.requests.last?.header("x-amz-security-token") == nil)
    }

    @Test func `each address is signed for its own service and region`() async throws {
        let yaml = Self.text.replacingOccurrences(of: "REQUEST", with: "method: GET, to: far")
            .replacingOccurrences(
                of: "{ url: { type: url },", with: "{ url: { type: url }, far: { type: url }, home: { type: string },"
            )
            .replacingOccurrences(of: "region: region", with: "region: { url: region, far: home }")
            .replacingOccurrences(of: "SERVICE", with: "{ url: iam, far: events }")
        var desk = CallDesk.with(try #require(try connector("signed", yaml).provider), url: "https://iam.amazonaws.com")
        desk.settings.merge(["region": "us-east-1", "home": "eu-west-1", "far": "https://events.example"]) { $1 }
        desk.connectionSecrets = ["id": .environment("ID"), "key": .environment("KEY")]
        desk.secrets = ["ID": "AKIAEXAMPLEEXAMPLE01", "KEY": "secret/key+with=signs"]
        desk.now = try #require(Instant(rfc3339: "2026-11-25T18:04:05.678Z"))
        #expect(try await authorization(desk).contains("/20261125/eu-west-1/events/aws4_request"))
        _ = await desk.perform(try desk.call("credential.delete", .act, [:]))
        #expect(desk.requests.last?.header("authorization")?.contains("/20261125/us-east-1/iam/aws4_request") == true)
    }

    @Test func `what temporary keys have beside them is sent and signed`() async throws {
        let known = Self.cases[0]
        var desk = try desk(known.request, url: known.url)
        desk.connectionSecrets["session"] = .environment("SESSION")
        #expect(
            try await authorization(desk).hasSuffix(
                "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=e68102a8b6efdc6daa09abdd0c3cc307f1c3eefa75d98ffdbcebc80f0809fe3c"
            ))
        #expect(desk.requests.last?.header("x-amz-security-token") == "session+token==")
    }

    @Test func `the key that makes a change repeatable is signed with it`() async throws {
        let desk = try desk(Self.cases[0].request, url: "https://iam.amazonaws.com")
        _ = await desk.perform(try desk.call("credential.delete", .act, [:]))
        let request = try #require(desk.requests.last)
        #expect(
            request.header("authorization")?.contains("SignedHeaders=content-type;host;idempotency-key;x-amz-date")
                == true)
    }

    @Test func `what is sealed holds neither the time nor a key, so it is the same request tomorrow`() throws {
        var desk = try desk(Self.cases[0].request, url: "https://iam.amazonaws.com")
        let draft = desk.draft("credential.delete", .act, [:])
        let seal = try desk.sealer.seal(draft).get()
        desk.now = desk.now.adding(milliseconds: 86_400_000)
        desk.secrets["KEY"] = "another"
        #expect(try desk.sealer.seal(draft).get() == seal)
    }
}
