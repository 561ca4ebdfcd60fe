// SPDX-License-Identifier: Apache-2.0

import CordonEvidence
import CordonLanguage
import Foundation
import TestKit
import Testing

/// Two witnesses as processes of their own, an installation that asks them, and a state folder that is rolled back.
@Suite(.serialized)
struct WitnessCommandTests {
    private struct Standing: Sendable {
        let program: ProgramUnderTest
        let port: Int
        let key: String
        let folder: String
    }

    private func stand(_ number: Int, log: String, in place: Installation, port: Int = 0) async throws -> Standing {
        let folder = "witness-\(number)"
        let made = try await place.finish("witness", "key", "--folder", folder, "--name", "witness.example/w\(number)")
        #expect(made.end == .exited(0), "\(made.error)")
        let program = try ProgramUnderTest(
            Installation.program,
            ["witness", "serve", "--folder", folder, "--log", log, "--port", String(port)],
            folder: place.scratch.path, capturedIn: place.scratch, as: "witness-\(number)")
        let bound = try await program.waitForPort(after: "listening on", on: .error, timeoutMilliseconds: 60_000)
        return Standing(
            program: program, port: Int(bound), key: try #require(made.outputLines.first), folder: folder)
    }

    private func sizes(_ standing: [Standing], _ place: Installation) async throws -> [Int64] {
        var sizes: [Int64] = []
        for witness in standing {
            let listed = try await place.finish("witness", "list", "--folder", witness.folder, "-o", "json")
            sizes.append(try listed.json.arrayValue?.first?["size"]?.intValue ?? 0)
        }
        return sizes
    }

    private func logKey(_ place: Installation) async throws -> String {
        #expect(try await place.finish("init").end == .exited(0))
        let keys = try await place.finish("key", "list", "-o", "json").json
        return try #require(keys.arrayValue?.first?["key"]?.stringValue)
    }

    @Test func `two witnesses cosign a log; rolled back as a whole, it is refused by them and told as forked`()
        async throws
    {
        let provider = try PracticeAuthority()
        let place = try provider.installation()
        let key = try await logKey(place)
        let witnesses = [try await stand(1, log: key, in: place), try await stand(2, log: key, in: place)]
        defer { for witness in witnesses { witness.program.kill() } }
        let policy =
            "log \(key)\n"
            + witnesses.enumerated().map { "witness w\($0 + 1) \($1.key) http://127.0.0.1:\($1.port)\n" }.joined()
            + "group both all w1 w2\nquorum both\n"
        try place.scratch.write(policy, to: "witnesses.txt")
        try place.scratch.write(
            "listen: { port: 0 }\nlog: { level: debug }\nstate: state\naudit: { witnesses: witnesses.txt }\n",
            to: "cordon.yaml")

        var serving = try await place.serve()
        #expect(try await serving.post(Installation.alert(), delivery: "d-1").status == 202)
        try await eventually("the run to end") { try await place.runs().first?["phase"] == "ended" }
        #expect(try await serving.stop() == .exited(0))
        let first = try await sizes(witnesses, place)
        #expect(first[0] > 0 && first[0] == first[1])
        let verified = try await place.finish("audit", "verify", "--policy", "witnesses.txt", "-o", "json")
        #expect(verified.end == .exited(0), "\(verified.output)")
        #expect(try verified.json["verdict"] == "sound")
        #expect(try verified.json["size"]?.intValue == first[0])
        #expect(try await place.finish("doctor").output.contains("2 of 2 cosigned \(first[0]) of \(first[0])"))

        // A whole copy of everything, as a machine's snapshot is.
        let state = place.scratch.path("state")
        try FileManager.default.copyItem(atPath: state, toPath: state + ".snapshot")
        serving = try await place.serve()
        #expect(try await serving.post(Installation.alert(number: 43), delivery: "d-2").status == 202)
        try await eventually("two runs to end") {
            try await place.runs().filter { $0["phase"] == "ended" }.count == 2
        }
        let export = try await place.finish(
            "audit", "export", "--from", "2020-01-01", "--to", "2100-01-01", "--out", "all.tar")
        #expect(export.end == .exited(0), "\(export.error)")
        #expect(!export.error.contains("too few witnesses"))
        let bundle = try await place.finish("audit", "verify", "all.tar", "--policy", "witnesses.txt", "-o", "json")
        #expect(bundle.end == .exited(0), "\(bundle.output)")
        #expect(try await serving.stop() == .exited(0))
        let second = try await sizes(witnesses, place)
        #expect(second[0] > first[0] && second[0] == second[1])

        try FileManager.default.moveItem(atPath: state, toPath: state + ".lost")
        try FileManager.default.moveItem(atPath: state + ".snapshot", toPath: state)
        // Of itself it is sound: only they know better.
        #expect(try await place.finish("audit", "verify").end == .exited(0))
        serving = try await place.serve()
        try await serving.program.waitForLine(containing: "nothing is signed any more", on: .error)
        #expect(try await serving.post(Installation.alert(number: 44), delivery: "d-3").status == 202)
        try await eventually("the run after the rollback to end") {
            try await place.runs().filter { $0["phase"] == "ended" }.count == 2
        }
        let doctor = try await place.finish("doctor")
        #expect(doctor.end == .exited(1))
        #expect(
            doctor.output.contains("cosigned \(second[0]) entries, \(first[0]) are signed here"), "\(doctor.output)")
        #expect(try await serving.stop() == .exited(0))
        let told = try await place.finish("audit", "verify", "-o", "json")
        #expect(told.end == .exited(9))
        #expect(try told.json["findings"]?.arrayValue?.contains { $0["code"] == "logForked" } == true)
        #expect(try await sizes(witnesses, place) == second, "they cosigned nothing of it")
    }

    @Test func `over HTTP each refusal has the status of the specification, and a killed witness forgets nothing`()
        async throws
    {
        let place = try Installation.alone()
        let log = try SigningKey(name: "log.example")
        var standing = try await stand(1, log: log.verifier.text, in: place)
        func note(_ size: Int, by key: SigningKey? = nil) throws -> [UInt8] {
            let root = MerkleLog.root(of: (0..<size).map { MerkleLog.leafHash([UInt8($0)]) })
            return try Checkpoint(origin: (key ?? log).name, size: UInt64(size), root: root).signed(by: [key ?? log])
                .bytes
        }
        func ask(_ request: WitnessRequest) async throws -> Web.Answer {
            try await place.web.ask(
                "POST", "http://127.0.0.1:\(standing.port)/add-checkpoint",
                body: String(decoding: request.bytes, as: UTF8.self))
        }
        let good = try await ask(WitnessRequest(oldSize: 0, hashes: [], checkpoint: note(5)))
        #expect(good.status == 200)
        let signed = try Note(parsing: note(5)).adding(
            Array(good.text.utf8), by: [try VerifierKey(parsing: standing.key)])
        #expect(signed.signatures.count == 2)
        // Killed right after its answer, it starts from what it said.
        standing.program.kill()
        _ = try await standing.program.waitForExit()
        standing = try await stand(1, log: log.verifier.text, in: place)
        defer { standing.program.kill() }
        let conflict = try await ask(WitnessRequest(oldSize: 0, hashes: [], checkpoint: note(3)))
        #expect(conflict.status == 409)
        #expect(conflict.text == "5\n")
        #expect(conflict.headers["content-type"] == "text/x.tlog.size")
        #expect(try await ask(WitnessRequest(oldSize: 5, hashes: [], checkpoint: note(7))).status == 422)
        #expect(try await ask(WitnessRequest(oldSize: 9, hashes: [], checkpoint: note(7))).status == 400)
        let stranger = try SigningKey(name: "log.example")
        #expect(try await ask(WitnessRequest(oldSize: 5, hashes: [], checkpoint: note(7, by: stranger))).status == 403)
        let other = try SigningKey(name: "other.example")
        #expect(try await ask(WitnessRequest(oldSize: 0, hashes: [], checkpoint: note(7, by: other))).status == 404)
        let nothing = try await place.web.ask("GET", "http://127.0.0.1:\(standing.port)/")
        #expect(nothing.status == 404)
        let large = String(repeating: "x", count: WitnessRequest.bytesMax + 1)
        #expect(
            try await place.web.ask("POST", "http://127.0.0.1:\(standing.port)/add-checkpoint", body: large).status
                == 413)

        let second = try await place.finish("witness", "serve", "--folder", standing.folder, "--log", log.verifier.text)
        #expect(second.end == .exited(75), "one folder has one process")
        #expect(try await place.finish("witness", "key", "--folder", standing.folder, "--name", "x").end == .exited(6))
        #expect(try await place.finish("witness", "key", "--folder", "none").end == .exited(64))
        #expect(try await place.finish("witness", "list", "--folder", "none").end == .exited(3))
        #expect(
            try await place.finish("witness", "serve", "--folder", standing.folder, "--log", "no key").end
                == .exited(64))
    }

    @Test func `a policy that can't be met is refused before anything starts`() async throws {
        let place = try Installation.alone()
        let key = try SigningKey(name: "w.example", kind: .cosignature).verifier.text
        try place.scratch.write(
            "listen: { port: 0 }\nstate: state\naudit: { witnesses: witnesses.txt }\n", to: "cordon.yaml")
        let missing = try await place.finish("serve")
        #expect(missing.end == .exited(1))
        #expect(missing.error.contains("audit.witnesses names"))
        for (text, says) in [
            ("witness w \(key)\nquorum w\n", "its quorum can't be met"),
            ("witness w \(key) ftp://w.example\nquorum w\n", "'ftp://w.example' is no address"),
            ("witness w \(key) https://w.example\n", "it has no quorum line"),
            ("quorum w\n", "w is not defined above"),
        ] {
            try place.scratch.write(text, to: "witnesses.txt")
            let refused = try await place.finish("serve")
            #expect(refused.end == .exited(10), "\(refused.error)")
            #expect(refused.error.contains(says), "\(refused.error)")
        }
    }
}
