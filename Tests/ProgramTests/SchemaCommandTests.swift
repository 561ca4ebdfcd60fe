// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Foundation
import TestKit
import Testing

/// The schemas that editors get say of a file what the loaders say of its form.
@Suite struct SchemaCommandTests {
    static let kinds = ["playbook", "test", "workflow", "connector", "connections", "identities", "guards"]

    private func schema(_ kind: String) async throws -> Value {
        let ended = try await Installation.finish(["schema", kind], in: try ScratchFolder("cordon-schema"))
        #expect(ended.end == .exited(0), "\(ended.error)")
        return try ended.json
    }

    /// Files that the loaders take, as values.
    private func files(_ kind: String) throws -> [(name: String, value: Value)] {
        let folder: String
        switch kind {
        case "playbook", "test": folder = "playbooks"
        case "workflow": folder = "workflows"
        case "connector": folder = "workflows/connectors"
        default:
            let installation = try Installation.alone()
            let name = kind + ".yaml"
            if kind == "guards" { try installation.scratch.write(Self.guards, to: name) }
            return [
                (
                    name,
                    try YAMLDocument.parse(
                        try installation.scratch.read(name), file: name, limits: .definition
                    ).root.value
                )
            ]
        }
        let path = Self.repository + "/" + folder
        return try FileManager.default.contentsOfDirectory(atPath: path)
            .filter { $0.hasSuffix(".yaml") && $0.hasSuffix(".test.yaml") == (kind == "test") }.sorted()
            .map { name in
                let text = try String(contentsOfFile: path + "/" + name, encoding: .utf8)
                return (name, try YAMLDocument.parse(text, file: name, limits: .definition).root.value)
            }
    }

    private static let guards = """
        protected: { deny: [tag/break-glass, { of: id/payroll, until: 2027-01-31 }], ask: [tag/tier0] }
        limits: { per_playbook: 20, share: 25% }
        surge: { factor: 8, window: 30m }
        freeze: [{ name: weekend, days: [sat, sun], from: "00:00", until: "24:00" }]

        """

    private static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    @Test(arguments: kinds)
    func `every file that ships fits its schema`(_ kind: String) async throws {
        let schema = try await schema(kind)
        let files = try files(kind)
        #expect(!files.isEmpty)
        for file in files {
            let complaint = SchemaCheck(root: schema).complaint(file.value)
            #expect(complaint == nil, "\(file.name)")
        }
    }

    /// The same with every field of the house misspelt, one at a time and at any depth.
    @Test(arguments: kinds)
    func `a misspelt field is refused at any depth`(_ kind: String) async throws {
        let schema = try await schema(kind)
        var count = 0
        for file in try files(kind) {
            for (path, wrong) in misspelt(file.value, schema, SchemaCheck(root: schema)) {
                #expect(SchemaCheck(root: schema).complaint(wrong) != nil, "\(file.name): \(path)")
                count += 1
            }
        }
        #expect(count >= 3)
    }

    /// The value once for each field that the schema knows, with that field's name changed.
    private func misspelt(
        _ value: Value, _ pointer: Value, _ check: SchemaCheck
    ) -> [(path: String, value: Value)] {
        let schema = check.resolved(pointer)
        switch value {
        case .object(let members):
            return members.keys.sorted().flatMap { key -> [(path: String, value: Value)] in
                guard let member = members[key] else { return [] }
                let below = schema["properties"]?[key] ?? schema["additionalProperties"] ?? .null
                var out = misspelt(member, below, check).map { inner -> (path: String, value: Value) in
                    var changed = members
                    changed[key] = inner.value
                    return ("\(key).\(inner.path)", .object(changed))
                }
                if schema["properties"]?[key] != nil {
                    var changed = members
                    changed[key] = nil
                    changed[key + "x"] = member
                    out.append((key, .object(changed)))
                }
                return out
            }
        case .array(let items):
            return items.indices.flatMap { index in
                misspelt(items[index], schema["items"] ?? .null, check).map { inner in
                    var changed = items
                    changed[index] = inner.value
                    return ("\(index).\(inner.path)", .array(changed))
                }
            }
        default: return []
        }
    }

    @Test(arguments: kinds)
    func `no map is left of which nothing is known`(_ kind: String) async throws {
        #expect(unknownMaps(try await schema(kind), "$").isEmpty)
    }

    private func unknownMaps(_ schema: Value, _ path: String) -> [String] {
        switch schema {
        case .object(let members):
            let isUnknown =
                members["type"] == "object" && members["properties"] == nil && members["additionalProperties"] == nil
            return (isUnknown ? [path] : [])
                + members.keys.sorted().flatMap { unknownMaps(members[$0] ?? .null, "\(path).\($0)") }
        case .array(let items): return items.flatMap { unknownMaps($0, path) }
        default: return []
        }
    }

    @Test func `words, durations and numbers that the loaders refuse are refused`() async throws {
        let playbook = try await schema("playbook")
        guard let file = try files("playbook").first(where: { $0.name == "secret-leaked.yaml" }) else {
            Issue.record("the playbook is missing")
            return
        }
        for (path, value) in [
            (["mode"], Value.string("enforced")), (["trigger", "signal"], "secret.exposd"), (["title"], 42),
            (["trigger", "subject", "kind"], "user"), (["objective", "within"], "1h30m"), (["maps"], []),
        ] {
            #expect(SchemaCheck(root: playbook).complaint(changed(file.value, path, value)) != nil, "\(path)")
        }
    }

    private func changed(_ value: Value, _ path: [String], _ new: Value) -> Value {
        guard let first = path.first, case .object(var members) = value else { return new }
        members[first] = changed(members[first] ?? .null, Array(path.dropFirst()), new)
        return .object(members)
    }

    @Test(arguments: kinds)
    func `a validator of another make agrees`(_ kind: String) async throws {
        let script = """
            import json, sys
            try: import jsonschema
            except ImportError: print("none"); sys.exit(0)
            task = json.load(sys.stdin)
            kind = jsonschema.Draft202012Validator
            kind.check_schema(task["schema"])
            print(json.dumps([kind(task["schema"]).is_valid(value) for value in task["values"]]))
            """
        let schema = try await schema(kind)
        let good = try files(kind).map(\.value)
        let bad = good.flatMap { misspelt($0, schema, SchemaCheck(root: schema)).map(\.value) }
        let folder = try ScratchFolder("cordon-schema")
        let task = try folder.write(
            Value.object(["schema": schema, "values": .array(good + bad)]).json, to: "task.json")
        let program = try ProgramUnderTest(
            "/bin/sh",
            [
                "-c", "command -v python3 >/dev/null || { echo none; exit 0; }; python3 -c \"$1\" < \"$2\"", "sh",
                script, task,
            ],
            capturedIn: folder)
        #expect(try await program.waitForExit() == .exited(0), "\(program.error)")
        guard program.output != "none\n" else {
            print("skipped: no python3 with jsonschema")
            return
        }
        let wanted =
            Array(repeating: Value.bool(true), count: good.count) + Array(repeating: .bool(false), count: bad.count)
        #expect(try JSON.parse(program.output) == .array(wanted))
    }

    @Test func `a kind that there is not ends with 64`() async throws {
        let ended = try await Installation.finish(["schema", "playbok"], in: try ScratchFolder("cordon-schema"))
        #expect(ended.end == .exited(64))
        #expect(ended.error.contains("playbook"))
    }
}
