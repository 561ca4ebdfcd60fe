// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Crypto
import Foundation
import Synchronization
import TestKit
import Testing

/// A false alarm about many accounts, undone by one command at the built program.
@Suite(.serialized)
struct WaveUndoTests {
    /// A directory of accounts beside the program. It can hold its answers back once so many were given back.
    private final class Directory: Sendable {
        private struct State {
            var words: [String: String] = [:]
            var givenBack = 0
            var holdsAfter = Int.max
        }

        private final class Box: Sendable {
            let state = Mutex(State())
            let gate = Gate()
        }

        let server: LoopbackServer
        private let box: Box

        init() throws {
            let box = Box()
            self.box = box
            server = try LoopbackServer { request in
                let id = request.path.split(separator: "/").dropFirst().first.map(String.init) ?? ""
                if request.method == "PUT", let word = (try? JSON.parse(request.body))?["state"]?.stringValue {
                    let mustWait = box.state.withLock { state in
                        if word == "active" { state.givenBack += 1 }
                        if word == "active", state.givenBack > state.holdsAfter { return true }
                        state.words[id] = word
                        return false
                    }
                    if mustWait { box.gate.wait() }
                }
                let word = box.state.withLock { $0.words[id] } ?? "active"
                return .json(#"{"id":"\#(id)","state":"\#(word)"}"#)
            }
        }

        func hold(after count: Int) { box.state.withLock { $0.holdsAfter = count } }

        func letGo() {
            box.state.withLock { $0.holdsAfter = .max }
            box.gate.open()
        }

        func set(_ id: String, _ word: String) { box.state.withLock { $0.words[id] = word } }
        func count(_ word: String) -> Int { box.state.withLock { $0.words.values.count { $0 == word } } }
        var givenBack: Int { box.state.withLock { $0.givenBack } }
    }

    private static let hookKey = "a webhook's key for waves, 32 by"
    private static let accounts = 60

    private func installation(_ directory: Directory, mode: String) throws -> Installation {
        let installation = try PracticeAuthority().installation()
        let scratch = installation.scratch
        let root = URL(filePath: #filePath).appending(path: "../../..").standardized.path
        for name in ["workflows/connectors/native.yaml", "workflows/suspend-account.yaml"] {
            try scratch.write(try String(contentsOfFile: root + "/" + name, encoding: .utf8), to: name)
        }
        // The wave itself is what is undone: no guard is to hold it back.
        try scratch.write(Installation.openGuards, to: "guards.yaml")
        try scratch.write(WaveUndoTests.connector, to: "workflows/connectors/rolls.yaml")
        try scratch.write(
            """
            sources:
              - { id: feed, connector: native, secrets: [{ file: hook }] }
            providers:
              - id: rolls
                connector: rolls
                settings: { url: "\(directory.server.url)" }
                secrets: { token: { file: token } }
                egress: { plain_http: true, loopback: true }
            notifications:
              channels:
                - { id: chat, webhook: { url: { file: chat } }, gather: 1s, egress: { plain_http: true, loopback: true } }
              routes: [{ kinds: [proposal, conflict], to: [chat] }]

            """, to: "connections.yaml")
        try scratch.write(
            "identities:\n"
                + (1...WaveUndoTests.accounts).map {
                    "  - { id: acct-\($0), kind: service_account, provider: rolls, matches: { account: acct-\($0) } }\n"
                }.joined(), to: "identities.yaml")
        try scratch.write(
            """
            playbook: account-misused
            title: An account is misused
            owner: team/identity
            mode: \(mode)
            trigger:
              signal: identity.suspected
              when: signal.severity == "high"
              subject: { kind: service_account, from: signal.identity }
              group: { by: [subject.id], window: 1h }
            run: { workflow: suspend-account, with: { account: "${subject}" } }
            maps: { owasp_nhi: [NHI1] }

            """, to: "playbooks/account-misused.yaml")
        try installation.secret(
            "whsec_" + Data(WaveUndoTests.hookKey.utf8).base64EncodedString(), as: "hook")
        return installation
    }

    private func postWave(_ serving: Installation.Serving) async throws {
        for number in 1...WaveUndoTests.accounts {
            let body =
                #"{"kind":"identity.suspected","id":"e-\#(number)","severity":"high","signal":{"identity":{"account":"acct-\#(number)"},"event":"leaked","resources":[]}}"#
            let time = String(Int(Date.now.timeIntervalSince1970))
            let code = HMAC<SHA256>.authenticationCode(
                for: Array("m-\(number).\(time).\(body)".utf8),
                using: SymmetricKey(data: Array(WaveUndoTests.hookKey.utf8)))
            let answer = try await serving.web.ask(
                "POST", serving.url + "/hooks/feed",
                headers: [
                    ("content-type", "application/json"), ("webhook-id", "m-\(number)"), ("webhook-timestamp", time),
                    ("webhook-signature", "v1," + Data(code).base64EncodedString()),
                ], body: body)
            try #require(answer.status == 202, "\(answer.text)")
        }
    }

    private let order = ["run", "undo", "--playbook", "account-misused", "--since", "1h"]

    @Test func `a wave is undone but for what a person changed since, through a kill in the middle`() async throws {
        let directory = try Directory()
        defer { directory.server.stop() }
        let installation = try installation(directory, mode: "enforce")
        try installation.secret("http://127.0.0.1:9/", as: "chat")
        var serving = try await installation.serve()
        try await postWave(serving)
        try await eventually("all to be suspended", seconds: 60) { directory.count("suspended") == Self.accounts }
        try await eventually("the runs to hold", seconds: 60) {
            try await installation.runs().allSatisfy { $0["wake"] == "timer" }
        }
        directory.set("acct-7", "locked by hand")

        let looked = try await installation.finish(order + ["--dry-run", "-o", "json"])
        #expect(looked.end == .exited(0), "\(looked.error)")
        #expect(try looked.json["counts"]?["to_undo"]?.intValue == Int64(Self.accounts))
        let plan = try #require(try looked.json["plan"]?.stringValue)
        let unsure = try await installation.finish(order)
        #expect(unsure.end == .exited(8))
        #expect(unsure.error.contains("nothing was undone: order it with --plan \(plan)"))
        let stale = try await installation.finish(order + ["--plan", "sha256:0", "--reason", "no"])
        #expect(stale.end == .exited(6))
        #expect(stale.error.contains("not the runs that you were shown"))
        #expect(directory.givenBack == 0)

        directory.hold(after: 20)
        let ordered = try await installation.finish(
            order + ["--plan", plan, "--reason", "a wrong feed", "--wait", "0s"])
        #expect(ordered.end == .exited(75), "\(ordered.error)")
        try await eventually("twenty to be given back") { directory.count("active") == 20 }
        serving.program.kill()
        #expect(try await serving.program.waitForExit() == .killed(bySignal: SIGKILL))
        directory.letGo()

        serving = try await installation.serve()
        let again = try await installation.finish(
            order + ["--yes", "--reason", "a wrong feed", "--wait", "5m", "-o", "json"])
        #expect(again.end == .exited(6), "\(again.error)")
        #expect(directory.count("active") == Self.accounts - 1)
        #expect(directory.count("suspended") == 0)
        let conflicts = try again.json["runs"]?.arrayValue?.filter { $0["state"] == "conflict" } ?? []
        #expect(conflicts.compactMap { $0["subject"]?.stringValue } == ["service_account:acct-7"])
        #expect(conflicts.first?["reason"]?.stringValue?.contains("somebody changed it since") == true)
        #expect(try again.json["counts"]?["restored"]?.intValue == Int64(Self.accounts - 1))

        // Ordered once more, it finds nothing left to do.
        let third = try await installation.finish(order + ["--yes", "--reason", "a wrong feed", "-o", "json"])
        #expect(third.end == .exited(6))
        #expect(try third.json["counts"] == again.json["counts"])
        let nobody = try await installation.finish(
            ["run", "undo", "--playbook", "no-such", "--since", "1h", "--yes", "--reason", "x"])
        #expect(nobody.end == .exited(3))
        let viewer = try await installation.grant("eve", "auditor")
        let refused = try await installation.finish(order + ["--yes", "--reason", "x"], token: viewer)
        #expect(refused.end == .exited(5), "\(refused.error)")
        serving.program.terminate()
        _ = try await serving.program.waitForExit()
        let audit = try await installation.finish("audit", "verify")
        #expect(audit.end == .exited(0), "\(audit.output) \(audit.error)")
    }

    @Test func `of a wave of proposals people hear once`() async throws {
        let directory = try Directory()
        let chat = try LoopbackServer { _ in .respond(200) }
        defer {
            directory.server.stop()
            chat.stop()
        }
        let installation = try installation(directory, mode: "propose")
        try installation.secret(chat.url + "/chat", as: "chat")
        let serving = try await installation.serve()
        try await postWave(serving)
        try await eventually("all to be told or to wait for the wave's end", seconds: 60) {
            let rows = try await installation.finish("notification", "list", "--limit", "500", "-o", "json").json
            return (rows.arrayValue ?? []).count == Self.accounts
        }
        await chat.waitForRequests(1)
        // Whatever came after the first message waits: nobody's second comes with the next look of the engine.
        let listed = try await installation.finish("notification", "list", "--limit", "500", "-o", "json").json
        let told = (listed.arrayValue ?? []).filter { $0["state"] == "delivered" }
        try await eventually("the rest to be put off") {
            let rows = try await installation.finish("notification", "list", "--only", "waiting", "-o", "json").json
            let due = (rows.arrayValue ?? []).compactMap { $0["due_at"]?.stringValue }
            return Set(due).count <= 1
        }
        #expect(chat.requests.count == 1)
        let text = try JSON.parse(try #require(chat.requests.first).body)["text"]?.stringValue ?? ""
        #expect(text.hasSuffix("× a run is proposed: account-misused"), "\(text)")
        #expect(told.count <= Self.accounts)
        #expect(directory.count("suspended") == 0)
        serving.program.kill()
    }

    @Test func `the wave of the demonstration is undone, and what a hand changed is left to a person`() async throws {
        let scratch = try ScratchFolder("cordon-wave")
        let shown = try await Installation.finish(
            ["demo", "--scenario", "wave", "--folder", scratch.path("wave")], in: scratch)
        #expect(shown.end == .exited(0), "\(shown.error)")
        #expect(shown.output.contains("400 signed alerts about 300 accounts are stored"))
        #expect(shown.output.contains("1 left to a person"))
        #expect(shown.output.contains("no account is suspended any more"))
    }

    private static let connector = """
        connector: rolls
        title: Rolls of accounts
        vendor: https://rolls.example/api
        provider:
          settings: { url: { type: url } }
          secrets: [token]
          subject_secrets: []
          authentication: { scheme: header, prefix: Bearer, secret: token }
          capabilities:
            evidence.capture:
              class: read
              request: { method: GET, to: url, path: "/rolls/${with.of.id}" }
              answers: { done: [200], refused: [400, 404], later: [429, 503] }
              keep: [id, state]
            account.suspend:
              class: convergent
              request: { method: PUT, to: url, path: "/rolls/${with.account.id}", json: { state: suspended } }
              answers: { done: [200], refused: [400, 404], later: [429, 503] }
              state:
                request: { method: GET, to: url, path: "/rolls/${with.account.id}" }
                answers: { done: [200], refused: [400, 404], later: [429, 503] }
                keep: { active: "${body.state == 'active'}", state: "${body.state}" }
                compare: [state]
              probe: after.state == "suspended"
              undo:
                request: { method: PUT, to: url, path: "/rolls/${with.account.id}", json: { state: "${with.before.state}" } }
                answers: { done: [200], refused: [400, 404], later: [429, 503] }
              reversibility: full

        """
}
