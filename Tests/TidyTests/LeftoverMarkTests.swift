// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestKit
import Testing

/// No unfinished work is left behind, in whatever kind of file.
@Suite
struct LeftoverMarkTests {
    @Test func `no unfinished work is left behind`() throws {
        let repository = try Repository(around: #filePath)
        let violations = repository.sources.flatMap(LeftoverMarks.check)
        #expect(violations.isEmpty, "\(violations.sorted().map(\.description).joined(separator: "\n"))")
    }

    private static let planted = [
        "Package.swift", "Sources/cordon/Planted.swift", "Sources/CCurl/shim.h", "Sources/CAssets/assets.c",
        "Sources/CCurl/module.modulemap", "README.md", "state/README.md", "CHANGELOG.md", "LICENSE",
        "playbooks/leak.yaml", "workflows/connectors/some.yml", ".ci/run", ".gitignore", ".swift-format",
        "Tests/run.sh", "Sources/CAssets/page.html", "Sources/CAssets/page.css", "Sources/CAssets/page.js",
    ]

    @Test(arguments: LeftoverMarks.words)
    func `a planted mark is caught in every kind of text file`(_ word: String) throws {
        let folder = try ScratchFolder("cordon-tidy")
        for path in LeftoverMarkTests.planted { try folder.write("first line\nsecond \(word): later\n", to: path) }
        let repository = try Repository(around: folder.path("Package.swift"))
        let found = repository.sources.flatMap(LeftoverMarks.check)
        #expect(Set(found.map(\.path)) == Set(LeftoverMarkTests.planted))
        #expect(found.allSatisfy { $0.line == 2 })
    }

    @Test func `what git ignores, what is no text and what came from outside is passed over`() throws {
        let folder = try ScratchFolder("cordon-tidy")
        let mark = LeftoverMarks.words[0]
        for path in ["Package.swift", ".build/made.swift", "state/cordon.txt", "Tests/Some/Fixtures/payload.json"] {
            try folder.write(path == "Package.swift" ? "" : mark, to: path)
        }
        try Data([0xff, 0x00] + Array(mark.utf8)).write(to: URL(filePath: folder.path("picture")))
        let repository = try Repository(around: folder.path("Package.swift"))
        #expect(repository.sources.flatMap(LeftoverMarks.check).isEmpty)
        #expect(repository.paths.contains("picture"))
    }

    @Test func `a longer word is no mark`() {
        let longer = LeftoverMarks.words.map { "\($0)S, A\($0) and _\($0) stand here" }
        #expect(LeftoverMarks.check(Source("README.md", longer.joined(separator: "\n"))).isEmpty)
    }

    @Test func `every file that git tracks is seen`() async throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        guard FileManager.default.fileExists(atPath: root + "/.git") else { return }  // unpacked, not cloned
        // The user that tests need not be the one that cloned.
        let git = try ProgramUnderTest(
            "git", ["-C", root, "-c", "safe.directory=*", "-c", "core.quotePath=false", "ls-files"],
            capturedIn: try ScratchFolder("cordon-git"))
        #expect(try await git.waitForExit() == .exited(0), "\(git.error)")
        // A file that is deleted and not committed yet is tracked, and there is nothing to see.
        let tracked = git.output.split(separator: "\n").map(String.init).filter {
            FileManager.default.fileExists(atPath: root + "/" + $0)
        }
        #expect(!tracked.isEmpty)
        let unseen = Set(tracked).subtracting(try Repository(around: #filePath).paths)
        #expect(unseen.isEmpty, "\(unseen.sorted())")
    }
}
