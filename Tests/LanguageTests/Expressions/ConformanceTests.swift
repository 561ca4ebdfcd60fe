// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import CordonLanguage

/// The cases of the language's own conformance suite (cel-spec, tests/simple), read where they lie.
@Suite struct ConformanceTests {
    /// Cases that need protobuf messages; the converted suite leaves all of them out already.
    static let skipped: [String: String] = [:]

    @Test func `every case of the conformance suite passes`() throws {
        guard let folder = SharedData.folder("cel") else {
            print("skipped: conformance: no shared/data/cel beside the repository")
            return
        }
        var total = 0
        for file in try SharedData.files(in: folder) where file.pathExtension == "json" {
            guard let cases = try JSON.parse(Data(contentsOf: file))["cases"]?.arrayValue else { continue }
            var passed = 0
            var skipped = 0
            for json in cases {
                let one = try ConformanceCase(json)
                if let reason = Self.skipped[one.id] {
                    skipped += 1
                    print("skipped: \(one.id): \(reason)")
                    continue
                }
                let failure = one.failure()
                #expect(failure == nil, "\(one.id): \(one.source)")
                passed += failure == nil ? 1 : 0
            }
            total += cases.count
            let failed = cases.count - passed - skipped
            print("conformance: \(file.lastPathComponent): \(passed) passed, \(failed) failed, \(skipped) skipped")
        }
        #expect(total > 0)
        print("conformance: \(total) cases")
    }
}
