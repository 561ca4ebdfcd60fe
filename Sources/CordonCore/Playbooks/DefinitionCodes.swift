// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

/// Mistakes in playbooks, workflows, connectors and inventories that go beyond their form. Numbers are kept for ever.
package enum DefinitionCode: String, Sendable, Hashable, CaseIterable {
    case nameDiffersFromFile = "P030"
    case unknownSignal = "P031"
    case unknownCapability = "P032"
    case writeWithoutUndo = "P033"
    case unknownInput = "P034"
    case missingInput = "P035"
    case repeatedName = "P036"
    case tooMany = "P037"
    case unknownWorkflow = "P038"
    case badName = "P039"
    case badPath = "P040"
    case wrongSubject = "P041"
    case unknownStep = "P042"
    case notOffered = "P043"
    case badSetting = "P044"
    case badSecret = "P045"
    case missingMapping = "P046"
    case unreadable = "P047"
    case noOneKind = "P048"
    case noHold = "P049"
    case noBound = "P050"
    case silenceActs = "P051"
    case nobodyAsked = "P052"
    case badReference = "P053"
    case callsItself = "P054"
    case tooDeep = "P055"
    case misplaced = "P056"
    case unexplained = "P057"
    case badAnswer = "P058"
    case badReversal = "P059"
    case taintedParameter = "P080"
    case noEvidence = "P081"
    case neverReached = "P082"
    case ownerAlone = "P083"
    case silenceDestroys = "P084"
    case inlineSecret = "P085"
    case wrongInput = "P086"
    case abovePolicy = "P087"
    case unpromised = "P088"
    case looserGuard = "P089"
    case badProtection = "P090"
    case badWindow = "P091"
    case lackedCapability = "P120"
    case lackedUndo = "P121"
    case unknownSelf = "P122"
    case unknownConnection = "P123"
    case looseConnection = "P124"
    case guessedSubject = "P125"
    case badProof = "P130"
    case badVersion = "P131"
    case badCut = "P132"
    case badLag = "P133"
    case foreignAnswer = "P134"
    case bareName = "P140"
    case unknownWord = "P141"
    case emptyProof = "P142"

    // Tests of playbooks
    case unknownPlaybook = "P060"
    case noArrival = "P061"
    case badFixture = "P062"
    case badOverride = "P063"
    case unknownFake = "P064"
    case contradiction = "P065"
    case badSignal = "P066"
    case neverHappens = "P067"
    case unknownChoice = "P068"
    case noExpectation = "P069"
    case uncovered = "P070"
    case noProvider = "P071"
    case noTest = "P072"
    case unknownCase = "P073"

    package var meaning: String {
        switch self {
        case .nameDiffersFromFile: "the name inside the file differs from the file's own"
        case .unknownSignal: "no signal of that kind exists"
        case .unknownCapability: "no capability of that name exists"
        case .writeWithoutUndo: "a step that changes something has neither an undo nor a reason for having none"
        case .unknownInput: "an input or parameter of that name does not exist"
        case .missingInput: "an input or parameter without a standard value is not given"
        case .repeatedName: "a name stands twice where it must be unique"
        case .tooMany: "more entries than the limit allows"
        case .unknownWorkflow: "no workflow of that name is loaded"
        case .badName: "a name holds characters that names can't have"
        case .badPath: "a path is not made of plain names"
        case .wrongSubject: "the subject's kind doesn't fit"
        case .unknownStep: "a step of that name does not exist"
        case .notOffered: "the connector doesn't offer that"
        case .badSetting: "a setting has no usable value"
        case .badSecret: "a secret's reference is neither a file nor a variable"
        case .missingMapping: "the playbook answers no entry of any framework"
        case .unreadable: "a file or folder is there and can't be read"
        case .noOneKind: "a step is not exactly one of the things that a step can be"
        case .noHold: "a containment does not say how long it stands"
        case .noBound: "a list or a wait has no end"
        case .silenceActs: "silence would agree to what people were asked"
        case .nobodyAsked: "nobody is named who could answer"
        case .badReference: "a step refers to one that can't serve it"
        case .callsItself: "a workflow calls itself, by itself or through others"
        case .tooDeep: "steps are nested deeper than the limit"
        case .misplaced: "a field stands at a step that it means nothing for"
        case .unexplained: "a choice that gives safety away has no reason"
        case .badAnswer: "what an answer means can't be told from what stands there"
        case .badReversal: "what a capability says of its undo does not go together"
        case .taintedParameter: "text of an alert would become a parameter of what is done"
        case .noEvidence: "what can't be undone may come before any evidence is kept"
        case .neverReached: "nothing that happens leads there"
        case .ownerAlone: "the owner alone would lift the containment of their own identity"
        case .silenceDestroys: "nobody's answer would lead to what can't be undone"
        case .inlineSecret: "a credential stands in a file"
        case .wrongInput: "an input is given what its type does not take"
        case .abovePolicy: "one run can do more at worst than this installation allows"
        case .unpromised: "a connector does not keep what workflows rely on"
        case .looserGuard: "a playbook's guard is looser than the installation's"
        case .badProtection: "an entry names nobody who could be protected"
        case .badWindow: "a window of the calendar has no usable beginning or end"
        case .lackedCapability: "a provider can't do what a playbook's workflow asks for"
        case .lackedUndo: "a provider can't undo what a playbook's workflow would have undone"
        case .unknownConnection: "a step is to be done at a connection that there is not"
        case .looseConnection: "what chooses a connection is not fixed before anything runs"
        case .guessedSubject: "a step at another system doesn't say whom it is about there"
        case .unknownSelf: "nothing tells whom Cordon itself signs in as at a provider"
        case .badProof: "a proof is not made with what the subject holds, or shows nothing"
        case .badVersion: "a version is read that nothing compares, or a conflict has no answer"
        case .badCut: "what is cut before it is stored is not kept, or would be sent back"
        case .badLag: "a capability waits for an effect that nobody looks for"
        case .foreignAnswer: "a 404 would count as done whoever answered it"
        case .bareName: "text that is handed over is the name of a variable and not what it holds"
        case .unknownWord: "a field of a signal is compared with a word that it never holds"
        case .emptyProof: "a proof holds whatever happens"
        case .unknownPlaybook: "a test names a playbook that is not loaded"
        case .noArrival: "a case has neither an alert nor a signal, or both"
        case .badFixture: "an alert's file can't be read"
        case .badOverride: "an override leads nowhere"
        case .unknownFake: "nothing that the playbook runs asks for what is faked"
        case .contradiction: "two fields of a case don't go together"
        case .badSignal: "a signal doesn't have the fields of its kind"
        case .neverHappens: "an expectation names what can never happen"
        case .unknownChoice: "an answer is none of those that may be given"
        case .noExpectation: "a case expects nothing"
        case .uncovered: "no case of a test takes this way"
        case .noProvider: "no connector offers what the workflow asks for"
        case .noTest: "a playbook has no test beside it"
        case .unknownCase: "no case above has that name"
        }
    }
}

extension YAMLFields {
    func report(
        _ code: DefinitionCode, _ key: String, _ message: String, _ suggestion: String? = nil, isYoung: Bool = false
    ) {
        report(code.rawValue, key, message, suggestion, isYoung: isYoung)
    }
}

extension YAMLLimits {
    package static let definition = YAMLLimits(
        bytesMax: Limits.definitionBytesMax, depthMax: Limits.definitionNestingMax)
}

/// What every loader of one file does: parse strictly, read, and give the value or every mistake.
package struct DefinitionLoader {
    package let reader: YAMLReader
    package let file: String

    /// Runs `read` over the file's outermost map. The value counts only when nothing was wrong.
    ///
    /// - Parameter bearsYoung: what only young rules refuse counts too. A rule that is new must not strand a run that
    ///   began without it, nor keep a server from starting.
    package static func load<Item>(
        _ bytes: [UInt8], file: String, limits: YAMLLimits = .definition, bearsYoung: Bool = false,
        _ read: (DefinitionLoader, YAMLFields) -> Item?
    ) -> Result<Item, Diagnostics> {
        do {
            let document = try YAMLDocument.parse(bytes, file: file, limits: limits)
            let loader = DefinitionLoader(reader: YAMLReader(document, bearsYoung: bearsYoung), file: file)
            guard let root = loader.reader.mapping(document.root) else { return .failure(loader.reader.refusal) }
            let item = read(loader, root)
            root.refuseUnknown()
            guard let item, loader.reader.isClean else { return .failure(loader.reader.refusal) }
            return .success(item)
        } catch {
            return .failure(error)
        }
    }

    /// The file's own name under `key`, which must be the name inside it.
    package func name(_ root: YAMLFields, _ key: String) -> String? {
        guard let name = root.string(key, required: true) else { return nil }
        let stem = fileStem
        guard isName(name) else {
            root.report(.badName, key, "'\(name)' is no name", "lower-case letters, digits and single hyphens")
            return nil
        }
        // A stored definition is read again under its pin, which holds an @.
        if !stem.contains("@"), stem != name {
            root.report(.nameDiffersFromFile, key, "the file is named '\(stem)'", "name both alike")
        }
        return name
    }

    private var fileStem: String {
        let last = file.split(separator: "/").last.map(String.init) ?? file
        return last.hasSuffix(".yaml") ? String(last.dropLast(5)) : last
    }

    /// An expression at a node, with its mistakes at their place.
    package func expression(
        _ node: YAMLNode?, _ name: String, variables: [String: Schema], expecting: Schema? = nil
    ) -> Expression? {
        guard let node, let text = reader.string(node, name) else { return nil }
        switch DefinitionForm.kind(of: reader.document) {
        case .playbook?, .workflow?: refuseSecret(text, at: node, isYoung: true)
        // A connector may look for the form of one.
        case .connector?, .test?, nil: break
        }
        do {
            return try Expression.compile(text, variables: variables, expecting: expecting)
        } catch {
            report(error, node)
            return nil
        }
    }

    package func template(_ node: YAMLNode, _ text: String, variables: [String: Schema]) -> Template? {
        do {
            return try Template.compile(text, variables: variables)
        } catch {
            report(error, node)
            return nil
        }
    }

    /// A tree of parameters: text with holes becomes templates, everything else stays as it is.
    package func arguments(_ node: YAMLNode, variables: [String: Schema]) -> Arguments? {
        switch node.content {
        case .scalar(let scalar):
            guard case .string(let text) = scalar.value else { return .literal(scalar.value) }
            refuseSecret(text, at: node)
            guard text.contains("${") else { return .literal(scalar.value) }
            return template(node, text, variables: variables).map(Arguments.template)
        case .sequence(let items):
            return .list(items.compactMap { arguments($0, variables: variables) })
        case .mapping(let entries):
            var members: [String: Arguments] = [:]
            // A mistake in a value is told once; that the parameter is given stays true.
            for entry in entries {
                members[entry.key] = arguments(entry.value, variables: variables) ?? .literal(.null)
            }
            return .map(members)
        }
    }

    package func argumentMap(_ node: YAMLNode?, variables: [String: Schema]) -> [String: Arguments] {
        guard let node, case .map(let members)? = arguments(node, variables: variables) else { return [:] }
        return members
    }

    /// The same of what authors hand over in playbooks and workflows.
    func handed(_ node: YAMLNode?, variables: [String: Schema]) -> [String: Arguments] {
        if let node { refuseBareNames(node, variables) }
        return argumentMap(node, variables: variables)
    }

    /// Text that is a variable's path is handed over as that text: nobody who writes it means that.
    private func refuseBareNames(_ node: YAMLNode, _ variables: [String: Schema]) {
        switch node.content {
        case .scalar(let scalar):
            guard case .string(let text) = scalar.value, let path = variablePath(in: text, variables) else { return }
            reader.report(
                DefinitionCode.bareName.rawValue, at: node, isYoung: true,
                "'\(text.prefix(40))' is handed over as text, not as what the variable holds",
                "write \"${\(path)}\"; where the text itself is meant, \"${'\(path)'}\"")
        case .sequence(let items): for item in items { refuseBareNames(item, variables) }
        case .mapping(let entries): for entry in entries { refuseBareNames(entry.value, variables) }
        }
    }

    private func report(_ errors: ExpressionErrors, _ node: YAMLNode) {
        for issue in errors.issues {
            let place = reader.document.place(ofOffset: issue.offset, in: node)
            reader.report(
                issue.code.rawValue, at: place, width: issue.width, issue.message, issue.suggestion)
        }
    }
}

/// The variable's path that a text is, in whatever marks other languages put around one.
func variablePath(in text: String, _ variables: [String: Schema]) -> String? {
    let marks: Set<Character> = ["$", "{", "}", " ", "(", ")"]
    guard !text.contains("${"), text.utf8.count <= 200 else { return nil }
    let rest = text.drop { marks.contains($0) }
    guard let last = rest.lastIndex(where: { !marks.contains($0) }) else { return nil }
    let parts = rest[...last].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count > 1, let schema = variables[parts[0]], parts.allSatisfy(isIdentifier) else { return nil }
    // 'run.sh' is a file and no variable.
    if parts[0] == "run", case .object(let object) = schema, object.fields[parts[1]] == nil { return nil }
    return parts.joined(separator: ".")
}

/// Lower-case letters, digits and single hyphens, as files and ids are named.
package func isName(_ text: String) -> Bool {
    guard (1...64).contains(text.utf8.count), text.first != "-", text.last != "-", !text.contains("--") else {
        return false
    }
    return text.utf8.allSatisfy {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            || $0 == UInt8(ascii: "-")
    }
}

/// A name within a file: lower-case letters, digits and underscores.
package func isIdentifier(_ text: String) -> Bool {
    guard (1...64).contains(text.utf8.count), let first = text.utf8.first, !(0x30...0x39).contains(first) else {
        return false
    }
    return text.utf8.allSatisfy {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_")
    }
}
