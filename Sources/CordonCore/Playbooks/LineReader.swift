// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// Reads a workflow's lines in the order of the file; what a line may name are the lines above it.
struct LineReader {
    let loader: DefinitionLoader
    let inputs: [Workflow.Input]
    /// Whether types are checked. They are of what authors hand in, and never of what a live run is pinned to: a rule
    /// that is new must not strand a run that began without it.
    let isTyped: Bool
    /// The ids so far, with whether their effect is held.
    var seen: [String] = []
    /// What expressions know of the steps so far.
    var outcomes: [String: ObjectSchema.Field] = [:]
    /// The items of lists around.
    var names: [String] = []
    var depth = 0
    var count = 0
    var places: [String: YAMLFields] = [:]
    private(set) var callSites: [Workflow.CallSite] = []

    init(loader: DefinitionLoader, inputs: [Workflow.Input], isTyped: Bool) {
        self.loader = loader
        self.inputs = inputs
        self.isTyped = isTyped
    }

    /// The closed set, by the field that makes a step one of them.
    enum Word: String, CaseIterable {
        case `do`, call, wait, parallel, ladder, task, undo, approve
    }

    mutating func lines(_ fields: YAMLFields, _ key: String) -> [Workflow.Line] {
        guard let items = fields.mappings(key, required: true) else { return [] }
        if items.isEmpty { fields.report(.tooMany, key, "a workflow has at least one step") }
        depth += 1
        defer { depth -= 1 }
        if depth > Limits.blockDepthMax {
            fields.report(
                .tooDeep, key, "steps stand \(depth) deep, the limit is \(Limits.blockDepthMax) (blockDepthMax)")
            for item in items { for key in item.keys { _ = item.node(key) } }
            return []
        }
        count += items.count
        if count > Limits.stepsPerWorkflowMax, count - items.count <= Limits.stepsPerWorkflowMax {
            fields.report(
                .tooMany, key, "\(count) steps, the limit is \(Limits.stepsPerWorkflowMax) (stepsPerWorkflowMax)")
        }
        return items.compactMap { item in
            let line = self.line(item)
            item.refuseUnknown()
            return line
        }
    }

    mutating func line(_ fields: YAMLFields) -> Workflow.Line? {
        let id = self.id(fields)
        let condition = expression(fields, "if")
        let each = self.each(fields)
        if let each { names.append(each.name) }
        defer { if each != nil { names.removeLast() } }
        // Read before the steps that stand inside: what comes after its own part would never begin.
        let after = self.after(fields)
        let word = self.word(fields)
        var kind: Workflow.Kind?
        if let word { kind = self.kind(word, fields) }
        let within = fields.milliseconds("within", in: 1...Limits.stepWithinMillisecondsMax)
        let retry = self.retry(fields)
        let hold = self.hold(fields, word, kind)
        let consent = word == .approve ? nil : self.consent(fields, "approve", isTask: false)
        let onError = fields.oneOf("on_error", Workflow.OnError.self)
        if each != nil, let word, word != .do, word != .call {
            fields.report(.misplaced, "each", "'each' repeats 'do' or 'call', not '\(word.rawValue)'")
        }
        guard let id, let kind else { return nil }
        seen.append(id)
        outcomes[id] = .init(isTyped ? Self.outcome(of: kind, "steps.\(id)", isList: each != nil) : .any)
        places[id] = fields
        return Workflow.Line(
            id: id, kind: kind, condition: condition, each: each,
            withinMilliseconds: within ?? standardWithin(kind), retry: retry, hold: hold, after: after,
            consent: consent, onError: onError ?? .page)
    }

    func standardWithin(_ kind: Workflow.Kind) -> Int64 {
        switch kind {
        case .act: Limits.stepWithinMillisecondsDefault
        case .approve, .task, .wait, .parallel, .ladder, .call, .undo: Limits.stepWithinMillisecondsMax
        }
    }

    mutating func id(_ fields: YAMLFields) -> String? {
        guard let id = fields.string("id", required: true) else { return nil }
        if !isIdentifier(id) {
            fields.report(.badName, "id", "'\(id)' is no step's id", "lower-case letters, digits and underscores")
        }
        if seen.contains(id) || places[id] != nil {
            fields.report(.repeatedName, "id", "the id '\(id)' stands twice")
        }
        return id
    }

    // MARK: What a step is

    func word(_ fields: YAMLFields) -> Word? {
        var given = Word.allCases.filter { fields.has($0.rawValue) }
        // These two may stand beside a word that is misspelt.
        let misspelt = given.allSatisfy { $0 == .approve || $0 == .undo } ? self.misspelt(fields) : nil
        if misspelt != nil { given = [] }
        // Beside something else they say how it is gated and undone.
        if given.count > 1 { given.removeAll { $0 == .approve } }
        if given.count > 1 { given.removeAll { $0 == .undo } }
        if given.count == 1 { return given[0] }
        // What the other fields mean depends on this one: they are not told as mistakes of their own.
        for key in fields.keys where key != misspelt { _ = fields.node(key) }
        // It is unknown, and told as such, with the word that is meant.
        if misspelt != nil { return nil }
        let all = Word.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
        fields.report(
            .noOneKind, given.isEmpty ? "id" : given[1].rawValue,
            given.isEmpty
                ? "the step does nothing"
                : "a step is one thing, not '\(given[0].rawValue)' and '\(given[1].rawValue)'",
            "write exactly one of \(all)")
        return nil
    }

    /// The field that was meant to say what the step is.
    private func misspelt(_ fields: YAMLFields) -> String? {
        let words = Word.allCases.map(\.rawValue)
        // Not asked of the reader: what is only looked through is no field that the schema for editors would have.
        return fields.node.entries?.map(\.key).first { key in
            !Self.modifiers.contains(key) && !words.contains(key) && nearest(to: key.lowercased(), among: words) != nil
        }
    }

    /// The fields that stand beside what a step is.
    private static let modifiers: Set<String> = [
        "id", "if", "each", "after", "with", "at", "within", "retry", "verify", "hold", "because", "on_error",
        "on_unknown",
    ]

    mutating func kind(_ word: Word, _ fields: YAMLFields) -> Workflow.Kind? {
        switch word {
        case .do: return act(fields).map(Workflow.Kind.act)
        case .call: return call(fields)
        case .wait: return wait(fields).map(Workflow.Kind.wait)
        case .parallel: return branches(fields, "parallel", max: Limits.branchesMax).map(Workflow.Kind.parallel)
        case .ladder: return ladder(fields)
        case .task: return consent(fields, "task", isTask: true).map(Workflow.Kind.task)
        case .undo: return undoKind(fields)
        case .approve: return consent(fields, "approve", isTask: false).map(Workflow.Kind.approve)
        }
    }

    mutating func call(_ fields: YAMLFields) -> Workflow.Kind? {
        let arguments = loader.handed(fields.node("with"), variables: schemas())
        guard let node = fields.node("call"), let name = fields.string("call") else { return nil }
        let venues = arguments.compactMapValues(Workflow.Venue.init).filter { isConnection($0.value) }
        callSites.append(
            Workflow.CallSite(
                workflow: name, arguments: arguments, venues: venues, place: node.place,
                sourceLine: loader.reader.document.line(node.place.line)))
        return .call(workflow: name, with: .map(arguments))
    }

    func act(_ fields: YAMLFields) -> Workflow.Act? {
        let capability = self.capability(fields, "do")
        let at = venue(fields)
        let arguments = loader.handed(fields.node("with"), variables: schemas())
        if let capability { checkArguments(fields, capability, arguments, isElsewhere: at != nil) }
        let states = schemas().merging(self.states(capability)) { own, _ in own }
        let verify = loader.expression(fields.node("verify"), "verify", variables: states, expecting: .bool)
        if let verify, verify.variables.isEmpty {
            fields.report(
                .emptyProof, "verify", "'verify' looks at nothing: it tells the same whatever happened",
                "look at after, such as after.active == false", isYoung: true)
        }
        if let node = fields.node("because"), case .string(let because)? = node.scalar?.value {
            loader.refuseSecret(because, at: node, isYoung: true)
            if !because.isEmpty, because.allSatisfy(\.isWhitespace) {
                fields.report(.unexplained, "because", "'because' says nothing", "write the reason", isYoung: true)
            }
        }
        let undo = self.undo(fields, capability)
        let onUnknown = self.onUnknown(fields, capability)
        return capability.map {
            Workflow.Act(
                capability: $0.name, at: at, arguments: .map(arguments), verify: verify, undo: undo,
                onUnknown: onUnknown)
        }
    }

    /// What `verify` sees beside everything else.
    func states(_ capability: Capability?) -> [String: Schema] {
        guard isTyped, let capability else { return ["before": .any, "after": .any, "result": .any] }
        return [
            "before": capability.stateSchema("before"), "after": capability.stateSchema("after"),
            "result": capability.resultSchema("result"),
        ]
    }

    enum Doubt: String, CaseIterable { case ask, accept, `repeat` }

    /// Whoever settles a doubt beforehand says why that is bearable.
    func onUnknown(_ fields: YAMLFields, _ capability: Capability?) -> Workflow.OnUnknown {
        guard fields.has("on_unknown"), let word = fields.oneOf("on_unknown", Doubt.self) else { return .ask }
        if let capability, !capability.isWrite {
            fields.report(
                .misplaced, "on_unknown", "\(capability.name) only reads: it is asked again", "leave it out")
        }
        guard word != .ask else { return .ask }
        guard let because = fields.string("because"), !because.isEmpty else {
            fields.report(
                .unexplained, "on_unknown",
                "'\(word.rawValue)' settles beforehand what nobody knows, and says no reason",
                "write under 'because' why it is bearable that it is missing, or happens twice")
            return .ask
        }
        return word == .accept ? .accept(because: because) : .repeat(because: because)
    }

    func capability(_ fields: YAMLFields, _ key: String) -> Capability? {
        guard let name = fields.string(key, required: true) else { return nil }
        if let capability = Capability.named(name) { return capability }
        let near = nearest(to: name, among: Capability.all.map(\.name)).map { "did you mean '\($0)'?" }
        fields.report(.unknownCapability, key, "there is no capability '\(name)'", near)
        return nil
    }

    func checkArguments(
        _ fields: YAMLFields, _ capability: Capability, _ given: [String: Arguments], isElsewhere: Bool
    ) {
        for name in given.keys.sorted() where !capability.parameters.contains(where: { $0.name == name }) {
            fields.report(
                .unknownInput, "with", "\(capability.name) has no parameter '\(name)'",
                "it takes: \(capability.parameters.map(\.name).joined(separator: ", "))")
        }
        for parameter in capability.parameters {
            guard let argument = given[parameter.name] else {
                fields.report(.missingInput, "with", "\(capability.name) needs the parameter '\(parameter.name)'")
                continue
            }
            if isElsewhere, parameter.takes == .subject {
                refuseGuessedSubject(fields, capability, parameter, argument)
            } else if isTyped, let found = parameter.misfit(argument) {
                fields.report(
                    .wrongInput, "with",
                    "'\(parameter.name)' of \(capability.name) takes \(parameter.wanted), found \(found)")
            } else if parameter.takes == .subject {
                checkTarget(fields, capability, parameter, argument)
            }
        }
    }

    /// Whom a step is about at the subject's provider: somebody who was resolved, and of a kind that it can be done to.
    private func checkTarget(
        _ fields: YAMLFields, _ capability: Capability, _ parameter: Capability.Parameter, _ argument: Arguments
    ) {
        if argument.isWrittenOut {
            // What is a variable's name, or has the form of a secret, is told as that.
            if case .literal(.string(let text)) = argument,
                variablePath(in: text, schemas()) != nil || InlineSecret.isIn(text)
            {
                return
            }
            fields.report(
                .wrongSubject, "with",
                "'\(parameter.name)' of \(capability.name) is a target, and stands there written out",
                "hand on who was resolved, such as \(parameter.name): \"${\(nearestTarget)}\"", isYoung: true)
            return
        }
        guard let input = inputs.first(where: { $0.name == argument.namedTarget }),
            let kind = Subject.Kind(rawValue: input.kind.rawValue), !capability.subjects.contains(kind)
        else { return }
        let kinds = Subject.Kind.allCases.filter(capability.subjects.contains).map(\.rawValue)
        fields.report(
            .wrongSubject, "with",
            "\(capability.name) is done to: \(kinds.joined(separator: ", ")); '\(input.name)' is of type \(kind.rawValue)",
            isYoung: true)
    }

    private var nearestTarget: String { inputs.first(where: \.kind.isSubject).map { "inputs.\($0.name)" } ?? "subject" }

    enum None: String, CaseIterable { case none }

    /// A step that changes something says how it is undone, or why it isn't.
    func undo(_ fields: YAMLFields, _ capability: Capability?) -> Workflow.Undo {
        let word = fields.oneOf("undo", None.self)
        let because = fields.string("because")
        guard let capability, capability.isWrite else { return .notNeeded }
        if word != nil, let because, !because.isEmpty { return .none(because: because) }
        if word == nil, !fields.has("undo"), capability.reversibility != .none { return .byConnector }
        fields.report(
            .writeWithoutUndo, word == nil ? "do" : "undo",
            "\(capability.name) changes something and has no undo",
            "write 'undo: none' and, under 'because', why that is acceptable")
        return .notNeeded
    }

    func undoKind(_ fields: YAMLFields) -> Workflow.Kind? {
        guard let names = fields.strings("undo") else { return nil }
        for name in names where !seen.contains(name) {
            let near = nearest(to: name, among: seen).map { "did you mean '\($0)'?" }
            fields.report(.unknownStep, "undo", "no step above is named '\(name)'", near)
        }
        if names.isEmpty { fields.report(.missingInput, "undo", "name the steps to undo") }
        return .undo(names)
    }

    func wait(_ fields: YAMLFields) -> Workflow.Wait? {
        guard let node = fields.node("wait") else { return nil }
        if node.scalar != nil { return span(fields, "wait").map(Workflow.Wait.span) }
        guard let map = fields.mapping("wait") else { return nil }
        defer { map.refuseUnknown() }
        enum Silence: String, CaseIterable { case `continue`, fail }
        let measure = self.measure(map)
        let condition = loader.expression(
            map.node("until"), "until", variables: measured(measure), expecting: .bool)
        let every = map.milliseconds("every", in: Limits.waitPollMillisecondsMin...Limits.stepWithinMillisecondsMax)
        let silence = map.oneOf("on_timeout", Silence.self)
        guard map.has("until") else { return span(map, "for").map(Workflow.Wait.span) }
        guard map.has("for") else {
            map.report(.noBound, "until", "the wait has no end", "add 'for', such as for: 30m")
            return nil
        }
        let length = map.milliseconds("for", in: 1...Limits.stepWithinMillisecondsMax)
        let pace = every ?? 60_000
        if measure != nil, let length, length / pace >= Int64(Limits.callsPerStepMax) {
            map.report(
                .tooMany, "every",
                "it would look \(length / pace) times, the limit is \(Limits.callsPerStepMax) (callsPerStepMax)",
                "look less often")
        }
        guard let condition, let length else { return nil }
        return .condition(
            Workflow.Until(
                condition: condition, measure: measure, everyMilliseconds: pace, forMilliseconds: length,
                goesOn: silence == .continue))
    }

    func measure(_ fields: YAMLFields) -> Workflow.Measure? {
        guard let map = fields.mapping("measure") else { return nil }
        defer { map.refuseUnknown() }
        let capability = self.capability(map, "do")
        let at = venue(map)
        let arguments = loader.handed(map.node("with"), variables: schemas())
        guard let capability else { return nil }
        checkArguments(map, capability, arguments, isElsewhere: at != nil)
        if capability.isWrite {
            map.report(.misplaced, "do", "\(capability.name) changes something; what is measured is only read")
        }
        return Workflow.Measure(capability: capability.name, at: at, arguments: .map(arguments))
    }

    func measured(_ measure: Workflow.Measure?, withLater: Bool = false) -> [String: Schema] {
        let known = schemas(withLater: withLater)
        guard let measure else { return known }
        let result = isTyped ? Capability.named(measure.capability)?.resultSchema("result") : nil
        return known.merging(["result": result ?? .any]) { own, _ in own }
    }

    mutating func branches(_ fields: YAMLFields, _ key: String, max: Int) -> [Workflow.Branch]? {
        guard let maps = fields.mappings(key, required: true) else { return nil }
        if maps.isEmpty || maps.count > max {
            fields.report(.tooMany, key, "\(maps.count) branches; there are 1 to \(max) (branchesMax)")
        }
        return maps.compactMap { map in
            defer { map.refuseUnknown() }
            let name = map.string("name", required: true)
            let lines = self.lines(map, "steps")
            return name.map { Workflow.Branch(name: $0, lines: lines) }
        }
    }

    mutating func ladder(_ fields: YAMLFields) -> Workflow.Kind? {
        guard let map = fields.mapping("ladder") else { return nil }
        defer { map.refuseUnknown() }
        let measure = self.measure(map)
        let rungs = branches(map, "rungs", max: Limits.branchesMax)
        // It is asked again after each rung, so it may look at what its own rungs did.
        let condition = loader.expression(
            map.node("until", required: true), "until", variables: measured(measure, withLater: true), expecting: .bool)
        guard let condition, let rungs else { return nil }
        return .ladder(Workflow.Ladder(condition: condition, measure: measure, rungs: rungs))
    }

    /// The fields of a step that was read.
    func place(_ id: String) -> YAMLFields? { places[id] }

    // MARK: What can be told when all is read

    func checkReferences(_ lines: [Workflow.Line]) {
        let flat = lines.flatMap { [$0] + $0.branches.flatMap(\.lines) }
        for line in flat {
            guard case .undo(let names) = line.kind else { continue }
            for name in names {
                guard let target = flat.first(where: { $0.id == name }) else { continue }
                if target.act?.undo != .byConnector {
                    places[line.id]?.report(.badReference, "undo", "step '\(name)' has no undo")
                }
            }
        }
    }

    /// - Parameter withLater: the steps below too, which a hold's end may look at: they have begun by then, or are shown
    ///   without a choice.
    func schemas(withLater: Bool = false) -> [String: Schema] {
        var fields: [String: ObjectSchema.Field] = [:]
        for input in inputs { fields[input.name] = .init(isTyped ? input.kind.schema : input.kind.looseSchema) }
        var all: [String: Schema] = [
            "inputs": .object("inputs", fields), "subject": isTyped ? Subject.schema : .any,
            "steps": .object("steps", withLater ? outcomes.merging(later) { known, _ in known } : outcomes),
            "run": isTyped ? Run.schema : .any,
        ]
        for name in names { all[name] = .any }
        return all
    }

    /// Every step of the file, whatever it is.
    var later: [String: ObjectSchema.Field] {
        loader.reader.document.root.stepsByID.keys.reduce(into: [:]) { fields, id in
            fields[id] = .init(isTyped ? Self.outcome(of: .undo([]), "steps.\(id)", isList: false) : .any)
        }
    }

    /// What later expressions know of a step. Of a list, and of a workflow that it calls, nothing is declared.
    static func outcome(of kind: Workflow.Kind, _ name: String, isList: Bool) -> Schema {
        guard !isList else { return .any }
        var result: Schema = .any
        var state: Schema = .any
        if case .act(let act) = kind, let capability = Capability.named(act.capability) {
            result = capability.resultSchema("\(name).result")
            state = capability.stateSchema("\(name).before")
        }
        return .object(
            name,
            [
                "result": .init(result), "before": .init(state), "after": .init(state), "done": .init(.bool),
                "choice": .init(.any),
            ])
    }
}
