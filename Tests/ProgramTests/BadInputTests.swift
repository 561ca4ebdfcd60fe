// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// An id that no run has.
private let unknownRun = "run_01KATB9Z2M8D4W6X1V3C5R7T9Y"

/// What people get wrong: the program says in one sentence what to do, by a code that scripts can rely on.
@Suite(.serialized)
struct BadInputTests {
    // MARK: Definitions

    @Test func `a link that leaves the library is refused, and nothing of what it leads to is quoted`() async throws {
        let installation = try Installation.alone()
        try installation.scratch.write("state: state\nlibrary: library\n", to: "cordon.yaml")
        try installation.scratch.write("s3cret-t0ken-of-somebody", to: "secret")
        let folder = installation.scratch.path("library/playbooks")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: folder + "/leak.yaml", withDestinationPath: "../../secret")
        let ended = try await installation.finish("playbook", "check")
        #expect(ended.end == .exited(10))
        #expect(ended.error.contains("the file is a link that leaves the library"))
        #expect(!(ended.error + ended.output).contains("s3cret"))
    }

    @Test(arguments: [["playbook", "check"], ["playbook", "check", "playbooks/broken.yaml"], ["serve"]])
    func `a field that there is not is shown at its place with a caret`(_ command: [String]) async throws {
        let installation = try Installation.alone()
        try installation.scratch.write(BadInputTests.playbook("moed: enforce"), to: "playbooks/broken.yaml")
        let ended = try await installation.finish(command)
        #expect(ended.end == .exited(10))
        #expect(ended.output.isEmpty)
        let lines = ended.errorLines
        let place = try #require(lines.firstIndex { $0.hasPrefix("playbooks/broken.yaml:4:1: error[") })
        #expect(lines[place].contains("'moed'"))
        #expect(lines[place].contains("did you mean 'mode'"))
        #expect(lines[place + 1] == " 4 | moed: enforce")
        #expect(lines[place + 2] == "   | ^^^^")
        #expect(lines.last?.hasPrefix("cordon: ") == true)
    }

    @Test(arguments: [["playbook", "check"], ["serve"]])
    func `a file that is no YAML is shown at its place with a caret`(_ command: [String]) async throws {
        let installation = try Installation.alone()
        try installation.scratch.write(BadInputTests.playbook("mode: [enforce"), to: "playbooks/broken.yaml")
        let ended = try await installation.finish(command)
        #expect(ended.end == .exited(10))
        let lines = ended.errorLines
        let head = try #require(lines.first?.firstMatch(of: #/^playbooks/broken\.yaml:(\d+):(\d+): error\[\w+\]: .+/#))
        let line = try #require(Int(head.1))
        let column = try #require(Int(head.2))
        #expect((4...5).contains(line), "where the bracket stands, or where its end was missed")
        #expect(lines[1].hasPrefix(" \(line) | "))
        #expect(lines[2] == "   | " + String(repeating: " ", count: column - 1) + "^")
    }

    @Test func `a mistake keeps the server from starting before it makes anything`() async throws {
        let installation = try Installation.alone()
        try installation.scratch.write(BadInputTests.playbook("moed: enforce"), to: "playbooks/broken.yaml")
        #expect(try await installation.finish("serve").end == .exited(10))
        #expect(!FileManager.default.fileExists(atPath: installation.scratch.path("state")))
    }

    @Test(arguments: [["playbook", "check"], ["serve"]])
    func `a definition that is there and can't be read is told by its path, and nothing goes on without it`(
        _ command: [String]
    ) async throws {
        let installation = try Installation.alone()
        // A folder where a file must be: unreadable for every user, the administrator included.
        let file = installation.scratch.path("playbooks/secret.yaml")
        try FileManager.default.createDirectory(atPath: file, withIntermediateDirectories: true)
        try await expectUnreadable(
            "playbooks/secret.yaml:1:1: error[P047]: this is no regular file (put a file there)", command, installation)

        try FileManager.default.removeItem(atPath: installation.scratch.path("playbooks"))
        try installation.scratch.write("a file where the folder must be", to: "playbooks")
        try await expectUnreadable(
            "playbooks:1:1: error[P047]: the folder can't be listed (let the user that Cordon runs as read it)",
            command, installation)
    }

    @Test func `a playbook that no provider can serve is refused by check, publish and reload; a start warns`()
        async throws
    {
        let installation = try Installation.alone()
        let good = BadInputTests.good
        try installation.scratch.write(good, to: "playbooks/broken.yaml")
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        // The one provider has no word for suspending an account.
        try installation.scratch.write(
            good.replacing("token-revocation", with: "shut"), to: "playbooks/broken.yaml")
        try installation.scratch.write(
            """
            workflow: shut
            title: Shut an account out
            inputs:
              credential: { type: credential }
            steps:
              - { id: proof, do: evidence.capture, with: { of: "${inputs.credential}" } }
              - id: stop
                do: account.suspend
                with: { account: "${inputs.credential}" }
                hold: { for: 4h, then: undo }

            """, to: "workflows/shut.yaml")
        let words =
            "error[P120]: no provider of a credential in the inventory can do what shut asks for: "
            + "login lacks account.suspend (step 'stop')"
        for command in [
            ["playbook", "check"], ["playbook", "check", "playbooks/broken.yaml"], ["playbook", "publish"],
            ["playbook", "reload"],
        ] {
            let ended = try await installation.finish(command)
            #expect(ended.end == .exited(10), "\(command)")
            #expect(ended.error.contains(words), "\(command): \(ended.error)")
        }
        let list = try await installation.finish("playbook", "list", "-o", "json").json.arrayValue ?? []
        #expect(!list.contains { $0["name"] == "shut" })
        serving.program.kill()
        // A start is warned alone: runs that are under way wait for it.
        let again = try await installation.serve()
        again.program.kill()
        #expect(again.program.error.contains(words.replacing("error[", with: "warning[")), "\(again.program.error)")
        // With another provider that can, there is work for the playbook, and a warning of the one that can't.
        try installation.scratch.write(
            installation.scratch.read("connections.yaml") + """

                  - id: people
                    connector: scim
                    settings: { url: "http://127.0.0.1:9" }
                    secrets: { token: { file: token } }
                    egress: { plain_http: true, loopback: true }
                """, to: "connections.yaml")
        try installation.scratch.write(
            installation.scratch.read("identities.yaml") + """

                  - { id: robot, kind: credential, provider: people, owner: team/x, matches: { user_name: robot } }
                """, to: "identities.yaml")
        let warned = try await installation.finish("playbook", "check")
        #expect(warned.end == .exited(0))
        #expect(warned.error.contains("warning[P120]: a credential of some providers would only wait for a person"))
        #expect(
            warned.error.contains(
                "connections.yaml:12:9: warning[P122]: nothing tells which identities Cordon itself signs in as at "
                    + "'people'"), "\(warned.error)")
        try installation.scratch.write(
            installation.scratch.read("connections.yaml") + "    signs_in_as: []\n", to: "connections.yaml")
        #expect(try await !installation.finish("playbook", "check").error.contains("P122"))
    }

    @Test func `what a younger rule refuses is refused by check, publish and reload; a start warns in one line`()
        async throws
    {
        let installation = try Installation.alone()
        try installation.scratch.write(
            BadInputTests.good.replacing("token-revocation", with: "shut"), to: "playbooks/broken.yaml")
        try installation.scratch.write(
            """
            workflow: shut
            title: End a token
            inputs:
              credential: { type: credential }
            steps:
              - { id: proof, do: evidence.capture, with: { of: "${inputs.credential}" } }
              - id: stop
                do: tokens.revoke
                with: { credential: inputs.credential }
                undo: none
                because: its client asks for a new one

            """, to: "workflows/shut.yaml")
        let words = "error[P140]: 'inputs.credential' is handed over as text, not as what the variable holds"
        let start = try await installation.serve()
        defer { start.program.kill() }
        for command in [["playbook", "check"], ["playbook", "publish"], ["playbook", "reload"]] {
            let ended = try await installation.finish(command)
            #expect(ended.end == .exited(10), "\(command)")
            #expect(ended.error.contains("workflows/shut.yaml:9:25: " + words), "\(command): \(ended.error)")
            // The playbook is told nothing of its own: its workflow is there.
            #expect(!ended.error.contains("P038"), "\(command): \(ended.error)")
        }
        start.program.kill()
        let told = start.program.error
        #expect(told.contains(words.replacing("error[", with: "warning[")), "\(told)")
        #expect(!told.contains("\u{FFFD}"), "\(told)")
    }

    @Test func `what can do more at worst than the policy allows keeps the server from starting`() async throws {
        let installation = try Installation.alone()
        // No credential is known, so that any connector's word is enough.
        try installation.scratch.write("identities: []\n", to: "identities.yaml")
        try installation.scratch.write(BadInputTests.holding, to: "workflows/hold.yaml")
        try installation.scratch.write(
            BadInputTests.good.replacing("token-revocation", with: "hold"),
            to: "playbooks/broken.yaml")
        let settings = try installation.scratch.read("cordon.yaml")
        #expect(try await installation.finish(["playbook", "check"]).end == .exited(0))
        try installation.scratch.write(
            settings + "policy: { writes: 3, irreversible: 0, hold: 24h }\n", to: "cordon.yaml")
        for command in [["playbook", "check"], ["serve"]] {
            let ended = try await installation.finish(command)
            #expect(ended.end == .exited(10))
            let told = ended.errorLines.filter { $0.contains("P087") }.map {
                $0.split(separator: "[P087]: ").last ?? ""
            }
            #expect(
                told == [
                    "one run of hold can change 6 things, the policy allows 3 (lower the workflow's 'max' and holds, or raise policy.writes in cordon.yaml)",
                    "one run of hold can do 1 things that are not undone, the policy allows 0 (lower the workflow's 'max' and holds, or raise policy.irreversible in cordon.yaml)",
                    "one run of hold can hold for 3d, the policy allows 1d (lower the workflow's 'max' and holds, or raise policy.hold in cordon.yaml)",
                ])
        }
        try installation.scratch.write(
            settings + "policy: { writes: 6, irreversible: 1, hold: 72h }\n", to: "cordon.yaml")
        #expect(try await installation.finish(["playbook", "check"]).end == .exited(0))
        try installation.scratch.write(settings + "policy: { wrties: 6 }\n", to: "cordon.yaml")
        let misspelt = try await installation.finish(["playbook", "check"])
        #expect(misspelt.end == .exited(10))
        #expect(misspelt.error.contains("did you mean 'writes'"))
    }

    private static let good = playbook("mode: enforce") + "maps: { owasp_nhi: [NHI2] }\n"

    private static let holding = """
        workflow: hold
        title: Hold a credential for long
        inputs:
          credential: { type: credential }
        steps:
          - { id: proof, do: evidence.capture, with: { of: "${inputs.credential}" } }
          - id: stop
            do: credential.disable
            with: { credential: "${inputs.credential}" }
            each: { in: "[1, 2]", as: item, max: 5 }
            hold: { for: 72h, then: undo }
          - id: end
            do: credential.delete
            with: { credential: "${inputs.credential}" }
            undo: none
            because: it is over

        """

    @Test func `a test that does not fit its playbook is told when playbooks are checked`() async throws {
        let installation = try Installation.alone()
        try installation.scratch.write(BadInputTests.good, to: "playbooks/broken.yaml")
        let bare = try await installation.finish(["playbook", "check"])
        #expect(bare.end == .exited(0))
        #expect(bare.error.contains("warning[P072]: the playbook has no test"))
        try installation.scratch.write(
            "test: broken\ncases:\n  - { name: one, signal: {}, expect: { verdct: enforce } }\n",
            to: "playbooks/broken.test.yaml")
        for command in [["playbook", "check"], ["playbook", "check", "playbooks/broken.test.yaml"]] {
            let ended = try await installation.finish(command)
            #expect(ended.end == .exited(10))
            #expect(ended.error.contains("broken.test.yaml:3:"), "\(ended.error)")
        }
    }

    private func expectUnreadable(_ words: String, _ command: [String], _ installation: Installation) async throws {
        let ended = try await installation.finish(command)
        #expect(ended.end == .exited(10))
        #expect(ended.errorLines.first == words)
        #expect(!FileManager.default.fileExists(atPath: installation.scratch.path("state")))
    }

    private static func playbook(_ fourthLine: String) -> String {
        """
        playbook: broken
        title: A playbook with a mistake
        owner: team/appsec
        \(fourthLine)
        trigger:
          signal: secret.exposed
          when: signal.validity == "active"
          on_undecided: ask
          subject: { kind: credential, from: signal.credential }
        run:
          workflow: token-revocation
          with: { credential: "${subject}" }

        """
    }

    // MARK: The machine

    @Test func `a port that is taken is told in one sentence with the way out`() async throws {
        let other = try LoopbackServer { _ in .respond(204) }
        defer { other.stop() }
        let installation = try Installation.alone()
        let ended = try await installation.finish("serve", "--port", "\(other.port)", "--log-level", "critical")
        #expect(ended.end == .exited(1))
        let sentence = try onlySentence(ended)
        #expect(sentence.contains("127.0.0.1:\(other.port) is in use"))
        #expect(sentence.contains("--port"))
        #expect(!FileManager.default.fileExists(atPath: installation.scratch.path("state/server.json")))
    }

    @Test(arguments: [["serve"], ["init", "elsewhere"]], ["occupied/state", "/proc/cordon-state"])
    func `a state folder that can't be made is told in one sentence with the way out`(
        _ command: [String], _ path: String
    ) async throws {
        let installation = try Installation.alone()
        try installation.scratch.write("a file, and no folder", to: "occupied")
        let ended = try await installation.finish(command + ["--state", path])
        #expect(ended.end == .exited(1))
        let sentence = try onlySentence(ended)
        #expect(sentence.contains(path))
        #expect(sentence.contains("choose another with --state"))
    }

    @Test func `a key file that others may read is told in one sentence with the command that helps`() async throws {
        let installation = try Installation.alone()
        #expect(try await installation.serve().stop() == .exited(0))
        let key = installation.scratch.path("state/keys/seal")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key)
        let ended = try await installation.finish("serve")
        #expect(ended.end == .exited(1))
        #expect(try onlySentence(ended).contains("chmod 600 \(key)"))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key)
        #expect(try await installation.serve().stop() == .exited(0), "the command that it named helps")
    }

    @Test func `a token file that others may read is not used`() async throws {
        let installation = try Installation.alone()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        let file = installation.scratch.path("state/token")
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
        let ended = try await installation.finish("run", "list")
        #expect(ended.end == .exited(4))
        #expect(try onlySentence(ended).contains("chmod 600 \(file)"))
    }

    @Test func `a second server on one state folder is refused and the first goes on`() async throws {
        let installation = try Installation.alone()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        let ended = try await installation.finish("serve")
        #expect(ended.end == .exited(75))
        let sentence = try onlySentence(ended)
        #expect(sentence.contains(installation.scratch.path("state")))
        #expect(sentence.contains("process \(serving.program.processID)"))
        #expect(sentence.contains("stop it"))
        #expect(try await installation.finish("run", "list").end == .exited(0), "the first is still found and answers")
        #expect(try await serving.post("{}", delivery: "d-1", event: "ping").status == 202)
    }

    // MARK: The command line

    @Test(arguments: [
        ["frobnicate"], ["run", "frobnicate"], ["run", "list", "--color"], ["run", "list", "-o", "xml"],
        ["run", "list", "--limit", "many"], ["run", "list", "--phase", "resting"], ["run", "show"],
        ["run", "show", "42"],
        ["run", "resolve", unknownRun, "--reason", "seen", "--took-effect", "perhaps"], ["serve", "--port", "http"],
        ["serve", "--port", "65536"], ["serve", "--log-level", "loud"],
        ["token", "create", "--role", "king", "--name", "k"],
        ["token", "create", "--role", "auditor", "--name", "k", "--expires-in", "soon"],
    ])
    func `wrong usage ends with 64 and says what was wrong`(_ command: [String]) async throws {
        let installation = try Installation.alone()
        let ended = try await installation.finish(command)
        #expect(ended.end == .exited(64))
        #expect(ended.output.isEmpty)
        #expect(!ended.errorLines.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: installation.scratch.path("state")), "nothing was made")
    }

    @Test func `what there is not ends with 3, with a server and without`() async throws {
        let installation = try Installation.alone()
        let commands = [
            ["run", "show", unknownRun], ["run", "why", unknownRun],
            ["token", "revoke", "3k9d7m2xqa"],
        ]
        let serving = try await installation.serve()
        for command in commands {
            let ended = try await installation.finish(command)
            #expect(ended.end == .exited(3), "\(command) with a server")
            #expect(try onlySentence(ended).contains("there is no"))
        }
        #expect(try await serving.stop() == .exited(0))
        for command in commands {
            let ended = try await installation.finish(command)
            #expect(ended.end == .exited(3), "\(command) without a server")
            #expect(try onlySentence(ended).contains("there is no"))
        }
    }

    @Test func `a command without a state folder says how to make one`() async throws {
        let installation = try Installation.alone()
        for command in [["run", "list"], ["token", "list"]] {
            let ended = try await installation.finish(command)
            #expect(ended.end == .exited(3))
            #expect(try onlySentence(ended).contains("cordon init"))
        }
    }

    @Test(arguments: ["resume", "cancel"])
    func `a decision about a run without a server says how to start one`(_ verb: String) async throws {
        let installation = try Installation.alone()
        #expect(try await installation.serve().stop() == .exited(0))
        let ended = try await installation.finish("run", verb, unknownRun, "--reason", "a test")
        #expect(ended.end == .exited(75))
        #expect(try onlySentence(ended).contains("cordon serve"))
    }

    /// The one line on standard error of a command that failed.
    private func onlySentence(_ ended: Installation.Ended, _ place: SourceLocation = #_sourceLocation) throws -> String
    {
        #expect(ended.errorLines.count == 1, "\(ended.error)", sourceLocation: place)
        let line = try #require(ended.errorLines.last, sourceLocation: place)
        #expect(line.hasPrefix("cordon: "), sourceLocation: place)
        return line
    }
}
