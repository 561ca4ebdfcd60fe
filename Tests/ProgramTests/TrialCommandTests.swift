// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// What people say of alarms and playbooks, by the built program.
@Suite(.serialized)
struct TrialCommandTests {
    @Test func `a playbook in shadow is reported on, labeled, let further, and stopped by its breaker`() async throws {
        let provider = try PracticeAuthority()
        let installation = try provider.installation()
        try installation.scratch.write(
            """
            breaker: { last: 10, share: 50%, at_least: 1 }
            ladder: { shadow: { days: 0, signals: 1 }, propose: { decided: 1, accepted: 50%, none_wrong_of: 0 } }

            """, to: "guards.yaml")
        let serving = try await installation.serve()
        #expect(try await serving.post(Installation.alert(number: 1), delivery: "d-1").status == 202)
        let token = try installation.firstToken
        try await eventually("the alert to be decided about") {
            try await serving.get("/api/v1/decisions", token: token).json["decisions"]?.arrayValue?.count == 1
        }
        let report = try await installation.finish("playbook", "shadow-report", "secret-leaked")
        #expect(report.end == .exited(0), "\(report.error)")
        #expect(report.output.contains("would have   enforce 1"), "\(report.output)")
        #expect(report.output.contains("next rung    propose: nothing is lacking"), "\(report.output)")
        try await expectLookedUp(installation, provider)

        let decisions = try await serving.get("/api/v1/decisions", token: token).json["decisions"]?.arrayValue
        let alert = try #require(decisions?.first?["alert"]?.stringValue)
        let labeled = try await installation.finish(
            "alert", "label", alert, "true_positive", "--reason", "the key was real")
        #expect(labeled.end == .exited(0), "\(labeled.error)")
        let again = try await installation.finish("alert", "label", alert, "true_positive", "--reason", "once more")
        #expect(again.end == .exited(6), "\(again.error)")

        let early = try await installation.finish(
            "playbook", "promote", "secret-leaked", "--to", "enforce", "--reason", "in a hurry")
        #expect(early.end == .exited(6))
        #expect(early.error.contains("it is at shadow: the next rung is propose"), "\(early.error)")
        let promoted = try await installation.finish(
            "playbook", "promote", "secret-leaked", "--to", "enforce", "--force", "--reason", "an incident")
        #expect(promoted.end == .exited(0), "\(promoted.error)")

        #expect(try await serving.post(Installation.alert(number: 2), delivery: "d-2").status == 202)
        try await eventually("a run to end") {
            try await serving.get("/api/v1/runs?phase=ended", token: token).json["runs"]?.arrayValue?.count == 1
        }
        let runs = try await serving.get("/api/v1/runs", token: token).json["runs"]?.arrayValue
        let run = try #require(runs?.first?["id"]?.stringValue)
        let wrong = try await installation.finish(
            "run", "label", run, "false_positive", "--reason", "a key for tests")
        #expect(wrong.end == .exited(0), "\(wrong.error)")
        let open = try await installation.finish("guard", "list", "--playbook", "secret-leaked")
        #expect(open.output.contains("1 were false alarms"), "\(open.output)")

        serving.program.kill()
        try await serving.program.waitForExit()
        let alone = try await installation.finish("guard", "list", "--playbook", "secret-leaked")
        #expect(alone.output == open.output, "the store tells the same without a server")
        let later = try await installation.serve()
        let closed = try await installation.finish(
            "guard", "close", "secret-leaked", "--reason", "test keys are left out now")
        #expect(closed.end == .exited(0), "\(closed.error)")
        let twice = try await installation.finish("guard", "close", "secret-leaked", "--reason", "once more")
        #expect(twice.end == .exited(6))
        #expect(try await later.stop() == .exited(0))
        let verified = try await installation.finish("audit", "verify")
        #expect(verified.end == .exited(0), "\(verified.output) \(verified.error)")
    }

    /// Its provider was asked what would have been done, and nothing was done.
    private func expectLookedUp(_ installation: Installation, _ provider: PracticeAuthority) async throws {
        var told = ""
        try await eventually("what would have been done to be looked up") {
            told = try await installation.finish("playbook", "shadow-report", "secret-leaked").output
            return told.contains("looked up")
        }
        #expect(told.contains("looked up    1 of them at their provider: tokens.revoke 1; 0 states unread"), "\(told)")
        #expect(provider.introspections == 2, "its evidence, and the state before")
        #expect(provider.revocations == 0)
        #expect(try await installation.runs().isEmpty)
    }

    @Test func `what there is not, and what is misspelt, is refused with a way out`() async throws {
        let installation = try Installation.alone()
        _ = try await installation.finish("init", ".")
        let none = try await installation.finish("playbook", "shadow-report", "nothing")
        #expect(none.end == .exited(3))
        #expect(none.error.contains("there is no playbook 'nothing'; see 'cordon playbook list'"), "\(none.error)")
        let label = try await installation.finish("alert", "label", "nonsense", "true_positive", "--reason", "so")
        #expect(label.error.contains("'nonsense' is no alert's id"), "\(label.error)")
        let idle = try await installation.finish("guard", "close", "secret-leaked", "--reason", "so")
        #expect(idle.error.contains("start it with 'cordon serve'"), "\(idle.error)")
    }
}
