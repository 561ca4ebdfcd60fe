// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// A running server whose definitions are edited under it.
@Suite(.serialized)
struct ReloadTests {
    private static let workflow = "workflow: calm\ntitle: It\nsteps:\n  - { id: calm, wait: 1h }\n"

    private static func playbook(_ mode: String, title: String = "Secret found") -> String {
        """
        playbook: leak
        title: \(title)
        owner: team/appsec
        mode: \(mode)
        trigger: { signal: secret.exposed, subject: { kind: credential, from: signal.credential } }
        run: { workflow: calm }
        maps: { owasp_nhi: [NHI2] }

        """
    }

    private func installation() throws -> Installation {
        let installation = try Installation.alone()
        try installation.scratch.write(Self.workflow, to: "workflows/calm.yaml")
        try installation.scratch.write(Self.playbook("shadow"), to: "playbooks/leak.yaml")
        let root = URL(filePath: #filePath).appending(path: "../../..").standardized.path
        for name in ["github", "oauth2"] {
            let text = try String(contentsOfFile: "\(root)/workflows/connectors/\(name).yaml", encoding: .utf8)
            try installation.scratch.write(text, to: "workflows/connectors/\(name).yaml")
        }
        return installation
    }

    private func line(_ installation: Installation) async throws -> Value? {
        let lines = try await installation.finish("playbook", "list", "-o", "json").json.arrayValue ?? []
        return lines.first { $0["kind"] == "playbook" && $0["name"] == "leak" }
    }

    @Test func `a broken file is refused with its place, shown, and disturbs nothing; mended it comes into force`()
        async throws
    {
        let installation = try installation()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        try installation.scratch.write(Self.playbook("enforce") + "mods: x\n", to: "playbooks/leak.yaml")
        let refused = try await installation.finish("playbook", "reload")
        #expect(refused.end == .exited(10))
        #expect(refused.error.hasPrefix("playbooks/leak.yaml:8:1: error[P021]: the field 'mods' is unknown"))
        #expect(refused.error.hasSuffix("cordon: 1 mistake; the server stays on what it had\n"))
        #expect(try await line(installation)?["mode"] == "shadow")
        let list = try await installation.finish("playbook", "list")
        #expect(list.error.contains("refused at ") && list.error.contains("error[P021]"))
        #expect(serving.program.error.contains("definitions are refused"))
        // Half a file: as far as an editor or a copy had come.
        let whole = Self.playbook("enforce")
        for part in [whole.prefix(40), whole.prefix(whole.count / 2)] {
            try installation.scratch.write(String(part), to: "playbooks/leak.yaml")
            #expect(try await installation.finish("playbook", "reload").end == .exited(10))
            #expect(try await line(installation)?["mode"] == "shadow")
        }
        try installation.scratch.write(whole, to: "playbooks/leak.yaml")
        let mended = try await installation.finish("playbook", "reload")
        #expect(mended.end == .exited(0))
        #expect(mended.output.hasPrefix("playbook leak: sha256:"))
        #expect(mended.output.hasSuffix(", mode enforce was shadow\n"))
        #expect(try await line(installation)?["mode"] == "enforce")
        #expect(try await installation.finish("playbook", "list").error.isEmpty)
        #expect(try await installation.finish("playbook", "reload").output == "nothing changed\n")
        // What is guarded against is no definition, and what changed of it is told all the same.
        let guarded = try await reloaded(installation) { "surge: { factor: \(20 + $0) }\n" }
        #expect(guarded.hasPrefix("guards.yaml: sha256:"), "\(guarded)")
        #expect(guarded.contains(", changed: ") && guarded.contains("surge"), "\(guarded)")
        let agreed = try installation.scratch.read("guards.yaml")
        let reworded = try await reloaded(installation) { agreed + "# as agreed \($0)\n" }
        #expect(reworded.hasSuffix(", and guards against the same\n"), "\(reworded)")
    }

    /// What a reload tells of a new text of the guards. Where the folder's own watch was first, another is written.
    private func reloaded(_ installation: Installation, _ text: (Int) -> String) async throws -> String {
        var output = ""
        for attempt in 1...10 {
            try installation.scratch.write(text(attempt), to: "guards.yaml")
            let ended = try await installation.finish("playbook", "reload")
            output = ended.output + ended.error
            if output != "nothing changed\n" { break }
        }
        return output
    }

    @Test func `the folder is noticed, and SIGHUP reads it at once`() async throws {
        let installation = try installation()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        try installation.scratch.write(Self.playbook("propose"), to: "playbooks/leak.yaml")
        try await eventually("the edited playbook is in force") {
            try await line(installation)?["mode"] == "propose"
        }
        #expect(try await line(installation)?["by"] == "folder")
        try installation.scratch.write(Self.playbook("enforce"), to: "playbooks/leak.yaml")
        serving.program.send(signal: SIGHUP)
        try await eventually("SIGHUP put it in force") { try await line(installation)?["mode"] == "enforce" }
        // What changes a connector waits for the next start, and is told.
        let github = try installation.scratch.read("workflows/connectors/github.yaml")
        try installation.scratch.write(github + "# more\n", to: "workflows/connectors/github.yaml")
        let told = try await installation.finish("playbook", "reload")
        #expect(told.output == "nothing changed\nread at the next start: connector github\n")
        #expect(try await serving.stop() == .exited(0))
        let second = try await installation.serve()
        second.program.kill()
    }

    @Test func `publishing without a server is stored for its start, under the name of who did it`() async throws {
        let installation = try installation()
        #expect(try await installation.finish("init").end == .exited(0))
        let published = try await installation.finish("playbook", "publish", "leak", "-o", "json")
        #expect(published.end == .exited(0), "\(published.error)")
        #expect(try published.json.arrayValue?.compactMap { $0["mode"] } == ["shadow"])
        let before = try await line(installation)
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        #expect(try await line(installation)?["since"] == before?["since"])
        #expect(try await line(installation)?["by"] == before?["by"])
        let unknown = try await installation.finish("playbook", "publish", "laek")
        #expect(unknown.end == .exited(3))
        #expect(unknown.error == "cordon: the library has no playbook 'laek'; did you mean 'leak'?\n")
    }

    @Test func `killed while it reads anew it starts with what the folder says, told of once`() async throws {
        let installation = try installation()
        var random = Seeded(11)
        var serving = try await installation.serve()
        for number in 1...6 {
            let mode = ["shadow", "propose", "enforce"][number % 3]
            try installation.scratch.write(Self.playbook(mode, title: "Edit \(number)"), to: "playbooks/leak.yaml")
            serving.program.send(signal: SIGHUP)
            for _ in 0..<random.below(30) { _ = try await serving.get("/health", token: nil) }
            serving.program.kill()
            try await serving.program.waitForExit()
            serving = try await installation.serve()
            #expect(try await line(installation)?["mode"]?.stringValue == mode)
            #expect(try await installation.finish("playbook", "reload").output == "nothing changed\n")
        }
        serving.program.kill()
    }
}
