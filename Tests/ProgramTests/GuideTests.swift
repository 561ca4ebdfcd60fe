// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestKit
import Testing

/// What the guide for authors shows is loaded, run and answered as it says.
///
/// With `CORDON_GOLDEN=guide` the answers in the articles are written anew, to be reviewed as text.
@Suite(.serialized)
struct GuideTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let catalog = root.appending(path: "Sources/Cordon.docc")

    static var articles: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: catalog.appending(path: "Guide").path)) ?? []
        return names.filter { $0.hasSuffix(".md") }.sorted()
    }

    @Test func `there is a guide`() {
        #expect(Self.articles.count == 11)
    }

    @Test(arguments: articles)
    func `every file of an article loads as it says, and every command answers as it shows`(_ name: String) async throws
    {
        let file = Self.catalog.appending(path: "Guide/\(name)")
        let text = try String(contentsOf: file, encoding: .utf8)
        let played = try await Article(text).played()
        if ProcessInfo.processInfo.environment["CORDON_GOLDEN"] == "guide" {
            return try played.write(to: file, atomically: true, encoding: .utf8)
        }
        let shown = text.split(separator: "\n", omittingEmptySubsequences: false)
        let real = played.split(separator: "\n", omittingEmptySubsequences: false)
        for (shown, real) in zip(shown, real) where normalized(shown) != normalized(real) {
            Issue.record("\(name) shows\n  \(shown)\nthe program says\n  \(real)")
            return
        }
        #expect(shown.count == real.count, "\(name) differs at its end")
        #expect(text.contains("```console\n$ cordon "), "an article shows what the tool says")
    }

    @Test func `the catalog is built without a warning`() async throws {
        let swift = try #require(Self.tool("docc"), "the toolchain's docc is not on the PATH")
        let scratch = try ScratchFolder("cordon-docc")
        let docc = try ProgramUnderTest(
            swift,
            [
                "convert", Self.catalog.path, "--output-path", scratch.path("out"), "--fallback-display-name", "Cordon",
                "--fallback-bundle-identifier", "cordon", "--warnings-as-errors",
            ], capturedIn: scratch, as: "docc")
        let end = try await docc.waitForExit(timeoutMilliseconds: 120_000)
        #expect(end == .exited(0), "\(docc.error)")
        for article in Self.articles {
            let page = "out/data/documentation/cordon/\(article.dropLast(3).lowercased()).json"
            #expect(FileManager.default.fileExists(atPath: scratch.path(page)), "\(page)")
        }
    }

    private static func tool(_ name: String) -> String? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        // Where only `swift` itself was put on the PATH, by a link, the toolchain's other tools lie beside what it leads to.
        let toolchains = folders.map {
            URL(filePath: $0 + "/swift").resolvingSymlinksInPath().deletingLastPathComponent().path
        }
        return (folders + toolchains).map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}

/// An article whose blocks are played in their order, in a folder of its own: ` ```yaml ` with a path in its first line
/// is a file, ` ```console ` holds commands, each with what it prints.
private struct Article {
    private let lines: [Substring]

    init(_ text: String) { lines = text.split(separator: "\n", omittingEmptySubsequences: false) }

    /// The same text with the answers that the program gives.
    func played() async throws -> String {
        let scratch = try ScratchFolder("cordon-guide")
        var out: [String] = []
        var block: (kind: Substring, lines: [Substring])?
        for line in lines {
            if let open = block {
                if line == "```" {
                    out += try await play(open.kind, open.lines, scratch)
                    out.append("```")
                    block = nil
                } else {
                    block?.lines.append(line)
                }
            } else {
                out.append(String(line))
                if line.hasPrefix("```") { block = (line.dropFirst(3), []) }
            }
        }
        return out.joined(separator: "\n")
    }

    private func play(_ kind: Substring, _ lines: [Substring], _ scratch: ScratchFolder) async throws -> [String] {
        switch kind {
        case "yaml":
            let path = try #require(
                lines.first?.wholeMatch(of: #/# (?<path>[\w./-]+\.yaml)/#)?.path, "a file has a path")
            try scratch.write(lines.joined(separator: "\n") + "\n", to: String(path))
            return lines.map(String.init)
        case "console":
            var out: [String] = []
            for command in lines where command.hasPrefix("$ ") {
                out.append(String(command))
                out += try await answer(String(command.dropFirst(2)), scratch)
            }
            return out
        default: return lines.map(String.init)
        }
    }

    private func answer(_ command: String, _ scratch: ScratchFolder) async throws -> [String] {
        let captured = try ScratchFolder("cordon-words")
        let folder = URL(filePath: Installation.program).deletingLastPathComponent().path
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let shell = try ProgramUnderTest(
            "/bin/sh", ["-c", command + " 2>&1"], environment: ["PATH": "\(folder):\(path)"], folder: scratch.path,
            capturedIn: captured, as: "command")
        _ = try await shell.waitForExit(timeoutMilliseconds: 60_000)
        let printed = shell.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        return printed.last == "" ? printed.dropLast() : printed
    }
}

/// A line without what a change of a file elsewhere would change.
private func normalized(_ line: Substring) -> String {
    String(line).replacing(#/sha256:[0-9a-f]{12,64}/#, with: "DIGEST")
}
