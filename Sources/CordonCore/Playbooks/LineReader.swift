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
    private var seen: [String] = []
    /// What expressions know of the steps so far.
    private var outcomes: [String: ObjectSchema.Field] = [:]
    /// The items of lists around.
    private var names: [String] = []
    private var depth = 0
    private var count = 0
    private var places: [String: YAMLFields] = [:]
    private(set) var callSites: [Workflow.CallSite] = []

    init(loader: DefinitionLoader, inputs: [Workflow.Input], isTyped: Bool) {
        self.loader = loader
        self.inputs = inputs
        self.isTyped = isTyped
    }

    /// The closed set, by the field that makes a step one of them.
    private enum Word: String, CaseIterable {
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

    private mutating func line(_ fields: YAMLFields) -> Workflow.Line? {
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

    private func standardWithin(_ kind: Workflow.Kind) -> Int64 {
        switch kind {
        case .act: Limits.stepWithinMillisecondsDefault
        case .approve, .task, .wait, .parallel, .ladder, .call, .undo: Limits.stepWithinMillisecondsMax
        }
    }

    private mutating func id(_ fields: YAMLFields) -> String? {
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

    private func word(_ fields: YAMLFields) -> Word? {
        var given = Word.allCases.filter { fields.has($0.rawValue) }
        // Beside something else they say how it is gated and undone.
        if given.count > 1 { given.removeAll { $0 == .approve } }
        if given.count > 1 { given.removeAll { $0 == .undo } }
        if given.count == 1 { return given[0] }
        // What the other fields mean depends on this one: they are not told as mistakes of their own.
        for key in fields.keys { _ = fields.node(key) }
        let all = Word.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
        fields.report(
            .noOneKind, given.isEmpty ? "id" : given[1].rawValue,
            given.isEmpty
                ? "the step does nothing"
                : "a step is one thing, not '\(given[0].rawValue)' and '\(given[1].rawValue)'",
            "write exactly one of \(all)")
        return nil
    }

    private mutating func kind(_ word: Word, _ fields: YAMLFields) -> Workflow.Kind? {
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

    private mutating func call(_ fields: YAMLFields) -> Workflow.Kind? {
        let arguments = loader.argumentMap(fields.node("with"), variables: schemas())
        guard let node = fields.node("call"), let name = fields.string("call") else { return nil }
        callSites.append(
            Workflow.CallSite(
                workflow: name, given: Set(arguments.keys), place: node.place,
                sourceLine: loader.reader.document.line(node.place.line)))
        return .call(workflow: name, with: .map(arguments))
    }

    private func act(_ fields: YAMLFields) -> Workflow.Act? {
        let capability = self.capability(fields, "do")
        let arguments = loader.argumentMap(fields.node("with"), variables: schemas())
        if let capability { checkArguments(fields, capability, arguments) }
        let states = schemas().merging(self.states(capability)) { own, _ in own }
        let verify = loader.expression(fields.node("verify"), "verify", variables: states, expecting: .bool)
        let undo = self.undo(fields, capability)
        let onUnknown = self.onUnknown(fields, capability)
        return capability.map {
            Workflow.Act(
                capability: $0.name, arguments: .map(arguments), verify: verify, undo: undo, onUnknown: onUnknown)
        }
    }

    /// What `verify` sees beside everything else.
    private func states(_ capability: Capability?) -> [String: Schema] {
        guard isTyped, let capability else { return ["before": .any, "after": .any, "result": .any] }
        return [
            "before": capability.stateSchema("before"), "after": capability.stateSchema("after"),
            "result": capability.resultSchema("result"),
        ]
    }

    private enum Doubt: String, CaseIterable { case ask, accept, `repeat` }

    /// Whoever settles a doubt beforehand says why that is bearable.
    private func onUnknown(_ fields: YAMLFields, _ capability: Capability?) -> Workflow.OnUnknown {
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

    private func capability(_ fields: YAMLFields, _ key: String) -> Capability? {
        guard let name = fields.string(key, required: true) else { return nil }
        if let capability = Capability.named(name) { return capability }
        let near = nearest(to: name, among: Capability.all.map(\.name)).map { "did you mean '\($0)'?" }
        fields.report(.unknownCapability, key, "there is no capability '\(name)'", near)
        return nil
    }

    private func checkArguments(_ fields: YAMLFields, _ capability: Capability, _ given: [String: Arguments]) {
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
            if isTyped, let found = parameter.misfit(argument) {
                fields.report(
                    .wrongInput, "with",
                    "'\(parameter.name)' of \(capability.name) takes \(parameter.wanted), found \(found)")
            }
        }
    }

    private enum None: String, CaseIterable { case none }

    /// A step that changes something says how it is undone, or why it isn't.
    private func undo(_ fields: YAMLFields, _ capability: Capability?) -> Workflow.Undo {
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

    private func undoKind(_ fields: YAMLFields) -> Workflow.Kind? {
        guard let names = fields.strings("undo") else { return nil }
        for name in names where !seen.contains(name) {
            let near = nearest(to: name, among: seen).map { "did you mean '\($0)'?" }
            fields.report(.unknownStep, "undo", "no step above is named '\(name)'", near)
        }
        if names.isEmpty { fields.report(.missingInput, "undo", "name the steps to undo") }
        return .undo(names)
    }

    private func wait(_ fields: YAMLFields) -> Workflow.Wait? {
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

    private func measure(_ fields: YAMLFields) -> Workflow.Measure? {
        guard let map = fields.mapping("measure") else { return nil }
        defer { map.refuseUnknown() }
        let capability = self.capability(map, "do")
        let arguments = loader.argumentMap(map.node("with"), variables: schemas())
        guard let capability else { return nil }
        checkArguments(map, capability, arguments)
        if capability.isWrite {
            map.report(.misplaced, "do", "\(capability.name) changes something; what is measured is only read")
        }
        return Workflow.Measure(capability: capability.name, arguments: .map(arguments))
    }

    private func measured(_ measure: Workflow.Measure?, withLater: Bool = false) -> [String: Schema] {
        let known = schemas(withLater: withLater)
        guard let measure else { return known }
        let result = isTyped ? Capability.named(measure.capability)?.resultSchema("result") : nil
        return known.merging(["result": result ?? .any]) { own, _ in own }
    }

    private mutating func branches(_ fields: YAMLFields, _ key: String, max: Int) -> [Workflow.Branch]? {
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

    private mutating func ladder(_ fields: YAMLFields) -> Workflow.Kind? {
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

    // MARK: Modifiers

    private func expression(_ fields: YAMLFields, _ key: String) -> Expression? {
        loader.expression(fields.node(key), key, variables: schemas(), expecting: .bool)
    }

    private func each(_ fields: YAMLFields) -> Workflow.Each? {
        guard let map = fields.mapping("each") else { return nil }
        defer { map.refuseUnknown() }
        let list = loader.expression(map.node("in", required: true), "in", variables: schemas())
        let name = map.string("as", required: true)
        let parallel = map.int("parallel", in: 1...Int64(Limits.eachParallelMax))
        if !map.has("max") { map.report(.noBound, "in", "the list has no bound", "add 'max', such as max: 50") }
        let max = map.has("max") ? map.int("max", in: 1...Int64(Limits.eachItemsMax)) : 1
        guard let list, let name, let max else { return nil }
        if !isIdentifier(name) || Self.reserved(isTyped).contains(name) {
            map.report(.badName, "as", "'\(name)' can't name an item", "choose another lower-case name")
        }
        return Workflow.Each(list: list, name: name, max: Int(max), parallel: Int(parallel ?? 1))
    }

    /// What the names of items may not hide. What a live run is pinned to may hide what came later.
    private static func reserved(_ isTyped: Bool) -> Set<String> {
        let first: Set<String> = ["inputs", "subject", "steps", "before", "after", "result"]
        return isTyped ? first.union(["run"]) : first
    }

    private func retry(_ fields: YAMLFields) -> Workflow.Retry {
        guard let map = fields.mapping("retry") else { return Workflow.Retry() }
        defer { map.refuseUnknown() }
        return Workflow.Retry(
            attempts: map.int("attempts", in: 1...Int64(Limits.attemptsMax)).map(Int.init) ?? Limits.attemptsDefault,
            firstMilliseconds: map.milliseconds("first", in: 1...Limits.backOffMillisecondsMax)
                ?? Limits.backOffMillisecondsFirst)
    }

    /// A duration, or a hole that gives one when the step begins.
    private func span(_ fields: YAMLFields, _ key: String) -> Arguments? {
        if let node = fields.node(key, required: true), case .string(let text)? = node.scalar?.value,
            text.contains("${")
        {
            return loader.arguments(node, variables: schemas())
        }
        return fields.milliseconds(key, in: 1...Limits.holdMillisecondsMax).map { .literal(.int($0)) }
    }

    private func hold(_ fields: YAMLFields, _ word: Word?, _ kind: Workflow.Kind?) -> Workflow.Hold? {
        let act: Workflow.Act? = if case .act(let act)? = kind { act } else { nil }
        guard let map = fields.mapping("hold") else {
            if let act, Capability.named(act.capability)?.isContainment == true, !fields.has("hold") {
                fields.report(
                    .noHold, "do", "\(act.capability) takes something away and doesn't say for how long",
                    "add 'hold', such as hold: { for: 4h, then: undo }")
            }
            return nil
        }
        defer { map.refuseUnknown() }
        if word != .do { fields.report(.misplaced, "hold", "only what is done is held: 'hold' stands beside 'do'") }
        let span = self.span(map, "for")
        let then = map.oneOf("then", Workflow.Hold.Then.self, required: true)
        let unless = loader.expression(
            map.node("unless"), "unless", variables: schemas(withLater: map.has("unless")), expecting: .bool)
        guard let span, let then else { return nil }
        if then == .undo, let act, case .none = act.undo {
            map.report(.badReference, "then", "the hold ends by undo, and the step has none")
        }
        return Workflow.Hold(span: span, then: then, unless: unless)
    }

    private func after(_ fields: YAMLFields) -> Workflow.After? {
        guard let text = fields.string("after") else { return nil }
        let isHold = text.hasPrefix("hold/")
        let name = isHold ? String(text.dropFirst(5)) : text
        guard seen.contains(name) else {
            let near = nearest(to: name, among: seen).map { "did you mean '\($0)'?" }
            fields.report(.unknownStep, "after", "no step above is named '\(name)'", near)
            return nil
        }
        if isHold, places[name]?.has("hold") != true {
            fields.report(.badReference, "after", "step '\(name)' holds nothing")
        } else if isHold, places[name]?.has("each") == true {
            fields.report(
                .badReference, "after", "step '\(name)' is a list, and each of its items holds for itself")
        }
        return isHold ? .hold(name) : .step(name)
    }

    // MARK: People

    private func consent(_ fields: YAMLFields, _ key: String, isTask: Bool) -> Workflow.Consent? {
        guard let map = fields.mapping(key) else { return nil }
        defer { map.refuseUnknown() }
        let by = map.node("by", required: true).flatMap { loader.arguments($0, variables: schemas()) }
        let text = map.string("ask", required: isTask)
        let choices = isTask ? map.strings("choices", required: true) ?? [] : Workflow.Consent.yesOrNo
        let quorum = map.int("quorum", in: 1...Int64(Limits.quorumMax)).map(Int.init) ?? 1
        let excluded = map.strings("exclude") ?? []
        let remind = map.milliseconds("remind", in: 60_000...Limits.stepWithinMillisecondsMax)
        let escalate = self.escalation(map)
        if !map.has("within") {
            map.report(.noBound, "by", "the question has no deadline", "add 'within', such as within: 4h")
        }
        let within = map.milliseconds("within", in: 1...Limits.stepWithinMillisecondsMax)
        let silence = self.silence(map, choices, isTask: isTask)
        if isTask, choices.count < 2 || Set(choices).count != choices.count {
            map.report(.badSetting, "choices", "a task offers two choices or more, each once")
        }
        guard let by, let within, let silence else { return nil }
        if by.isNobody(besides: excluded) { map.report(.nobodyAsked, "by", "nobody is named who could answer") }
        return Workflow.Consent(
            by: by, quorum: quorum, excluded: excluded, choices: choices, text: text, withinMilliseconds: within,
            remindMilliseconds: remind, escalate: escalate, silence: silence)
    }

    private func escalation(_ fields: YAMLFields) -> Workflow.Escalation? {
        guard let map = fields.mapping("escalate") else { return nil }
        defer { map.refuseUnknown() }
        let after = map.milliseconds("after", required: true, in: 1...Limits.stepWithinMillisecondsMax)
        let to = map.string("to", required: true)
        guard let after, let to else { return nil }
        return Workflow.Escalation(afterMilliseconds: after, to: to)
    }

    /// Silence never agrees to what people were asked.
    private func silence(_ fields: YAMLFields, _ choices: [String], isTask: Bool) -> Workflow.Consent.Silence? {
        guard let text = fields.string("on_timeout", required: true) else { return nil }
        switch text {
        case "keep": return .keep
        case "skip": return .skip
        case "abort": return .abort
        case _ where isTask && choices.contains(text): return .choice(text)
        case Workflow.Consent.decline: return .choice(text)
        case Workflow.Consent.approve:
            fields.report(
                .silenceActs, "on_timeout", "silence would approve what people were asked",
                "choose keep, skip, abort or decline")
        default:
            let words = ["keep", "skip", "abort"] + (isTask ? choices : [Workflow.Consent.decline])
            fields.report(
                .unknownInput, "on_timeout", "'\(text)' is not what silence can mean",
                "choose one of: \(words.joined(separator: ", "))")
        }
        return nil
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
    private func schemas(withLater: Bool = false) -> [String: Schema] {
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
    private var later: [String: ObjectSchema.Field] {
        var ids: [String] = []
        Self.collect(loader.reader.document.root, &ids)
        return Dictionary(
            ids.map { id in (id, .init(isTyped ? Self.outcome(of: .undo([]), "steps.\(id)", isList: false) : .any)) },
            uniquingKeysWith: { first, _ in first })
    }

    /// A step is a map with an `id`; lists and maps of any depth may hold some.
    private static func collect(_ node: YAMLNode, _ ids: inout [String]) {
        for item in node.items ?? [] {
            if let id = item["id"]?.scalar?.text { ids.append(id) }
            collect(item, &ids)
        }
        for entry in node.entries ?? [] { collect(entry.value, &ids) }
    }

    /// What later expressions know of a step. Of a list, and of a workflow that it calls, nothing is declared.
    private static func outcome(of kind: Workflow.Kind, _ name: String, isList: Bool) -> Schema {
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

extension Arguments {
    /// Whether every name in it is known and left out; a hole may give anybody.
    fileprivate func isNobody(besides excluded: [String]) -> Bool {
        switch self {
        case .literal(.string(let name)): name.isEmpty || excluded.contains(name)
        case .list(let items): items.allSatisfy { $0.isNobody(besides: excluded) }
        case .literal, .template, .map: false
        }
    }
}
