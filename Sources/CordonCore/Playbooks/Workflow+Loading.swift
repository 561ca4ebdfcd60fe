// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

extension Workflow {
    /// Reads and checks a workflow's file. `digest` names these very bytes.
    package static func load(_ bytes: [UInt8], file: String, digest: String) -> Result<Workflow, Diagnostics> {
        DefinitionLoader.load(bytes, file: file) { loader, root in
            let name = loader.name(root, "workflow")
            let title = root.string("title", required: true)
            let inputs = readInputs(root, loader)
            let lines = readLines(root, loader, inputs)
            guard let name, let title else { return nil }
            return Workflow(name: name, title: title, inputs: inputs, lines: lines, digest: digest)
        }
    }

    private static func readInputs(_ root: YAMLFields, _ loader: DefinitionLoader) -> [Input] {
        guard let map = root.mapping("inputs") else { return [] }
        return map.keys.compactMap { key in
            guard let fields = map.mapping(key) else { return nil }
            defer { fields.refuseUnknown() }
            let standard = fields.value("default")
            let given = fields.oneOf("type", Input.Kind.self, required: true)
            guard isIdentifier(key) else {
                map.report(.badName, key, "'\(key)' is no input's name", "lower-case letters, digits and underscores")
                return nil
            }
            guard let kind = given else { return nil }
            if standard != nil, kind.isSubject {
                fields.report(.wrongSubject, "default", "a target has no standard value", "leave it out")
            }
            return Input(name: key, kind: kind, standard: standard)
        }
    }

    private static func readLines(_ root: YAMLFields, _ loader: DefinitionLoader, _ inputs: [Input]) -> [Line] {
        guard let items = root.mappings("steps", required: true) else { return [] }
        if items.isEmpty { root.report(.tooMany, "steps", "a workflow has at least one step") }
        if items.count > Limits.stepsPerWorkflowMax {
            root.report(
                .tooMany, "steps",
                "\(items.count) steps, the limit is \(Limits.stepsPerWorkflowMax) (stepsPerWorkflowMax)")
        }
        var lines: [Line] = []
        for fields in items {
            let seen = lines.map(\.id)
            if let line = readLine(fields, loader, inputs, seen: seen) { lines.append(line) }
            fields.refuseUnknown()
        }
        return lines
    }

    private static func readLine(
        _ fields: YAMLFields, _ loader: DefinitionLoader, _ inputs: [Input], seen: [String]
    ) -> Line? {
        let id = fields.string("id", required: true)
        if let id, !isIdentifier(id) {
            fields.report(.badName, "id", "'\(id)' is no step's id", "lower-case letters, digits and underscores")
        }
        if let id, seen.contains(id) { fields.report(.repeatedName, "id", "the id '\(id)' stands twice") }
        let variables = schemas(inputs, seen)
        let capability = readCapability(fields)
        let arguments = loader.argumentMap(fields.node("with"), variables: variables)
        if let capability { checkArguments(fields, capability, arguments) }
        let condition = loader.expression(fields.node("if"), "if", variables: variables, expecting: .bool)
        let states = variables.merging(["before": .any, "after": .any, "result": .any]) { own, _ in own }
        let verify = loader.expression(fields.node("verify"), "verify", variables: states, expecting: .bool)
        let within = fields.milliseconds("within", in: 1...Limits.stepWithinMillisecondsMax)
        let retry = readRetry(fields)
        let undo = readUndo(fields, capability)
        guard let id, let capability else { return nil }
        return Line(
            id: id, capability: capability.name, arguments: .map(arguments), condition: condition, verify: verify,
            withinMilliseconds: within ?? Limits.stepWithinMillisecondsDefault, retry: retry, undo: undo)
    }

    private static func schemas(_ inputs: [Input], _ steps: [String]) -> [String: Schema] {
        var fields: [String: ObjectSchema.Field] = [:]
        for input in inputs { fields[input.name] = .init(input.kind.schema) }
        var stepFields: [String: ObjectSchema.Field] = [:]
        for id in steps { stepFields[id] = .init(.any) }
        return ["inputs": .object("inputs", fields), "subject": Subject.schema, "steps": .object("steps", stepFields)]
    }

    private static func readCapability(_ fields: YAMLFields) -> Capability? {
        guard let name = fields.string("do", required: true) else { return nil }
        if let capability = Capability.named(name) { return capability }
        let near = nearest(to: name, among: Capability.all.map(\.name)).map { "did you mean '\($0)'?" }
        fields.report(.unknownCapability, "do", "there is no capability '\(name)'", near)
        return nil
    }

    private static func checkArguments(_ fields: YAMLFields, _ capability: Capability, _ given: [String: Arguments]) {
        for name in given.keys.sorted() where !capability.parameters.contains(name) {
            fields.report(
                .unknownInput, "with", "\(capability.name) has no parameter '\(name)'",
                "it takes: \(capability.parameters.joined(separator: ", "))")
        }
        for name in capability.parameters where given[name] == nil {
            fields.report(.missingInput, "with", "\(capability.name) needs the parameter '\(name)'")
        }
    }

    private static func readRetry(_ fields: YAMLFields) -> Retry {
        guard let map = fields.mapping("retry") else { return Retry() }
        defer { map.refuseUnknown() }
        return Retry(
            attempts: map.int("attempts", in: 1...Int64(Limits.attemptsMax)).map(Int.init) ?? Limits.attemptsDefault,
            firstMilliseconds: map.milliseconds("first", in: 1...Limits.backOffMillisecondsMax)
                ?? Limits.backOffMillisecondsFirst)
    }

    /// A step that changes something says how it is undone, or why it isn't.
    private static func readUndo(_ fields: YAMLFields, _ capability: Capability?) -> Undo {
        enum Word: String, CaseIterable { case none }
        let word = fields.oneOf("undo", Word.self)
        let because = fields.string("because")
        guard let capability, capability.isWrite else { return .notNeeded }
        if word != nil, let because, !because.isEmpty { return .none(because: because) }
        fields.report(
            .writeWithoutUndo, word == nil ? "do" : "undo",
            "\(capability.name) changes something and has no undo",
            "write 'undo: none' and, under 'because', why that is acceptable")
        return .notNeeded
    }
}

extension Workflow.Input.Kind {
    package var schema: Schema {
        switch self {
        case .serviceAccount, .credential, .workload, .agentSession: Subject.schema
        case .string: .string
        case .int: .int
        case .bool: .bool
        }
    }
}
