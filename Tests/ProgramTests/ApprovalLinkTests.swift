// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// Answers by signed links, at the built program: what they show, what they do, and what they refuse.
@Suite(.serialized)
struct ApprovalLinkTests {
    private func installation(_ provider: PracticeAuthority, _ chat: LoopbackServer) throws -> Installation {
        let installation = try provider.installation()
        try installation.propose()
        try installation.scratch.write(
            installation.scratch.read("cordon.yaml") + "public_url: https://cordon.example/\n", to: "cordon.yaml")
        try installation.scratch.write(
            installation.scratch.read("connections.yaml") + """

                notifications:
                  channels:
                    - id: ann
                      webhook: { url: { file: ann-url } }
                      people: [{ name: ann, groups: [approver] }]
                      gather: 0s
                      egress: { plain_http: true, loopback: true }
                    - id: bob
                      webhook: { url: { file: bob-url } }
                      people: [{ name: bob, groups: [operator] }]
                      gather: 0s
                      egress: { plain_http: true, loopback: true }
                  routes: [{ kinds: [proposal], to: [ann, bob] }]

                """, to: "connections.yaml")
        for name in ["ann", "bob"] { try installation.secret(chat.url + "/" + name, as: name + "-url") }
        return installation
    }

    private func text(_ request: LoopbackServer.Request?) throws -> String {
        let message = try JSON.parse(try #require(request).body)
        return message["blocks"]?.arrayValue?.dropFirst().first?["text"]?["text"]?.stringValue ?? ""
    }

    /// The link's path and query, as a chat would open it.
    private func link(_ text: String) throws -> String {
        let from = try #require(text.range(of: "<https://cordon.example/approve?"))
        let rest = text[from.upperBound...]
        return "/approve?" + rest.prefix { $0 != "|" }.replacingOccurrences(of: "&amp;", with: "&")
    }

    private func fields(_ page: String) -> [(String, String)] {
        page.components(separatedBy: "<input type=\"hidden\" name=\"").dropFirst().map { part in
            let pieces = part.components(separatedBy: "\"")
            return (pieces[0], pieces[2])
        }
    }

    private func post(
        _ serving: Installation.Serving, _ fields: [(String, String)], _ more: [(String, String)]
    ) async throws -> Web.Answer {
        let all = (fields + more).map { name, value in
            let safe = value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            return "\(name)=\(safe)"
        }
        return try await serving.web.ask(
            "POST", serving.url + "/approve",
            headers: [("content-type", "application/x-www-form-urlencoded")], body: all.joined(separator: "&"))
    }

    @Test func `a link shows what would be done, looking changes nothing, and its one answer counts`() async throws {
        let provider = try PracticeAuthority()
        let chat = try LoopbackServer { _ in .respond(200) }
        defer { chat.stop() }
        let installation = try installation(provider, chat)
        let serving = try await installation.serve()
        #expect(try await serving.post(Installation.alert(), delivery: "d-1").status == 202)
        await chat.waitForRequests(2)
        let link = try link(try text(chat.requests.first { $0.path == "/ann" }))
        #expect(try text(chat.requests.first { $0.path == "/bob" }).contains("approve?") == false)

        let first = try await serving.web.ask("GET", serving.url + link)
        #expect(first.status == 200)
        #expect(first.text.contains("tokens.revoke at login"))
        #expect(first.text.contains("&quot;active&quot;: true"))
        #expect(!first.text.lowercased().contains("<script"))
        #expect(first.headers["content-security-policy"]?.hasPrefix("default-src 'none'") == true)
        #expect(first.headers["cache-control"] == "no-store")
        #expect(try await serving.web.ask("HEAD", serving.url + link).status == 200)
        #expect(try await installation.runs().first?["phase"] == "asked", "looking is not answering")
        #expect(provider.revocations == 0)

        for (old, new) in [("to=ann", "to=bob"), ("mac=", "mac=0"), ("shown=sha256", "shown=sha257")] {
            let altered = try await serving.web.ask(
                "GET", serving.url + link.replacingOccurrences(of: old, with: new))
            #expect(altered.status == 403)
            #expect(altered.text.contains("was altered"))
        }
        // Somebody else revokes it between the look and the answer.
        _ = try await serving.web.form(
            provider.server.url + "/revoke", [("token", PracticeAuthority.token)], user: "a", password: "b")
        let late = try await post(serving, fields(first.text), [("choice", "approve")])
        #expect(late.status == 409)
        #expect(late.text.contains("has changed since you looked"))
        #expect(try await installation.runs().first?["phase"] == "asked")

        let second = try await serving.web.ask("GET", serving.url + link)
        #expect(second.text.contains("&quot;active&quot;: false"))
        let strange = try await post(serving, fields(second.text), [("choice", "whatever")])
        #expect(strange.status == 400)
        let answered = try await post(serving, fields(second.text), [("choice", "approve"), ("reason", "it is right")])
        #expect(answered.status == 200, "\(answered.text)")
        try await eventually("the run to end") { try await installation.runs().first?["phase"] == "ended" }
        let again = try await post(serving, fields(second.text), [("choice", "decline")])
        #expect(again.status == 409)
        #expect(again.text.contains("was answered before"))
        #expect(try await serving.web.ask("GET", serving.url + link).status == 409)

        let id = try #require(try await installation.runs().first?["id"]?.stringValue)
        let history = try await serving.get("/api/v1/runs/\(id)/history", token: installation.firstToken)
        #expect(history.text.contains("ann (by link, ann)"))
        #expect(history.text.contains(#""plan":{"digest":"sha256:"#), "the history says what was agreed to")
        #expect(history.text.contains(#""method":"link""#))
        serving.program.kill()
    }

    /// Two people agree, each by a link of their own, and one of them answers what is asked next.
    @Test func `a quorum agrees by links, each once, and a task is answered by link too`() async throws {
        let provider = try PracticeAuthority()
        let chat = try LoopbackServer { _ in .respond(200) }
        defer { chat.stop() }
        let installation = try installation(provider, chat)
        let scratch = installation.scratch
        try scratch.write(
            try scratch.read("connections.yaml")
                .replacingOccurrences(of: "name: bob, groups: [operator]", with: "name: bob, groups: [approver]")
                .replacingOccurrences(of: "kinds: [proposal]", with: "kinds: [approval, task]"),
            to: "connections.yaml")
        try scratch.write(Self.asking, to: "workflows/asking.yaml")
        let playbook = try scratch.read("playbooks/secret-leaked.yaml")
            .replacingOccurrences(of: "mode: propose", with: "mode: enforce")
            .replacingOccurrences(of: "workflow: token-revocation", with: "workflow: asking")
            .replacingOccurrences(of: "objective: { contained_by: revoke, within: 15m }\n", with: "")
        try scratch.write(playbook, to: "playbooks/secret-leaked.yaml")
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        #expect(try await serving.post(Installation.alert(), delivery: "d-1").status == 202)
        await chat.waitForRequests(2)
        func newest(_ name: String) throws -> String {
            try link(try text(chat.requests.last { $0.path == "/" + name }))
        }
        let (anns, bobs) = (try newest("ann"), try newest("bob"))
        let page = try await serving.web.ask("GET", serving.url + anns)
        #expect(page.status == 200, "\(page.text)")
        let first = try await post(serving, fields(page.text), [("choice", "approve"), ("reason", "seen")])
        #expect(first.status == 200, "\(first.text)")
        let twice = try await post(serving, fields(page.text), [("choice", "approve")])
        #expect(twice.status == 409)
        #expect(twice.text.contains("you said"), "\(twice.text)")
        #expect(try await installation.runs().first?["phase"] == "asked", "one of two")

        let other = try await serving.web.ask("GET", serving.url + bobs)
        let second = try await post(serving, fields(other.text), [("choice", "approve")])
        #expect(second.status == 200, "\(second.text)")
        await chat.waitForRequests(4)
        let task = try await serving.web.ask("GET", serving.url + (try newest("ann")))
        #expect(task.text.contains("Is it used?"), "\(task.text)")
        let answered = try await post(serving, fields(task.text), [("choice", "unused"), ("reason", "asked around")])
        #expect(answered.status == 200, "\(answered.text)")
        try await eventually("the run to end") { try await installation.runs().first?["phase"] == "ended" }
        let id = try #require(try await installation.runs().first?["id"]?.stringValue)
        let run = try await installation.run(id)
        #expect(run.step("used")?["result"]?["choice"] == "unused", "\(run.json)")
        let late = try await post(serving, fields(task.text), [("choice", "used")])
        #expect(late.status == 409)
    }

    private static let asking = """
        workflow: asking
        title: Ask two people, then one
        inputs:
          credential: { type: credential }
        steps:
          - id: agree
            approve: { by: [approver], quorum: 2, within: 1h, on_timeout: skip }
          - id: used
            task: { by: [approver], ask: Is it used?, choices: [used, unused], within: 1h, on_timeout: skip }

        """

    @Test func `a declined proposal is cancelled, and without a public address there are no links`() async throws {
        let provider = try PracticeAuthority()
        let chat = try LoopbackServer { _ in .respond(200) }
        defer { chat.stop() }
        let installation = try installation(provider, chat)
        var serving = try await installation.serve()
        #expect(try await serving.post(Installation.alert(), delivery: "d-1").status == 202)
        await chat.waitForRequests(2)
        let link = try link(try text(chat.requests.first { $0.path == "/ann" }))
        let page = try await serving.web.ask("GET", serving.url + link)
        let declined = try await post(serving, fields(page.text), [("choice", "decline")])
        #expect(declined.status == 200, "\(declined.text)")
        try await eventually("the run to end") { try await installation.runs().first?["ending"] == "cancelled" }
        #expect(provider.revocations == 0)
        serving.program.kill()
        _ = try await serving.program.waitForExit()

        let settings = try installation.scratch.read("cordon.yaml")
        try installation.scratch.write(
            settings.replacingOccurrences(of: "public_url: https://cordon.example/\n", with: ""), to: "cordon.yaml")
        serving = try await installation.serve()
        let without = try await serving.web.ask("GET", serving.url + link)
        #expect(without.status == 404)
        #expect(without.text.contains("public_url"))
        serving.program.kill()
    }
}
