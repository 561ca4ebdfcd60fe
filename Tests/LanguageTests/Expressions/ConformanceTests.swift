// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import CordonLanguage

/// The cases of the language's own conformance suite (cel-spec, tests/simple), converted to JSON and read where they lie.
@Suite struct ConformanceTests {
    /// The files that must pass whole: the language itself, then the extension libraries that authors have.
    static let core = [
        "basic", "comparisons", "conversions", "fields", "fp_math", "integer_math", "lists", "logic", "macros",
        "namespace", "parse", "plumbing", "string", "timestamps", "type_deduction",
    ]
    static let extensions = [
        "bindings_ext", "encoders_ext", "macros2", "math_ext", "network_ext", "optionals", "string_ext",
    ]

    /// Files of the suite that are left out, and why.
    static let excludedFiles = [
        "block_ext": "cel.block is the notation of an optimizer; authors never write it",
        "dynamic": "needs protobuf messages", "enums": "needs protobuf enums", "proto2": "needs protobuf messages",
        "proto2_ext": "needs protobuf messages", "proto3": "needs protobuf messages",
        "wrappers": "needs protobuf messages", "unknowns": "has no cases upstream",
        "INDEX": "a table of contents",
    ]

    /// Cases that are left out, by identifier, and why. None today: a new entry needs a reason that a reader accepts.
    static let excludedCases: [String: String] = [:]

    @Test(arguments: core + extensions)
    func `every case of the conformance suite passes`(_ suite: String) throws {
        guard let folder = sharedFolder("cel") else { return }
        let file = URL(fileURLWithPath: "\(folder)/\(suite).json")
        let document = try JSON.parse(Data(contentsOf: file))
        #expect(document["profile"]?.stringValue == (Self.core.contains(suite) ? "core" : "ext"))
        let cases = try #require(document["cases"]?.arrayValue)
        #expect(!cases.isEmpty)
        var passed = 0
        var skipped = 0
        for json in cases {
            let one = try ConformanceCase(json)
            if let reason = Self.excludedCases[one.id] {
                skipped += 1
                print("skipped: \(one.id): \(reason)")
                continue
            }
            let failure = one.failure()
            #expect(failure == nil, "\(one.id): \(one.source)")
            passed += failure == nil ? 1 : 0
        }
        print("conformance: \(suite): \(passed) of \(cases.count) passed, \(skipped) skipped")
    }

    @Test func `no file of the suite is left out without a reason`() throws {
        guard let folder = sharedFolder("cel") else { return }
        let known = Set(Self.core + Self.extensions + Self.excludedFiles.keys)
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasSuffix(".json") {
            #expect(known.contains(String(name.dropLast(5))), "\(name)")
        }
    }

    @Test func `the harness tells a wrong value, type and error from the right one`() throws {
        func failure(_ expression: String, _ expect: Value) throws -> String? {
            try ConformanceCase(["id": "planted", "expr": .string(expression), "expect": expect]).failure()
        }
        #expect(try failure("1 + 1", ["value": ["int": "2"]]) == nil)
        #expect(try failure("1 + 1", ["value": ["int": "3"]]) != nil)
        #expect(try failure("1 + 1", ["value": ["uint": "2"]]) != nil)
        #expect(try failure("0.0", ["value": ["double": "-0.0"]]) != nil)
        #expect(try failure("1 / 0", ["error": ["divide by zero"]]) == nil)
        #expect(try failure("1 / 1", ["error": ["divide by zero"]]) != nil)
        #expect(try failure("1 / 0", ["value": ["int": "0"]]) != nil)
        #expect(try failure("[1]", ["value": ["list": [["int": "1"]]], "type": "list(string)"]) != nil)
    }
}
