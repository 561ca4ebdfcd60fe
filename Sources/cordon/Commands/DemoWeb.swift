// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEngine
import CordonLanguage
import CordonServer
import CordonStore
import Foundation

/// The practice provider as its clients know it.
struct DemoPractice: Sendable {
    var client: PracticeProvider.Client
    var url: String
}

/// What the demo does from outside: the client that holds the token, and the source that posts the alert.
struct DemoWeb: Sendable {
    let transport: CurlTransport

    func ask(
        _ method: String, _ url: String, _ headers: [(name: String, value: String)], _ body: [UInt8]? = nil
    ) async throws -> OutboundResponse {
        let delivery = await transport.send(
            OutboundRequest(
                method: method, url: url, headers: headers, body: body, timeoutMilliseconds: 5000,
                responseBytesMax: 65_536, egress: EgressPolicy(allowsPlainHTTP: true, allowsLoopback: true)))
        guard case .answered(let response) = delivery.fate else {
            throw CommandFailure(.failed, "\(url) did not answer")
        }
        return response
    }

    func token(_ practice: DemoPractice) async throws -> String {
        let pair = Data("\(practice.client.id):\(practice.client.secret)".utf8).base64EncodedString()
        let response = try await ask(
            "POST", practice.url + "/token",
            [("authorization", "Basic " + pair), ("content-type", "application/x-www-form-urlencoded")],
            Array("grant_type=client_credentials".utf8))
        guard let token = (try? JSON.parse(response.body))?["access_token"]?.stringValue else {
            throw CommandFailure(.failed, "the practice provider issued no token (HTTP \(response.status))")
        }
        return token
    }

    /// `200 OK` while the token lives, `401 Unauthorized` after.
    func use(_ token: String, _ practice: DemoPractice) async throws -> String {
        let status = try await ask("GET", practice.url + "/resource", [("authorization", "Bearer " + token)]).status
        return "\(status)\(status == 200 ? " OK" : status == 401 ? " Unauthorized" : "")"
    }

    /// Posts what GitHub posts when it finds a secret, signed as GitHub signs it.
    func postAlert(port: Int, secret: String) async throws -> AlertID {
        let body: Value = [
            "action": "created",
            "alert": [
                "number": 42, "created_at": .string("2026-11-23T18:04:05Z"), "state": "open",
                "html_url": "https://github.com/example/billing/security/secret-scanning/42",
                "secret_type": "example_api_token", "secret_type_display_name": "Example API Token",
                "validity": "active", "publicly_leaked": false, "multi_repo": false,
            ],
            "repository": ["id": 1_296_269, "name": "billing", "full_name": "example/billing", "private": true],
            "sender": ["login": "octocat", "id": 583_231, "type": "User"],
        ]
        let signing = SourceShape.Authentication.hmac(
            SourceShape.Signature(header: "x-hub-signature-256", prefix: "sha256=", encoding: .hex))
        let bytes = body.jsonBytes
        let key = Secret(Array(secret.utf8))
        guard let signed = signing.headers(bytes, delivery: "", with: key, at: SystemClock().now) else {
            throw CommandFailure(.failed, "the alert could not be signed")
        }
        let response = try await ask(
            "POST", "http://127.0.0.1:\(port)/hooks/github",
            [
                ("content-type", "application/json"), ("x-github-event", "secret_scanning_alert"),
                ("x-github-delivery", UUID().uuidString.lowercased()),
            ] + signed, bytes)
        guard response.status == 202, let text = (try? JSON.parse(response.body))?["alert"]?.stringValue,
            let id = AlertID(text)
        else { throw CommandFailure(.failed, "the alert was answered with \(response.status)") }
        return id
    }
}

/// Looks for the alert's run once it has ended.
struct EndedRun: Sendable {
    let alert: AlertID

    func find(_ store: SQLiteStore) async throws -> RunID? {
        var query = RunQuery()
        query.alert = alert
        query.phase = "ended"
        return try await store.runs(query).first?.id
    }
}
