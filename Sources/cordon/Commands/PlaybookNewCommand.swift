// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CordonConnectors
import CordonCore
import CordonLanguage
import Foundation

struct PlaybookNew: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Write a new playbook in shadow mode, with its test and, unless one is named, its workflow.",
        discussion: """
            What is written passes 'cordon playbook check'. It decides and changes nothing until its mode is raised. \
            Files that are there are never overwritten.

            EXAMPLES
              cordon playbook new token-in-log --signal secret.exposed
              cordon playbook new token-in-log --signal secret.exposed --workflow token-revocation
            """)

    @OptionGroup var common: CommonOptions
    @Argument(help: "Its name: lower-case letters, digits and single hyphens.") var name: String
    @Option(name: .long, help: "The kind of signal that triggers it.") var signal: String
    @Option(name: .long, help: "A workflow of the library that it runs.") var workflow: String?
    @Option(name: .long, help: "Who answers for it.") var owner = "team/security"

    func run() async throws {
        let settings = try await common.settings()
        guard isName(name) else {
            throw CommandFailure(.usage, "'\(name)' is no name: lower-case letters, digits and single hyphens")
        }
        guard let kind = SignalKind.named(signal) else {
            let known = SignalKind.all.map(\.name)
            let near = nearest(to: signal, among: known).map { "did you mean '\($0)'?" }
            throw CommandFailure(
                .usage, "no signal is of kind '\(signal)'; \(near ?? "known: \(known.joined(separator: ", "))")")
        }
        guard Skeleton.namesSomebody(kind) else {
            throw CommandFailure(
                .usage, "a signal of kind '\(kind.name)' names nobody to act on; choose a kind that does")
        }
        try refuseToEndShipped(settings)
        let skeleton = Skeleton(name: name, signal: kind, owner: owner, workflow: try existing(settings))
        try skeleton.check()
        try write(try skeleton.files.map { ($0.path, try formed($0.text, $0.path)) }, settings)
    }

    /// A first playbook of one's own would silently put all those out of force that came with the program.
    private func refuseToEndShipped(_ settings: Settings) throws {
        let folder = absolute("playbooks", in: settings.libraryPath)
        guard settings.hasFile, settings.shippedPlaybooks == nil, !FileManager.default.fileExists(atPath: folder) else {
            return
        }
        throw CommandFailure(
            .conflict,
            "nothing was written: with a first playbook in \(display(folder)) those that came with the program would go "
                + "out of force; say in the settings file whether they stay: shipped_playbooks: beside, or none")
    }

    private func formed(_ text: String, _ path: String) throws -> String {
        let document = try YAMLDocument.parse(text, file: path, limits: .definition)
        return DefinitionForm.kind(of: document).flatMap { DefinitionForm.text(of: document, kind: $0) } ?? text
    }

    private func existing(_ settings: Settings) throws -> Workflow? {
        guard let workflow else { return nil }
        var mistakes: [Diagnostic] = []
        let files = Shelf.files("workflows", settings, &mistakes)
        let names = files.map { (($0.path as NSString).lastPathComponent as NSString).deletingPathExtension }
        guard let place = names.firstIndex(of: workflow) else {
            let near = nearest(to: workflow, among: names).map { "did you mean '\($0)'?" }
            throw CommandFailure(
                .notFound,
                "the library has no workflow '\(workflow)'; \(near ?? "it has: \(names.joined(separator: ", "))")")
        }
        return try Workflow.admit(
            files[place].bytes, file: files[place].path, digest: digestText(files[place].bytes)
        ).get()
    }

    private func write(_ files: [(path: String, text: String)], _ settings: Settings) throws {
        let paths = files.map { absolute($0.path, in: settings.libraryPath) }
        for path in paths where FileManager.default.fileExists(atPath: path) {
            throw CommandFailure(.conflict, "\(display(path)) is there already; choose another name")
        }
        var made: [String] = []
        do {
            for (path, file) in zip(paths, files) {
                try AtomicFile.create(file.text, at: path)
                made.append(path)
            }
        } catch {
            // Half a pair would refuse the whole library.
            for path in made { try FileManager.default.removeItem(atPath: path) }
            throw error
        }
        for path in made { Output.line(display(path)) }
        Output.note("Next: cordon playbook check, then cordon playbook fmt and your own conditions")
    }
}

/// The texts of a new playbook, its workflow and its test.
struct Skeleton {
    let name: String
    let signal: SignalKind
    let owner: String
    /// One that is there; otherwise one is written.
    let workflow: Workflow?

    private static let subjectFields = [
        "credential", "session", "account", "workload", "job", "identity", "actor", "resource",
    ]

    /// A signal that names nobody gives nobody to act on.
    static func namesSomebody(_ signal: SignalKind) -> Bool { subjectFields.contains { signal.fields[$0] != nil } }

    private var subjectField: String {
        // What the signal always has, before what it may have.
        let usual = Skeleton.subjectFields
        return usual.first { signal.fields[$0]?.isOptional == false } ?? usual.first { signal.fields[$0] != nil }
            ?? "id"
    }

    private var subjectKind: Subject.Kind {
        if let taken = workflow?.inputs.first(where: { $0.kind.isSubject })?.kind.rawValue,
            let kind = Subject.Kind(rawValue: taken)
        {
            return kind
        }
        return switch subjectField {
        case "session": .agentSession
        case "workload", "job", "resource": .workload
        case "account", "actor", "identity": .serviceAccount
        default: .credential
        }
    }

    var files: [(path: String, text: String)] {
        var files = [(path: "playbooks/\(name).yaml", text: playbook)]
        if workflow == nil { files.insert((path: "workflows/\(name).yaml", text: procedure), at: 0) }
        return files + [(path: "playbooks/\(name).test.yaml", text: test)]
    }

    /// What it is about, as a title: `token-in-log` becomes `Token in log`.
    private var title: String {
        let words = name.replacingOccurrences(of: "-", with: " ")
        return words.prefix(1).uppercased() + words.dropFirst()
    }

    private var playbook: String {
        let contained = contains.map { "objective: { contained_by: \($0), within: 15m }\n" } ?? ""
        return """
            # \(signal.title): say here what that means for you, and why the workflow is the right answer.
            playbook: \(name)
            title: \(Value.string(title).json)
            owner: \(Value.string(owner).json)
            # shadow decides on live signals and changes nothing; then propose, then enforce.
            mode: shadow
            trigger:
              signal: \(signal.name)
              when: signal.severity in ["high", "critical"]
              on_undecided: ask
              subject: { kind: \(subjectKind.rawValue), from: signal.\(subjectField) }
              group: { by: [subject.id], window: 24h }
            run:
              workflow: \(workflow?.name ?? name)
              with: { \(arguments) }
            \(contained)# What it answers: name the entries that your auditors ask for.
            maps: { owasp_nhi: [NHI2] }

            """
    }

    private var arguments: String {
        guard let workflow else { return "\(subjectKind.rawValue): \"${subject}\"" }
        return workflow.inputs.filter { $0.kind.isSubject || $0.standard == nil }.map { input in
            let value =
                switch input.kind {
                case .serviceAccount, .credential, .workload, .agentSession: "\"${subject}\""
                case .string: "text"
                case .int: "1"
                case .bool: "false"
                case .connection: "CONNECTION"
                case .duration: "1h"
                }
            return "\(input.name): \(value)"
        }.joined(separator: ", ")
    }

    /// The step that contains: the first that takes something away, else the first that changes anything.
    private var contains: String? {
        guard let workflow else { return "contain" }
        let acts = workflow.lines.filter { $0.act.map { $0.undo != .notNeeded } ?? false }
        return (acts.first { Capability.named($0.act?.capability ?? "")?.isContainment == true } ?? acts.first)?.id
    }

    /// How a subject of each kind is contained, and at what kind of provider that can be tried.
    private struct Containment {
        var capability: String
        var parameter: String
        var connector: String
        /// What the connector reads of the subject.
        var attributes: String
        var before: String
        var after: String
        /// What lets nobody in again with what was held before, where an undo would.
        var end: (capability: String, parameter: String)?
    }

    private var containment: Containment {
        switch subjectKind {
        case .credential:
            Containment(
                capability: "credential.disable", parameter: "credential", connector: "aws-iam",
                attributes: ", user_name: example, access_key_id: AKIAEXAMPLE",
                before: "{ status: Active, created: \"2026-01-01\" }",
                after: "{ status: Inactive, created: \"2026-01-01\" }")
        case .serviceAccount:
            Containment(
                capability: "account.suspend", parameter: "account", connector: "okta", attributes: ", okta_id: 00u7",
                before: "{ status: ACTIVE }", after: "{ status: SUSPENDED }", end: ("sessions.revoke", "issued_by"))
        case .workload:
            Containment(
                capability: "workload.pause", parameter: "workload", connector: "aws-job",
                attributes: ", rule: nightly, user_name: example, bucket: reports, prefix: out/",
                before: "{ paused: false }", after: "{ paused: true }")
        case .agentSession:
            Containment(
                capability: "session.isolate", parameter: "session", connector: "agent-sessions", attributes: "",
                before: "{ isolated: false, state: open, revision: 3 }",
                after: "{ isolated: true, state: isolated, revision: 4 }")
        }
    }

    private var procedure: String {
        let subject = subjectKind.rawValue
        let act = containment
        let end =
            act.end.map { end in
                """
                  - id: end
                    do: \(end.capability)
                    with: { \(end.parameter): "${inputs.\(subject)}" }
                    undo: none
                    because: clients sign in again when it is given back

                """
            } ?? ""
        return """
            # How it is done: evidence first, then what can be undone, and given back when the hold ends.
            workflow: \(name)
            title: \(Value.string("\(title): capture, contain, give back").json)
            inputs:
              \(subject): { type: \(subject) }
              hold: { type: duration, default: 4h, max: 72h }
            steps:
              - id: proof
                do: evidence.capture
                with: { of: "${inputs.\(subject)}" }
              - id: contain
                do: \(act.capability)
                with: { \(act.parameter): "${inputs.\(subject)}" }
                hold: { for: "${inputs.hold}", then: undo }
            \(end)
            """
    }

    private var signalFields: String {
        signal.fields.keys.sorted().filter { signal.fields[$0]?.isOptional == false || $0 == subjectField }
            .map { "\($0): \(sample(signal.fields[$0]?.schema ?? .any, $0))" }.joined(separator: ", ")
    }

    /// Every way through what is written; of a workflow that was there its author knows what it answers.
    private var test: String { workflow == nil ? testOfBoth : testOfPlaybook }

    private var testOfBoth: String {
        let act = containment
        let image = "before: \(act.before), after: \(act.after)"
        let ending = act.end.map { ", \($0.capability)" } ?? ""
        return """
            # What becomes of it, case by case: 'cordon playbook test' plays them through the engine.
            test: \(name)
            cases:
              - name: it is contained, and given back when the hold ends
                mode: enforce
                signal: { severity: high, \(signalFields) }
                state:
                  provider: \(act.connector)
                  subject: { id: the-subject, owner: team/owner, tags: []\(act.attributes) }
                  inventory: { \(subjectKind.rawValue): 400 }
                fake:
                  evidence.capture: { answer: {} }
                  \(act.capability): { \(image) }
            \(act.end.map { "      \($0.capability): { answer: {} }\n" } ?? "")\
                expect:
                  verdict: enforce
                  calls: [evidence.capture, \(act.capability)\(ending), "undo:contain"]
                  end: restored

              - name: in shadow it only decides
                mode: shadow
                expect: { verdict: shadow, calls: [] }

              - name: what is not grave is left alone
                mode: enforce
                with: { signal.severity: low }
                expect: { verdict: ignore, calls: [], end: none }

              - name: a subject that the inventory doesn't know is left to a person
                mode: enforce
                with: { state.subject: unknown }
                expect: { verdict: undecided, calls: [], end: asked }

              - name: without proof nothing is contained
                mode: enforce
                fake: { evidence.capture: { fails: refused } }
                expect: { not_called: [\(act.capability)], asked: [stopped_step/proof], end: asked }

              - name: where its provider refuses, a person is asked
                mode: enforce
                fake: { \(act.capability): { fails: refused, \(image) } }
                expect: { asked: [stopped_step/contain], end: asked }
            \(caseOfEnd)
            """
    }

    private var caseOfEnd: String {
        guard let end = containment.end else { return "" }
        return """

              - name: where what it holds can't be ended, a person is asked, and nobody is let in again
                mode: enforce
                fake: { \(end.capability): { fails: refused } }
                expect: { asked: [stopped_step/end, "undo_conflict/undo:contain"], end: asked }

            """
    }

    private var testOfPlaybook: String {
        """
        # What becomes of it, case by case: 'cordon playbook test' plays them through the engine.
        test: \(name)
        cases:
          - name: in shadow it only decides
            mode: shadow
            signal: { severity: high, \(signalFields) }
            state: { subject: { id: the-subject, owner: team/owner, tags: [] }, inventory: { \(subjectKind.rawValue): 400 } }
            expect: { verdict: shadow, calls: [] }

          - name: a subject that the inventory doesn't know is left to a person
            mode: enforce
            with: { state.subject: unknown }
            expect: { verdict: undecided, calls: [] }

        """
    }

    private func sample(_ schema: Schema, _ name: String) -> String {
        switch schema {
        case .bool: "true"
        case .int, .uint: "1"
        case .double: "0.5"
        case .list: "[]"
        case .map: name == subjectField ? "{ id: the-subject }" : "{}"
        case .object(let object):
            "{ "
                + object.fields.keys.sorted().filter { object.fields[$0]?.isOptional == false }.map {
                    "\($0): \(sample(object.fields[$0]?.schema ?? .any, $0))"
                }.joined(separator: ", ") + " }"
        default: "example"
        }
    }

    /// Reads what would be written as an author's own would be: a skeleton that is refused is never written.
    func check() throws {
        var workflows = workflow.map { [$0] } ?? []
        if workflow == nil {
            workflows.append(
                try Workflow.admit(Array(procedure.utf8), file: "workflows/\(name).yaml", digest: "").get())
        }
        _ = try Playbook.load(
            Array(playbook.utf8), file: "playbooks/\(name).yaml", digest: "", workflows: workflows
        ).get()
        _ = try YAMLDocument.parse(test, file: "playbooks/\(name).test.yaml", limits: .definition)
    }
}
