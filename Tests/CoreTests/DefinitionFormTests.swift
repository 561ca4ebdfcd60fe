// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Foundation
import TestKit
import Testing

/// A definition means the same before and after it is brought into its canonical form, however it was written.
@Suite struct DefinitionFormTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Every playbook, workflow, connector and test that ships.
    static let shipped: [String] = ["playbooks", "workflows", "workflows/connectors"].flatMap { folder in
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path)) ?? []
        return names.filter { $0.hasSuffix(".yaml") }.sorted().map { folder + "/" + $0 }
    }

    private func parsed(_ text: String) throws -> YAMLDocument {
        try YAMLDocument.parse(text, file: "f.yaml", limits: .definition)
    }

    private func form(_ text: String) throws -> String {
        let document = try parsed(text)
        let kind = try #require(DefinitionForm.kind(of: document))
        return try #require(DefinitionForm.text(of: document, kind: kind))
    }

    @Test(arguments: shipped)
    func `what ships has a form that loads as it does and is its own`(_ file: String) throws {
        let text = try String(contentsOf: Self.root.appending(path: file), encoding: .utf8)
        let formed = try form(text)
        #expect(try form(formed) == formed)
        guard file.hasPrefix("workflows/"), !file.contains("connectors") else { return }
        func load(_ text: String) throws -> Workflow {
            var workflow = try Workflow.load(Array(text.utf8), file: file, digest: "").get()
            workflow.callSites = []  // They tell places in the file.
            return workflow
        }
        #expect(try load(formed) == load(text))
    }

    @Test func `steps and playbooks are told in one order`() throws {
        let text = """
            steps:
            - {undo: none, because: gone, do: tokens.revoke, id: revoke, with: {credential: x}}
            -   hold: {then: undo,for: 4h}
                with: {keep: [ a ],   subject: x}
                do: scopes.reduce
                id: cut   # first
            workflow: revoke
            title: 'Revoke'
            """
        #expect(
            try form(text) == """
                workflow: revoke
                title: "Revoke"
                steps:
                  - { id: revoke, do: tokens.revoke, with: { credential: x }, undo: none, because: gone }
                  - id: cut  # first
                    do: scopes.reduce
                    with: { keep: [a], subject: x }
                    hold: { for: 4h, then: undo }

                """)
    }

    @Test(arguments: 1...60)
    func `whichever way a definition is written, its form loads as it does`(_ seed: UInt64) throws {
        for sketch in [DefinitionSketch.workflow, .reduce] {
            let wild = Scrawl(seed).text(try parsed(sketch.text).root)
            let formed = try form(wild)
            #expect(try form(formed) == formed)
            #expect(try load(wild, sketch) == load(sketch.text, sketch), "\(wild)")
            #expect(try load(formed, sketch) == load(sketch.text, sketch), "\(formed)")
        }
        let workflow = try DefinitionSketch.workflow.loadWorkflow().get()
        let playbook = DefinitionSketch.playbook
        let wild = Scrawl(seed).text(try parsed(playbook.text).root)
        let loaded = try [playbook.text, wild, form(wild)].map { text in
            try Playbook.load(Array(text.utf8), file: playbook.file, digest: "", workflows: [workflow]).get()
        }
        #expect(loaded[0] == loaded[1] && loaded[0] == loaded[2])
    }

    private func load(_ text: String, _ sketch: DefinitionSketch) throws -> Workflow {
        try Workflow.load(Array(text.utf8), file: sketch.file, digest: "").get()
    }
}

/// Writes a tree as nobody should: brackets, quotes, margins, comments and empty lines as the dice fall.
private final class Scrawl {
    private var dice: Seeded

    init(_ seed: UInt64) { dice = Seeded(seed) }

    func text(_ node: YAMLNode) -> String { block(node, 0) }

    private func block(_ node: YAMLNode, _ indent: Int) -> String {
        let margin = String(repeating: " ", count: indent)
        let more = indent + 1 + dice.below(4)
        var out = ""
        for entry in node.entries ?? [] {
            out += noise(margin) + margin + entry.key + ":" + value(entry.value, more)
        }
        for item in node.items ?? [] { out += noise(margin) + margin + "-" + value(item, more + 1) }
        return out
    }

    private func value(_ node: YAMLNode, _ indent: Int) -> String {
        let isEmpty = node.entries?.isEmpty ?? node.items?.isEmpty ?? true
        if isEmpty || dice.chance(40) { return " " + flow(node) + (dice.chance(20) ? "  # behind" : "") + "\n" }
        return (dice.chance(20) ? " # before" : "") + "\n" + block(node, indent)
    }

    private func flow(_ node: YAMLNode) -> String {
        switch node.content {
        case .scalar(let scalar): return leaf(scalar)
        case .sequence(let items): return "[" + items.map(flow).joined(separator: gap()) + "]"
        case .mapping(let entries):
            return "{" + entries.map { $0.key + ": " + flow($0.value) }.joined(separator: gap()) + " }"
        }
    }

    private func gap() -> String { dice.pick([",", " ,  ", ",\n                    ", ", "]) + " " }

    private func leaf(_ scalar: YAMLScalar) -> String {
        guard case .string(let text) = scalar.value else { return scalar.text }
        if dice.chance(50) { return Value.string(text).json }
        return "'" + text.replacingOccurrences(of: "'", with: "''") + "'"
    }

    private func noise(_ margin: String) -> String {
        (dice.chance(10) ? "\n\n" : "") + (dice.chance(15) ? margin + "# of what follows\n" : "")
    }
}
