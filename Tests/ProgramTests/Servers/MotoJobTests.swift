// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// A job on AWS that wrote where it should not: paused, denied, and what it overwrote restored, at AWS's own interface.
@Suite(.serialized)
struct MotoJobTests {
    private static let bucket = "reports"

    @Test func `a job is stopped, what it overwrote is restored as two people agreed, and it runs again`() async throws
    {
        guard Moto.isInstalled else { return try PythonServers.lacks("moto") }
        let scratch = try ScratchFolder("cordon-moto")
        let server = try await Moto(in: scratch, port: try freePort())
        defer { server.stop() }
        let job = try await server.user("exporter", may: "s3:*")
        try await furnish(server)
        #expect(try await put("out/a.csv", "good", server, job) == "ok")
        try await put("out/b.csv", "good too", server, job)
        let ward = try await Ward(remedy(server))
        defer { ward.stop() }
        let people = try await reviewers(ward)
        try await aged(milliseconds: 32_000)
        try await put("out/a.csv", "BAD", server, job)
        try await put("out/b.csv", "BAD", server, job)
        try await put("out/new.csv", "BAD", server, job)

        try await ward.accuse("nightly")
        let asking = try await ward.run(about: "nightly", once: "to ask for the restore") {
            $0.step("restore")?["question"]?["shown"] != nil
        }
        #expect(try await state(server) == "DISABLED")
        #expect(try await put("out/c.csv", "x", server, job) == "refused 403")
        let plan = asking.step("plan")?["result"]
        let names = plan?["objects"]?.arrayValue?.compactMap { $0["object"]?.stringValue }.sorted()
        #expect(names == ["out/a.csv", "out/b.csv"])
        #expect(plan?["created"] == ["out/new.csv"])

        // Somebody mends one of them by hand before the others agree.
        try await put("out/b.csv", "mended by hand", server, server.admin)
        try await ward.answer("restore", "approve", by: people[0], asking)
        #expect(try await content("out/a.csv", server) == "BAD")
        try await ward.answer("restore", "approve", by: people[1], asking)
        let judging = try await ward.run(about: "nightly", once: "to ask whether it may run again") {
            $0.step("judge")?["question"]?["shown"] != nil
        }
        #expect(try await content("out/a.csv", server) == "good")
        #expect(try await content("out/b.csv", server) == "mended by hand")
        #expect(try await content("out/new.csv", server) == "BAD")
        let left = ["restore.1", "restore.2"].compactMap { judging.step($0) }.filter { $0["phase"] == "failed" }
        #expect(left.count == 1, "\(left.map(\.json))")
        #expect(left.first?["note"]?.stringValue?.contains("somebody changed it since this was planned") == true)

        for person in people { try await ward.answer("judge", "resume", by: person, judging) }
        let ended = try await ward.run(about: "nightly", once: "to end") { $0["phase"] == "ended" }
        #expect(ended.step("pause")?["undone"] == true && ended.step("deny")?["undone"] == true)
        #expect(try await state(server) == "ENABLED")
        #expect(try await put("out/c.csv", "x", server, job) == "ok")
        #expect(ward.leaked([server.admin.secret]) == [])
    }

    // MARK: The installation

    private func remedy(_ server: Moto) -> Remedy {
        Remedy(
            connector: "aws-job",
            settings: [
                "events": server.url, "iam": server.url, "store": server.url, "region": "us-east-1",
                "iam_region": "us-east-1",
            ],
            secrets: ["access_key_id": server.admin.id, "secret_access_key": server.admin.secret],
            identities: [
                Remedy.Identity(
                    id: "nightly", kind: "workload",
                    attributes: [
                        "rule": "nightly", "user_name": "exporter", "bucket": .string(Self.bucket), "prefix": "out/",
                    ], workflow: "workload-containment", input: "workload", with: ["window": "25s"])
            ])
    }

    private func reviewers(_ ward: Ward) async throws -> [String] {
        var tokens: [String] = []
        for name in ["ben", "cleo"] {
            let made = try await ward.installation.finish(
                "token", "create", "--role", "approver", "--name", name, token: try ward.installation.firstToken)
            tokens.append(try #require(made.outputLines.last { !$0.isEmpty }))
        }
        return tokens
    }

    // MARK: AWS

    private func furnish(_ server: Moto) async throws {
        let bucket: Value = .string(Self.bucket)
        let asked: [(String, String, Value)] = [
            ("events", "put_rule", ["Name": "nightly", "ScheduleExpression": "rate(1 day)"]),
            ("s3", "create_bucket", ["Bucket": bucket]),
            (
                "s3", "put_bucket_versioning",
                ["Bucket": bucket, "VersioningConfiguration": ["Status": "Enabled"]]
            ),
        ]
        for (service, action, parameters) in asked {
            #expect(try await server.ask(service, action, parameters) == "ok", "\(action)")
        }
    }

    @discardableResult
    private func put(_ key: String, _ text: String, _ server: Moto, _ who: Moto.Key) async throws -> String {
        try await server.ask(
            "s3", "put_object", ["Bucket": .string(Self.bucket), "Key": .string(key), "Body": .string(text)], as: who)
    }

    private func content(_ key: String, _ server: Moto) async throws -> String {
        try await server.ask("s3", "get_object", ["Bucket": .string(Self.bucket), "Key": .string(key)])
    }

    private func state(_ server: Moto) async throws -> String {
        try await server.ask("events", "describe_rule", ["Name": "nightly"])
    }

    /// What was written is as old as that: the store tells times in whole seconds, and they can't be set.
    private func aged(milliseconds: Int64) async throws {
        let start = ContinuousClock.now
        try await eventually("the objects to be of age", seconds: 60, askedMin: 1) {
            ContinuousClock.now - start >= .milliseconds(milliseconds)
        }
    }
}
