// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Synchronization
import TestKit
import Testing

/// Connectors that ship against a server that answers as no vendor wants to: over a real socket, each fault means the
/// same whoever the vendor is, but for what their own pages say of a repeat.
@Suite struct FaultServerTests {
    /// A connector, what is asked of it, and what it makes of answers whose meaning vendors differ in.
    struct Asked: Sendable, CustomTestStringConvertible {
        var connector: String
        var capability: String
        var own: [Int: Outcome.Kind] = [:]
        var limit: [String: String] = [:]
        var testDescription: String { "\(connector) \(capability)" }
    }

    /// Fifteen seconds from the tests' now, as the vendors with headers of their own say it.
    private static let reset = "\(Instant.start.milliseconds / 1000 + 15)"

    static let asked = [
        Asked(
            connector: "okta", capability: "account.suspend",
            limit: ["x-rate-limit-remaining": "0", "x-rate-limit-reset": reset]),
        Asked(connector: "entra", capability: "account.suspend", own: [409: .later], limit: ["retry-after": "15"]),
        Asked(
            connector: "auth0", capability: "account.suspend",
            limit: ["x-ratelimit-remaining": "0", "x-ratelimit-reset": reset]),
        Asked(
            connector: "gitlab", capability: "account.suspend",
            limit: ["ratelimit-remaining": "0", "ratelimit-reset": reset]),
        Asked(
            connector: "github", capability: "tokens.revoke", own: [404: .unknown],
            limit: ["x-ratelimit-remaining": "0", "x-ratelimit-reset": reset]),
        Asked(connector: "google-iam", capability: "credential.disable", limit: ["retry-after": "15"]),
        Asked(connector: "vault", capability: "account.suspend", limit: ["retry-after": "15"]),
        Asked(
            // Only the API server's own 404 says that it is gone.
            connector: "kubernetes", capability: "scopes.reduce", own: [404: .unknown, 504: .later],
            limit: ["retry-after": "15"]),
        Asked(connector: "keycloak", capability: "sessions.revoke", limit: ["retry-after": "15"]),
        Asked(connector: "keystone", capability: "account.suspend", limit: ["retry-after": "15"]),
        Asked(connector: "scim", capability: "account.suspend", limit: ["retry-after": "15"]),
        Asked(connector: "rabbitmq", capability: "sessions.revoke", limit: ["retry-after": "15"]),
        Asked(connector: "aws-iam", capability: "policy.deny_write", limit: ["retry-after": "15"]),
        Asked(connector: "aws-job", capability: "policy.deny_write", limit: ["retry-after": "15"]),
        Asked(connector: "oauth2", capability: "tokens.revoke", limit: ["retry-after": "15"]),
        Asked(
            connector: "github-credentials", capability: "tokens.revoke",
            limit: ["x-ratelimit-remaining": "0", "x-ratelimit-reset": reset]),
        Asked(connector: "okta", capability: "tokens.revoke", own: [404: .unknown], limit: ["retry-after": "15"]),
        // A second message would be one too many: even 503 leaves it open.
        Asked(connector: "slack", capability: "notify", own: [503: .unknown], limit: ["retry-after": "15"]),
    ]

    private static let attributes: Value = [
        "okta_id": "o", "collection": "users", "object_id": "o", "user_id": "u", "project": "p", "email": "e@x",
        "key_id": "k", "entity_id": "e", "namespace": "n", "role_binding": "r", "scim_id": "s", "user_name": "svc",
        "token_id": "t",
    ]

    private func arguments(_ asked: Asked) throws -> Value {
        let parameters = try #require(Capability.named(asked.capability)).parameters
        return .object(
            Dictionary(
                uniqueKeysWithValues: parameters.map { ($0.name, $0.takes == .subject ? Self.attributes : "text") }))
    }

    /// One server for all faults of a case: whoever asks for a token gets one, everything else gets the fault.
    private final class Bench: Sendable {
        private let server: LoopbackServer
        private let transport: CurlTransport
        private let desk: CallDesk
        private let call: Call
        private let fault: Fault

        /// What the handler, which is made before `self`, shares with it.
        private final class Fault: Sendable { let answer = Mutex(LoopbackServer.Answer.respond(500)) }

        init(_ asked: Asked, _ arguments: Value) throws {
            let fault = Fault()
            self.fault = fault
            server = try LoopbackServer { request in
                request.path == "/sign-in" || request.path.hasSuffix("/auth/tokens")
                    ? .respond(
                        request.path.hasSuffix("/auth/tokens") ? 201 : 200, ["x-subject-token": "t"],
                        #"{"access_token":"t","expires_in":3600,"token":{"expires_at":"2099-01-01T00:00:00Z"}}"#)
                    : fault.answer.withLock { $0 }
            }
            transport = try CurlTransport()
            let shape = try #require(try shippedConnector(asked.connector).provider)
            desk = Self.desk(shape, server.url, transport)
            call = try desk.call(asked.capability, .act, arguments)
        }

        private static func desk(_ shape: ProviderShape, _ url: String, _ transport: CurlTransport) -> CallDesk {
            var desk = CallDesk.with(shape, url: url + "/api", transport: transport)
            desk.egress.allowsPlainHTTP = true
            for (name, setting) in shape.settings where desk.settings[name] == nil {
                let isSignIn = name == "token_endpoint"
                desk.settings[name] = setting.kind == .url ? url + (isSignIn ? "/sign-in" : "/api") : "x"
            }
            let names = shape.secrets + shape.optionalSecrets + shape.subjectSecrets
            for name in names where !["client_certificate", "client_key"].contains(name) {
                desk.connectionSecrets[name] = .environment(name)
                desk.secrets[name] = ["private_key", "signing_key"].contains(name) ? PrivateKeys.rsa : "s"
            }
            desk.inventory = Inventory(
                identities: [
                    Inventory.Identity(
                        subject: Subject(kind: .credential, id: "deploy-token", provider: "auth"), matches: ["a": 1],
                        secrets: Dictionary(uniqueKeysWithValues: shape.subjectSecrets.map { ($0, .environment($0)) }))
                ], digest: "")
            return desk
        }

        /// The outcome, and how often the provider was asked for it, sign-ins aside.
        func outcome(
            timeoutMilliseconds: Int64 = 10_000, _ answer: LoopbackServer.Answer
        ) async -> (outcome: Outcome, asked: Int) {
            fault.answer.withLock { $0 = answer }
            let before = count
            var call = call
            call.deadline = desk.now.adding(milliseconds: timeoutMilliseconds)
            let outcome = await desk.perform(call).outcome
            return (outcome, count - before)
        }

        private var count: Int {
            server.requests.filter { $0.path != "/sign-in" && !$0.path.hasSuffix("/auth/tokens") }.count
        }

        func close() async {
            await transport.close()
            server.stop()
        }
    }

    private func bench(_ asked: Asked) throws -> Bench { try Bench(asked, try arguments(asked)) }

    @Test(arguments: asked)
    func `a refusal, a conflict and a fault of the provider's own mean what they must`(_ asked: Asked) async throws {
        let standard: [(Int, Outcome.Kind)] = [
            (400, .refused), (401, .refused), (403, .refused), (404, .refused), (409, .refused), (500, .unknown),
            (502, .unknown), (503, .later), (504, .unknown), (302, .refused),
        ]
        let bench = try bench(asked)
        for (status, kind) in standard {
            let told = await bench.outcome(.respond(status, ["content-type": "text/html"], "<html>no</html>"))
            // Okta's and others' rules on bodies find none here.
            #expect(told.outcome.kind == asked.own[status] ?? kind, "\(status): \(told.outcome.reason ?? "")")
            #expect(told.outcome.status == status)
            #expect(told.asked == (status == 401 && asked.signsIn ? 2 : 1), "\(status)")
        }
        await bench.close()
    }

    /// What answers where no provider does: a proxy, an ingress, gateways, web frameworks and a store of files.
    private static let foreign = [
        "", "<html><body><h1>404 Not Found</h1></body></html>", "404 page not found\n", "{}", "[]", "null",
        #"{"message":"no Route matched with those values"}"#, #"{"message":"Not Found"}"#, #"{"detail":"Not Found"}"#,
        #"{"statusCode":404,"error":"Not Found","message":"Not Found"}"#, #"{"error":"not_found"}"#,
        #"{"timestamp":"2026-01-01T00:00:00Z","status":404,"error":"Not Found","path":"/x"}"#,
        #"{"error":{"code":"404","message":"Resource not found"}}"#,
        "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>",
    ]

    @Test(arguments: ShippedConnectorTests.names)
    func `a 404 of somebody else counts as nothing, at whatever it was asked`(_ name: String) throws {
        guard let shape = try shippedConnector(name).provider else { return }
        for (capability, action) in shape.actions {
            let exchanges = [
                ("act", action.act, action.effectClass), ("state", action.state, .read),
                ("verify", action.verify, .read), ("undo", action.undo, action.effectClass),
            ]
            for (part, exchange, effectClass) in exchanges {
                guard let exchange else { continue }
                for body in Self.foreign {
                    let outcome = read(.answered(404, body), exchange, effectClass, at: .start).outcome
                    #expect(
                        outcome.kind != .done && outcome.kind != .already, "\(name) \(capability) \(part): \(body)")
                }
            }
        }
    }

    /// A gateway's page with any status, at whatever every connector asks: an act, a state, a proof, an undo.
    @Test(arguments: ShippedConnectorTests.names)
    func `a page of a gateway's own is no success of anything, and a busy one waits`(_ name: String) throws {
        guard let shape = try shippedConnector(name).provider else { return }
        let page = "<html><body>no</body></html>"
        for (capability, action) in shape.actions {
            let exchanges = [
                ("act", action.act, action.effectClass), ("state", action.state, EffectClass.read),
                ("verify", action.verify, .read), ("undo", action.undo, action.effectClass),
            ]
            for (part, exchange, effectClass) in exchanges {
                guard let exchange else { continue }
                func kind(_ status: Int) -> Outcome.Kind {
                    read(.answered(status, page), exchange, effectClass, at: .start).outcome.kind
                }
                for status in [302, 400, 401, 403, 404, 405, 409, 410, 412, 418, 422, 500, 502, 504] {
                    // A repeat that is answered 400 says nothing in its body at some: what is read back tells.
                    if status == 400, exchange.answers.already.contains(400), action.state != nil { continue }
                    // A refusal that has no body of its own at some is what a proof waits for.
                    if part == "verify", status == 401, exchange.answers.done.contains(401) { continue }
                    let told = kind(status)
                    #expect(told != .done && told != .already, "\(name) \(capability) \(part) \(status)")
                }
                for status in [500, 502, 504] where effectClass.isWrite {
                    // What it did nobody knows, unless its connector does.
                    let isKnown = exchange.answers.later.contains(status)
                    let told = kind(status)
                    #expect(told == .unknown || isKnown && told == .later, "\(name) \(capability) \(part) \(status)")
                }
                #expect(kind(429) == .later, "\(name) \(capability) \(part)")
                let busy = kind(503)
                #expect(busy == .later || busy == .unknown, "\(name) \(capability) \(part)")
            }
        }
    }

    /// A proxy that answers 200 with a page of its own, or with JSON of another form. A relying party (OpenID Connect
    /// Back-Channel Logout) may answer 200 with whatever it likes, and has nothing that could be read.
    @Test(arguments: ShippedConnectorTests.names.filter { $0 != "oidc-logout" })
    func `a success in another form shows no state, and where nothing is read back it ends nothing`(
        _ name: String
    ) throws {
        guard let shape = try shippedConnector(name).provider else { return }
        for (verb, action) in shape.actions {
            let capability = try #require(Capability.named(verb))
            for body in ["<html><body>sign in</body></html>", "[1", #""text""#, "7"] {
                func isSuccess(_ exchange: ProviderShape.Exchange, _ effectClass: EffectClass) -> Bool {
                    let kind = read(
                        .answered(200, body, headers: ["content-type": "text/html"]), exchange, effectClass, at: .start
                    ).outcome.kind
                    return kind == .done || kind == .already
                }
                if let state = action.state {
                    #expect(!isSuccess(state, .read), "\(name) \(verb) state: \(body)")
                } else if capability.isContainment || capability.endsCredentials {
                    #expect(!isSuccess(action.act, action.effectClass), "\(name) \(verb) act: \(body)")
                }
            }
        }
    }

    @Test func `GitHub's second limit is 403, AWS's is 400, and both are waited out`() async throws {
        for asked in Self.asked where ["github", "github-credentials"].contains(asked.connector) {
            let bench = try bench(asked)
            let limited = await bench.outcome(.respond(403, asked.limit, #"{"message":"rate limit exceeded"}"#))
            #expect(limited.outcome.kind == .later && limited.outcome.retryAfterMilliseconds == 15_000)
            let second = await bench.outcome(
                .respond(403, ["retry-after": "9"], #"{"message":"secondary rate limit"}"#))
            #expect(second.outcome.kind == .later && second.outcome.retryAfterMilliseconds == 9000)
            #expect(await bench.outcome(.respond(403, [:], #"{"message":"Forbidden"}"#)).outcome.kind == .refused)
            await bench.close()
        }
        for asked in Self.asked where ["aws-iam", "aws-job"].contains(asked.connector) {
            let bench = try bench(asked)
            func told(_ code: String) async -> Outcome.Kind {
                let body = "<ErrorResponse><Error><Type>Sender</Type><Code>\(code)</Code></Error></ErrorResponse>"
                return await bench.outcome(.respond(400, ["content-type": "text/xml"], body)).outcome.kind
            }
            #expect(await told("Throttling") == .later)
            #expect(await told("MalformedPolicyDocument") == .refused)
            await bench.close()
        }
    }

    @Test(arguments: asked)
    func `too many requests wait as long as the vendor's own headers say`(_ asked: Asked) async throws {
        let bench = try bench(asked)
        let told = await bench.outcome(.respond(429, asked.limit, ""))
        #expect(told.outcome.kind == .later)
        #expect(told.outcome.retryAfterMilliseconds == 15_000, "\(asked.limit)")
        let bare = await bench.outcome(.respond(429))
        #expect(bare.outcome.kind == .later && bare.outcome.retryAfterMilliseconds == nil)
        await bench.close()
    }

    @Test(arguments: asked)
    func `after a request that left, every silence is doubt`(_ asked: Asked) async throws {
        let bench = try bench(asked)
        for (name, fault) in [
            ("reset", LoopbackServer.Answer.resetWithoutAnswer), ("closed", .closeWithoutAnswer),
            ("half a body", .halfBody(200, ["content-type": "application/json"], #"{"ok":true,"status":"x"}"#)),
            ("no HTTP", .raw("not HTTP at all\r\n\r\n")),
        ] {
            #expect(await bench.outcome(fault).outcome.kind == .unknown, "\(name)")
        }
        let slow = await bench.outcome(timeoutMilliseconds: 1500, .silence)
        #expect(slow.outcome.kind == .unknown)
        let huge = await bench.outcome(.hugeBody(bytes: Limits.responseBytesMax + 1))
        #expect(huge.outcome.kind == .unknown)
        await bench.close()
    }
}

extension FaultServerTests.Asked {
    /// It has a token that it can have renewed.
    fileprivate var signsIn: Bool {
        ["entra", "auth0", "google-iam", "keycloak", "keystone", "okta"].contains(connector)
    }
}
