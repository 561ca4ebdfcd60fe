// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// Remedies at a real RabbitMQ, seen with connections of the account's own: one that is open, and new ones.
@Suite(.serialized)
struct RabbitMQTests {
    private static let password = "pw-of-the-etl-job"

    /// One server for all of it: it takes seconds to start.
    @Test func `a live connection is cut and no new one let in, until it is undone, through lost answers and a kill`()
        async throws
    {
        guard RabbitMQ.isInstalled, FaultFront.isInstalled else {
            return try skip("\(RabbitMQ.install), or nginx (apt-get install nginx libnginx-mod-http-js)")
        }
        let scratch = try ScratchFolder("cordon-rabbitmq")
        let server = try await RabbitMQ.started()
        defer { server.stop() }
        for name in ["etl", "early", "spoiled"] { try await server.user(name, password: Self.password) }
        let front = try await FaultFront(
            before: String(server.base.dropLast("/api".count)), in: scratch, port: try freePort(), page: "/")
        defer { front.stop() }
        var ward = try await Ward(
            Remedy(
                connector: "rabbitmq", settings: ["url": front.url + "/api", "user_name": "guest"],
                secrets: ["password": "guest"],
                identities: [
                    identity("etl", "suspend-access"), identity("early", "suspend-access"),
                    identity("spoiled", "suspend-account"),
                ]))
        defer { ward.stop() }
        try await cut("etl", server, ward, scratch)
        try await repetition("early", server, ward)
        try await spoiled("spoiled", server, front, &ward, scratch)
        #expect(ward.leaked([Self.password, "password_hash"]) == [])
    }

    private func identity(_ name: String, _ workflow: String) -> Remedy.Identity {
        Remedy.Identity(
            id: name, attributes: ["user_name": .string(name)], workflow: workflow, with: ["hold": "1h"])
    }

    /// Works before, refused after, restored by undo.
    private func cut(_ name: String, _ server: RabbitMQ, _ ward: Ward, _ scratch: ScratchFolder) async throws {
        let job = try server.connect(name, Self.password, in: scratch)
        defer { job.kill() }
        _ = try await job.waitForLine(containing: "connection open")
        try await ward.accuse(name)
        let held = try await ward.run(about: name, once: "to hold") { $0.step("sessions")?["verified"] == true }
        let end = try await job.waitForLine(containing: "connection cut")
        #expect(end.contains("CONNECTION_FORCED - contained by Cordon"))
        #expect(try await !server.lets(name, Self.password, in: scratch))
        #expect(held.step("suspend")?["before"] == ["limit": -1])
        #expect(held.step("suspend")?["after"] == ["limit": 0])
        #expect(held.step("sessions")?["before"] == ["open": 1])
        #expect(held.step("sessions")?["after"] == ["open": 0])
        try await ward.command("hold", about: name, then: ["suspend", "--then", "undo"], because: "false alarm")
        let ended = try await ward.run(about: name, once: "to end") { $0["phase"] == "ended" }
        #expect(ended.step("undo:suspend")?["verified"] == true)
        #expect(try await server.lets(name, Self.password, in: scratch))
    }

    /// What was so before is found so, the broker answers a repeat as the first time, and what it did not take it does
    /// not give.
    private func repetition(_ name: String, _ server: RabbitMQ, _ ward: Ward) async throws {
        let set = try await server.ask("PUT", "/user-limits/\(name)/max-connections", ["value": 0])
        #expect(set.status == 204)
        try await ward.accuse(name)
        let held = try await ward.run(about: name, once: "to hold") { $0.step("sessions")?["verified"] == true }
        #expect(held.step("suspend")?.calls == ["before done", "act done", "read_back done"])
        #expect(held.step("sessions")?.calls == ["before done", "act done", "read_back done"])
        try await ward.command("hold", about: name, then: ["suspend", "--then", "undo"], because: "over")
        try await ward.run(about: name, once: "to end") { $0["phase"] == "ended" }
        #expect(try await server.limit(of: name) == 0)
    }

    private func spoiled(
        _ name: String, _ server: RabbitMQ, _ front: FaultFront, _ ward: inout Ward, _ scratch: ScratchFolder
    ) async throws {
        for (number, fault) in FaultFront.Fault.allCases.enumerated() {
            try front.spoil(fault)
            try await ward.accuse(name, number: number + 1)
            if fault == .held {
                try await eventually("the change to be made") { try await server.limit(of: name) == 0 }
                try await ward.killAndServe()
            }
            let held = try await ward.run(about: name, once: "to hold after \(fault)") {
                $0["phase"] != "ended" && $0.step("suspend")?["verified"] == true
            }
            #expect(!front.isWaiting(fault))
            #expect(held.step("suspend")?.calls == ["before done", "act done", "read_back done"])
            let act = held.step("suspend")?["calls"]?.arrayValue?.first { $0["purpose"] == "act" }
            #expect(act?["delivery"] == 2 || act?["outcome"]?["sent_twice"] == true, "\(fault)")
            #expect(try await !server.lets(name, Self.password, in: scratch))
            try await ward.command("hold", about: name, then: ["suspend", "--then", "undo"], because: "false alarm")
            try await ward.run(about: name, once: "to end") { $0["phase"] == "ended" }
            #expect(try await server.limit(of: name) == -1)
            #expect(try await server.lets(name, Self.password, in: scratch))
        }
    }
}
