// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Testing

/// A playbook is held against what the providers of its subjects can do before any alert comes.
@Suite struct ProviderFitTests {
    private static let read = Contract(effectClass: .read, readsState: false)
    private static let write = Contract(effectClass: .convergent, readsState: true)
    private static let undoable = Contract(effectClass: .convergent, readsState: true, canUndo: true)
    private static let good = ["evidence.capture": read, "tokens.revoke": write]
    private static let poor = ["evidence.capture": read]

    private func fit(
        _ offered: [String: [String: Contract]], of providers: [String],
        connectors: [String: [String: Contract]] = ["able": ProviderFitTests.good]
    ) -> ProviderFit {
        let identities = providers.enumerated().map { index, provider in
            Inventory.Identity(
                subject: Subject(
                    kind: .credential, id: "token-\(index)", provider: provider, owner: "team/x", tags: [],
                    attributes: [:]), matches: ["alert": .int(Int64(index))])
        }
        return ProviderFit(
            offered: offered, connectors: connectors, inventory: Inventory(identities: identities, digest: ""))
    }

    private func told(
        _ fit: ProviderFit, workflow: DefinitionSketch = .workflow, playbook: DefinitionSketch = .playbook,
        isOwn: Bool = true
    ) throws -> [Diagnostic] {
        let loaded = try workflow.loadWorkflow().get()
        return fit.mistakes(
            of: try playbook.loadPlaybook([loaded]).get(), among: [loaded], bytes: Array(playbook.text.utf8),
            file: playbook.file, isOwn: isOwn)
    }

    @Test func `a playbook that no provider of its subjects can serve is a mistake, at its place and in words`() throws
    {
        let told = try told(fit(["one": Self.poor, "two": [:], "three": Self.good], of: ["one", "two"]))
        #expect(
            told.map(\.text) == [
                """
                playbooks/leak.yaml:11:13: error[P120]: no provider of a credential in the inventory can do what revoke \
                asks for: one lacks tokens.revoke (step 'revoke'); two lacks evidence.capture (step 'proof'), \
                tokens.revoke (step 'revoke') (run a workflow that they can, narrow 'when' to subjects of the others, \
                or set mode: "off")
                 11 |   workflow: revoke
                    |             ^^^^^^
                """
            ])
    }

    @Test func `providers that lack something beside others that do not are named in a warning`() throws {
        let told = try told(fit(["one": Self.poor, "two": Self.good], of: ["one", "two"]))
        #expect(told.map(\.severity) == [.warning])
        #expect(told.map(\.code) == ["P120"])
        #expect(
            told.first?.message
                == "a credential of some providers would only wait for a person, they can't do what revoke asks for: "
                + "one lacks tokens.revoke (step 'revoke')")
    }

    @Test func `where nobody is known, one connector that can is enough, and none is a mistake`() throws {
        #expect(try told(fit(["one": Self.poor], of: [])).isEmpty)
        #expect(try told(fit(["one": Self.poor], of: ["not-connected"])).isEmpty)
        let told = try told(fit([:], of: [], connectors: ["far": [:], "near": Self.poor]))
        #expect(told.map(\.severity) == [.error])
        #expect(
            told.first?.message
                == "no connector can do what revoke asks for; the nearest: near lacks tokens.revoke (step 'revoke')")
    }

    @Test func `an undo that the provider declares it has not is refused where the workflow relies on it`() throws {
        let workflow = DefinitionSketch.workflow.changed(
            """
              - id: revoke
                do: tokens.revoke
                with: { credential: "${inputs.credential.id}" }
                if: inputs.days > 1
                within: 10m
                retry: { attempts: 4, first: 2s }
                verify: after.active == false
                undo: none
                because: a revoked token can't be given back
            """,
            to: """
                  - id: revoke
                    do: credential.disable
                    with: { credential: "${inputs.credential.id}" }
                    hold: { for: 4h, then: undo }
                """)
        let with = Self.poor.merging(["credential.disable": Self.undoable]) { _, new in new }
        let without = Self.poor.merging(["credential.disable": Self.write]) { _, new in new }
        #expect(try told(fit(["one": with], of: ["one"]), workflow: workflow).isEmpty)
        let refused = try told(fit(["one": without], of: ["one"]), workflow: workflow)
        #expect(refused.map(\.code) == ["P121"])
        #expect(refused.map(\.severity) == [.error])
        #expect(refused.first?.message.hasSuffix("one lacks an undo of credential.disable (step 'revoke')") == true)
        // Beside one that lacks the capability itself, it is the capability that is told of first.
        let both = try told(fit(["one": without, "two": Self.poor], of: ["one", "two"]), workflow: workflow)
        #expect(both.map(\.code) == ["P120"])
    }

    @Test func `what a provider offers for some alone is held against each identity`() throws {
        let suits = try Expression.compile(
            #"subject.class == "user""#, variables: ["subject": .any], expecting: .bool)
        var revoke = Self.write
        revoke.suits = suits
        func told(_ classes: [Value?]) throws -> [Diagnostic] {
            let identities = classes.enumerated().map { index, known in
                Inventory.Identity(
                    subject: Subject(
                        kind: .credential, id: "token-\(index)", provider: "one",
                        attributes: known.map { ["class": $0] } ?? [:]),
                    matches: ["alert": .int(Int64(index))])
            }
            return try self.told(
                ProviderFit(
                    offered: ["one": ["evidence.capture": Self.read, "tokens.revoke": revoke]], connectors: [:],
                    inventory: Inventory(identities: identities, digest: "")))
        }
        #expect(try told(["user", "user"]).isEmpty)
        // What the inventory leaves open the provider tells.
        #expect(try told([nil]).isEmpty)
        let some = try told(["user", "robot", "robot"])
        #expect(some.map(\.severity) == [.warning] && some.map(\.code) == ["P120"])
        #expect(some.first?.message.hasSuffix("one for token-1 and 1 more lacks tokens.revoke (step 'revoke')") == true)
        let all = try told(["robot"])
        #expect(all.map(\.severity) == [.error])
        #expect(all.first?.message.contains("one for token-0 lacks tokens.revoke (step 'revoke')") == true)
    }

    @Test func `a step elsewhere is held against the connection that it names, whoever the subject's provider is`()
        throws
    {
        let elsewhere = DefinitionSketch.workflow.changed(
            "do: evidence.capture", to: "do: evidence.capture\n    at: gateway")
        let own = ["tokens.revoke": Self.write]
        #expect(try told(fit(["one": own, "gateway": Self.poor], of: ["one"]), workflow: elsewhere).isEmpty)
        let missing = try told(fit(["one": own, "gatewey": Self.poor], of: ["one"]), workflow: elsewhere)
        #expect(missing.map(\.code) == ["P123"])
        #expect(missing.map(\.severity) == [.error])
        #expect(missing.first?.message == "there is no connection 'gateway' for step 'proof'")
        #expect(missing.first?.suggestion == "did you mean 'gatewey'?")
        let lacking = try told(fit(["one": own, "gateway": own], of: ["one"]), workflow: elsewhere)
        #expect(lacking.map(\.code) == ["P120"])
        #expect(lacking.first?.message == "gateway lacks evidence.capture (step 'proof')")
        // Whoever checks a file by itself has no connections.
        #expect(
            try told(fit([:], of: [], connectors: ["able": own]), workflow: elsewhere).map(\.severity) == [.warning])
    }

    @Test func `a connection that an input names is written out in the playbook`() throws {
        let workflow = DefinitionSketch.workflow.changed(
            "do: evidence.capture", to: "do: evidence.capture\n    at: \"${inputs.where}\""
        ).changed("inputs:\n", to: "inputs:\n  where: { type: connection }\n")
        let loaded = try workflow.loadWorkflow().get()
        func handing(_ text: String) -> DefinitionSketch {
            DefinitionSketch.playbook.changed(
                "with: { credential: \"${subject}\"", to: "with: { where: \(text), credential: \"${subject}\"")
        }
        let fit = fit(["one": ["tokens.revoke": Self.write], "gateway": Self.poor], of: ["one"])
        #expect(try told(fit, workflow: workflow, playbook: handing("gateway")).isEmpty)
        #expect(try told(fit, workflow: workflow, playbook: handing("nowhere")).map(\.code) == ["P123"])
        for text in ["\"${signal.validity}\"", "\"no name\"", "7"] {
            guard case .failure(let refusal) = handing(text).loadPlaybook([loaded]) else {
                Issue.record("\(text) chose a connection")
                continue
            }
            #expect(refusal.all.map(\.code) == ["P086"], "\(refusal.text)")
        }
    }

    @Test func `what is off is not looked at, and what came with the binary is only warned of`() throws {
        let none = fit(["one": Self.poor], of: ["one"])
        let off = DefinitionSketch.playbook.changed("mode: enforce", to: "mode: \"off\"")
        #expect(try told(none, playbook: off).isEmpty)
        #expect(try told(none, isOwn: false).map(\.severity) == [.warning])
    }
}
