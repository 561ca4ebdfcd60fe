// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// `cordon playbook simulate` beside a running server and without one.
@Suite struct PlaybookSimulateCommandTests {
    private static func draft(when condition: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "playbooks/secret-leaked.yaml"), encoding: .utf8)
        return text.split(separator: "\n").map { $0.hasPrefix("  when:") ? "  when: \(condition)" : String($0) }
            .joined(separator: "\n") + "\n"
    }

    /// A server that has read one alert of a live secret and one of a dead one.
    private func fed(_ installation: Installation) async throws -> Installation.Serving {
        let serving = try await installation.serve()
        let token = try installation.firstToken
        for (number, validity) in [(1, "active"), (2, "inactive")] {
            let answer = try await serving.post(
                Installation.alert(number: number, validity: validity), delivery: "d-\(number)")
            let id = try #require(answer.json["id"]?.stringValue ?? answer.json["alert"]?.stringValue)
            #expect(try await serving.stateOnceRead(id, token: token) == "read")
        }
        return serving
    }

    @Test func `a draft is laid beside what was decided, with a server and without`() async throws {
        let installation = try Installation.alone()
        try installation.scratch.write(
            try Self.draft(when: #"signal.validity in ["active", "inactive"]"#), to: "drafts/secret-leaked.yaml")
        let serving = try await fed(installation)
        let words = ["playbook", "simulate", "drafts/secret-leaked.yaml", "--days", "2"]
        let online = try await installation.finish(words)
        #expect(online.end == .exited(0), "\(online.error)")
        #expect(
            online.outputLines[0]
                == "secret-leaked, mode enforce, over 2 days: 2 signals of kind secret.exposed, 2 in all")
        #expect(online.outputLines[2].split(separator: " ") == ["enforce", "2", "1"])
        #expect(online.output.contains("runs opened         2  (in force: 1)\nidentities changed  1\n"))
        #expect(
            online.output.contains(
                "calls               evidence.capture 2, tokens.revoke 2  (in force: evidence.capture 1, tokens.revoke 1)\n"
            ))
        #expect(online.output.contains("worst hour          2 runs from "))
        #expect(online.output.contains("1 decision differs\nALERT "))
        #expect(online.outputLines.last?.contains("  ignore  enforce  mode: the playbook's mode is enforce") == true)
        let before = try await installation.finish("run", "list", "-o", "json").output
        #expect(try await serving.stop() == .exited(0))
        let offline = try await installation.finish(words)
        #expect(offline.output == online.output)
        // It is read-only: the runs are those that were there.
        let after = try await installation.finish("run", "list", "-o", "json").json.arrayValue
        #expect(after?.map { $0["id"] } == (try JSON.parse(before)).arrayValue?.map { $0["id"] })
    }

    @Test func `the playbook as it is differs in nothing, and another mode in every decision that acts`() async throws {
        let installation = try Installation.alone()
        let serving = try await fed(installation)
        let same = try await installation.finish("playbook", "simulate", "secret-leaked", "-o", "json")
        #expect(same.end == .exited(0), "\(same.error)")
        #expect(try same.json["differences"] == [])
        #expect(try same.json["draft"] == same.json["live"])
        let shadow = try await installation.finish(
            "playbook", "simulate", "secret-leaked", "--mode", "shadow", "-o", "json")
        let differences = try #require(try shadow.json["differences"]?.arrayValue)
        #expect(differences.map { $0["draft"] } == ["shadow"] && differences.map { $0["live"] } == ["enforce"])
        #expect(try shadow.json["runs"] == 0 && shadow.json["calls"] == [:])
        #expect(try await serving.stop() == .exited(0))
    }

    @Test func `a draft of its workflow that calls more is told, and what no connection offers would ask a person`()
        async throws
    {
        let installation = try Installation.alone()
        let serving = try await fed(installation)
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "workflows/token-revocation.yaml"), encoding: .utf8)
        let proof = "  - id: again\n    do: evidence.capture\n    with: { of: \"${inputs.credential.id}\" }\n"
        try installation.scratch.write(text + proof, to: "drafts/token-revocation.yaml")
        let words = ["playbook", "simulate", "secret-leaked", "--workflow", "drafts/token-revocation.yaml"]
        let more = try await installation.finish(words + ["-o", "json"])
        #expect(more.end == .exited(0), "\(more.error)")
        #expect(try more.json["calls"] == ["evidence.capture": 2, "tokens.revoke": 1])
        #expect(try more.json.at("in_force", "calls") == ["evidence.capture": 1, "tokens.revoke": 1])
        #expect(try more.json["differences"]?.arrayValue?.count == 1)
        #expect(
            try await installation.finish(words).output.contains("  (in force: evidence.capture 1, tokens.revoke 1)"))
        let suspend =
            "  - id: stop\n    do: credential.disable\n    with: { credential: \"${inputs.credential}\" }\n"
            + "    hold: { for: 1h, then: undo }\n"
        try installation.scratch.write(text + suspend, to: "drafts/token-revocation.yaml")
        let lacking = try await installation.finish(words + ["-o", "json"])
        #expect(try lacking.json["calls"] == [:] && lacking.json["would_ask"] == 1, "\(lacking.error)")
        #expect(
            try await installation.finish(words).output.contains(
                "would ask a person  1 run: 'login' does not offer credential.disable"))
        #expect(try await serving.stop() == .exited(0))
    }

    @Test func `a name that is nothing, days that are none, and a draft with a mistake are told`() async throws {
        let installation = try Installation.alone()
        let name = try await installation.finish("playbook", "simulate", "secret-laeked")
        #expect(name.end == .exited(3))
        #expect(
            name.errorLines == [
                "cordon: there is no playbook and no file 'secret-laeked'; did you mean 'secret-leaked'?"
            ])
        let days = try await installation.finish("playbook", "simulate", "secret-leaked", "--days", "0")
        #expect(days.end == .exited(64))
        try installation.scratch.write(try Self.draft(when: "signal.validty == \"a\""), to: "drafts/secret-leaked.yaml")
        let mistake = try await installation.finish("playbook", "simulate", "drafts/secret-leaked.yaml")
        #expect(mistake.end == .exited(10))
        #expect(mistake.error.hasPrefix("drafts/secret-leaked.yaml:"))
        let empty = try await installation.finish("playbook", "simulate", "secret-leaked")
        #expect(empty.end == .exited(3))
    }
}
