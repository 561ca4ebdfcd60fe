// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// `cordon playbook test` as an author uses it.
@Suite struct PlaybookTestCommandTests {
    /// A folder with a copy of the shipped pair, its connectors and the alert of its test.
    private func library() throws -> ScratchFolder {
        let folder = try ScratchFolder("cordon-tests")
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        for name in [
            "playbooks/secret-leaked.yaml", "playbooks/secret-leaked.test.yaml",
            "playbooks/fixtures/secret-scanning-alert.json", "workflows/token-revocation.yaml",
            "workflows/connectors/github.yaml", "workflows/connectors/oauth2.yaml",
        ] {
            try folder.write(try String(contentsOf: root.appending(path: name), encoding: .utf8), to: name)
        }
        return folder
    }

    private func run(_ folder: ScratchFolder, _ more: String...) async throws -> Installation.Ended {
        try await Installation.finish(["playbook", "test"] + more, in: folder)
    }

    @Test func `the shipped test holds and covers every way`() async throws {
        let ended = try await run(try library(), "--require-coverage")
        #expect(ended.end == .exited(0), "\(ended.output)\(ended.error)")
        #expect(ended.outputLines.first == "secret-leaked")
        #expect(ended.outputLines.dropFirst().dropLast().allSatisfy { $0.hasPrefix("  ok      ") })
        #expect(ended.outputLines.last?.hasSuffix(" 0 failed; 7 of 7 ways covered") == true)
        #expect(ended.error.isEmpty)
    }

    private static let short = """
        test: secret-leaked
        cases:
          - name: revoked
            signal:
              { validity: active, exposure: public, location: { kind: ci_log, repository: a/b }, credential: { a: b }, secret_type: key }
            fake: { tokens.revoke: { before: { active: true }, after: { active: false } } }
            expect: { verdict: enforce, end: completed }
          - name: wrong
            expect: { calls: [tokens.revoke], end: stopped }

        """

    @Test func `a case that fails is told with the difference, and the command ends with 1`() async throws {
        let folder = try library()
        try folder.write(Self.short, to: "playbooks/secret-leaked.test.yaml")
        let ended = try await run(folder)
        #expect(ended.end == .exited(1))
        #expect(
            ended.output
                == """
                secret-leaked
                  ok      revoked  enforce, 2 calls, completed after 400ms
                  FAILED  wrong  (playbooks/secret-leaked.test.yaml:8)
                            calls: expected tokens.revoke
                                ≠ +0ms  evidence.capture  ('proof')
                                ≠ +200ms  tokens.revoke  ('revoke')
                            end: expected stopped, got completed
                2 cases, 1 ok, 1 failed; 3 of 7 ways covered

                """)
        #expect(ended.error.contains("warning[P070]: no case covers that 'when' is false\n"))
        #expect(
            ended.error.contains(
                """
                workflows/token-revocation.yaml:8:5: warning[P070]: no case covers that 'proof' can't be done (on_error: page)
                 8 |     do: evidence.capture
                   |     ^^
                """))
        #expect(ended.errorLines.last == "cordon: 1 of 2 cases failed")
    }

    @Test func `ways that no case takes are refused where coverage is required`() async throws {
        let folder = try library()
        let text = Self.short.split(separator: "  - name: wrong")[0]
        try folder.write(String(text), to: "playbooks/secret-leaked.test.yaml")
        #expect(try await run(folder).end == .exited(0))
        let ended = try await run(folder, "--require-coverage", "-o", "json")
        #expect(ended.end == .exited(10))
        let told = try ended.json
        #expect(told.at("coverage", "ways") == 7 && told.at("coverage", "covered") == 3)
        #expect(told["uncovered"]?.arrayValue?.map { $0["code"] } == Array(repeating: "P070", count: 4))
        #expect(told["uncovered"]?.arrayValue?.first?["file"] == "playbooks/secret-leaked.yaml")
        #expect(told["cases"]?.arrayValue?.first?["ok"] == true)
        #expect(ended.errorLines == ["cordon: 4 ways not covered; write a case for each"])
    }

    @Test func `a playbook without a test is told of`() async throws {
        let folder = try library()
        try FileManager.default.removeItem(atPath: folder.path("playbooks/secret-leaked.test.yaml"))
        let ended = try await run(folder)
        #expect(ended.end == .exited(0))
        #expect(
            ended.error.hasPrefix(
                "playbooks/secret-leaked.yaml:1:1: warning[P072]: the playbook has no test (write secret-leaked.test.yaml beside it)"
            ))
        #expect(try await run(folder, "--require-coverage").end == .exited(10))
        let named = try await run(folder, "secret-leaked")
        #expect(named.end == .exited(3))
    }

    @Test func `a test with a mistake plays nothing, and a name that is not there is told with its neighbor`()
        async throws
    {
        let folder = try library()
        let wrong = try await run(folder, "secret-laeked")
        #expect(wrong.end == .exited(3))
        #expect(wrong.errorLines == ["cordon: there is no test 'secret-laeked'; did you mean 'secret-leaked'?"])
        try folder.write(
            Self.short.replacing("end: stopped", with: "end: stoped"), to: "playbooks/secret-leaked.test.yaml")
        let ended = try await run(folder)
        #expect(ended.end == .exited(10))
        #expect(ended.output.isEmpty)
        #expect(ended.errorLines.first?.hasPrefix("playbooks/secret-leaked.test.yaml:9:44: error[P025]: ") == true)
    }
}
