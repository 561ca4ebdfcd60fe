// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestKit
import Testing

/// `cordon playbook fmt`, as its user runs it.
@Suite struct PlaybookFormatTests {
    private static let wild = """
        # of the playbook
        title:   'Leak'   # why
        playbook: leak
        """

    @Test func `a file is brought into its form once, keeps its rights, and is left alone then`() async throws {
        let folder = try ScratchFolder("cordon-form")
        let path = try folder.write(Self.wild, to: "playbooks/leak.yaml")
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
        let check = try await Installation.finish(["playbook", "fmt", "--check"], in: folder)
        #expect(check.end == .exited(1))
        #expect(check.output == "playbooks/leak.yaml\n")
        #expect(check.error == "cordon: 1 file not in form; run 'cordon playbook fmt'\n")
        #expect(try folder.read("playbooks/leak.yaml") == Self.wild)
        let first = try await Installation.finish(["playbook", "fmt"], in: folder)
        #expect(first.end == .exited(0))
        #expect(first.output == "playbooks/leak.yaml\n")
        #expect(
            try folder.read("playbooks/leak.yaml") == "playbook: leak\n# of the playbook\ntitle: \"Leak\"  # why\n")
        let rights = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(rights == 0o640)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("playbooks")) == ["leak.yaml"])
        let second = try await Installation.finish(["playbook", "fmt", "playbooks/leak.yaml"], in: folder)
        #expect(second.output.isEmpty)
        #expect(second.error == "1 file in form\n")
    }

    @Test func `a file that can't be read as YAML is left alone, told of, and the others are formed`() async throws {
        let folder = try ScratchFolder("cordon-form")
        let broken = "playbook: leak\ntitle: Leak: now\n"
        try folder.write(broken, to: "playbooks/leak.yaml")
        try folder.write(Self.wild, to: "playbooks/other.yaml")
        let ended = try await Installation.finish(["playbook", "fmt"], in: folder)
        #expect(ended.end == .exited(10))
        #expect(ended.error.hasPrefix("playbooks/leak.yaml:2:12: error[P014]: "))
        #expect(ended.output == "playbooks/other.yaml\n")
        #expect(try folder.read("playbooks/leak.yaml") == broken)
    }

    @Test func `what is no definition and what is not there are refused`() async throws {
        let folder = try ScratchFolder("cordon-form")
        try folder.write("a: 1\n", to: "a.yaml")
        let ended = try await Installation.finish(["playbook", "fmt", "a.yaml", "b.yaml"], in: folder)
        #expect(ended.end == .exited(10))
        #expect(ended.errorLines.count == 3)
        #expect(ended.errorLines.first?.contains("this is no definition") == true)
        #expect(try folder.read("a.yaml") == "a: 1\n")
    }

    @Test func `a link stays a link, and what it names is formed`() async throws {
        let folder = try ScratchFolder("cordon-form")
        try folder.write(Self.wild, to: "real.yaml")
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("leak.yaml"), withDestinationPath: folder.path("real.yaml"))
        let ended = try await Installation.finish(["playbook", "fmt", "leak.yaml"], in: folder)
        #expect(ended.end == .exited(0))
        #expect(
            try FileManager.default.destinationOfSymbolicLink(atPath: folder.path("leak.yaml")).hasSuffix("real.yaml"))
        #expect(try folder.read("real.yaml").hasPrefix("playbook: leak\n"))
    }
}
