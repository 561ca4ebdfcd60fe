// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation
import Testing

/// Every connector that ships says of everything that it changes what is read before, what shows that it took effect, how
/// it is undone, what a repeat is answered, what it leaves in use, what the subject itself sees of it, how long that takes
/// and which version it compares; or why it does not.
@Suite struct ShippedContractTests {
    typealias Part = ProviderShape.Action.Part

    private static func shapes() throws -> [(name: String, shape: ProviderShape)] {
        let folder = URL(fileURLWithPath: #filePath).appending(path: "../../../workflows/connectors").standardized
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yaml") }
        return try files.sorted().compactMap { file in
            let name = String(file.dropLast(".yaml".count))
            return try shippedConnector(name).provider.map { (name, $0) }
        }
    }

    /// The parts that an action neither has nor says why it has not.
    private static func missing(_ action: ProviderShape.Action, _ capability: Capability) -> [Part] {
        let answers = action.act.answers
        var has: Set<Part> = Set(action.lacks.keys)
        if action.state != nil { has.insert(.state) }
        // What can't be read shows nothing.
        if action.probe != nil || action.lacks[.state] != nil { has.insert(.probe) }
        if action.undo != nil { has.insert(.undo) }
        if !answers.already.isEmpty || answers.rules.contains(where: { $0.means == .already }) { has.insert(.already) }
        let leaves = capability.isContainment || capability.endsCredentials
        if action.residual != nil || !leaves { has.insert(.residual) }
        if action.proof != nil || !leaves { has.insert(.verify) }
        if action.lagMilliseconds != nil { has.insert(.lag) }
        if action.state?.etag != nil { has.insert(.etag) }
        return Part.allCases.filter { !has.contains($0) }
    }

    @Test func `every connector's every change has each part of its contract, or the reason why not`() throws {
        let shapes = try Self.shapes()
        #expect(shapes.count > 20, "the shipped connectors are read")
        var changes = 0
        for (name, shape) in shapes {
            for (verb, action) in shape.actions.sorted(by: { $0.key < $1.key }) where action.effectClass.isWrite {
                changes += 1
                let capability = try #require(Capability.named(verb))
                #expect(Self.missing(action, capability) == [], "\(name) \(verb)")
                let reasons = action.lacks.values.filter { $0.split(separator: " ").count < 4 }
                #expect(reasons.isEmpty, "\(name) \(verb): \(reasons) is no reason")
            }
        }
        #expect(changes > 50)
    }

    @Test func `every exchange that changes something tells done, later and refused apart`() throws {
        for (name, shape) in try Self.shapes() {
            for (verb, action) in shape.actions where action.effectClass.isWrite {
                for exchange in [action.act, action.undo].compactMap(\.self) {
                    let answers = exchange.answers
                    #expect(!answers.done.isEmpty && !answers.refused.isEmpty, "\(name) \(verb)")
                    let waits = !answers.later.isEmpty || answers.rules.contains { $0.means == .later }
                    #expect(waits, "\(name) \(verb) has no answer that asks to wait")
                }
            }
        }
    }

    @Test func `an undo writes back only what is compared, and compares what it read`() throws {
        for (name, shape) in try Self.shapes() {
            for (verb, action) in shape.actions {
                guard let undo = action.undo, let state = action.state else { continue }
                #expect(!state.keep.isEmpty, "\(name) \(verb)")
                // What an undo takes from before is among what is read; a snapshot as a whole is never put back.
                let whole = undo.request.json.map { tree in
                    if case .template(let text) = tree { text.source.contains("with.before}") } else { false }
                }
                #expect(whole != true, "\(name) \(verb) puts a whole snapshot back")
            }
        }
    }

    @Test func `a part that is there and said to be lacking, or lacking for no reason, is a mistake`() throws {
        func refusal(_ lacks: String, _ place: String = "") -> [String] {
            let text = """
                connector: example
                title: One
                vendor: https://example.com
                provider:
                  settings: { url: { type: url } }
                  secrets: []
                  subject_secrets: []
                  authentication: { scheme: none }
                  capabilities:
                    sessions.revoke:
                      class: convergent
                      request: { method: POST, to: url }
                      answers: { done: [200], refused: [400], later: [429] }
                      state:
                        request: { method: GET, to: url }
                        answers: { done: [200], refused: [400], later: [429] }
                        keep: [open]
                      probe: after.open == 0
                      lacks: { \(lacks) }
                \(place)
                """
            guard
                case .failure(let found) = Connector.load(
                    Array(text.utf8), file: "workflows/connectors/example.yaml", digest: "")
            else { return [] }
            return found.all.map { "\($0.code) \($0.message)" }
        }
        #expect(refusal("undo: nobody can give sessions back") == [])
        #expect(refusal("state: it is there") == ["P059 'state' is there, and said to be lacking"])
        #expect(refusal("undo: ''") == ["P059 the reason is empty"])
        #expect(refusal("undoo: because it is").first?.hasPrefix("P021 ") == true)
        let residual = "      residual: { of: tokens, for: 1h, setting: lifetime, ended_by: [tokens.revok] }"
        let told = refusal("undo: nobody can give sessions back", residual)
        #expect(told.count == 2 && told.contains { $0.hasPrefix("P044 'lifetime' is no setting of type duration") })
        #expect(told.contains { $0.hasPrefix("P032 there is no capability 'tokens.revok'") })
    }
}
