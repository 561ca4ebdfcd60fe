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
        let skeleton = Skeleton(name: name, signal: kind, owner: owner, workflow: try existing(settings))
        try skeleton.check()
        try write(try skeleton.files.map { ($0.path, try formed($0.text, $0.path)) }, settings)
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

    private var subjectField: String {
        let usual = ["credential", "session", "account", "workload", "job", "identity", "actor"]
        return usual.first { signal.fields[$0] != nil } ?? signal.fields.keys.min() ?? "id"
    }

    private var subjectKind: Subject.Kind {
        if let taken = workflow?.inputs.first(where: { $0.kind.isSubject })?.kind.rawValue,
            let kind = Subject.Kind(rawValue: taken)
        {
            return kind
        }
        return switch subjectField {
        case "session": .agentSession
        case "workload", "job": .workload
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

    private var containment: Capability? {
        let able = Capability.all.filter { $0.isContainment && $0.subjects.contains(subjectKind) }
        return able.first { $0.parameters.count == 1 }
    }

    private var procedure: String {
        let subject = subjectKind.rawValue
        let act = containment
        return """
            # How it is done: evidence first, then what can be undone, then a person.
            workflow: \(name)
            title: \(Value.string("\(title): capture, contain, give back").json)
            inputs:
              \(subject): { type: \(subject) }
              hold: { type: duration, default: 4h, max: 72h }
            steps:
              - id: proof
                do: evidence.capture
                with: { of: "${inputs.\(subject).id}" }
              - id: contain
                do: \(act?.name ?? "")
                with: { \(act?.parameters.first?.name ?? ""): "${inputs.\(subject).id}" }
                hold: { for: "${inputs.hold}", then: undo }

            """
    }

    private var test: String {
        let kind = subjectKind.rawValue
        let fields = signal.fields.keys.sorted().filter { signal.fields[$0]?.isOptional == false }
            .map { "\($0): \(sample(signal.fields[$0]?.schema ?? .any, $0))" }
        let step =
            workflow == nil
            ? "\n          \(containment?.name ?? ""): { before: { active: true }, after: { active: false } }" : ""
        let fake = workflow == nil ? "\n    fake:\n      evidence.capture: { answer: { active: true } }" : ""
        return """
            # What becomes of it, case by case: 'cordon playbook test' plays them through the engine.
            test: \(name)
            cases:
              - name: in shadow it only decides
                mode: shadow
                signal: { severity: high, \(fields.joined(separator: ", ")) }
                state: { subject: { id: the-subject, owner: team/owner, tags: [] }, inventory: { \(kind): 40 } }\(fake)\(step.replacingOccurrences(of: "          ", with: "      "))
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
