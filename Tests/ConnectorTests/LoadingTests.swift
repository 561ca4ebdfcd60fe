// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Testing

/// Connectors and connections, read: good files as they are meant, and every mistake with its number, place and words.
@Suite struct LoadingTests {
    @Test func `a good connector loads with every field as it is written`() throws {
        let connector = try DefinitionSketch.connector.loadConnector().get()
        #expect(connector.name == "desk" && connector.title == "A desk")
        #expect(connector.vendor == "https://desk.example/api")
        #expect(connector.digest == "sha256:desk")
        let source = try #require(connector.source)
        #expect(
            source.authentication
                == .hmac(SourceShape.Signature(header: "x-desk-signature", prefix: "v1=", encoding: .base64)))
        #expect(source.deliveryHeader == "x-desk-delivery")
        #expect(source.keptHeaders == ["x-desk-event"])
        #expect(source.bodyBytesMax == 4096)
        #expect(source.rules.map(\.kind) == [nil, "secret.exposed"])
        #expect(
            source.rules[1].attributes.keys.sorted() == [
                "credential", "exposure", "location", "secret_type", "validity",
            ])
        let provider = try #require(connector.provider)
        #expect(
            provider.settings == [
                "base": .init(kind: .url, isRequired: true), "tenant": .init(kind: .string, isRequired: false),
                "client": .init(kind: .string, isRequired: true),
            ])
        #expect(provider.secrets == ["key"] && provider.subjectSecrets == ["token"])
        #expect(provider.authentication == .basic(user: "client", password: "key"))
        let revoke = try #require(provider.actions["tokens.revoke"])
        #expect(revoke.effectClass == .convergent && revoke.timeoutMilliseconds == 20_000)
        #expect(revoke.act.request.method == "DELETE" && revoke.act.request.to == "base")
        #expect(revoke.act.answers == ProviderShape.Answers(done: [200, 204], already: [410], later: [503]))
        #expect(revoke.state?.request.method == "GET" && revoke.state?.keep == ["active"])
        let capture = try #require(provider.actions["evidence.capture"])
        #expect(capture.timeoutMilliseconds == Limits.callTimeoutMillisecondsDefault)
        #expect(capture.act.answers == ProviderShape.Answers(done: [200], refused: [404]))
        #expect(capture.state == nil)
    }

    @Test func `an address that its connection can't reach is told when it is read`() throws {
        let desk = try DefinitionSketch.connector.loadConnector().get()
        func told(_ address: String, _ egress: String = "") throws -> [String] {
            let sketch = DefinitionSketch.connections.changed("https://desk.internal", to: "\"\(address)\"").changed(
                "{ key: { file: state/two } }\n", to: "{ key: { file: state/two } }\n    \(egress)\n")
            let connections = try sketch.loadConnections().get()
            return connections.closedAddresses(["desk": desk], bytes: Array(sketch.text.utf8), file: sketch.file)
                .map(\.text)
        }
        #expect(try told("https://desk.internal") == [])
        #expect(try told("https://10.1.2.3") != [])
        #expect(try told("https://10.1.2.3", "egress: { networks: [10.0.0.0/8] }") == [])
        #expect(try told("https://[::1]:8443/x", "egress: { loopback: true }") == [])
        #expect(try told("https://[::1]:8443/x") != [])
        #expect(
            try told("https://localhost") == [
                """
                connections.yaml:13:13: warning[P044]: every call to 'base' of 'login-two' will be refused: 127.0.0.1 is \
                a loopback address; the egress policy doesn't open it (open it: egress: { loopback: true }, or egress: \
                { networks: [NETWORK] })
                 13 |       base: "https://localhost"
                    |             ^^^^^^^^^^^^^^^^^
                """
            ])
    }

    @Test func `what a connector leaves out has its standard`() throws {
        let connector = try DefinitionSketch.connector
            .changed("  headers: [X-Desk-Event]\n  body_bytes_max: 4096\n", to: "")
            .changed(", prefix: \"v1=\"", to: "").changed(
                "scheme: basic, user: client, password: key", to: "scheme: none"
            )
            .loadConnector().get()
        #expect(connector.source?.keptHeaders == [])
        #expect(connector.source?.bodyBytesMax == Limits.bodyBytesMax)
        #expect(
            connector.source?.authentication
                == .hmac(SourceShape.Signature(header: "x-desk-signature", prefix: "", encoding: .base64)))
        #expect(connector.provider?.authentication == ProviderShape.Authentication.none)
    }

    @Test func `good connections load with every field as they are written`() throws {
        let connections = try DefinitionSketch.connections.loadConnections().get()
        #expect(connections.sources.map(\.id) == ["desk-main", "desk-two"])
        #expect(connections.source("desk-main")?.secrets == [.file("state/hook")])
        #expect(connections.source("desk-two")?.secrets == [.environment("NEW"), .environment("OLD")])
        let first = try #require(connections.providers.first)
        #expect(first.id == "login" && first.connector == "desk")
        #expect(first.settings == ["base": "https://desk.example", "client": "cordon"])
        #expect(first.secrets == ["key": .environment("DESK_KEY")])
        #expect(first.egress == EgressPolicy(allowedNetworks: ["10.0.0.0/8"]))
        let second = try #require(connections.providers.last)
        #expect(second.settings == ["base": "https://desk.internal", "client": "cordon", "tenant": "two"])
        #expect(second.secrets == ["key": .file("state/two")])
        #expect(second.egress == EgressPolicy())
    }

    @Test func `Cordon's own identities are those that a connection names, and those that it signs in as`() throws {
        let sketch = DefinitionSketch.connections.changed(
            "secrets: { key: { env: DESK_KEY } }", to: "secrets: { key: { env: DESK_KEY } }\n    signs_in_as: [robot]")
        let connector = try DefinitionSketch.connector.loadConnector().get()
        let connections = try sketch.loadConnections().get()
        func identity(_ id: String, _ provider: String, _ attributes: Value) -> Inventory.Identity {
            Inventory.Identity(
                subject: Subject(kind: .serviceAccount, id: id, provider: provider, attributes: attributes),
                matches: ["name": .string(id)])
        }
        let inventory = Inventory(
            identities: [
                identity("robot", "elsewhere", [:]), identity("signs-in", "login-two", ["client": "cordon"]),
                identity("another-name", "login", ["name": "cordon"]),
                identity("another-provider", "elsewhere", ["client": "cordon"]),
                identity("another-client", "login", ["client": "billing"]),
            ], digest: "sha256:i")
        #expect(
            connections.ownIdentities(inventory, ["desk": connector]) == ["robot": "login", "signs-in": "login-two"])
    }

    @Test(arguments: DefinitionMistake.all)
    func `a mistake is told by number, place and words`(_ mistake: DefinitionMistake) throws {
        let refusal = try #require(try mistake.sketch.refusal, "the file must not load")
        #expect(refusal.all.map(\.code) == [mistake.code])
        #expect(refusal.text == mistake.text)
    }

    @Test(arguments: [
        DefinitionCode.notOffered, .badSetting, .badSecret, .badPath, .unknownCapability, .repeatedName, .badAnswer,
        .badReversal, .foreignAnswer,
    ])
    func `every number that these loaders give has a mistake that shows it`(_ code: DefinitionCode) {
        #expect(DefinitionMistake.all.contains { $0.code == code.rawValue })
    }

    @Test func `a source keeps as many headers as the limit says and not one more`() throws {
        func connector(_ count: Int) -> DefinitionSketch {
            let names = (1...count).map { "x-\($0)" }.joined(separator: ", ")
            return .connector.changed("headers: [X-Desk-Event]", to: "headers: [\(names)]")
        }
        #expect(
            try connector(Limits.keptHeadersMax).loadConnector().get().source?.keptHeaders.count
                == Limits.keptHeadersMax)
        let many = try #require(try connector(Limits.keptHeadersMax + 1).refusal?.all.first)
        #expect(many.code == "P037")
        #expect(many.message == "17 headers, the limit is 16 (keptHeadersMax)")
    }

    @Test func `several mistakes of one file are all told, in the order of their lines`() throws {
        let sketch = DefinitionSketch.connector
            .changed("kind: secret.exposed", to: "kind: secret.leaked")
            .changed("scheme: basic, user: client", to: "scheme: basic, user: nobody")
            .changed("already: [410]", to: "already: [4100]")
        let all = try #require(try sketch.refusal).all
        #expect(all.map(\.code) == ["P031", "P044", "P044"])
        #expect(all.map(\.place.line) == all.map(\.place.line).sorted())
    }
}
