// SPDX-License-Identifier: Apache-2.0

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
            #expect(held.step("suspend")?.calls == ["before done", "act done", "read_back done"])
            let act = held.step("suspend")?["calls"]?.arrayValue?.first { $0["purpose"] == "act" }
            // Cordon sends what it is in doubt about again; where the line breaks, libcurl may have done so before.
            #expect(act?["delivery"] == 2 || act?["outcome"]?["sent_twice"] == true, "\(fault)")
            #expect(try await server.signIn().status == 401)
            try await giveBack(server, front, ward)
        }
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
