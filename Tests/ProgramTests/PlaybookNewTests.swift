// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Foundation
import TestKit
import Testing

/// `cordon playbook new` and `diff`, as their user runs them.
@Suite struct PlaybookNewTests {
    @Test func `a kind of signal that names nobody is refused`() async throws {
        let folder = try ScratchFolder("cordon-new")
        let refused = try await Installation.finish(
            ["playbook", "new", "leak", "--signal", "notice.given"], in: folder)
        #expect(refused.end == .exited(64) && refused.error.contains("names nobody to act on"), "\(refused.error)")
    }

    @Test(arguments: SignalKind.all.map(\.name).filter { $0 != "notice.given" })
    func `what is written passes the check without a word, is in its form, and changes nothing`(_ kind: String)
        async throws
    {
        let folder = try ScratchFolder("cordon-new")
        let made = try await Installation.finish(["playbook", "new", "token-in-log", "--signal", kind], in: folder)
        #expect(made.end == .exited(0), "\(made.error)")
        #expect(
            made.outputLines == [
                "workflows/token-in-log.yaml", "playbooks/token-in-log.yaml", "playbooks/token-in-log.test.yaml",
            ])
        let check = try await Installation.finish(["playbook", "check", "-o", "json"], in: folder)
        #expect(check.end == .exited(0) && check.error.isEmpty, "\(check.error)")
        #expect(try check.json.arrayValue?.compactMap { $0["mode"] } == ["shadow"])
        let form = try await Installation.finish(["playbook", "fmt", "--check"], in: folder)
        #expect(form.end == .exited(0), "\(form.output)")
        let played = try await Installation.finish(["playbook", "test", "--require-coverage"], in: folder)
        #expect(played.end == .exited(0), "\(played.output) \(played.error)")
    }

    @Test func `it runs a workflow that is there, with what that takes`() async throws {
        let folder = try ScratchFolder("cordon-new")
        let line = ["playbook", "new", "leak", "--signal", "secret.exposed", "--workflow", "token-revocation"]
        let made = try await Installation.finish(line, in: folder)
        #expect(made.outputLines == ["playbooks/leak.yaml", "playbooks/leak.test.yaml"], "\(made.error)")
        let text = try folder.read("playbooks/leak.yaml")
        #expect(text.contains("workflow: token-revocation\n  with: { credential: \"${subject}\" }"))
        #expect(text.contains("contained_by: revoke"))
        #expect(try await Installation.finish(["playbook", "check"], in: folder).end == .exited(0))
    }

    @Test func `a first playbook puts none out of force that came with the program, and the settings say so`()
        async throws
    {
        let folder = try ScratchFolder("cordon-beside")
        try folder.write("state: state\n", to: "cordon.yaml")
        let line = ["playbook", "new", "leak", "--signal", "secret.exposed", "--workflow", "token-revocation"]
        let refused = try await Installation.finish(line, in: folder)
        #expect(refused.end == .exited(6))
        #expect(refused.error.contains("shipped_playbooks: beside, or none"), "\(refused.error)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("playbooks")))

        func names() async throws -> [String] {
            let check = try await Installation.finish(["playbook", "check", "-o", "json"], in: folder)
            #expect(check.end == .exited(0) && !check.error.contains("P072"), "\(check.error)")
            return try check.json.arrayValue?.compactMap { $0["playbook"]?.stringValue } ?? []
        }
        let before = try await names()
        #expect(before.contains("secret-leaked"))
        try folder.write("state: state\nshipped_playbooks: beside\n", to: "cordon.yaml")
        #expect(try await Installation.finish(line, in: folder).end == .exited(0))
        #expect(Set(try await names()) == Set(before + ["leak"]))
        // One with a workflow of its own: those of the program stay too.
        let other = ["playbook", "new", "other", "--signal", "identity.suspected"]
        #expect(try await Installation.finish(other, in: folder).end == .exited(0))
        #expect(Set(try await names()) == Set(before + ["leak", "other"]))
        try folder.write("state: state\nshipped_playbooks: none\n", to: "cordon.yaml")
        #expect(try await names().sorted() == ["leak", "other"])
        // As it always was where nothing is said: one's own alone, once there are any.
        try folder.write("state: state\n", to: "cordon.yaml")
        #expect(try await names().sorted() == ["leak", "other"])
        try folder.write("shipped_playbooks: all\n", to: "cordon.yaml")
        let wrong = try await Installation.finish(["playbook", "check"], in: folder)
        #expect(wrong.error.contains("shipped_playbooks is 'all'; it takes beside or none"), "\(wrong.error)")
    }

    @Test func `a file that is no definition is not read whole, and a pipe is waited for by nobody`() async throws {
        let folder = try ScratchFolder("cordon-long")
        #expect(
            try await Installation.finish(
                ["playbook", "new", "leak", "--signal", "secret.exposed", "--workflow", "token-revocation"], in: folder
            ).end == .exited(0))
        let path = try folder.write("", to: "playbooks/big.yaml")
        #expect(truncate(path, 3 << 30) == 0)
        for line in [["playbook", "check"], ["playbook", "check", "playbooks/big.yaml"]] {
            let long = try await Installation.finish(line, in: folder)
            #expect(long.end == .exited(10))
            #expect(long.error.contains("has more than 16 MiB (definitionFileBytesMax)"), "\(long.error)")
        }
        try FileManager.default.removeItem(atPath: path)
        #expect(mkfifo(path, 0o600) == 0)
        let pipe = try await Installation.finish(["playbook", "check"], in: folder)
        #expect(pipe.end == .exited(10) && pipe.error.contains("this is no regular file"), "\(pipe.error)")
    }

    @Test func `nothing is overwritten and nothing is left half`() async throws {
        let folder = try ScratchFolder("cordon-new")
        try folder.write("mine\n", to: "playbooks/leak.test.yaml")
        let line = ["playbook", "new", "leak", "--signal", "secret.exposed"]
        let ended = try await Installation.finish(line, in: folder)
        #expect(ended.end == .exited(6))
        #expect(ended.error == "cordon: playbooks/leak.test.yaml is there already; choose another name\n")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("playbooks")) == ["leak.test.yaml"])
        #expect(!FileManager.default.fileExists(atPath: folder.path("workflows")))
    }

    @Test(arguments: [
        (["Leak", "--signal", "secret.exposed"], 64, "is no name"),
        (["leak", "--signal", "secret.exposd"], 64, "did you mean 'secret.exposed'?"),
        (
            ["leak", "--signal", "secret.exposed", "--workflow", "token-revocatio"], 3,
            "did you mean 'token-revocation'?"
        ),
    ])
    func `a wrong name, kind or workflow is told with the way out`(
        _ arguments: [String], _ code: Int32, _ words: String
    ) async throws {
        let ended = try await Installation.finish(["playbook", "new"] + arguments, in: ScratchFolder("cordon-new"))
        #expect(ended.end == .exited(code))
        #expect(ended.error.contains(words), "\(ended.error)")
    }

    @Test func `two files are compared in sentences, and the exit code says whether they differ`() async throws {
        let folder = try ScratchFolder("cordon-diff")
        _ = try await Installation.finish(["playbook", "new", "leak", "--signal", "secret.exposed"], in: folder)
        let text = try folder.read("playbooks/leak.yaml")
        try folder.write(text, to: "old.yaml")
        let same = try await Installation.finish(["playbook", "diff", "old.yaml", "playbooks/leak.yaml"], in: folder)
        #expect(same.end == .exited(0))
        try folder.write(text.replacing("mode: shadow", with: "mode: enforce"), to: "playbooks/leak.yaml")
        let other = try await Installation.finish(["playbook", "diff", "old.yaml", "playbooks/leak.yaml"], in: folder)
        #expect(other.end == .exited(1), "\(other.error)")
        #expect(other.outputLines.last == "!  does more by itself: mode enforce, was shadow")
        try folder.write(text + "# more\n", to: "playbooks/leak.yaml")
        let form = try await Installation.finish(["playbook", "diff", "old.yaml", "playbooks/leak.yaml"], in: folder)
        #expect(form.end == .exited(1))
        #expect(form.error == "they differ in form alone\n")
        let lost = try await Installation.finish(["playbook", "diff", "nothing", "old.yaml"], in: folder)
        #expect(lost.end == .exited(3))
    }

    @Test func `the version in force is compared with the file`() async throws {
        let installation = try Installation.alone()
        // Nobody is known, so that any connector that can do it is enough.
        try installation.scratch.write("identities: []\n", to: "identities.yaml")
        let settings = try installation.scratch.read("cordon.yaml")
        try installation.scratch.write(settings + "shipped_playbooks: none\n", to: "cordon.yaml")
        for line in [["init"], ["playbook", "new", "leak", "--signal", "secret.exposed"], ["playbook", "publish"]] {
            let ended = try await installation.finish(line)
            #expect(ended.end == .exited(0), "\(ended.error)")
        }
        #expect(try await installation.finish("playbook", "diff", "leak").end == .exited(0))
        let text = try installation.scratch.read("playbooks/leak.yaml")
        try installation.scratch.write(text.replacing("mode: shadow", with: "mode: propose"), to: "playbooks/leak.yaml")
        let told = try await installation.finish("playbook", "diff", "leak", "-o", "json")
        #expect(told.end == .exited(1))
        #expect(try told.json == [["text": "does more by itself: mode propose, was shadow", "riskier": true]])
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        #expect(try await installation.finish("playbook", "diff", "leak").end == .exited(0))
    }

    @Test func `a playbook is compared with the workflow that it runs, the one in force with the library's`()
        async throws
    {
        let installation = try Installation.alone()
        try installation.scratch.write("identities: []\n", to: "identities.yaml")
        let settings = try installation.scratch.read("cordon.yaml")
        try installation.scratch.write(settings + "shipped_playbooks: none\n", to: "cordon.yaml")
        for line in [["init"], ["playbook", "new", "leak", "--signal", "secret.exposed"], ["playbook", "publish"]] {
            let ended = try await installation.finish(line)
            #expect(ended.end == .exited(0), "\(ended.error)")
        }
        let steps = try installation.scratch.read("workflows/leak.yaml")
        try installation.scratch.write(steps + "  - { id: calm, wait: 10m }\n", to: "workflows/leak.yaml")
        let told = try await installation.finish("playbook", "diff", "leak", "-o", "json")
        #expect(told.end == .exited(1), "\(told.error)")
        let sentences = try told.json.arrayValue?.compactMap { $0["text"]?.stringValue } ?? []
        #expect(sentences.first == "workflow leak: step 'calm' is new: wait 10m", "\(sentences)")
    }
}
