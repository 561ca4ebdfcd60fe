// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

extension Workflow {
    /// Reads and checks a workflow's file. `digest` names these very bytes.
    package static func load(_ bytes: [UInt8], file: String, digest: String) -> Result<Workflow, Diagnostics> {
        load(bytes, file: file, digest: digest, isReviewed: false, bearsYoung: true)
    }

    /// Reads a file that an author hands in: what `load` refuses, and then what its reviewers would not let pass.
    ///
    /// - Parameter bearsYoung: a server starts with it, and what young rules refuse is let pass.
    package static func admit(
        _ bytes: [UInt8], file: String, digest: String, bearsYoung: Bool = false
    ) -> Result<Workflow, Diagnostics> {
        load(bytes, file: file, digest: digest, isReviewed: true, bearsYoung: bearsYoung)
    }

    private static func load(
        _ bytes: [UInt8], file: String, digest: String, isReviewed: Bool, bearsYoung: Bool
    ) -> Result<Workflow, Diagnostics> {
        DefinitionLoader.load(bytes, file: file, bearsYoung: bearsYoung) { loader, root in
            let name = loader.name(root, "workflow")
            let title = root.string("title", required: true)
            let inputs = readInputs(root, loader)
            var reader = LineReader(loader: loader, inputs: inputs, isTyped: isReviewed)
            let lines = reader.lines(root, "steps")
            reader.checkReferences(lines)
            // A file with a mistake of its own is told that one first.
            if isReviewed, loader.reader.isClean { WorkflowReview(lines: lines, place: reader.place).report() }
            guard let name, let title else { return nil }
            return Workflow(
                name: name, title: title, inputs: inputs, lines: lines, callSites: reader.callSites, digest: digest)
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
            let max = fields.milliseconds("max", in: 1...Limits.holdMillisecondsMax)
            if max != nil, kind != .duration {
                fields.report(.badSetting, "max", "only a duration has a 'max'", "leave it out")
            }
            if standard != nil, kind.isSubject {
                fields.report(.wrongSubject, "default", "a target has no standard value", "leave it out")
            }
            let input = Input(name: key, kind: kind, standard: standard, max: max)
            if let standard, let found = input.misfit(standard) {
                fields.report(
                    .wrongInput, "default", "'\(key)' takes \(input.wanted), found \(found)", isYoung: true)
            }
            return input
        }
    }
}

extension Workflow {
    /// What only shows beside the other workflows: calls of what is not there, with the wrong inputs, or in a circle.
    ///
    /// - Parameter unread: workflows that are there and have mistakes of their own, which are told where they stand.
    package func checkCalls(among workflows: [Workflow], unread: Set<String> = []) -> [Diagnostic] {
        callSites.filter { !unread.contains($0.workflow) }.flatMap { site -> [Diagnostic] in
            guard let inner = workflows.first(where: { $0.name == site.workflow }) else {
                let near = nearest(to: site.workflow, among: workflows.map(\.name)).map { "did you mean '\($0)'?" }
                return [site.mistake(.unknownWorkflow, "no workflow '\(site.workflow)' is loaded", near)]
            }
            if inner.reaches(name, among: workflows) {
                return [
                    site.mistake(
                        .callsItself, "'\(inner.name)' leads back to '\(name)': the run would never end",
                        "take one of the calls out")
                ]
            }
            let unknown = site.arguments.keys.filter { given in !inner.inputs.contains { $0.name == given } }.sorted()
            let missing = inner.inputs.filter { $0.standard == nil && site.arguments[$0.name] == nil }.map(\.name)
            // What chooses a connection is written out, here or in a playbook.
            let loose = inner.inputs.filter {
                $0.kind == .connection && site.arguments[$0.name] != nil && site.venues[$0.name] == nil
            }
            let loosely = loose.map {
                site.mistake(
                    .looseConnection,
                    "'\($0.name)' of \(inner.name) names a connection, and what is handed in is not fixed",
                    "write the connection's id, or hand on an input of type connection")
            }
            return loosely + unknown.map { site.mistake(.unknownInput, "\(inner.name) has no input '\($0)'") }
                + missing.map { site.mistake(.missingInput, "\(inner.name) needs the input '\($0)'") }
                + misfits(of: site, inner)
        }
    }

    /// What is handed to a called workflow and is not what its inputs take.
    private func misfits(of site: CallSite, _ inner: Workflow) -> [Diagnostic] {
        inner.inputs.compactMap { input in
            guard let argument = site.arguments[input.name] else { return nil }
            let given = argument.namedInput.flatMap { name in inputs.first { $0.name == name } }
            if input.kind.isSubject, let found = input.misfitOfTarget(argument, given) {
                return site.mistake(
                    .wrongSubject, "'\(input.name)' of \(inner.name) takes \(input.wantedTarget), found \(found)",
                    "hand on an input of that type, or \"${subject}\"", isYoung: true)
            }
            // A connection that is not fixed is told as that.
            guard input.kind != .connection, let found = input.misfit(argument) ?? given.flatMap(input.misfitOfKind)
            else { return nil }
            return site.mistake(
                .wrongInput, "'\(input.name)' of \(inner.name) takes \(input.wanted), found \(found)", isYoung: true)
        }
    }

    /// It and the workflows that it leads to, as far as they are loaded.
    package func reached(among workflows: [Workflow]) -> [Workflow] {
        var found: [Workflow] = []
        var open = [self]
        while let next = open.popLast() {
            guard !found.contains(where: { $0.name == next.name }) else { continue }
            found.append(next)
            open += next.calledNames.compactMap { name in workflows.first { $0.name == name } }
        }
        return found
    }

    private func reaches(_ target: String, among workflows: [Workflow]) -> Bool {
        var seen: Set<String> = []
        var open = [name]
        while let next = open.popLast() {
            if next == target { return true }
            guard seen.insert(next).inserted else { continue }
            open += workflows.first { $0.name == next }?.calledNames ?? []
        }
        return false
    }
}

extension Workflow.CallSite {
    fileprivate func mistake(
        _ code: DefinitionCode, _ message: String, _ suggestion: String? = nil, isYoung: Bool = false
    ) -> Diagnostic {
        Diagnostic(
            code: code.rawValue, place: place, message: message, suggestion: suggestion, sourceLine: sourceLine,
            width: workflow.count, isYoung: isYoung)
    }
}

extension Workflow.Input.Kind {
    package var schema: Schema {
        switch self {
        case .serviceAccount, .credential, .workload, .agentSession: Subject.schema
        case .string, .duration, .connection: .string
        case .int: .int
        case .bool: .bool
        }
    }

    /// The same where what a subject has is not looked at.
    var looseSchema: Schema { isSubject ? .any : schema }
}
