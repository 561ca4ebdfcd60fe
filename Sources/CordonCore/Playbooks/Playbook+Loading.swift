// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

extension Playbook {
    /// Reads and checks a playbook's file against the workflows that it may run.
    ///
    /// - Parameters:
    ///   - unread: workflows that are there and have mistakes of their own, which are told where they stand.
    ///   - bearsYoung: it is in force already, or a server starts with it: what young rules refuse is let pass.
    package static func load(
        _ bytes: [UInt8], file: String, digest: String, workflows: [Workflow], unread: Set<String> = [],
        bearsYoung: Bool = false
    ) -> Result<Playbook, Diagnostics> {
        DefinitionLoader.load(bytes, file: file, bearsYoung: bearsYoung) { loader, root in
            let name = loader.name(root, "playbook")
            let title = root.string("title", required: true)
            let owner = root.string("owner", required: true)
            let mode = root.oneOf("mode", Mode.self, required: true)
            let trigger = readTrigger(root, loader)
            let guards = root.mapping("guards").map { readGuards($0, loader, trigger) } ?? Guards()
            let run = readRun(root, loader, trigger, workflows, unread)
            if trigger?.perSubject == .many, let run { refuseContainment(root, run.workflow, workflows) }
            let objective = readObjective(root, run?.workflow)
            let maps = readMaps(root, loader)
            guard let name, let title, let owner, let mode, let trigger, let run else { return nil }
            return Playbook(
                name: name, title: title, owner: owner, mode: mode, trigger: trigger, workflow: run.workflow.name,
                arguments: run.arguments, containedBy: objective?.step,
                containedWithinMilliseconds: objective?.milliseconds,
                maps: maps, guards: guards, digest: digest)
        }
    }

    private static func readTrigger(_ root: YAMLFields, _ loader: DefinitionLoader) -> Trigger? {
        guard let map = root.mapping("trigger", required: true) else { return nil }
        defer { map.refuseUnknown() }
        let kind = readSignal(map)
        let variables: [String: Schema] = ["signal": kind?.schema ?? .any]
        let condition = loader.expression(map.node("when"), "when", variables: variables, expecting: .bool)
        loader.refuseUnknownWords(condition, map.node("when"), kind)
        if let condition, condition.variables.isEmpty, condition.decide([:]) == .isFalse {
            map.report(
                .neverReached, "when", "no signal ever triggers the playbook: its condition is false whatever happens",
                "mend the condition; 'mode: off' puts a playbook out of work")
        }
        let onUndecided = map.oneOf("on_undecided", OnUndecided.self) ?? .ask
        let group = map.mapping("group").flatMap(readGroup)
        let perSubject = map.oneOf("per_subject", PerSubject.self) ?? .one
        guard let subject = map.mapping("subject", required: true) else { return nil }
        defer { subject.refuseUnknown() }
        let subjectKind = subject.oneOf("kind", Subject.Kind.self, required: true)
        let path = readPath(subject, "from", kind)
        guard let kind, let subjectKind, let path else { return nil }
        return Trigger(
            signalKind: kind.name, condition: condition, onUndecided: onUndecided, subjectKind: subjectKind,
            subjectPath: path, groupMilliseconds: group, perSubject: perSubject)
    }

    private static func readGroup(_ map: YAMLFields) -> Int64? {
        defer { map.refuseUnknown() }
        if let by = map.strings("by", required: true), by != ["subject.id"] {
            map.report(.badPath, "by", "signals are grouped by their subject", "write by: [subject.id]")
        }
        return map.milliseconds("window", required: true, in: 1...Limits.stepWithinMillisecondsMax)
    }

    private static func readSignal(_ map: YAMLFields) -> SignalKind? {
        guard let name = map.string("signal", required: true) else { return nil }
        if let kind = SignalKind.named(name) { return kind }
        let near = nearest(to: name, among: SignalKind.all.map(\.name)).map { "did you mean '\($0)'?" }
        map.report(
            .unknownSignal, "signal", "no signal is of kind '\(name)'",
            near ?? "known: \(SignalKind.all.map(\.name).joined(separator: ", "))")
        return nil
    }

    /// `signal.credential`: plain names, the first of them `signal`, the second a field of the kind.
    private static func readPath(_ map: YAMLFields, _ key: String, _ kind: SignalKind?) -> [String]? {
        guard let text = map.string(key, required: true) else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count > 1, parts[0] == "signal", parts.allSatisfy(isIdentifier) else {
            map.report(.badPath, key, "'\(text)' is no path into the signal", "write signal.FIELD")
            return nil
        }
        if let kind, kind.fields[parts[1]] == nil {
            let near = nearest(to: parts[1], among: kind.fields.keys).map { "did you mean 'signal.\($0)'?" }
            map.report(.badPath, key, "\(kind.name) has no field '\(parts[1])'", near)
            return nil
        }
        if let kind { refuseNameless(map, key, parts, kind) }
        return Array(parts.dropFirst())
    }

    /// A source names somebody by a map. Of a kind that has none nobody is named, and whoever writes it knows.
    private static func refuseNameless(_ map: YAMLFields, _ key: String, _ parts: [String], _ kind: SignalKind) {
        let maps = kind.fields.keys.filter { kind.schema.field([$0])?.nameless == nil }.sorted()
        guard !maps.isEmpty, let found = kind.schema.field(parts.dropFirst())?.nameless else { return }
        map.report(
            .badPath, key, "'\(parts.joined(separator: "."))' is \(found): no map that a source names somebody by",
            "\(kind.name) has: " + maps.map { "signal.\($0)" }.joined(separator: ", "), isYoung: true)
    }

    private static func readRun(
        _ root: YAMLFields, _ loader: DefinitionLoader, _ trigger: Trigger?, _ workflows: [Workflow],
        _ unread: Set<String>
    ) -> (workflow: Workflow, arguments: [String: Arguments])? {
        guard let map = root.mapping("run", required: true) else { return nil }
        defer { map.refuseUnknown() }
        let signal = trigger.flatMap { SignalKind.named($0.signalKind) }?.schema ?? .any
        let arguments = loader.handed(
            map.node("with"), variables: ["signal": signal, "subject": Subject.schema])
        guard let name = map.string("workflow", required: true) else { return nil }
        guard let workflow = workflows.first(where: { $0.name == name }) else {
            if unread.contains(name) { return nil }
            let near = nearest(to: name, among: workflows.map(\.name)).map { "did you mean '\($0)'?" }
            map.report(.unknownWorkflow, "workflow", "no workflow '\(name)' is loaded", near)
            return nil
        }
        checkInputs(map, arguments, workflow, trigger?.subjectKind)
        let targets = workflow.inputs.filter(\.kind.isSubject).map(\.name)
        let carried = Set(Taint.tainted(.map(arguments), by: [["signal"]])).subtracting(targets)
        // What providers are asked is told first; whom people ask and how long is a younger rule.
        let taint = Taint.first(of: carried, in: workflow, among: workflows)
        if let taint = taint ?? Taint.first(of: carried, in: workflow, among: workflows, as: .choices) {
            map.report(
                .taintedParameter, "with",
                "text of the alert would become '\(taint.parameter)' of \(taint.capability) at '\(taint.step)' "
                    + "of \(taint.workflow)",
                "hand in what the inventory says of ${subject}, or compare: ${signal.… == \"…\"}",
                isYoung: taint.sort == .choices)
        }
        refuseOwnerAlone(map, arguments, workflow, workflows)
        return (workflow, arguments)
    }

    /// Where an input brings the owner's name to where a containment is lifted.
    private static func refuseOwnerAlone(
        _ map: YAMLFields, _ arguments: [String: Arguments], _ workflow: Workflow, _ workflows: [Workflow]
    ) {
        let owners = Set(arguments.filter { $0.value.isOwner(handedIn: []) }.keys)
        guard let found = WorkflowReview.liftedByOwner(owners, in: workflow, among: workflows) else { return }
        map.report(
            .ownerAlone, "with",
            "the owner alone would lift what contains their own identity, at '\(found.step)' of \(found.workflow)",
            "hand in a group that is not the owner's", isYoung: true)
    }

    private static func checkInputs(
        _ map: YAMLFields, _ given: [String: Arguments], _ workflow: Workflow, _ kind: Subject.Kind?
    ) {
        for name in given.keys.sorted() where !workflow.inputs.contains(where: { $0.name == name }) {
            map.report(
                .unknownInput, "with", "\(workflow.name) has no input '\(name)'",
                "it takes: \(workflow.inputs.map(\.name).joined(separator: ", "))")
        }
        for input in workflow.inputs {
            guard let argument = given[input.name] else {
                if input.standard == nil {
                    map.report(.missingInput, "with", "\(workflow.name) needs the input '\(input.name)'")
                }
                continue
            }
            // A target is the resolved subject and nothing else: text of an alert never names one.
            if input.kind.isSubject, argument.soleHole != "subject" {
                map.report(.wrongSubject, "with", "'\(input.name)' is a target", "write \(input.name): \"${subject}\"")
            } else if input.kind.isSubject, let kind, kind.rawValue != input.kind.rawValue {
                map.report(
                    .wrongSubject, "with",
                    "'\(input.name)' takes \(input.wantedTarget), the playbook's subject is of the kind \(kind.rawValue)",
                    "run a workflow for that kind, or write subject: { kind: \(input.kind.rawValue), … }", isYoung: true
                )
            }
            if let found = input.misfit(argument) {
                map.report(.wrongInput, "with", "'\(input.name)' takes \(input.wanted), found \(found)")
            }
        }
    }

    /// What takes something away from a subject does it alone: two runs would undo each other's work.
    private static func refuseContainment(_ root: YAMLFields, _ workflow: Workflow, _ all: [Workflow]) {
        let called = Library(playbooks: [], workflows: all, inventory: Inventory(identities: [], digest: "")).called(
            by: workflow)
        let names = ([workflow] + called).flatMap(\.capabilities).sorted()
        guard let name = names.first(where: { Capability.named($0)?.isContainment == true }) else { return }
        root.report(
            .badSetting, "trigger", "'per_subject: many' beside \(name), which takes something away",
            "leave 'per_subject' out: one run at a time then has the subject to itself")
    }

    /// What a stored playbook says is to be reached. It was checked when it came into force: nothing else of it is read.
    package static func objective(in source: [UInt8]) -> (step: String?, milliseconds: Int64?)? {
        guard let document = try? YAMLDocument.parse(source, file: "a stored playbook", limits: .definition) else {
            return nil
        }
        return YAMLReader(document).mapping(document.root).flatMap { readObjective($0, nil) }
    }

    private static func readObjective(
        _ root: YAMLFields, _ workflow: Workflow?
    ) -> (step: String?, milliseconds: Int64?)? {
        guard let map = root.mapping("objective") else { return nil }
        defer { map.refuseUnknown() }
        let step = map.string("contained_by", required: true)
        if let step, let workflow, workflow.step(step) == nil {
            let near = nearest(to: step, among: workflow.lines.map(\.id)).map { "did you mean '\($0)'?" }
            map.report(.unknownStep, "contained_by", "\(workflow.name) has no step '\(step)'", near)
        } else if let step, let line = workflow?.step(step), !line.mayContain {
            map.report(
                .badReference, "contained_by", "step '\(step)' changes nothing: nothing is contained by it",
                "name the step that takes something away", isYoung: true)
        }
        return (step, map.milliseconds("within", required: true, in: 1...Limits.stepWithinMillisecondsMax))
    }

    private static func readMaps(_ root: YAMLFields, _ loader: DefinitionLoader) -> [String: [String]] {
        guard let map = root.mapping("maps", required: true) else { return [:] }
        var out: [String: [String]] = [:]
        for key in map.keys {
            out[key] = map.strings(key)
            checkFramework(map, key, out[key] ?? [])
        }
        if out.isEmpty { root.report(.missingMapping, "maps", "the playbook answers no entry of any framework") }
        return out
    }

    /// A framework of one's own may have any name, but none that is nearly a known one's; of a list that is known as a
    /// whole an entry is one of it.
    private static func checkFramework(_ map: YAMLFields, _ key: String, _ entries: [String]) {
        let near = nearest(to: key, among: Framework.all.map(\.key))
        guard let framework = Framework.all.first(where: { $0.key == key }) else {
            guard let near else { return }
            return map.report(
                .missingMapping, key, "no framework is named '\(key)'", "did you mean '\(near)'?", isYoung: true)
        }
        guard framework.isWhole else { return }
        for entry in entries where !framework.items.contains(where: { $0.id == entry }) {
            let close = nearest(to: entry, among: framework.items.map(\.id)).map { "did you mean '\($0)'?" }
            map.report(.missingMapping, key, "\(framework.name) has no entry '\(entry)'", close, isYoung: true)
        }
    }

    /// What the workflow is given for this signal and subject.
    package func inputs(subject: Subject?, signal: Signal, for workflow: Workflow) -> Result<Value, Refusal> {
        let variables: [String: Value] = [
            "signal": signal.expressionValue, "subject": subject?.expressionValue ?? .null,
        ]
        var values: [String: Value] = [:]
        for input in workflow.inputs {
            guard let argument = arguments[input.name] else {
                let standard = input.standard.map(input.bounded) ?? .null
                if input.standard != nil, let misfit = input.misfit(standard) {
                    return .failure(
                        Refusal(
                            .undecided,
                            "the input '\(input.name)' takes \(input.wanted), its standard value is \(misfit)"))
                }
                values[input.name] = standard
                continue
            }
            switch argument.render(variables) {
            case .success(let value):
                if let misfit = input.misfit(value) {
                    return .failure(
                        Refusal(.undecided, "the input '\(input.name)' takes \(input.wanted), found \(misfit)"))
                }
                values[input.name] = value
            case .failure(let error):
                return .failure(Refusal(.undecided, "the input '\(input.name)' gave no value: \(error.message)"))
            }
        }
        return .success(.object(values))
    }
}

extension Workflow.Line {
    /// Whether its effect can be what contains an incident.
    fileprivate var mayContain: Bool {
        switch kind {
        case .act(let act): Capability.named(act.capability)?.isWrite ?? true
        case .parallel, .ladder, .call: true
        case .approve, .task, .wait, .undo: false
        }
    }
}

extension DefinitionLoader {
    /// Where a condition compares a field of the signal with a word that it never holds: it would never fire.
    func refuseUnknownWords(_ expression: Expression?, _ node: YAMLNode?, _ kind: SignalKind?) {
        guard let expression, let node, let kind else { return }
        for comparison in expression.comparisons where comparison.path.count == 2 && comparison.path[0] == "signal" {
            guard let found = kind.misspelt(comparison.text, in: comparison.path[1]) else { continue }
            reader.report(
                DefinitionCode.unknownWord.rawValue, at: reader.document.place(ofOffset: comparison.offset, in: node),
                width: comparison.width, isYoung: true,
                "\(comparison.path.joined(separator: ".")) is never '\(comparison.text.prefix(40))'",
                found.meant.map { "did you mean '\($0)'?" } ?? "it is one of: \(found.known.joined(separator: ", "))")
        }
    }
}

extension Schema {
    /// What stands at the end of a path, as far as it is declared.
    fileprivate func field(_ path: ArraySlice<String>) -> Schema? {
        guard let name = path.first else { return self }
        switch self {
        case .object(let object): return object.fields[name]?.schema.field(path.dropFirst())
        case .map(let value): return value.field(path.dropFirst())
        default: return self
        }
    }

    /// What it is where it can't name anybody; `nil` for maps and where nothing is known.
    fileprivate var nameless: String? {
        switch self {
        case .any, .map, .object: nil
        default: name
        }
    }
}

extension Arguments {
    /// The source of the hole that is the whole of it.
    fileprivate var soleHole: String? {
        if case .template(let template) = self { template.soleHole?.source } else { nil }
    }
}
