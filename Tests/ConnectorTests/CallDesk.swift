// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Testing

/// One provider with all that a call of it needs, each part of which a test may change between intent and sending.
struct CallDesk {
    var shape: ProviderShape
    var settings: [String: String]
    var connectionSecrets: [String: SecretReference] = [:]
    var secrets: [String: String] = [:]
    var inventory: Inventory
    let transport: any Transport
    var tokens = TokenDesk()
    var egress = EgressPolicy(allowsLoopback: true)
    var now = Instant.start

    private static let subject = Subject(kind: .credential, id: "deploy-token", provider: "auth")

    /// The shipped connector of OAuth 2.0 servers, with secrets that need escaping.
    static func oauth() throws -> CallDesk {
        CallDesk(
            shape: try #require(try shippedConnector("oauth2").provider),
            settings: [
                "introspection_endpoint": "https://auth.example/introspect",
                "revocation_endpoint": "https://auth.example/revoke", "client_id": "cordon",
            ],
            connectionSecrets: ["client_secret": .environment("CLIENT")],
            secrets: ["CLIENT": "p@ss:word", "TOKEN": "t/0 k&n"],
            inventory: Inventory(
                identities: [
                    Inventory.Identity(
                        subject: subject, matches: ["number": 7], secrets: ["token": .environment("TOKEN")])
                ], digest: "sha256:inventory"),
            transport: ScriptedTransport { _, _ in .answered(200, #"{"active":true}"#) })
    }

    /// The shipped connector that posts a JSON body.
    static func posting() throws -> CallDesk {
        try with(#require(try shippedConnector("sink").provider), url: "https://sink.example/in")
    }

    /// A connector of a test's own with one setting, `url`, and no secrets.
    static func with(
        _ shape: ProviderShape, url: String = "https://api.example",
        transport: any Transport = ScriptedTransport { _, _ in .answered(200, "{}") }
    ) -> CallDesk {
        CallDesk(
            shape: shape, settings: ["url": url], inventory: Inventory(identities: [], digest: ""),
            transport: transport)
    }

    var provider: Provider {
        Provider(
            connection: Connections.Provider(
                id: "auth", connector: "oauth2", settings: settings, secrets: connectionSecrets,
                egress: egress),
            shape: shape)
    }

    var sealer: CallSealer { CallSealer(providers: ["auth": provider], key: Secret("the installation's own key")) }

    /// What was sent by a transport that remembers it.
    var requests: [OutboundRequest] { (transport as? ScriptedTransport)?.requests ?? [] }

    func draft(_ capability: String, _ purpose: Call.Purpose, _ arguments: Value) -> CallDraft {
        CallDraft(
            run: RunID(stem: "01"), step: "a", number: 1, purpose: purpose, capability: capability, provider: "auth",
            arguments: arguments)
    }

    /// The call as its intent would be stored.
    func call(_ capability: String, _ purpose: Call.Purpose, _ arguments: Value) throws -> Call {
        Call(
            number: 1, purpose: purpose, attempt: 1, capability: capability, provider: "auth",
            effectClass: try #require(shape.actions[capability]).effectClass, arguments: arguments,
            seal: try sealer.seal(draft(capability, purpose, arguments)).get(), intendedAt: now,
            deadline: now.adding(milliseconds: 10_000))
    }

    func perform(_ call: Call, until latest: Instant? = nil) async -> ReadAnswer {
        await perform(call, by: performer, until: latest)
    }

    /// One process: what is in its memory is gone with it.
    var performer: Performer {
        let now = now
        return performer { now }
    }

    func performer(_ clock: @escaping @Sendable () -> Instant) -> Performer {
        let (inventory, secrets) = (inventory, secrets)
        return Performer(
            providers: ["auth": provider], inventory: { inventory },
            secrets: SecretReader(folder: "/nowhere", environment: { secrets[$0] }), transport: transport,
            sealer: sealer, tokens: tokens, clock: clock)
    }

    func perform(_ call: Call, by performer: Performer, until latest: Instant? = nil) async -> ReadAnswer {
        await performer.performInTurn(
            Errand(run: RunID(stem: "01"), step: "a", call: call, subject: Self.subject, latest: latest))
    }
}

extension OutboundRequest {
    var text: String? { body.map { String(decoding: $0, as: UTF8.self) } }

    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}
