// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// `at`: a step is done at another connection than that of the subject's provider.
extension LineReader {
    /// The connection that stands under `at`: its id, or the input that names it.
    func venue(_ fields: YAMLFields) -> Workflow.Venue? {
        guard let node = fields.node("at") else { return nil }
        guard let argument = loader.arguments(node, variables: schemas()) else { return nil }
        if let venue = Workflow.Venue(argument), isConnection(venue) { return venue }
        fields.report(
            .looseConnection, "at", "what stands here could be any connection",
            "write its id as it stands in connections.yaml, or \"${inputs.NAME}\" of an input of type connection")
        return nil
    }

    /// Whether what names the connection is fixed before anything runs.
    func isConnection(_ venue: Workflow.Venue) -> Bool {
        switch venue {
        case .connection: true
        case .input(let name): inputs.contains { $0.name == name && $0.kind == .connection }
        }
    }

    /// Whom a step elsewhere is about is said in that system's own words: what the subject is called at its provider
    /// may be somebody else there.
    func refuseGuessedSubject(
        _ fields: YAMLFields, _ capability: Capability, _ parameter: Capability.Parameter, _ argument: Arguments
    ) {
        let isSaid =
            switch argument {
            case .map(let members): !members.isEmpty
            case .literal(.string), .literal(.int): true
            // What could not be read stands there as null, and was told.
            case .literal(.null): true
            case .template(let template): !isTyped || !template.isWholeSubject
            case .literal, .list: false
            }
        guard !isSaid else { return }
        fields.report(
            .guessedSubject, "with",
            "'\(parameter.name)' of \(capability.name) is done at another system, which doesn't know the subject",
            "say what it is called there: \(parameter.name): { user_id: \"${subject.attributes.…}\" }")
    }
}

extension Template {
    fileprivate var isWholeSubject: Bool { soleHole != nil && resultSchema == Subject.schema }
}
