// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import CordonEvidence

@Suite struct TarTests {
    private let files = [
        Tar.File(name: "b/second.json", bytes: Array("{}\n".utf8)), Tar.File(name: "README.txt", bytes: []),
        Tar.File(name: "b/first", bytes: [UInt8](repeating: 7, count: 512)),
    ]

    @Test func `equal content gives equal bytes, in whatever order it came`() throws {
        let archive = try Tar.archive(files)
        #expect(try Tar.archive(files.reversed()) == archive)
        #expect(archive.count == 512 * (1 + 2 + 2 + 2))
        #expect(try Tar.files(archive).map(\.name) == ["README.txt", "b/first", "b/second.json"])
        #expect(Set(try Tar.files(archive)) == Set(files))
    }

    @Test func `the system's tar reads it`() throws {
        let scratch = try Scratch()
        try scratch.write(Tar.archive(files), to: "it.tar")
        let tar = Process()
        tar.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        tar.arguments = ["tar", "-xf", scratch.path + "/it.tar", "-C", scratch.path]
        try tar.run()
        tar.waitUntilExit()
        #expect(tar.terminationStatus == 0)
        for file in files { #expect(try scratch.read(file.name) == file.bytes) }
    }

    @Test func `no byte of it can be changed without being noticed or changing a file's content`() throws {
        let archive = try Tar.archive(files)
        let content = Set(files)
        for place in archive.indices {
            var changed = archive
            changed[place] ^= 0x10
            guard let read = try? Tar.files(changed) else { continue }
            #expect(Set(read) != content, "byte \(place)")
        }
        for count in 0..<archive.count {
            #expect(throws: EvidenceError(.archiveMalformed, "")) { try Tar.files(Array(archive.prefix(count))) }
        }
        #expect(throws: EvidenceError(.archiveMalformed, "")) { try Tar.files(archive + [0]) }
    }

    @Test(arguments: ["../up", "/root", "a//b", "a/", "", "a b", "ü", "a/./b", String(repeating: "n", count: 101)])
    func `names that could lead out of a folder, or that a system can't write, are refused`(name: String) {
        #expect(throws: EvidenceError(.archiveMalformed, "")) { try Tar.archive([Tar.File(name: name, bytes: [])]) }
    }

    @Test func `no name stands in it twice`() {
        #expect(throws: EvidenceError(.archiveMalformed, "")) {
            try Tar.archive([Tar.File(name: "a", bytes: [1]), Tar.File(name: "a", bytes: [2])])
        }
    }
}
