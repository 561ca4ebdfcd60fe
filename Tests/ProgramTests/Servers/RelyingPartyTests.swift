// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import TestKit
import Testing

/// Sessions at a real relying party, ended by a logout token that Cordon signed.
@Suite(.serialized)
struct RelyingPartyTests {
    private static let logout = """
        workflow: logout
        title: Keep which keys the provider has, end the account's sessions at the relying party
        inputs:
          account: { type: service_account }
        steps:
          - { id: proof, do: evidence.capture, with: { of: "${inputs.account}" } }
          - id: sessions
            do: sessions.revoke
            with: { issued_by: "${inputs.account}" }
            undo: none
            because: whoever may, signs in again

        """

    @Test func `a session at Apache ends with the first logout token, and signing in again is another session`()
        async throws
    {
        guard RelyingParty.isInstalled else { return try skip(RelyingParty.install) }
        let scratch = try ScratchFolder("cordon-apache")
        let provider = try OpenIDProvider()
        defer { provider.server.stop() }
        let party = try await RelyingParty(of: provider, in: scratch)
        defer { party.stop() }
        let ward = try await Ward(
            Remedy(
                connector: "oidc-logout",
                settings: [
                    "url": party.url + "/cb?logout=backchannel", "issuer": provider.issuer,
                    "client_id": OpenIDProvider.client.id, "key_id": "op-1", "keys": provider.issuer + "/keys",
                ], secrets: ["signing_key": provider.privatePEM],
                identities: [
                    Remedy.Identity(id: "agent", attributes: ["sub": "agent-7"], workflow: "logout"),
                    Remedy.Identity(id: "stranger", attributes: ["sub": "agent-8"], workflow: "logout"),
                ], workflows: ["logout": Self.logout]))
        defer { ward.stop() }

        let session = try await party.signIn()
        #expect(try await party.page(session) == 200)
        #expect(try await party.takes("e30.e30.e30") == 400)
        #expect(try await party.page(session) == 200)

        // Somebody else's logout is nobody's here.
        try await ward.accuse("stranger")
        try await ward.run(about: "stranger", once: "to end") { $0["phase"] == "ended" }
        #expect(try await party.page(session) == 200)

        try await ward.accuse("agent")
        let ended = try await ward.run(about: "agent", once: "to end") { $0["phase"] == "ended" }
        #expect(ended["ending"] == "completed")
        #expect(ended.step("sessions")?.calls == ["act done"])
        #expect(try await party.page(session) == 302)

        // There is nothing left to end, and a repeat is taken as the first was.
        try await ward.accuse("agent", number: 2)
        let again = try await ward.run(about: "agent", once: "to end anew") {
            $0["phase"] == "ended" && $0["id"] != ended["id"]
        }
        #expect(again["ending"] == "completed")
        let other = try await party.signIn()
        #expect(try await party.page(other) == 200)
        #expect(try await party.page(session) == 302)
        #expect(ward.leaked([String(provider.privatePEM.split(separator: "\n")[3])]) == [])
    }

    @Test func `a logout that Apache never heard of is sent again, and of one whose answer is lost a person is told`()
        async throws
    {
        guard RelyingParty.isInstalled, FaultFront.isInstalled else {
            return try skip("\(RelyingParty.install), or nginx (apt-get install nginx libnginx-mod-http-js)")
        }
        let scratch = try ScratchFolder("cordon-apache")
        let provider = try OpenIDProvider()
        defer { provider.server.stop() }
        let party = try await RelyingParty(of: provider, in: scratch)
        defer { party.stop() }
        let front = try await FaultFront(
            before: party.url, in: scratch, port: try freePort(), page: "/", change: "^POST ")
        defer { front.stop() }
        let faults = [FaultFront.Fault.lost, .never]
        let ward = try await Ward(
            Remedy(
                connector: "oidc-logout",
                settings: [
                    "url": front.url + "/cb?logout=backchannel", "issuer": provider.issuer,
                    "client_id": OpenIDProvider.client.id, "key_id": "op-1", "keys": provider.issuer + "/keys",
                ], secrets: ["signing_key": provider.privatePEM],
                identities: faults.map {
                    Remedy.Identity(id: $0.rawValue, attributes: ["sub": "agent-7"], workflow: "logout")
                }, workflows: ["logout": Self.logout]))
        defer { ward.stop() }
        for fault in faults {
            let session = try await party.signIn()
            #expect(try await party.page(session) == 200)
            try front.spoil(fault)
            try await ward.accuse(fault.rawValue)
            let run = try await ward.run(about: fault.rawValue, once: "to come to rest after \(fault)") {
                $0["phase"] == "ended" || $0["phase"] == "asked"
            }
            #expect(!front.isWaiting(fault))
            let act = run.step("sessions")?["calls"]?.arrayValue?.first
            #expect(act?["delivery"] == 2 || act?["outcome"]?["sent_twice"] == true, "\(fault)")
            #expect(try await party.page(session) == 302)
            if fault == .lost {
                // The party took the token, and takes none twice: a person is told why, and another token goes.
                let reason = run["ask"]?["reason"]?.stringValue ?? ""
                #expect(reason.contains("an earlier delivery of it may have taken effect"), "\(reason)")
                try await ward.command("resume", about: "lost", because: "the session is over")
            }
            let ended = try await ward.run(about: fault.rawValue, once: "to end") { $0["phase"] == "ended" }
            #expect(ended["ending"] == "completed")
        }
    }

    @Test func `a logout that Apache took while Cordon was killed is told to a person, and ends nothing else`()
        async throws
    {
        guard RelyingParty.isInstalled, FaultFront.isInstalled else {
            return try skip("\(RelyingParty.install), or nginx (apt-get install nginx libnginx-mod-http-js)")
        }
        let scratch = try ScratchFolder("cordon-apache")
        let provider = try OpenIDProvider()
        defer { provider.server.stop() }
        let party = try await RelyingParty(of: provider, in: scratch)
        defer { party.stop() }
        let front = try await FaultFront(
            before: party.url, in: scratch, port: try freePort(), page: "/", change: "^POST ")
        defer { front.stop() }
        var ward = try await Ward(
            Remedy(
                connector: "oidc-logout",
                settings: [
                    "url": front.url + "/cb?logout=backchannel", "issuer": provider.issuer,
                    "client_id": OpenIDProvider.client.id, "key_id": "op-1", "keys": provider.issuer + "/keys",
                ], secrets: ["signing_key": provider.privatePEM],
                identities: [Remedy.Identity(id: "killed", attributes: ["sub": "agent-7"], workflow: "logout")],
                workflows: ["logout": Self.logout]))
        defer { ward.stop() }
        let session = try await party.signIn()
        #expect(try await party.page(session) == 200)
        try front.spoil(.held)
        try await ward.accuse("killed")
        try await eventually("Apache to end the session, and its answer to be held back") {
            let page = try await party.page(session)
            return !front.isWaiting(.held) && page == 302
        }
        try await ward.killAndServe()
        // The same token goes again, as nobody knows; the party takes none twice.
        let asking = try await ward.run(about: "killed", once: "to ask") { $0["phase"] == "asked" }
        let act = asking.step("sessions")?["calls"]?.arrayValue?.first
        #expect(act?["delivery"] == 2)
        let reason = asking["ask"]?["reason"]?.stringValue ?? ""
        #expect(reason.contains("an earlier delivery of it may have taken effect"), "\(reason)")
        let later = try await party.signIn()
        try await ward.command("resume", about: "killed", because: "the session is over")
        let ended = try await ward.run(about: "killed", once: "to end") { $0["phase"] == "ended" }
        #expect(ended["ending"] == "completed")
        // A further token is a further logout.
        #expect(try await party.page(later) == 302)
    }
}
