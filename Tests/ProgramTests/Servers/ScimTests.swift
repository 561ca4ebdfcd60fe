// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Synchronization
import TestKit
import Testing

/// Remedies at a real SCIM provider.
@Suite(.serialized)
struct ScimTests {
    @Test func `a SCIM account is taken out and put back by the one field, and nobody else is touched`() async throws {
        guard ScimServer.isInstalled else { return try PythonServers.lacks("scim2-server") }
        let scratch = try ScratchFolder("cordon-scim")
        let server = try await ScimServer(in: scratch, port: try freePort())
        defer { server.stop() }
        let etl = try await server.user("svc-etl")
        let root = try await server.user("root")
        let ward = try await Ward(
            Remedy(
                connector: "scim", settings: ["url": server.base], secrets: ["token": ScimServer.token],
                identities: [
                    identity("etl", etl, "svc-etl"), identity("stray", root, "svc-stray"),
                    identity("empty", "", "svc-none"), identity("slash", "\(root)/..", "svc-none"),
                    found("looked-up", "svc-etl"), found("unknown", "svc-nobody"),
                    found("tricky", "x\" or userName sw \""),
                ]
            ))
        defer { ward.stop() }

        try await ward.accuse("etl")
        try await ward.run(about: "etl", once: "to hold") {
            $0.step("suspend")?["verified"] == true
        }
        #expect(try await server.state(of: etl)["active"] == false)
        // Another's change of another field is neither undone nor in the way.
        try await server.set("displayName", "as somebody else wrote it", of: etl)
        try await ward.command("hold", about: "etl", then: ["suspend", "--then", "undo"], because: "false alarm")
        try await ward.run(about: "etl", once: "to end") { $0["phase"] == "ended" }
        let after = try await server.state(of: etl)
        #expect(after["active"] == true)
        #expect(after["displayName"] == "as somebody else wrote it")

        // Taken out by somebody else before: the repeat is answered as the first was, and what it did not take it leaves.
        try await server.set("active", false, of: etl)
        try await ward.accuse("etl", number: 2)
        let again = try await ward.run(about: "etl", once: "to hold again") {
            $0["phase"] != "ended" && $0.step("suspend")?["verified"] == true
        }
        #expect(again.step("suspend")?.calls == ["before done", "act done", "read_back done"])
        #expect(again.step("suspend")?["before"]?["active"] == false)
        try await ward.command("hold", about: "etl", then: ["suspend", "--then", "undo"], because: "over")
        let left = try await ward.run(about: "etl", once: "to end") { $0["phase"] == "ended" }
        #expect(left.step("undo:suspend")?.calls.contains { $0.hasPrefix("undo ") } != true)
        #expect(try await server.state(of: etl)["active"] == false)
        try await server.set("active", true, of: etl)

        // The id of the inventory leads to somebody else, to the collection, or elsewhere: nothing is done.
        for id in ["stray", "empty", "slash"] {
            try await ward.accuse(id)
            let asking = try await ward.run(about: id, once: "to ask") { $0["phase"] == "asked" }
            #expect(asking.step("suspend")?["acted"] != true)
        }
        #expect(try await server.state(of: root)["active"] == true)

        // One whose name alone is known is looked up, and acted on where exactly that name is found.
        try await ward.accuse("looked-up")
        let held = try await ward.run(about: "looked-up", once: "to hold") {
            $0.step("suspend")?["verified"] == true
        }
        #expect(held.step("find")?["result"] == ["account": ["scim_id": .string(etl), "user_name": "svc-etl"]])
        #expect(try await server.state(of: etl)["active"] == false)
        try await ward.command("hold", about: "looked-up", then: ["suspend", "--then", "undo"], because: "over")
        try await ward.run(about: "looked-up", once: "to end") { $0["phase"] == "ended" }
        #expect(try await server.state(of: etl)["active"] == true)
        for id in ["unknown", "tricky"] {
            try await ward.accuse(id)
            let asking = try await ward.run(about: id, once: "to ask") { $0["phase"] == "asked" }
            #expect(asking.step("find")?["phase"] != "finished" && asking.step("suspend")?["acted"] != true)
        }
        #expect(try await server.state(of: root)["active"] == true)
        #expect(ward.leaked([ScimServer.token]) == [])
    }

    /// Two writers: the other comes after Cordon compared what is live and before its undo arrives.
    @Test func `who writes between the compare and the undo keeps the last word, and a person is asked`() async throws {
        guard ScimServer.isInstalled else { return try PythonServers.lacks("scim2-server") }
        let scratch = try ScratchFolder("cordon-scim-race")
        let port = try freePort()
        let server = try await ScimServer(in: scratch, port: port)
        defer { server.stop() }
        let etl = try await server.user("svc-etl")
        let rival = Rival(port: port, id: etl)
        let front = try LoopbackServer { request in rival.pass(request) }
        defer { front.stop() }
        let ward = try await Ward(
            Remedy(
                connector: "scim", settings: ["url": front.url + "/v2"], secrets: ["token": ScimServer.token],
                identities: [identity("etl", etl, "svc-etl")]))
        defer { ward.stop() }

        try await ward.accuse("etl")
        try await ward.run(about: "etl", once: "to hold") { $0.step("suspend")?["verified"] == true }
        try await ward.command("hold", about: "etl", then: ["suspend", "--then", "undo"], because: "false alarm")
        let asking = try await ward.run(about: "etl", once: "to ask") { $0["phase"] == "asked" }
        #expect(asking.at("ask", "kind") == "stopped_step", "\(asking.json)")
        #expect(asking.at("ask", "reason")?.stringValue?.contains("conflict: somebody changed it") == true)
        #expect(rival.answers == [412])
        let between = try await server.state(of: etl)
        #expect(between["active"] == false)
        #expect(between["displayName"] == "as the rival wrote it")
        // Agreed to with what is there now: the field that was changed, and nothing of what the other wrote.
        try await ward.command("resume", about: "etl", then: [], because: "the other's change is seen")
        try await ward.run(about: "etl", once: "to end") { $0["phase"] == "ended" }
        let after = try await server.state(of: etl)
        #expect(after["active"] == true)
        #expect(after["displayName"] == "as the rival wrote it")
        #expect(rival.answers.first == 412 && rival.answers.dropFirst().allSatisfy { $0 < 300 })
    }

    /// One of whom the inventory holds no more than the name.
    private func found(_ id: String, _ name: String) -> Remedy.Identity {
        Remedy.Identity(
            id: id, attributes: ["user_name": .string(name)], workflow: "suspend-found", with: ["hold": "1h"])
    }

    private func identity(_ id: String, _ scimID: String, _ name: String) -> Remedy.Identity {
        Remedy.Identity(
            id: id, attributes: ["scim_id": .string(scimID), "user_name": .string(name)], workflow: "suspend-account",
            with: ["hold": "1h"])
    }
}

/// Stands before the real server and passes everything on, and once, when a change arrives that names the version that
/// it is for, has another writer be first.
private final class Rival: Sendable {
    private let port: Int
    private let id: String
    private let guarded = Mutex<[Int]>([])

    init(port: Int, id: String) { (self.port, self.id) = (port, id) }

    /// How the server answered the changes that named a version.
    var answers: [Int] { guarded.withLock { $0 } }

    func pass(_ request: LoopbackServer.Request) -> LoopbackServer.Answer {
        let isGuarded = request.method == "PATCH" && request.headers["if-match"] != nil
        if isGuarded, answers.isEmpty {
            let body =
                #"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":"#
                + #"[{"op":"replace","path":"displayName","value":"as the rival wrote it"}]}"#
            _ = send("PATCH", "/v2/Users/\(id)", request.headers.filter { $0.key != "if-match" }, Array(body.utf8))
        }
        let answer = send(request.method, request.target, request.headers, request.body)
        let text = String(decoding: answer, as: UTF8.self)
        if isGuarded, let status = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) {
            guarded.withLock { $0.append(status) }
        }
        return answer.isEmpty ? .closeWithoutAnswer : .raw(text)
    }

    private func send(_ method: String, _ target: String, _ headers: [String: String], _ body: [UInt8]) -> [UInt8] {
        var head = "\(method) \(target) HTTP/1.1\r\n"
        for (name, value) in headers where !["connection", "content-length", "transfer-encoding"].contains(name) {
            head += "\(name): \(value)\r\n"
        }
        head += "content-length: \(body.count)\r\nconnection: close\r\n\r\n"
        // What does not come is seen by whoever waits for it.
        return (try? exchangeHere(Array(head.utf8) + body, port) { _ in false }) ?? []
    }
}
