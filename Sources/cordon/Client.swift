// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonEngine
import CordonLanguage
import CordonServer
import Foundation

/// Speaks to a running server over its versioned API, with the token of the state folder.
struct Client: Sendable {
    let base: String
    let token: String
    private let transport: CurlTransport
    private let egress: EgressPolicy

    /// The server that runs on this state folder, or `nil` when none does.
    ///
    /// A server says where it is in `server.json`; the file of one that was killed is told by nobody answering there.
    static func find(_ settings: Settings) async throws -> Client? {
        guard let contents = FileManager.default.contents(atPath: settings.state.addressPath),
            let address = try? JSON.parse(Array(contents)), let url = address["url"]?.stringValue,
            let proofKey = address["proof_key"]?.stringValue
        else { return nil }
        let client = try Client(base: url, egress: settings.commandEgress, token: readToken(settings))
        // Without the token: whoever took the port of a server that was killed must not be handed it.
        let nonce = randomHex(16)
        let answer = await client.send(
            "GET", "/health", headers: [(ProofKey.headerText, nonce)], timeoutMilliseconds: 2000)
        guard case .answered(let response) = answer.fate, response.status == 200,
            let proof = ProofKey(proofKey).proof(of: nonce),
            (try? JSON.parse(response.body))?["proof"]?.stringValue == proof
        else { return nil }
        return client
    }

    /// The server that runs on this state folder, for what only it can do.
    static func required(_ settings: Settings) async throws -> Client {
        guard let client = try await find(settings) else {
            throw CommandFailure(
                .tryAgain, "no server runs on \(display(settings.statePath)); start it with 'cordon serve'")
        }
        return client
    }

    private init(base: String, egress: EgressPolicy, token: String) throws {
        self.base = base
        self.egress = egress
        self.token = token
        do { transport = try CurlTransport() } catch {
            throw CommandFailure(.failed, "the HTTP client can't start: \(error.reason)")
        }
    }

    /// `CORDON_TOKEN`, or the file in the state folder, which only its owner may read.
    private static func readToken(_ settings: Settings) throws -> String {
        if let token = ProcessInfo.processInfo.environment["CORDON_TOKEN"] { return token }
        do {
            let secret = try SecretReader(folder: settings.statePath).read(.file(settings.state.tokenPath))
            return String(decoding: secret.reveal(), as: UTF8.self)
        } catch {
            throw CommandFailure(.notSignedIn, "\(error.reason); or set CORDON_TOKEN")
        }
    }

    func get(_ path: String) async throws -> Value { try await ask("GET", path) }

    func ask(_ method: String, _ path: String, _ body: Value? = nil) async throws -> Value {
        let delivery = await send(method, "/api/v1" + path, body: body?.jsonBytes)
        switch delivery.fate {
        case .notSent(let fault), .mayHaveBeenSent(let fault):
            throw CommandFailure(.tryAgain, "the server at \(base) did not answer: \(fault.reason)")
        case .answered(let response):
            let value = (try? JSON.parse(response.body)) ?? .null
            guard (200...299).contains(response.status) else { throw failure(response.status, value) }
            return value
        }
    }

    func send(
        _ method: String, _ path: String, body: [UInt8]? = nil, headers: [(name: String, value: String)]? = nil,
        timeoutMilliseconds: Int64 = 15_000
    ) async -> Delivery {
        var fields = headers ?? [("authorization", "Bearer \(token)")]
        if body != nil, headers == nil { fields.append(("content-type", "application/json")) }
        return await transport.send(
            OutboundRequest(
                method: method, url: base + path, headers: fields, body: body,
                timeoutMilliseconds: timeoutMilliseconds, responseBytesMax: 64 * 1024 * 1024,
                egress: egress))
    }

    private func failure(_ status: Int, _ body: Value) -> CommandFailure {
        let message = body.at("error", "message")?.stringValue ?? "HTTP \(status)"
        let exit: Exit =
            switch status {
            case 401: .notSignedIn
            case 403: .refused
            case 404: .notFound
            case 409: .conflict
            case 503: .tryAgain
            default: .failed
            }
        return CommandFailure(
            exit, status == 401 ? "the server does not know this token; see 'cordon token create'" : message)
    }
}
