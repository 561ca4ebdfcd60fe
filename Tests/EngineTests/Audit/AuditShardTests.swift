// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonStore
import StoreKit
import Testing

@testable import CordonEngine

/// Whether a log is judged by one thread or by several, the same is found in the same order.
@Suite(.timeLimit(.minutes(20))) struct AuditShardTests {
    /// Enough lines for several threads, most of them of runs.
    private func filled() async throws -> AuditedInstallation {
        let place = try AuditedInstallation()
        for number in 1...6 { try await place.contain("d-\(number)") }
        try await place.sign()
        return place
    }

    private static func changed(_ bytes: [UInt8], _ index: Int) -> [UInt8]? {
        switch index % 17 {
        case 3: nil
        case 5: Array(String(decoding: bytes, as: UTF8.self).replacing("\"n\":", with: "\"n\":1").utf8)
        case 8: Array(bytes.dropLast())
        case 11: Array(String(decoding: bytes, as: UTF8.self).replacing("revoke", with: "invoke").utf8)
        case 13: Array(" ".utf8) + bytes
        default: bytes
        }
    }

    @Test func `a state folder whose entries are forged gives the same findings in one part, in two and in five`()
        async throws
    {
        let place = try await filled()
        let store = FaultyStore(
            place.store, beforeReading: nil,
            forged: { indexed in
                Self.changed(indexed.entry.bytes, indexed.index).map { bytes in
                    var forged = indexed
                    forged.entry.bytes = bytes
                    return forged
                }
            })
        var reports: [AuditReport] = []
        for shards in [1, 2, 5] {
            reports.append(
                try await StateAudit(
                    store: store, folder: place.folder, blobs: place.installation.blobs, trust: AuditTrust(),
                    shards: shards
                ).run())
        }
        let codes = Set(reports[0].broken)
        #expect(codes.isSuperset(of: [.entryChanged, .entryMissing, .entryUnreadable, .streamGap]), "\(codes)")
        #expect(reports[1].value == reports[0].value)
        #expect(reports[2].value == reports[0].value)
    }

    @Test func `a bundle whose lines are forged gives the same findings in one part, in two and in five`()
        async throws
    {
        let place = try await filled()
        for bundle in [try await place.periodBundle(), try await place.runBundle()] {
            var files = try Tar.files(bundle)
            let at = try #require(files.firstIndex { $0.name == "entries.jsonl" })
            let lines = files[at].bytes.split(separator: UInt8(ascii: "\n")).map(Array.init)
            files[at].bytes = lines.enumerated().flatMap { (Self.changed($1, $0) ?? []) + [UInt8(ascii: "\n")] }
            let keys = try place.keys.load()
            for archive in [bundle, try sealed(files, with: keys)] {
                var reports: [AuditReport] = []
                for shards in [1, 2, 5] {
                    reports.append(
                        await BundleAudit.run(
                            ByteSource(archive), trust: AuditTrust(keys: keys.map(\.verifier)), shards: shards))
                }
                #expect(reports[0].isBroken == (archive != bundle), "\(reports[0].findings)")
                #expect(reports[1].value == reports[0].value)
                #expect(reports[2].value == reports[0].value)
            }
        }
    }
}
