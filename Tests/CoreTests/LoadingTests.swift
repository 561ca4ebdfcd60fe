// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonLanguage
import Foundation
import Testing

/// What authors write, read: good files as they are meant, and every mistake with its number, its place and its words.
@Suite struct LoadingTests {
    @Test func `a good workflow loads with every field as it is written`() throws {
        let workflow = try DefinitionSketch.workflow.loadWorkflow().get()
        #expect(workflow.pin == Run.Pin(name: "revoke", digest: "sha256:workflow"))
        #expect(workflow.title == "Revoke a token")
        #expect(
            workflow.inputs == [
                Workflow.Input(name: "credential", kind: .credential),
                Workflow.Input(name: "days", kind: .int, standard: 3),
            ])
        #expect(workflow.lines.map(\.id) == ["proof", "revoke"])
        let proof = try #require(workflow.step("proof"))
        #expect(proof.act?.capability == "evidence.capture")
        #expect(proof.act?.undo == .notNeeded)
        #expect(proof.condition == nil && proof.act?.verify == nil)
        #expect(proof.withinMilliseconds == Limits.stepWithinMillisecondsDefault)
        #expect(proof.retry == Workflow.Retry())
        let revoke = try #require(workflow.step("revoke"))
        #expect(revoke.act?.capability == "tokens.revoke")
        #expect(revoke.condition?.source == "inputs.days > 1")
        #expect(revoke.act?.verify?.source == "after.active == false")
        #expect(revoke.withinMilliseconds == 600_000)
        #expect(revoke.retry == Workflow.Retry(attempts: 4, firstMilliseconds: 2000))
        #expect(revoke.act?.undo == Workflow.Undo.none(because: "a revoked token can't be given back"))
    }

    @Test func `a good playbook loads with every field as it is written`() throws {
        let workflow = try DefinitionSketch.workflow.loadWorkflow().get()
        let playbook = try DefinitionSketch.playbook.loadPlaybook([workflow]).get()
        #expect(playbook.pin == Run.Pin(name: "leak", digest: "sha256:playbook"))
        #expect(playbook.title == "Secret found")
        #expect(playbook.owner == "team/appsec")
        #expect(playbook.mode == .enforce)
        #expect(playbook.trigger.signalKind == "secret.exposed")
        #expect(playbook.trigger.condition?.source == #"signal.validity == "active""#)
        #expect(playbook.trigger.onUndecided == .skip)
        #expect(playbook.trigger.subjectKind == .credential)
        #expect(playbook.trigger.subjectPath == ["credential"])
        #expect(playbook.workflow == "revoke")
        #expect(playbook.containedWithinMilliseconds == 900_000)
        #expect(playbook.maps == ["attack": ["T1552.001"], "owasp_nhi": ["NHI2", "NHI7"]])
    }

    @Test func `what a playbook leaves out has its standard`() throws {
        let workflow = try DefinitionSketch.workflow.loadWorkflow().get()
        let playbook = try DefinitionSketch.playbook
            .changed("  on_undecided: skip\n", to: "")
            .changed("  when: signal.validity == \"active\"\n", to: "")
            .changed("objective: { contained_by: revoke, within: 15m }\n", to: "")
            .loadPlaybook([workflow]).get()
        #expect(playbook.trigger.onUndecided == .ask)
        #expect(playbook.trigger.condition == nil)
        #expect(playbook.containedWithinMilliseconds == nil)
    }

    @Test func `the inputs of a run are the resolved subject and the standards`() throws {
        let workflow = try DefinitionSketch.workflow.loadWorkflow().get()
        let playbook = try DefinitionSketch.playbook.loadPlaybook([workflow]).get()
        let inputs = try playbook.inputs(subject: .token, signal: .exposure, for: workflow).get()
        #expect(inputs["days"] == 3)
        #expect(inputs.at("credential", "id") == "deploy-token")
        #expect(inputs.at("credential", "login") == "deploy-bot")
    }

    @Test func `a good inventory loads with every field as it is written`() throws {
        let inventory = try DefinitionSketch.inventory.loadInventory().get()
        #expect(inventory.digest == "sha256:inventory")
        #expect(inventory.identities.map(\.subject.id) == ["deploy-token", "backup-token"])
        let identity = try #require(inventory["deploy-token"])
        #expect(
            identity.subject
                == Subject(
                    kind: .credential, id: "deploy-token", provider: "auth", owner: "team/platform",
                    tags: ["ci", "web"], attributes: ["client": "web"]))
        #expect(identity.matches == ["issuer": "github", "alert": 7])
        #expect(identity.secrets == ["token": .file("deploy.token"), "pin": .environment("DEPLOY_PIN")])
        #expect(inventory["nobody"] == nil)
    }

    @Test func `the shipped playbook runs the shipped workflow`() throws {
        let workflow = try shipped("workflows/token-revocation.yaml") { bytes, file in
            Workflow.load(bytes, file: file, digest: "sha256:w")
        }
        let playbook = try shipped("playbooks/secret-leaked.yaml") { bytes, file in
            Playbook.load(bytes, file: file, digest: "sha256:p", workflows: [workflow])
        }
        #expect(playbook.workflow == workflow.name)
        #expect(playbook.mode == .enforce)
        #expect(workflow.step("revoke")?.act?.verify != nil)
    }

    @Test(arguments: DefinitionMistake.all)
    func `a mistake is told by number, place and words`(_ mistake: DefinitionMistake) throws {
        let refusal = try #require(try mistake.sketch.refusal, "the file must not load")
        #expect(refusal.all.map(\.code) == [mistake.code])
        #expect(refusal.text == mistake.text)
    }

    /// What only connectors, connections and the folder they all lie in can have wrong, and what shows when cases are
    /// played.
    private static let ofOthers: Set<DefinitionCode> = [
        .notOffered, .badSetting, .unreadable, .callsItself, .badAnswer, .badReversal, .uncovered, .noTest,
        .abovePolicy, .unpromised, .looserGuard, .lackedCapability, .lackedUndo,
        .unknownSelf, .badProof, .badVersion, .badCut, .badLag, .foreignAnswer, .unknownConnection,
    ]

    @Test func `every number that these loaders give has a mistake that shows it`() {
        let single: [DefinitionCode] = [.tooMany, .badSignal]  // each has a test of its own
        let shown = Set(
            DefinitionMistake.all.map(\.code) + PlaybookTestMistake.all.map(\.code) + single.map(\.rawValue))
        let known = Set(DefinitionCode.allCases).subtracting(Self.ofOthers).map(\.rawValue)
        #expect(known.filter { !shown.contains($0) } == [])
    }

    @Test func `the numbers stand for ever`() {
        let numbers = DefinitionCode.allCases.map(\.rawValue)
        #expect(numbers.starts(with: (30...56).map { "P0\($0)" }))
        #expect(Set(numbers).count == numbers.count)
        #expect(DefinitionCode.allCases.allSatisfy { !$0.meaning.isEmpty })
    }

    @Test func `a workflow of no step and one of too many are both refused with the limit`() throws {
        let steps = (1...Limits.stepsPerWorkflowMax + 1).map {
            "  - { id: s\($0), do: evidence.capture, with: { of: \"${subject}\" } }"
        }
        func workflow(_ lines: ArraySlice<String>) -> Result<Workflow, Diagnostics> {
            let text = "workflow: revoke\ntitle: Many\nsteps:\n" + lines.joined(separator: "\n") + "\n"
            return DefinitionSketch(kind: .workflow, file: "revoke.yaml", text: text).loadWorkflow()
        }
        #expect(try workflow(steps.dropLast()).get().lines.count == Limits.stepsPerWorkflowMax)
        let many = try #require(workflow(steps[...]).failure?.all.first)
        #expect(many.code == "P037")
        #expect(many.message == "201 steps, the limit is 200 (stepsPerWorkflowMax)")
        let text = "workflow: revoke\ntitle: None\nsteps: []\n"
        let none = DefinitionSketch(kind: .workflow, file: "revoke.yaml", text: text).loadWorkflow()
        #expect(
            none.failure?.text == """
                revoke.yaml:3:8: error[P037]: a workflow has at least one step
                 3 | steps: []
                   |        ^
                """)
    }

    @Test func `a workflow that calls itself, or what is not there, or with the wrong inputs, is refused`() throws {
        func workflow(_ name: String, calls other: String, with given: String) throws -> Workflow {
            let text = """
                workflow: \(name)
                title: One that calls
                inputs:
                  note: { type: string }
                steps:
                  - id: inner
                    call: \(other)
                    with: \(given)

                """
            return try DefinitionSketch(kind: .workflow, file: "\(name).yaml", text: text).loadWorkflow().get()
        }
        let good = "{ note: x }"
        let first = try workflow("first", calls: "second", with: good)
        let second = try workflow("second", calls: "first", with: good)
        let third = try workflow("third", calls: "secnd", with: good)
        let fourth = try workflow("fourth", calls: "third", with: "{ nte: x }")
        let all = [first, second, third, fourth]
        #expect(
            first.checkCalls(among: all).map(\.text) == [
                """
                first.yaml:7:11: error[P054]: 'second' leads back to 'first': the run would never end (take one of the calls out)
                 7 |     call: second
                   |           ^^^^^^
                """
            ])
        #expect(third.checkCalls(among: all).map(\.code) == ["P038"])
        #expect(third.checkCalls(among: all).first?.suggestion == "did you mean 'second'?")
        #expect(fourth.checkCalls(among: all).map(\.code) == ["P034", "P035"])
    }

    @Test func `several mistakes are all told, in the order of their lines`() throws {
        let sketch = DefinitionSketch.playbook
            .changed("mode: enforce", to: "mode: on-fire")
            .changed("signal: secret.exposed", to: "signal: secret.leaked")
            .changed("workflow: revoke", to: "workflow: rotate")
        let all = try #require(try sketch.refusal).all
        #expect(all.map(\.code) == ["P025", "P031", "P038"])
        #expect(all.map(\.place.line) == [4, 6, 11])
        #expect(all.allSatisfy { $0.place.file == "playbooks/leak.yaml" })
    }

    @Test func `a definition read again under its pin need not be named like its file`() throws {
        var sketch = DefinitionSketch.workflow
        sketch.file = "revoke@sha256:0123456789"
        #expect(try sketch.loadWorkflow().get().name == "revoke")
    }

    private func shipped<Item>(
        _ name: String, _ load: ([UInt8], String) -> Result<Item, Diagnostics>
    ) throws -> Item {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try load(Array(Data(contentsOf: root.appending(path: name))), name).get()
    }
}
