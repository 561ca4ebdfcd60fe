// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// A whole rotation at AWS's own interface: IAM issues and ends keys, Secrets Manager is where the workload reads its own.
@Suite(.serialized)
struct MotoRotationTests {
    private static let secretID = "billing/aws"

    @Test func `a key is replaced across a kill between issue and delivery, and given back by undo`() async throws {
        guard Moto.isInstalled else { return try PythonServers.lacks("moto") }
        let scratch = try ScratchFolder("cordon-moto-rotation")
        let server = try await Moto(in: scratch, port: try freePort())
        defer { server.stop() }
        let old = try await server.user("billing", may: "*")
        let first = Value.object(["access_key_id": .string(old.id), "secret_access_key": .string(old.secret)]).json
        let stored: Value = ["Name": .string(Self.secretID), "SecretString": .string(first)]
        #expect(try await server.ask("secretsmanager", "create_secret", stored) == "ok")
        var ward = try await Ward(remedy(server, old))
        defer { ward.stop() }

        // Held up before the delivery writes, with the new key in memory, the process is killed.
        try await halt(ward, "stop")
        try await ward.accuse("billing")
        let waiting = try await ward.run(about: "billing", once: "to wait for its delivery") {
            $0.step("deliver")?["phase"] == "halted"
        }
        let lost = try #require(waiting.step("renew")?.at("result", "credential", "access_key_id")?.stringValue)
        #expect(try await keys(server) == [old.id, lost])
        try await ward.killAndServe()
        try await halt(ward, "lift")
        let cut = try await ward.run(about: "billing", once: "to have refused the old key", seconds: 60) {
            $0.step("cut")?["verified"] == true
        }

        // The key that nobody had is gone, and another one is where the workload reads it.
        let new = try #require(cut.step("renew")?.at("result", "credential", "access_key_id")?.stringValue)
        #expect(new != lost)
        #expect(try await keys(server) == [old.id, new])
        #expect(try await status(of: old, server) == "Inactive")
        let read = try await current(server)
        let secret = try #require(read["secret_access_key"]?.stringValue)
        #expect(read["access_key_id"]?.stringValue == new)
        let whoever = Moto.Key(id: new, secret: secret)
        #expect(try await server.ask("sts", "get_caller_identity", [:], as: whoever) == "ok")
        #expect(cut.step("works")?.calls.last == "act done")
        #expect(
            try await ward.kinds(cut).filter { ["secretLost", "stepReopened"].contains($0) }
                == ["secretLost", "stepReopened"])
        #expect(cut.step("renew")?.at("result", "fingerprint")?.stringValue?.hasPrefix("hmac-sha256:") == true)
        #expect(ward.leaked([secret, old.secret]) == [])
        #expect(!ward.serving.program.error.contains(secret))

        try await ward.command("undo", about: "billing", because: "false alarm")
        try await ward.run(about: "billing", once: "to be undone", seconds: 60) { $0["phase"] == "ended" }
        #expect(try await status(of: old, server) == "Active")
        #expect(try await keys(server) == [old.id])
        #expect(try await current(server)["access_key_id"]?.stringValue == old.id)
        #expect(ward.leaked([secret]) == [])
    }

    private func remedy(_ server: Moto, _ old: Moto.Key) -> Remedy {
        Remedy(
            connector: "aws-iam", settings: ["url": server.url, "region": "us-east-1", "sts": server.url],
            secrets: ["access_key_id": server.admin.id, "secret_access_key": server.admin.secret],
            identities: [
                Remedy.Identity(
                    id: "billing", kind: "credential",
                    attributes: [
                        "user_name": "billing", "access_key_id": .string(old.id),
                        "delivered_to": .string(Self.secretID),
                    ], workflow: "credential-rotation", input: "credential",
                    with: ["store": "vaultlike", "grace": "1s", "hold": "1h"])
            ],
            furtherProviders: ["vaultlike": ("aws-secrets", ["url": server.url, "region": "us-east-1"])])
    }

    private func halt(_ ward: Ward, _ word: String) async throws {
        let words = [word == "stop" ? "halt" : "unhalt", "provider", "vaultlike"]
        let ended = try await ward.installation.finish(words + ["--reason", "a test"])
        guard ended.end == .exited(0) else { throw Web.NoAnswer(reason: "\(words): \(ended.error)") }
    }

    private func keys(_ server: Moto) async throws -> [String] {
        let body = try await server.call(["Action": "ListAccessKeys", "UserName": "billing"], as: server.admin).body
        return body.components(separatedBy: "<AccessKeyId>").dropFirst().compactMap {
            $0.components(separatedBy: "</AccessKeyId>").first
        }
    }

    private func status(of key: Moto.Key, _ server: Moto) async throws -> String? {
        let body = try await server.call(["Action": "ListAccessKeys", "UserName": "billing"], as: server.admin).body
        let entry = body.components(separatedBy: "<member>").first { $0.contains(key.id) }
        return entry.flatMap { Moto.text(of: "Status", in: $0) }
    }

    /// What the workload would read now.
    private func current(_ server: Moto) async throws -> Value {
        // Moto takes the newest version where no label is named; AWS takes this one.
        let wanted: Value = ["SecretId": .string(Self.secretID), "VersionStage": "AWSCURRENT"]
        let text = try await server.ask("secretsmanager", "get_secret_value", wanted)
        return try JSON.parse(Array(text.utf8))
    }
}
