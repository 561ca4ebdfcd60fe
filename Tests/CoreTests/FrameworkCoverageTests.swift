// SPDX-License-Identifier: Apache-2.0

import CordonCore
import Foundation
import Testing

@Suite struct FrameworkCoverageTests {
    @Test func `each framework has a version, and no identifier stands in it twice`() {
        for framework in Framework.all {
            #expect(!framework.version.isEmpty)
            #expect(framework.items.allSatisfy { !$0.id.isEmpty && !$0.title.isEmpty }, "\(framework.key)")
            #expect(Set(framework.items.map(\.id)).count == framework.items.count, "\(framework.key)")
        }
        #expect(Set(Framework.all.map(\.key)).count == Framework.all.count)
        #expect(Framework.all.first { $0.key == "owasp_nhi" }?.items.count == 10)
        #expect(Framework.all.first { $0.key == "owasp_agentic" }?.items.count == 10)
    }

    @Test func `what a playbook names is answered, what none names is a gap, and what nobody knows is told`() throws {
        var playbook = try shipped()
        playbook.maps = ["owasp_nhi": ["NHI2", "NHI11"], "atack": ["T1552.001"]]
        let coverage = FrameworkCoverage(of: [playbook])
        let leak = try #require(coverage.rows.first { $0.item.id == "NHI2" })
        #expect(leak.playbooks == ["secret-leaked"])
        #expect(leak.item.title == "Secret Leakage")
        #expect(try #require(coverage.rows.first { $0.item.id == "NHI1" }).playbooks.isEmpty)
        #expect(coverage.strangers.map(\.id) == ["T1552.001", "NHI11"])
        #expect(coverage.strangers[0].near == "attack")
    }

    @Test func `every identifier that a shipped playbook names is known`() throws {
        #expect(FrameworkCoverage(of: [try shipped()]).strangers == [])
    }

    private func shipped() throws -> Playbook {
        let root = URL(fileURLWithPath: #filePath).pathComponents.dropLast(3).joined(separator: "/")
        func bytes(_ path: String) throws -> [UInt8] {
            Array(try Data(contentsOf: URL(fileURLWithPath: root + "/" + path)))
        }
        let workflow = try Workflow.load(
            try bytes("workflows/token-revocation.yaml"), file: "token-revocation.yaml", digest: "sha256:w"
        ).get()
        return try Playbook.load(
            try bytes("playbooks/secret-leaked.yaml"), file: "secret-leaked.yaml", digest: "sha256:p",
            workflows: [workflow]
        ).get()
    }
}
