// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Crypto
import Foundation
import TestKit

/// One of the five use cases as it is tried: a playbook that ships, and the real server at which it acts.
protocol UseCase: Sendable {
    var playbook: String { get }
    /// Before the names of its identities.
    var prefix: String { get }
    /// The step that contains, and what it does.
    var containing: String { get }
    var capability: String { get }
    /// What people are asked once it is contained; `nil` where nothing is to be judged.
    var question: Question? { get }

    /// Has the real source, or whoever stands for it, accuse the identity.
    func accuse(_ id: String, _ ward: Ward) async throws
    /// As the real server, or whoever uses the identity there, sees it.
    func isContained(_ id: String) async throws -> Bool
    /// What a confirmation brings about, beyond that it stays contained.
    func expectConfirmed(_ id: String) async throws
}

struct Question: Sendable {
    var step: String
    var confirm, release: String
    /// What follows a confirmation.
    var follows: String?
    var quorum = 1
}

/// The identities of a use case: one for each way that it can go, and a wave.
enum Way {
    static let waveCount = 4
    static let single = ["right", "wrong", "tier0", "down", "crash", "shadow"]
    static let wave = (1...waveCount).map { "wave-\($0)" }
    static let all = single + wave

    /// Room for those that are contained by themselves, and for two of the wave.
    static let guards = """
        protected: { deny: [tag/break-glass], ask: [tag/tier0, owner/board] }
        limits: { per_playbook: 6, per_provider: 100, per_owner: 100, per_hour: 100, share: 100% }
        surge: { cap: 1000 }
        breaker: { at_least: 200 }

        """
}

/// What the installations of the use cases share: a signed feed in Cordon's own format beside GitHub's hook.
enum Feed {
    private static let key = "a webhook's key for use cases, 32"

    static let sources = """
        sources:
          - { id: github, connector: github, secrets: [{ file: hook-secret }] }
          - { id: feed, connector: native, secrets: [{ file: feed-secret }] }

        """

    static func furnish(_ installation: Installation) throws {
        try installation.secret("whsec_" + Data(key.utf8).base64EncodedString(), as: "feed-secret")
        try installation.scratch.write(Way.guards, to: "guards.yaml")
    }

    /// One signal, signed as Standard Webhooks are.
    static func post(_ kind: String, _ id: String, _ signal: Value, _ ward: Ward) async throws {
        let body: Value = [
            "kind": .string(kind), "id": .string("event-\(id)"), "severity": "high", "signal": signal,
        ]
        let time = String(Int(Date.now.timeIntervalSince1970))
        let code = HMAC<SHA256>.authenticationCode(
            for: Array("m-\(id).\(time).\(body.json)".utf8), using: SymmetricKey(data: Array(key.utf8)))
        let answer = try await ward.serving.web.ask(
            "POST", ward.serving.url + "/hooks/feed",
            headers: [
                ("content-type", "application/json"), ("webhook-id", "m-\(id)"), ("webhook-timestamp", time),
                ("webhook-signature", "v1," + Data(code).base64EncodedString()),
            ], body: body.json)
        guard answer.status == 202 else { throw Web.NoAnswer(reason: "the alert was answered with \(answer.status)") }
    }
}

/// An installation whose identities are all of one provider, under every playbook and workflow that ships.
struct ShippedHouse {
    struct Identity {
        var id: String
        var attributes: Value = [:]
        var matches: Value
        var secret: (name: String, text: String)?
    }

    var connector: String
    var settings: Value
    var secrets: [String: String]
    var kind: String
    var identities: [Identity]

    func ward() async throws -> Ward {
        let installation = try Installation.alone()
        try Feed.furnish(installation)
        for (name, text) in secrets { try installation.secret(text, as: "provider-\(name)") }
        let references = secrets.keys.sorted().map { "\($0): { file: provider-\($0) }" }.joined(separator: ", ")
        try installation.scratch.write(
            Feed.sources + """
                providers:
                  - id: idp
                    connector: \(connector)
                    settings: \(settings.json)
                    secrets: { \(references) }
                    egress: { plain_http: true, loopback: true }

                """, to: "connections.yaml")
        var inventory = "identities:\n"
        for identity in identities {
            let tags = identity.id.hasSuffix("tier0") ? "[tier0]" : "[]"
            inventory +=
                "  - { id: \(identity.id), kind: \(kind), provider: idp, owner: team/tests, tags: \(tags), "
                + "matches: \(identity.matches.json), attributes: \(identity.attributes.json)"
            if let secret = identity.secret {
                try installation.secret(secret.text, as: identity.id)
                inventory += ", secrets: { \(secret.name): { file: \(identity.id) } }"
            }
            inventory += " }\n"
        }
        try installation.scratch.write(inventory, to: "identities.yaml")
        return try await Ward(serving: installation)
    }
}
