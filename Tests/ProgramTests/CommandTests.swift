// SPDX-License-Identifier: Apache-2.0

import CordonLanguage
import Foundation
import TestKit
import Testing

/// The commands as people and scripts use them: what they make, what they print, how they end.
@Suite(.serialized)
struct CommandTests {
    // MARK: init

    @Test func `a new installation keeps its state and its secrets for its owner alone`() async throws {
        let folder = try ScratchFolder("cordon-init")
        let ended = try await Installation.finish(["init"], in: folder)
        #expect(ended.end == .exited(0))
        let files = try contents(of: folder)
        for name in [
            "cordon.yaml", "connections.yaml", "identities.yaml", "state/token", "state/keys/seal",
            "state/github-webhook",
        ] {
            #expect(files[name]?.isFolder == false, "\(name) is missing")
        }
        for (name, file) in files where name == "state" || name.hasPrefix("state/") {
            #expect(file.mode == (file.isFolder ? 0o700 : 0o600), "\(name) has mode \(String(file.mode, radix: 8))")
        }
        #expect(files["state/evidence"]?.isFolder == true)
        let token = try folder.read("state/token")
        #expect(!ended.output.contains(token), "the token is not shown on the screen")
        #expect(!ended.output.contains(try folder.read("state/github-webhook")))
    }

    @Test func `making an installation again changes nothing`() async throws {
        let folder = try ScratchFolder("cordon-init")
        #expect(try await Installation.finish(["init"], in: folder).end == .exited(0))
        let before = try contents(of: folder)
        let again = try await Installation.finish(["init"], in: folder)
        #expect(again.end == .exited(0))
        #expect(try contents(of: folder) == before)
        #expect(!again.output.contains("made "))
    }

    @Test func `a server starts from what init made, and the first token opens it`() async throws {
        let folder = try ScratchFolder("cordon-init")
        #expect(try await Installation.finish(["init", "here", "--state", "there"], in: folder).end == .exited(0))
        // A path may hold what means something in YAML.
        let odd = try await Installation.finish(["init", "odd", "--state", "o\"dd \\ # one"], in: folder)
        #expect(odd.end == .exited(0), "\(odd.error)")
        let checked = try await Installation.finish(["doctor", "--config", "odd/cordon.yaml"], in: folder)
        #expect(checked.output.contains("1 can be read"), "\(checked.output)\(checked.error)")
        let server = try ProgramUnderTest(
            Installation.program, ["serve", "-c", "here/cordon.yaml", "--port", "0"], folder: folder.path,
            capturedIn: folder, as: "serve")
        let port = try await server.waitForPort(after: "listening on", on: .error)
        let answer = try await Web().ask(
            "GET", "http://127.0.0.1:\(port)/api/v1/whoami",
            headers: [("authorization", "Bearer " + (try folder.read("there/token")))])
        #expect(answer.json["role"] == "administrator")
        server.terminate()
        #expect(try await server.waitForExit() == .exited(0))
    }

    private struct Item: Equatable {
        var isFolder: Bool
        var mode: Int
        var bytes: Data?
    }

    /// Everything below the folder, by its path from there.
    private func contents(of folder: ScratchFolder) throws -> [String: Item] {
        var items: [String: Item] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder.path) {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.path(name))
            let isFolder = attributes[.type] as? FileAttributeType == .typeDirectory
            items[name] = Item(
                isFolder: isFolder, mode: try #require(attributes[.posixPermissions] as? Int),
                bytes: isFolder ? nil : FileManager.default.contents(atPath: folder.path(name)))
        }
        return items
    }

    // MARK: Help

    @Test func `every command's help shows examples of that command`() async throws {
        let folder = try ScratchFolder("cordon-help")
        let dump = try await Installation.finish(["--experimental-dump-help"], in: folder).json
        let leaves = leafCommands(try #require(dump["command"]), [])
        let names = leaves.map { $0.joined(separator: " ") }
        #expect(
            Set(["init", "serve", "version", "token list", "run why", "alert send", "playbook check"]).isSubset(
                of: names))
        var lacking: [String] = []
        for leaf in leaves {
            let ended = try await Installation.finish(leaf + ["--help"], in: folder)
            let name = "cordon " + leaf.joined(separator: " ")
            let parts = ended.output.components(separatedBy: "EXAMPLES\n")
            let isShown = parts.count == 2 && parts[1].split(separator: "\n").first?.hasPrefix("  \(name)") == true
            if ended.end != .exited(0) || !isShown { lacking.append(name) }
        }
        #expect(lacking.isEmpty, "these lack examples: \(lacking.joined(separator: ", "))")
    }

    private func leafCommands(_ command: Value, _ path: [String]) -> [[String]] {
        let below = (command["subcommands"]?.arrayValue ?? []).filter { $0["commandName"] != "help" }
        guard !below.isEmpty else { return [path] }
        return below.flatMap { leafCommands($0, path + [$0["commandName"]?.stringValue ?? ""]) }
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func `completions name every command`(_ shell: String) async throws {
        let folder = try ScratchFolder("cordon-completions")
        let ended = try await Installation.finish(["--generate-completion-script", shell], in: folder)
        #expect(ended.end == .exited(0))
        for name in ["init", "serve", "demo", "alert", "run", "playbook", "token", "doctor", "version", "resume"] {
            #expect(ended.output.contains(name), "\(name) is not completed in \(shell)")
        }
        guard shell == "bash" else { return }
        let script = try folder.write(ended.output, to: "completions")
        let check = try ProgramUnderTest("/bin/bash", ["-n", script], capturedIn: folder)
        #expect(try await check.waitForExit() == .exited(0), "\(check.error)")
    }

    @Test func `the version is told for people and for scripts`() async throws {
        let folder = try ScratchFolder("cordon-version")
        let text = try await Installation.finish(["version"], in: folder)
        #expect(text.end == .exited(0))
        let number = try #require(text.output.wholeMatch(of: #/cordon (\d+\.\d+\.\d+)\n/#)).1
        let json = try await Installation.finish(["version", "-o", "json"], in: folder).json
        #expect(json["version"]?.stringValue == String(number))
        #expect(try await Installation.finish(["--version"], in: folder).output == number + "\n")
    }

    // MARK: Runs

    @Test func `a list of runs is a table, one document or one object a line, with a server and without`() async throws
    {
        let installation = try Installation.alone()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        for number in 1...2 {
            #expect(try await serving.post(alertToAsk(number), delivery: "d-\(number)").status == 202)
        }
        try await eventually("both runs to ask") {
            try await installation.runs().map { $0["phase"] } == ["asked", "asked"]
        }
        try await expectListed(installation)
        #expect(try await serving.stop() == .exited(0))
        try await expectListed(installation)
    }

    private func expectListed(_ installation: Installation) async throws {
        let document = try await installation.finish("run", "list", "-o", "json")
        let ids = (try document.json.arrayValue ?? []).compactMap { $0["id"]?.stringValue }
        #expect(ids.count == 2)
        let lines = try await installation.finish("run", "list", "-o", "jsonl").outputLines
        #expect(try lines.map { try JSON.parse($0)["id"]?.stringValue } == ids)
        let table = try await installation.finish("run", "list")
        #expect(table.outputLines.first?.hasPrefix("RUN ") == true)
        let rows = table.outputLines.dropFirst().map { $0.split(separator: " ").map(String.init) }
        #expect(rows.map(\.first) == ids)
        #expect(rows.allSatisfy { $0.contains("asked") && $0.contains("secret-leaked") })
        #expect(try await installation.finish("run", "list", "--limit", "1", "-o", "jsonl").outputLines.count == 1)
        #expect(try await installation.finish("run", "list", "--phase", "ended", "-o", "json").json == [])
    }

    @Test func `why a run stands where it stands is one line, with a server and without`() async throws {
        let provider = try PracticeAuthority()
        let installation = try provider.installation()
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        #expect(try await serving.post(Installation.alert(), delivery: "d-1").status == 202)
        #expect(try await serving.post(alertToAsk(2), delivery: "d-2").status == 202)
        try await eventually("one run to end and one to ask") {
            Set(try await installation.runs().compactMap { $0["phase"]?.stringValue }) == ["ended", "asked"]
        }
        for isServed in [true, false] {
            if !isServed { #expect(try await serving.stop() == .exited(0)) }
            for run in try await installation.runs() {
                let ended = try await installation.finish("run", "why", try #require(run["id"]?.stringValue))
                #expect(ended.end == .exited(0))
                #expect(ended.outputLines.count == 1)
                let says = run["phase"] == "ended" ? "nothing moves it any more" : "waits for a person"
                #expect(ended.output.contains(says), "\(isServed ? "served" : "unserved"): \(ended.output)")
            }
        }
    }

    /// An alert about a secret that the inventory doesn't name: its run asks a person and calls nobody.
    private func alertToAsk(_ number: Int) -> String {
        Installation.alert(number: number).replacingOccurrences(of: "octo-org/billing", with: "octo-org/other")
    }

    // MARK: alert send

    @Test func `an alert sent from a file is signed, stored once, and told by its id`() async throws {
        let installation = try Installation.alone()
        let file = try installation.scratch.write(alertToAsk(7), to: "leak.json")
        let early = try await installation.finish("alert", "send", file, "--source", "github")
        #expect(early.end == .exited(75), "no server runs yet")
        let serving = try await installation.serve()
        defer { serving.program.kill() }
        let token = try installation.firstToken
        let line = ["alert", "send", file, "--source", "github", "--delivery", "by-hand", "-o", "json"]
        let first = try await installation.finish(line)
        #expect(first.end == .exited(0))
        let id = try #require(try first.json["alert"]?.stringValue)
        #expect(try await serving.stateOnceRead(id, token: token) == "read")
        #expect(try await serving.get("/api/v1/alerts/\(id)", token: token).json["delivery"] == "by-hand")
        let second = try await installation.finish(line)
        #expect(second.end == .exited(0))
        #expect(try second.json == ["alert": .string(id), "duplicate": true])
        #expect(try await installation.finish("alert", "send", file, "--source", "nobody").end == .exited(3))
        #expect(try await installation.finish("alert", "send", file + ".not", "--source", "github").end == .exited(3))
    }
}
