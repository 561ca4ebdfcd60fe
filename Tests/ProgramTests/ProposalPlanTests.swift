// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import TestKit
import Testing

/// What a proposal would change, shown from the provider's own word, and consent to exactly that.
@Suite(.serialized)
struct ProposalPlanTests {
    @Test func `a proposal shows the state before and what would be done, and consent is to that state alone`()
        async throws
    {
        let provider = try PracticeAuthority()
        defer { provider.server.stop() }
        let installation = try provider.installation()
        try installation.propose()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        #expect(try await serving.post(Installation.alert(), delivery: "d-1").status == 202)
        try await eventually("the run to be proposed") { try await installation.runs().first?["phase"] == "asked" }
        let id = try #require(try await installation.runs().first?["id"]?.stringValue)
        let ann = try await installation.grant("ann", "approver")

        let page = try await installation.finish("run", "show", id, token: ann)
        #expect(page.output.contains("revoke: tokens.revoke at login"), "\(page.output)")
        #expect(page.output.contains(#"now    {"active":true"#), "\(page.output)")
        #expect(page.output.contains("can not be undone"))
        #expect(page.output.contains("proof: evidence.capture at login, which only reads\n  revoke:"))
        let shown = try await installation.finish("run", "show", id, "-o", "json", token: ann).json
        let plan = try #require(shown.at("plan", "digest")?.stringValue)
        #expect(page.output.contains("cordon run resume \(id) --plan \(plan)"))
        #expect(provider.revocations == 0, "to look changes nothing")
        #expect(!page.output.contains(PracticeAuthority.token))

        // Consent to nothing in particular is none: an old script learns what to type.
        let unbound = try await installation.finish("run", "resume", id, "--reason", "yes", token: ann)
        #expect(unbound.end == .exited(6), "\(unbound.error)")
        #expect(unbound.error.contains("consent is to a plan that was seen; nothing was stored"), "\(unbound.error)")
        #expect(unbound.error.contains("cordon run resume \(id) --plan sha256:"), "\(unbound.error)")
        #expect(try await installation.run(id)["phase"] == "asked")
        let why = try await installation.finish("run", "why", id).output
        #expect(why.contains("--plan DIGEST"), "\(why)")
        // Somebody else ends the token before she agrees.
        let web = serving.web
        _ = try await web.form(provider.server.url + "/revoke", [("token", PracticeAuthority.token)])
        let stale = try await installation.finish("run", "resume", id, "--plan", plan, "--reason", "yes", token: ann)
        #expect(stale.end == .exited(6), "\(stale.error)")
        #expect(stale.error.contains("has changed since you looked, and nothing was stored"), "\(stale.error)")
        #expect(try await installation.run(id)["phase"] == "asked")
        #expect(provider.revocations == 1, "hers was not sent")

        let fresh = try await installation.finish("run", "show", id, "-o", "json", token: ann).json
        let again = try #require(fresh.at("plan", "digest")?.stringValue)
        #expect(again != plan)
        let agreed = try await installation.finish("run", "resume", id, "--plan", again, "--reason", "yes", token: ann)
        #expect(agreed.end == .exited(0), "\(agreed.error)")
        try await eventually("the run to end") { try await installation.run(id)["phase"] == "ended" }
        let told = try await serving.get("/api/v1/runs/\(id)/history", token: ann).json.json
        #expect(told.contains("[plan \(again)]"), "the history says what was agreed to")
        #expect(told.contains(#""method":"token""#) && told.contains(#""group":"approver""#), "\(told)")
        // What the digest was taken over is kept, goes along, and is what was shown.
        let export = try await installation.finish("run", "export", id, "--out", "agreed.tar")
        #expect(export.end == .exited(0), "\(export.error)")
        let verified = try await installation.finish("audit", "verify", "agreed.tar")
        #expect(verified.end == .exited(0), "\(verified.output)")
        let kept = try #require(told.firstMatch(of: /"kept":"sha256:([0-9a-f]{64})"/)?.1)
        let tar = try ProgramUnderTest(
            "/usr/bin/env", ["tar", "-xOf", installation.scratch.path("agreed.tar"), "blobs/\(kept)"],
            capturedIn: installation.scratch, as: "tar")
        #expect(try await tar.waitForExit() == .exited(0))
        #expect(tar.output.contains(#""before":[{"state":"#), "\(tar.output)")

        // It is no proposal any more, and who may neither operate nor approve has no plan to look at.
        let late = try await serving.get("/api/v1/runs/\(id)/plan", token: ann)
        #expect(late.status == 409)
        let eve = try await installation.grant("eve", "auditor")
        #expect(try await serving.get("/api/v1/runs/\(id)/plan", token: eve).status == 403)
        #expect(try await installation.finish("run", "show", id, token: eve).end == .exited(0))
    }
}
