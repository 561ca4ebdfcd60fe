// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import TestKit

/// A private SCIM 2.0 provider (scim2-server) on loopback, in memory.
final class ScimServer: Sendable {
    static var isInstalled: Bool { PythonServers.has("scim2-server") }
    static let token = "scim-bearer-7f3a"

    let base: String
    private let web: Web
    private let process: ProgramUnderTest

    init(in scratch: ScratchFolder, port: Int) async throws {
        base = "http://127.0.0.1:\(port)/v2"
        web = try Web()
        process = try await PythonServers.start(
            "scim2-server", ["--port", "\(port)", "--bearer-token", ScimServer.token], in: scratch, as: "scim",
            until: base + "/ServiceProviderConfig", web: web)
    }

    func stop() { process.kill() }

    func user(_ name: String) async throws -> String {
        let body: Value = [
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": .string(name), "active": true,
            "displayName": "as it was",
        ]
        let answer = try await ask("POST", "/Users", body)
        guard let id = answer.json["id"]?.stringValue else { throw Web.NoAnswer(reason: answer.text) }
        return id
    }

    func set(_ path: String, _ value: Value, of id: String) async throws {
        let body: Value = [
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [["op": "replace", "path": .string(path), "value": value]],
        ]
        let answer = try await ask("PATCH", "/Users/\(id)", body)
        guard answer.status == 204 || answer.status == 200 else { throw Web.NoAnswer(reason: answer.text) }
    }

    func state(of id: String) async throws -> Value { try await ask("GET", "/Users/\(id)").json }

    private func ask(_ method: String, _ path: String, _ body: Value? = nil) async throws -> Web.Answer {
        try await web.ask(
            method, base + path,
            headers: [("content-type", "application/scim+json"), ("authorization", "Bearer \(ScimServer.token)")],
            body: body?.json)
    }
}
