// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Foundation
import TestKit
import Testing

/// Remedies at a real Glewlwyd, each seen with the user's own password, session and refresh token; and beside lost
/// answers, unsent requests and a killed Cordon.
@Suite(.serialized)
struct GlewlwydTests {
    @Test func `an account loses its door and what it holds, and gets back only the door`() async throws {
        guard Glewlwyd.isInstalled else { return try skip("Glewlwyd is not installed (apt-get install glewlwyd)") }
        let scratch = try ScratchFolder("cordon-glewlwyd")
        let server = try await Glewlwyd(in: scratch, port: try freePort())
        defer { server.stop() }
        let ward = try await Ward(remedy(server.base, "suspend-access-listed", hold: "6s"))
        defer { ward.stop() }
        let session = try await server.signIn()
        #expect(session.status == 200)
        #expect(try await server.profile(session.cookie) == 200)
        let refreshed = try await server.refresh(try await server.refreshToken())
        #expect(refreshed.status == 200)

        try await ward.accuse("dave")
        let held = try await ward.run(about: "dave", once: "to hold") {
            $0.step("end_grants")?["phase"] == "finished"
        }
        #expect(try await server.signIn().status == 401)
        #expect(try await server.profile(session.cookie) == 401)
        #expect(try await server.refresh(refreshed.next).status != 200)
        #expect(held.step("end_sessions.1")?["verified"] == true)
        #expect(held.step("end_grants.1")?["verified"] == true)

        // What the account held was ended, so its hold may end by itself.
        let ended = try await ward.run(about: "dave", once: "to end") { $0["phase"] == "ended" }
        #expect(ended.step("undo:suspend")?["verified"] == true)
        #expect(try await server.signIn().status == 200)
        #expect(try await server.profile(session.cookie) == 401)
        #expect(try await server.refresh(refreshed.next).status != 200)
        #expect(ward.leaked([session.cookie]) == [])
    }

    @Test func `lost answers and a killed Cordon leave one suspension, and its undo waits for a person`() async throws {
        guard Glewlwyd.isInstalled, FaultFront.isInstalled else {
            return try skip("Glewlwyd or nginx is not installed (apt-get install glewlwyd nginx libnginx-mod-http-js)")
        }
        let scratch = try ScratchFolder("cordon-glewlwyd")
        let port = try freePort()
        let server = try await Glewlwyd(in: scratch, port: port)
        defer { server.stop() }
        let front = try await FaultFront(before: "http://127.0.0.1:\(port)", in: scratch, port: try freePort())
        defer { front.stop() }
        var ward = try await Ward(remedy(front.url + "/api", "suspend-account", hold: "1h"))
        defer { ward.stop() }

        for (number, fault) in FaultFront.Fault.allCases.enumerated() {
            try front.spoil(fault)
            try await ward.accuse("dave", number: number + 1)
            if fault == .held {
                try await eventually("the change to be made") { try await !server.isEnabled() }
                try await ward.killAndServe()
            }
            let held = try await ward.run(about: "dave", once: "to hold after \(fault)") {
                $0["phase"] != "ended" && $0.step("suspend")?["verified"] == true
            }
            #expect(!front.isWaiting(fault))
            #expect(held.step("suspend")?.calls == ["control refused", "before done", "act done", "read_back done"])
            let act = held.step("suspend")?["calls"]?.arrayValue?.first { $0["purpose"] == "act" }
            // Cordon sends what it is in doubt about again; where the line breaks, libcurl may have done so before.
            #expect(act?["delivery"] == 2 || act?["outcome"]?["sent_twice"] == true, "\(fault)")
            #expect(try await server.signIn().status == 401)
            try await giveBack(server, front, ward)
        }
    }

    @Test func `a suspension that leaves an access token in use says until when, wherever the run is shown`()
        async throws
    {
        guard Glewlwyd.isInstalled else { return try skip("Glewlwyd is not installed (apt-get install glewlwyd)") }
        let scratch = try ScratchFolder("cordon-glewlwyd")
        let server = try await Glewlwyd(in: scratch, port: try freePort())
        defer { server.stop() }
        let ward = try await Ward(remedy(server.base, "suspend-account", hold: "1h"))
        defer { ward.stop() }
        let token = try await server.token()
        #expect(try await server.use(token) == 200)
        try await ward.accuse("dave")
        let held = try await ward.run(about: "dave", once: "to hold") { $0.step("suspend")?["verified"] == true }
        // The account is out, and what it holds goes on to work: the server gives tokens an hour.
        #expect(try await server.signIn().status == 401)
        #expect(try await server.use(token) == 200)
        #expect(try await server.isActive(token))
        let until = try #require(held["residual"]?["until"]?.stringValue.flatMap(Instant.init(rfc3339:)))
        let seen = try #require(held.step("suspend")?["ended_at"]?.stringValue.flatMap(Instant.init(rfc3339:)))
        #expect(until == seen.adding(milliseconds: 3_600_000))
        let words = "contained, residual exposure until \(until): access tokens that were issued before"
        let run = held["id"]?.stringValue ?? ""
        #expect(try await ward.installation.finish("run", "show", run).output.contains(words))
        #expect(try await ward.installation.finish("run", "list").output.contains(until.description))
        // Kept by a person, the run ends so, and its history and whoever reads its bundle are told.
        try await ward.command("hold", about: "dave", then: ["suspend", "--then", "keep"], because: "it was theft")
        try await ward.run(about: "dave", once: "to end") { $0["phase"] == "ended" }
        let bundle = ward.installation.scratch.path("bundle.tar")
        let exported = try await ward.installation.finish("run", "export", run, "--reason", "a sample", "--out", bundle)
        #expect(exported.end == .exited(0), "\(exported.error)")
        let entries = FileManager.default.contents(atPath: bundle) ?? Data()
        for text in ["exposureFound", "every step is done; \(words)"] {
            #expect(entries.range(of: Data(text.utf8)) != nil, "\(text)")
        }
    }

    @Test func `a grant without a name, or with a path for one, ends nobody's tokens`() async throws {
        guard Glewlwyd.isInstalled else { return try skip("Glewlwyd is not installed (apt-get install glewlwyd)") }
        let scratch = try ScratchFolder("cordon-glewlwyd")
        let server = try await Glewlwyd(in: scratch, port: try freePort())
        defer { server.stop() }
        let grants = ["empty": "", "slash": "a/b", "up": ".."]
        var remedy = remedy(server.base, "suspend-account", hold: "1h")
        remedy.identities += grants.map { id, grant in
            Remedy.Identity(id: id, attributes: ["user_name": "dave", "grant": .string(grant)], workflow: "end-grant")
        }
        remedy.workflows["end-grant"] = """
            workflow: end-grant
            title: End one grant of an account
            inputs:
              account: { type: service_account }
            steps:
              - { id: proof, do: evidence.capture, with: { of: "${inputs.account}" } }
              - id: end
                do: grants.revoke
                with: { account: "${inputs.account}", grant: "${inputs.account.grant}" }
                undo: none
                because: its holder signs in anew

            """
        let ward = try await Ward(remedy)
        defer { ward.stop() }
        let (access, refresh) = (try await server.token(), try await server.refreshToken())
        for id in grants.keys.sorted() {
            try await ward.accuse(id)
            let asking = try await ward.run(about: id, once: "to ask") { $0["phase"] == "asked" }
            #expect(asking.step("end")?["acted"] != true)
            #expect(asking.step("end")?.calls.contains { $0.hasPrefix("act") } != true, "\(id)")
        }
        #expect(try await server.use(access) == 200)
        #expect(try await server.refresh(refresh).status == 200)
    }

    /// Nothing that the account held was ended, so letting it in again is a person's to decide; and the answer to that
    /// change is lost too.
    private func giveBack(
        _ server: Glewlwyd, _ front: FaultFront, _ ward: Ward
    ) async throws {
        try await ward.command("hold", about: "dave", then: ["suspend", "--then", "undo"], because: "false alarm")
        let asking = try await ward.run(about: "dave", once: "to ask") { $0["phase"] == "asked" }
        #expect(asking["ask"]?["kind"] == "undo_conflict")
        #expect(asking["ask"]?["reason"]?.stringValue?.contains("give back what the subject held") == true)
        #expect(try await !server.isEnabled())
        try front.spoil(.lost)
        try await ward.command("resume", about: "dave", then: ["--force"], because: "no token is out")
        try await ward.run(about: "dave", once: "to end") { $0["phase"] == "ended" }
        #expect(try await server.signIn().status == 200)
    }

    private func remedy(_ base: String, _ workflow: String, hold: String) -> Remedy {
        Remedy(
            connector: "glewlwyd", settings: ["url": base, "user": Glewlwyd.admin.name, "plugin": "oidc"],
            secrets: ["password": Glewlwyd.admin.password],
            identities: [
                Remedy.Identity(
                    id: "dave", attributes: ["user_name": "dave"], workflow: workflow, with: ["hold": hold])
            ]
        )
    }
}
