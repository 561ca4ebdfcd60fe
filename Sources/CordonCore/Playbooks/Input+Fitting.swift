// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

extension Workflow.Input {
    /// What it takes, as messages say it.
    var wanted: String {
        switch kind {
        case .serviceAccount, .credential, .workload, .agentSession: "the subject"
        case .string: "text"
        case .int: "a whole number"
        case .bool: "true or false"
        case .connection: "the id of a connection, written out"
        case .duration: max.map { "a duration up to \(YAMLDuration.text(milliseconds: $0))" } ?? "a duration"
        }
    }

    /// What is given instead, where that is known before anything runs; `nil` when it fits or only a run can tell.
    func misfit(_ argument: Arguments) -> String? {
        guard !kind.isSubject else { return nil }
        switch argument {
        case .literal(let value): return misfit(value)
        case .template where kind == .connection: return "an expression"
        case .template(let template):
            let given = template.resultSchema
            return given == .any || given == kind.schema ? nil : given.name
        case .list: return "a list"
        case .map: return "a map"
        }
    }

    /// As messages say it where the subject's kind is what counts.
    var wantedTarget: String { "the type \(kind.rawValue)" }

    /// What is handed on instead of a subject of this kind. What an earlier step found, or a list holds, only a run can
    /// tell.
    func misfitOfTarget(_ argument: Arguments, _ given: Workflow.Input?) -> String? {
        switch argument {
        case .literal(.null): return nil
        case .literal(let value): return value.typeName
        case .list: return "a list"
        case .map: return "a map"
        case .template(let template):
            if let given { return given.kind == kind ? nil : "'\(given.name)' of type \(given.kind.rawValue)" }
            let schema = template.resultSchema
            return schema == .any || schema == Subject.schema ? nil : schema.name
        }
    }

    /// What is handed on as text by another input, and is none.
    func misfitOfKind(_ given: Workflow.Input) -> String? {
        guard kind == .duration, given.kind != .duration else { return nil }
        return "'\(given.name)' of type \(given.kind.rawValue)"
    }

    /// A span above 'max' is cut to it: a longer hold is never what the workflow's author agreed to.
    func bounded(_ value: Value) -> Value {
        guard kind == .duration, let max, let span = value.stringValue.flatMap(YAMLDuration.milliseconds), span > max
        else { return value }
        return .string(YAMLDuration.text(milliseconds: max))
    }

    /// What this value is, when the input doesn't take it.
    func misfit(_ value: Value) -> String? {
        switch (kind, value) {
        case (.serviceAccount, _), (.credential, _), (.workload, _), (.agentSession, _): return nil
        case (.string, .string), (.int, .int), (.bool, .bool): return nil
        case (.connection, .string(let text)): return isName(text) ? nil : "'\(text.prefix(40))'"
        case (.duration, .string(let text)):
            guard let span = YAMLDuration.milliseconds(text) else { return "'\(text.prefix(40))'" }
            return max.map { span > $0 } == true ? text : nil
        default: return value.typeName
        }
    }
}

extension Workflow {
    /// What it gets when another calls it: what was left out has its standard value, and no span is above its 'max'.
    func filled(_ given: Value) -> Value {
        guard var values = given.objectValue else { return given }
        for input in inputs { values[input.name] = (values[input.name] ?? input.standard).map(input.bounded) }
        return .object(values)
    }
}

extension Arguments {
    /// The input that is the whole of it: `"${inputs.hold}"`.
    var namedInput: String? {
        guard case .template(let template) = self, let hole = template.soleHole, let path = hole.passes.first,
            path.count == 2, path[0] == "inputs", hole.source == path.joined(separator: ".")
        else { return nil }
        return path[1]
    }

    /// The input that names whom it is about: `"${inputs.credential}"`, or its id.
    var namedTarget: String? {
        guard case .template(let template) = self, let hole = template.soleHole, let path = hole.passes.first,
            path.count == 2 || path.count == 3 && path[2] == "id", path[0] == "inputs",
            hole.source == path.joined(separator: ".")
        else { return nil }
        return path[1]
    }

    /// Whether nothing that a run knows goes into it.
    var isWrittenOut: Bool {
        switch self {
        case .literal(.null): false
        case .literal: true
        case .template(let template): template.holes.allSatisfy { $0.reads.isEmpty }
        case .list(let items): items.allSatisfy(\.isWrittenOut)
        case .map(let members): members.values.allSatisfy(\.isWrittenOut)
        }
    }
}

extension Capability.Parameter {
    /// What it takes, as messages say it.
    var wanted: String {
        switch takes {
        case .subject: "the subject, or what names it"
        case .text: "text"
        case .names: "a list of texts"
        case .any: "anything"
        }
    }

    /// What is given instead, where that is known before anything runs.
    func misfit(_ argument: Arguments) -> String? {
        switch (takes, argument) {
        // What could not be read stands there as null, and was told.
        case (.any, _), (_, .literal(.null)): nil
        case (.subject, .template(let template)), (.text, .template(let template)), (.names, .template(let template)):
            fits(template.resultSchema) ? nil : template.resultSchema.name
        case (.text, .literal(.string)), (.names, .list): nil
        case (.subject, .literal(.string)): nil
        case (.subject, .literal(let value)), (.text, .literal(let value)), (.names, .literal(let value)):
            value.typeName
        case (.subject, .list), (.text, .list): "a list"
        case (.subject, .map), (.text, .map), (.names, .map): "a map"
        }
    }

    private func fits(_ schema: Schema) -> Bool {
        switch (takes, schema) {
        case (_, .any), (.any, _), (.subject, .string), (.subject, .int), (.text, .string), (.text, .int): true
        case (.names, .list(let element)): element == .string || element == .any
        case (.subject, _): schema == Subject.schema
        default: false
        }
    }
}
