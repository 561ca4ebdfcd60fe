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
