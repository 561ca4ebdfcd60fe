// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage
import Foundation
import TestKit
import Testing

@testable import CordonEngine

/// What a bundle's playbooks answer goes along with it, and bundles of before that verify as they did.
@Suite(.timeLimit(.minutes(10))) struct BundleMappingTests {
    private let place: AuditedInstallation

    init() async throws {
        place = try AuditedInstallation()
        try await place.contain()
        try await place.sign()
    }

    private func report(_ files: [Tar.File]) async throws -> AuditReport {
        let keys = try place.keys.load()
        return await BundleAudit.run(
            try sealed(files, with: keys), trust: AuditTrust(keys: keys.map(\.verifier)))
    }

    @Test func `bundles of a run and of a period say which entries of which frameworks their playbooks answer`()
        async throws
    {
        for bundle in [try await place.runBundle(), try await place.periodBundle()] {
            let files = try Tar.files(bundle)
            let file = try #require(files.first { $0.name == "frameworks.json" })
            let playbooks = try #require(try JSON.parse(file.bytes).arrayValue)
            #expect(playbooks.map { $0["playbook"] } == ["secret-leaked"])
            let digest = try #require(playbooks.first?["digest"]?.stringValue)
            #expect(files.contains { $0.name == BundleFormat.definition(digest) })
            let entries: Value = [
                [
                    "key": "attack", "framework": "MITRE ATT&CK Enterprise", "version": "18.1", "id": "T1552.001",
                    "title": "Unsecured Credentials: Credentials In Files",
                ],
                [
                    "key": "owasp_nhi", "framework": "OWASP Non-Human Identities Top 10", "version": "2025",
                    "id": "NHI2", "title": "Secret Leakage",
                ],
                [
                    "key": "owasp_nhi", "framework": "OWASP Non-Human Identities Top 10", "version": "2025",
                    "id": "NHI7", "title": "Long-Lived Secrets",
                ],
            ]
            #expect(playbooks.first?["entries"] == entries)
            let readme = try #require(files.first { $0.name == "README.txt" })
            #expect(String(decoding: readme.bytes, as: UTF8.self).contains("\n  frameworks.json "))
        }
    }

    @Test(arguments: ["version", "dropped", "emptied"])
    func `mappings that do not follow from the playbooks are found though they are signed`(_ deed: String)
        async throws
    {
        for bundle in [try await place.runBundle(), try await place.periodBundle()] {
            var files = try Tar.files(bundle)
            let at = try #require(files.firstIndex { $0.name == "frameworks.json" })
            switch deed {
            case "version":
                files[at].bytes = Array(
                    String(decoding: files[at].bytes, as: UTF8.self).replacing("18.1", with: "18.2").utf8)
            case "emptied": files[at].bytes = Array("[]\n".utf8)
            default: files.remove(at: at)
            }
            let broken = try await report(files).findings.filter { $0.grade == .broken }
            #expect(broken.map(\.place) == ["frameworks.json"])
        }
    }

    @Test func `a bundle that was made before there were mappings still verifies, its pages with it`() async throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Golden/bundle-views-1.tar")
        let bundle = Array(try Data(contentsOf: path))
        #expect(try await parts(of: bundle).predicate["views"] == 1)
        #expect(try !Tar.files(bundle).contains { $0.name == "frameworks.json" })
        let report = await BundleAudit.run(bundle, trust: AuditTrust())
        #expect(report.verdict == "sound", "\(report.findings)")
        #expect(report.codes(.open) == [])
        // Its README too is worded as it was.
        #expect(!report.codes(.note).contains(.fileChanged))
    }

    @Test func `what a playbook answers is read of it alone, also of frameworks that nobody knows`() throws {
        let text = """
            playbook: own
            title: of a version that nobody reads any more
            maps: { nist_csf: [RS.MI-01, RS.MI-99], house: [a, b] }

            """
        let mapping = try #require(FrameworkMapping(of: Array(text.utf8)))
        #expect(mapping.playbook == "own")
        let csf: Value = "NIST Cybersecurity Framework"
        #expect(
            mapping.entries().map(\.value) == [
                ["key": "house", "id": "a"], ["key": "house", "id": "b"],
                [
                    "key": "nist_csf", "id": "RS.MI-01", "framework": csf, "version": "2.0",
                    "title": "incidents are contained",
                ],
                ["key": "nist_csf", "id": "RS.MI-99", "framework": csf, "version": "2.0"],
            ])
        for other in ["workflow: w\n", "playbook: [a]\n", "playbook: \"", "\u{0}"] {
            #expect(FrameworkMapping(of: Array(other.utf8)) == nil)
        }
        #expect(FrameworkMapping(of: Array("playbook: p\nmaps: none\n".utf8))?.entries() == [])
    }

    /// Bundles are compared with what is made of the catalog: with another one, those of this version would be called
    /// changed. Whoever changes it gives the pages a new version, and keeps this catalog for version 2.
    @Test func `the catalog is the one that pages of version 2 were made with`() {
        let text = Framework.all.map { framework in
            ([framework.key, framework.name, framework.version] + framework.items.map { "\($0.id) \($0.title)" })
                .joined(separator: "\n")
        }.joined(separator: "\n\n")
        #expect(BundleViews.version == 2)
        #expect(Digest.of(Array(text.utf8)).hex == "0c67d03b87fba282104210741e8c2c9b6c81bca8e1b4dfe24ace96e48e6d3958")
    }
}
