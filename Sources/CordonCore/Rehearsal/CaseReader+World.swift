// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

extension CaseReader {
    // MARK: State

    func readWorld(_ fields: YAMLFields, _ draft: inout Draft) {
        guard let state = fields.mapping("state") else { return }
        defer { state.refuseUnknown() }
        if let subject = state.value("subject") { draft.subject = subject }
        if let counts = state.mapping("inventory") {
            for key in counts.keys {
                let count = counts.int(key, in: 0...Int64(Limits.identitiesMax))
                guard let kind = Subject.Kind(rawValue: key) else {
                    let kinds = Subject.Kind.allCases.map(\.rawValue)
                    let near = nearest(to: key, among: kinds).map { "did you mean '\($0)'?" }
                    report(.wrongSubject, counts, key, "there is no kind '\(key)'", near)
                    continue
                }
                draft.inventory[kind] = count.map(Int.init)
            }
        }
        if let fields = state.mapping("guards") { readBefore(fields, &draft.before) }
        if let name = state.string("provider") {
            guard let offered = setting.providers[name] else {
                let near = nearest(to: name, among: setting.providers.keys.sorted()).map { "did you mean '\($0)'?" }
                return state.report(.noProvider, "provider", "no connector '\(name)' describes a provider", near)
            }
            if let lacking = map.ownCapabilities.subtracting(offered).min() {
                state.report(.noProvider, "provider", "\(name) does not offer \(lacking)")
            }
            draft.connector = name
        }
        readConnections(state, &draft)
    }

    /// Which connector stands behind a connection that a step names with `at`.
    private func readConnections(_ state: YAMLFields, _ draft: inout Draft) {
        guard let named = state.mapping("connections") else { return }
        let asked = askedElsewhere
        for id in named.keys {
            guard let name = named.string(id) else { continue }
            guard let wanted = asked[id] else {
                let near = nearest(to: id, among: asked.keys.sorted()).map { "did you mean '\($0)'?" }
                named.report(.unknownConnection, id, "no step of the workflow is done at '\(id)'", near)
                continue
            }
            guard let offered = setting.providers[name] else {
                let near = nearest(to: name, among: setting.providers.keys.sorted()).map { "did you mean '\($0)'?" }
                named.report(.noProvider, id, "no connector '\(name)' describes a provider", near)
                continue
            }
            if let lacking = wanted.subtracting(offered).min() {
                named.report(.noProvider, id, "\(name) does not offer \(lacking)")
            }
            draft.connections[id] = name
        }
    }

    /// The connections that steps name, with what is asked of each.
    private var askedElsewhere: [String: Set<String>] {
        guard let workflow = setting.workflows.first(where: { $0.name == playbook.workflow }) else { return [:] }
        return workflow.askedElsewhere(playbook, among: setting.workflows)
    }

    /// Each with the connector that the case names, or the first that offers all that is asked of it.
    private func connections(_ draft: Draft, _ fields: YAMLFields, _ key: String) -> [String: String] {
        var all: [String: String] = [:]
        for (id, wanted) in askedElsewhere {
            let able = setting.providers.filter { wanted.isSubset(of: $0.value) }.keys.min()
            guard let name = draft.connections[id] ?? able else {
                fields.report(
                    .noProvider, key,
                    "no connector offers all that is asked of '\(id)': \(wanted.sorted().joined(separator: ", "))",
                    "without a connector no run of it could act there")
                continue
            }
            all[id] = name
        }
        return all
    }

    private func readBefore(_ map: YAMLFields, _ before: inout PlaybookTest.Before) {
        defer { map.refuseUnknown() }
        let most = Int64(Limits.identitiesMax)
        if let touched = map.int("touched", in: 0...most) { before.touched = Int(touched) }
        if let matched = map.int("matched", in: 0...most) { before.matched = Int(matched) }
        if let risk = map.number("risk", in: 0...1e6) { before.risk = risk }
        if let times = map.int("put_back", in: 0...100) { before.putBack = Int(times) }
        if let isFrozen = map.bool("frozen") { before.isFrozen = isFrozen }
    }

    mutating func makeWorld(_ fields: YAMLFields, _ draft: Draft) -> PlaybookTest.World? {
        let key = fields.has("state") ? "state" : fields.has("with") ? "with" : "name"
        let able = setting.providers.filter { map.ownCapabilities.isSubset(of: $0.value) }.keys.sorted()
        guard let connector = draft.connector ?? able.first else {
            let all = map.ownCapabilities.sorted().joined(separator: ", ")
            fields.report(
                .noProvider, key, "no connector offers all that the workflow asks for: \(all)",
                "without a connector no run of it could act")
            return nil
        }
        var told = toldOfSubject
        let identity = readIdentity(draft.subject, connector) { code, message, way in
            if told.insert(message).inserted { fields.report(code, key, message, way) }
        }
        toldOfSubject = told
        guard let identity else { return nil }
        return PlaybookTest.World(
            identity: identity, inventory: draft.inventory, connector: connector,
            connections: connections(draft, fields, key), before: draft.before)
    }

    private func readIdentity(
        _ value: Value, _ connector: String, _ report: (_ code: String, _ message: String, _ way: String?) -> Void
    ) -> PlaybookTest.World.Identity? {
        let kind = playbook.trigger.subjectKind
        let standard = Subject(kind: kind, id: "rehearsed", provider: connector)
        if value == "unknown" { return .unknown }
        if value == "ambiguous" { return .ambiguous(standard) }
        guard var members = value.objectValue else {
            report(YAMLCode.wrongType.rawValue, "the subject is a map of its fields, or unknown, or ambiguous", nil)
            return nil
        }
        var subject = standard
        if let given = members.removeValue(forKey: "kind"), given != .string(kind.rawValue) {
            report(
                DefinitionCode.wrongSubject.rawValue, "the playbook is about a \(kind.rawValue), not \(given.json)", nil
            )
        }
        if let id = members.removeValue(forKey: "id") {
            subject.id = id.stringValue ?? ""
            if !isName(subject.id) {
                report(
                    DefinitionCode.badName.rawValue, "\(id.json) is no name",
                    "lower-case letters, digits and single hyphens")
            }
        }
        if let owner = members.removeValue(forKey: "owner"), owner != .null { subject.owner = owner.stringValue }
        if let tags = members.removeValue(forKey: "tags") {
            subject.tags = tags.arrayValue?.compactMap(\.stringValue) ?? []
            if tags.arrayValue?.count != subject.tags.count {
                report(YAMLCode.wrongType.rawValue, "the subject's tags are a list of texts", nil)
            }
        }
        subject.attributes = .object(members)
        return .known(subject)
    }

    // MARK: Fakes

    func readFakes(_ fields: YAMLFields, _ draft: inout Draft) {
        guard let all = fields.mapping("fake") else { return }
        for key in all.keys {
            if let step = ["task.", "approve."].first(where: key.hasPrefix).map({ String(key.dropFirst($0.count)) }) {
                draft.answers[step] = readAnswers(all, key, step)
            } else if isFaked(all, key), let map = all.mapping(key) {
                draft.fakes[key] = readFake(map)
            }
        }
    }

    private func isFaked(_ all: YAMLFields, _ key: String) -> Bool {
        let step = key.hasPrefix("step.") ? String(key.dropFirst(5)) : nil
        if map.capabilities.contains(key) || step.flatMap(map.spot(of:)) != nil { return true }
        _ = all.node(key)
        let known = map.capabilities.sorted() + map.steps.map { "step.\($0)" } + asking.map { "task.\($0)" }
        let near = nearest(to: key, among: known).map { "did you mean '\($0)'?" }
        report(
            .unknownFake, all, key, "nothing that \(playbook.name) runs asks for '\(key)'",
            near ?? "known: \(map.capabilities.sorted().joined(separator: ", "))")
        return false
    }

    /// The steps that ask people.
    private var asking: [String] { map.spots.filter { $0.line.question != nil }.map(\.step) }

    private func readFake(_ map: YAMLFields) -> PlaybookTest.Fake {
        defer { map.refuseUnknown() }
        var fake = PlaybookTest.Fake()
        fake.takesEffect = map.bool("ok") ?? true
        fake.before = map.value("before")
        fake.after = map.value("after")
        if let answer = map.value("answer") { fake.answers = [answer] }
        if let answers = map.list("answers") {
            fake.answers = answers.map(\.value)
            if map.has("answer") {
                map.report(.contradiction, "answers", "there is one 'answer' or several 'answers'", "take one out")
            }
        }
        fake.acts = readFates(map, "fails")
        fake.reads = readFates(map, "reads_fail")
        fake.undos = readFates(map, "undo_fails")
        fake.takesMilliseconds = map.milliseconds("takes", in: 0...Limits.callTimeoutMillisecondsMax) ?? 100
        if !fake.takesEffect, fake.acts != .inTurn([]) {
            map.report(.contradiction, "ok", "what fails does not succeed without effect", "write 'ok' or 'fails'")
        }
        fake.drift = map.mapping("drift").flatMap { drift in
            defer { drift.refuseUnknown() }
            let at = readMoment(drift, "at", required: true)
            let to = drift.value("to", required: true)
            guard let at, let to else { return nil }
            return PlaybookTest.Drift(atMilliseconds: at, to: to)
        }
        return fake
    }

    private func readFates(_ map: YAMLFields, _ key: String) -> PlaybookTest.Fake.Fates {
        guard let node = map.node(key) else { return .inTurn([]) }
        guard let items = node.items else {
            return map.oneOf(key, PlaybookTest.Fake.Fate.self).map(PlaybookTest.Fake.Fates.always) ?? .inTurn([])
        }
        return .inTurn(items.compactMap { loader.reader.oneOf($0, "an item of \(key)", PlaybookTest.Fake.Fate.self) })
    }

    // MARK: People

    private func readAnswers(_ all: YAMLFields, _ key: String, _ step: String) -> [PlaybookTest.Answer] {
        guard let question = map.spot(of: step)?.line.question else {
            _ = all.node(key)
            let near = nearest(to: step, among: asking).map { "did you mean '\($0)'?" }
            let known = asking.isEmpty ? "no step asks anybody" : "known: \(asking.joined(separator: ", "))"
            report(.unknownFake, all, key, "no step '\(step)' asks people", near ?? known)
            return []
        }
        let maps = all.node(key)?.items == nil ? all.mapping(key).map { [$0] } : all.mappings(key)
        return (maps ?? []).compactMap { fields in
            defer { fields.refuseUnknown() }
            let at = readMoment(fields, "at", required: false) ?? 0
            let by = fields.string("by")
            guard let choice = fields.string("answer", required: true) else { return nil }
            if !question.choices.contains(choice) {
                let near = nearest(to: choice, among: question.choices).map { "did you mean '\($0)'?" }
                fields.report(
                    .unknownChoice, "answer", "'\(choice)' is no answer to '\(step)'",
                    near ?? "choose one of: \(question.choices.joined(separator: ", "))")
            }
            return PlaybookTest.Answer(choice: choice, atMilliseconds: at, by: by)
        }
    }

    func readDeeds(_ fields: YAMLFields) -> [PlaybookTest.Deed] {
        (fields.mappings("people") ?? []).compactMap { map in
            defer { map.refuseUnknown() }
            let verb = map.oneOf("do", PlaybookTest.Deed.Verb.self, required: true)
            let at = readMoment(map, "at", required: true)
            let step = map.string("step")
            let tookEffect = map.bool("took_effect")
            let isForced = map.bool("force") ?? false
            let by = map.string("by") ?? "an operator"
            guard let verb, let at else { return nil }
            if let step { checkStep(step) { map.report(.unknownStep, "step", $0, $1) } }
            if verb.needsStep, step == nil {
                map.report(.contradiction, "do", "'\(verb.rawValue)' is done to a step", "add 'step'")
            }
            if (verb == .resolve) != (tookEffect != nil) {
                map.report(
                    .contradiction, verb == .resolve ? "do" : "took_effect",
                    "'took_effect' says what became of a call that somebody resolves", "they stand together")
            }
            return PlaybookTest.Deed(
                verb: verb, atMilliseconds: at, step: step, tookEffect: tookEffect ?? false, isForced: isForced,
                by: by, place: map.node.place)
        }
    }

    func readCrash(_ fields: YAMLFields) -> PlaybookTest.Crash? {
        guard let map = fields.mapping("crash") else { return nil }
        defer { map.refuseUnknown() }
        let moment = map.oneOf("when", PlaybookTest.Crash.Moment.self) ?? .after
        guard let step = map.string("step", required: true) else { return nil }
        checkStep(step) { map.report(.unknownStep, "step", $0, $1) }
        if let line = self.map.spot(of: step)?.line, line.act == nil {
            map.report(.contradiction, "step", "step '\(step)' calls nobody", "name one with 'do'")
        }
        return PlaybookTest.Crash(step: step, moment: moment)
    }

    func checkStep(_ step: String, _ report: (String, String?) -> Void) {
        guard map.spot(of: step) == nil else { return }
        let near = nearest(to: step, among: map.steps).map { "did you mean '\($0)'?" }
        report("no step is named '\(step)'", near ?? "known: \(map.steps.joined(separator: ", "))")
    }

    /// `+20m`, or `20m`.
    private func readMoment(_ fields: YAMLFields, _ key: String, required: Bool) -> Int64? {
        guard let text = fields.string(key, required: required) else { return nil }
        let span = YAMLDuration.milliseconds(text.hasPrefix("+") ? String(text.dropFirst()) : text)
        guard let span, span <= Limits.holdMillisecondsMax else {
            fields.report(.badSetting, key, "'\(text)' is no moment", "a duration after what it follows, such as +20m")
            return nil
        }
        return span
    }
}
