// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// What a source closes, as its operators see it.
@Suite struct ClosedAlertTests {
    private func taken(_ answer: Web.Answer) throws -> String {
        try #require(answer.json["id"]?.stringValue ?? answer.json["alert"]?.stringValue, "\(answer.text)")
    }

    private static func proposing() throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "playbooks/secret-leaked.yaml"), encoding: .utf8)
        return text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.hasPrefix("mode:") ? "mode: propose" : String($0) }.joined(separator: "\n")
    }

    @Test func `a resolved alert keeps the late one from acting, also when the server was killed between`()
        async throws
    {
        let installation = try Installation.alone()
        let first = try await installation.serve()
        let token = try installation.firstToken
        let over = try taken(
            try await first.post(Installation.alert(action: "resolved"), delivery: "d-2"))
        #expect(try await first.stateOnceRead(over, token: token) == "read")
        first.program.kill()
        let second = try await installation.serve()
        let late = try taken(try await second.post(Installation.alert(), delivery: "d-1"))
        #expect(try await second.stateOnceRead(late, token: token) == "read")
        #expect(try await installation.runs().isEmpty)
        let shown = try await installation.finish("alert", "show", late)
        #expect(shown.output.contains("closed by its source as of"), "\(shown.output) \(shown.error)")
        #expect(shown.output.contains(over))
        #expect(try await second.stop() == .exited(0))
        let verified = try await installation.finish("audit", "verify")
        #expect(verified.end == .exited(0), "\(verified.output) \(verified.error)")
    }

    @Test func `a run that waits for a person says that its source closed it`() async throws {
        let installation = try Installation.alone()
        try installation.scratch.write(try Self.proposing(), to: "playbooks/secret-leaked.yaml")
        let serving = try await installation.serve()
        let token = try installation.firstToken
        let opened = try taken(try await serving.post(Installation.alert(), delivery: "d-1"))
        #expect(try await serving.stateOnceRead(opened, token: token) == "read")
        let id = try #require(try await installation.runs().first?["id"]?.stringValue)
        let before = try await installation.finish("run", "show", id).output
        #expect(before.contains(id) && !before.contains("its source closed"))
        for delivery in ["d-2", "d-3"] {
            let over = try taken(
                try await serving.post(
                    Installation.alert(action: "resolved").replacing(
                        "\"resolution\":null", with: #""resolution":"revoked","resolved_at":"2026-11-23T19:00:00Z""#),
                    delivery: delivery))
            #expect(try await serving.stateOnceRead(over, token: token) == "read")
        }
        let shown = try await installation.finish("run", "show", id).output
        #expect(shown.contains("  closed    its source closed what it alerted of as of 2026-11-23T19:00:00.000Z (alr_"))
        #expect(
            try await installation.finish("run", "why", id).output.contains(
                "its source closed what it alerted of as of 2026-11-23T19:00:00.000Z"))
        let run = try await installation.run(id)
        #expect(run["phase"] == "asked" && run["closed"]?.arrayValue?.count == 1)
        #expect(try await serving.stop() == .exited(0))
    }
}
