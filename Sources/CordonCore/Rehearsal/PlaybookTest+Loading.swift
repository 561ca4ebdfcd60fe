// SPDX-License-Identifier: Apache-2.0

package import CordonLanguage

extension PlaybookTest {
    package static let suffix = ".test.yaml"

    /// Reads and checks a test's file against the playbook that it names.
    package static func load(
        _ bytes: [UInt8], file: String, against setting: Setting
    ) -> Result<PlaybookTest, Diagnostics> {
        let limits = YAMLLimits(bytesMax: Limits.testBytesMax, depthMax: Limits.definitionNestingMax)
        return DefinitionLoader.load(bytes, file: file, limits: limits) { loader, root in
            guard let (playbook, workflow) = readPlaybook(root, file, setting) else {
                // What the rest means depends on the playbook: it is not told as mistakes of its own.
                for key in root.keys { _ = root.node(key) }
                return nil
            }
            var reader = CaseReader(loader: loader, setting: setting, playbook: playbook, workflow: workflow)
            reader.readSource(root)
            guard let items = root.mappings("cases", required: true) else { return nil }
            if items.isEmpty || items.count > Limits.casesPerTestMax {
                root.report(
                    .tooMany, "cases",
                    "\(items.count) cases; there are 1 to \(Limits.casesPerTestMax) (casesPerTestMax)")
            }
            let cases = items.compactMap { reader.read($0) }
            return PlaybookTest(playbook: playbook.name, file: file, cases: cases)
        }
    }

    private static func readPlaybook(
        _ root: YAMLFields, _ file: String, _ setting: Setting
    ) -> (Playbook, Workflow)? {
        guard let name = root.string("test", required: true) else { return nil }
        guard let playbook = setting.playbooks.first(where: { $0.name == name }),
            let workflow = setting.workflows.first(where: { $0.name == playbook.workflow })
        else {
            let near = nearest(to: name, among: setting.playbooks.map(\.name)).map { "did you mean '\($0)'?" }
            root.report(.unknownPlaybook, "test", "no playbook '\(name)' is loaded", near)
            return nil
        }
        let last = file.split(separator: "/").last.map(String.init) ?? file
        if last != name + suffix {
            root.report(
                .nameDiffersFromFile, "test", "the file is named '\(last)'", "name it \(name)\(suffix)")
        }
        return (playbook, workflow)
    }
}

/// Reads the cases of one test in the order of the file. What a case leaves out of the world it takes from the first, or
/// from the one that it names as `like`.
struct CaseReader {
    let loader: DefinitionLoader
    let setting: PlaybookTest.Setting
    let playbook: Playbook
    let map: WorkflowMap
    private var source = Source()
    private var drafts: [(name: String, draft: Draft)] = []
    /// Mistakes in a subject, told once: later cases take it over.
    var toldOfSubject: Set<String> = []

    /// How alerts come in.
    struct Source {
        var connector: String?
        var headers: [String: String] = [:]
    }

    /// What later cases may take over.
    struct Draft {
        enum Content {
            case alert(Value)
            case signal(Value, Signal.Severity)
        }

        var mode = Playbook.Mode.enforce
        var source = Source()
        var content: Content?
        var confidence: Double?
        /// A map of the subject's fields, or `unknown`, or `ambiguous`.
        var subject: Value = .object([:])
        var inventory: [Subject.Kind: Int] = [:]
        var connector: String?
        var connections: [String: String] = [:]
        var before = PlaybookTest.Before()
        var fakes: [String: PlaybookTest.Fake] = [:]
        var answers: [String: [PlaybookTest.Answer]] = [:]
    }

    init(loader: DefinitionLoader, setting: PlaybookTest.Setting, playbook: Playbook, workflow: Workflow) {
        self.loader = loader
        self.setting = setting
        self.playbook = playbook
        map = WorkflowMap(workflow, among: setting.workflows)
    }

    mutating func readSource(_ root: YAMLFields) {
        if let map = root.mapping("from") { source = readSource(map) ?? source }
    }

    mutating func read(_ fields: YAMLFields) -> PlaybookTest.Case? {
        defer { fields.refuseUnknown() }
        let name = fields.string("name", required: true)
        if let name, drafts.contains(where: { $0.name == name }) {
            fields.report(.repeatedName, "name", "the case '\(name)' stands twice")
        }
        var draft = base(fields)
        draft.mode = fields.oneOf("mode", Playbook.Mode.self) ?? draft.mode
        if let map = fields.mapping("from") { draft.source = readSource(map) ?? draft.source }
        readContent(fields, &draft)
        readWorld(fields, &draft)
        readFakes(fields, &draft)
        override(fields, &draft)
        let arrival = readArrival(fields, draft)
        let world = makeWorld(fields, draft)
        let deeds = readDeeds(fields)
        let crash = readCrash(fields)
        let expect = readExpectation(fields, draft.answers)
        guard let name else { return nil }
        drafts.append((name, draft))
        guard let arrival, let world, let expect else { return nil }
        return PlaybookTest.Case(
            name: name, place: fields.node.place, mode: draft.mode, arrival: arrival, world: world,
            fakes: draft.fakes, answers: draft.answers, deeds: deeds, crash: crash, expect: expect)
    }

    private func base(_ fields: YAMLFields) -> Draft {
        guard let like = fields.string("like") else {
            var draft = drafts.first?.draft ?? Draft()
            if drafts.isEmpty { draft.source = source }
            return draft
        }
        if let found = drafts.first(where: { $0.name == like }) { return found.draft }
        let near = nearest(to: like, among: drafts.map(\.name)).map { "did you mean '\($0)'?" }
        fields.report(.unknownCase, "like", "no case above is named '\(like)'", near)
        return drafts.first?.draft ?? Draft()
    }

    // MARK: What comes in

    private func readSource(_ map: YAMLFields) -> Source? {
        defer { map.refuseUnknown() }
        var headers: [String: String] = [:]
        if let fields = map.mapping("headers") {
            for key in fields.keys { headers[key.lowercased()] = fields.string(key) }
        }
        guard let name = map.string("connector", required: true) else { return nil }
        guard let kinds = setting.sources[name] else {
            let near = nearest(to: name, among: setting.sources.keys.sorted()).map { "did you mean '\($0)'?" }
            map.report(.noProvider, "connector", "no connector '\(name)' describes a source", near)
            return nil
        }
        if !kinds.contains(playbook.trigger.signalKind) {
            map.report(
                .noProvider, "connector", "\(name) gives no signal of kind \(playbook.trigger.signalKind)")
        }
        return Source(connector: name, headers: headers)
    }

    private func readContent(_ fields: YAMLFields, _ draft: inout Draft) {
        let file = fields.string("alert")
        let signal = fields.mapping("signal")
        if file != nil, signal != nil {
            fields.report(.noArrival, "signal", "a case has an alert or a signal, not both", "take one of them out")
        }
        if let file { readFixture(fields, file, &draft) }
        guard let signal else { return }
        let severity = signal.oneOf("severity", Signal.Severity.self) ?? .medium
        var members = signal.node.value.objectValue ?? [:]
        members["severity"] = nil
        members["confidence"] = nil
        draft.confidence = signal.number("confidence", in: 0...1)
        for key in signal.keys { _ = signal.node(key) }
        if let mistake = signalMistake(.object(members)) { fields.report(.badSignal, "signal", mistake.0, mistake.1) }
        draft.content = .signal(.object(members), severity)
    }

    private func readFixture(_ fields: YAMLFields, _ file: String, _ draft: inout Draft) {
        guard let bytes = setting.fixture(file) else {
            return fields.report(
                .badFixture, "alert", "the file '\(file)' can't be read", "its path starts at the test's own folder")
        }
        do {
            draft.content = .alert(try JSON.parse(bytes))
        } catch {
            fields.report(.badFixture, "alert", "the file '\(file)' is no JSON: \(error)")
        }
    }

    private func readArrival(_ fields: YAMLFields, _ draft: Draft) -> PlaybookTest.Arrival? {
        let times = fields.int("repeat", in: 1...Int64(Limits.repeatsPerCaseMax)).map(Int.init)
        let over = fields.milliseconds("over", in: 0...Limits.stepWithinMillisecondsMax)
        let path = fields.string("varied")
        for key in ["over", "varied"] where fields.has(key) && times == nil {
            fields.report(.contradiction, key, "'\(key)' says how alerts repeat, and none does", "add 'repeat'")
        }
        let varied = path.flatMap { readVaried(fields, $0, draft) }
        guard let content = draft.content else {
            // The first of them tells for all that take over from it; a file that can't be read was told itself.
            if drafts.isEmpty, !fields.has("alert"), !fields.has("signal") {
                fields.report(
                    .noArrival, "name", "the case has neither an alert nor a signal",
                    "write alert: fixtures/NAME.json, or signal: { … }")
            }
            return nil
        }
        var arrival = PlaybookTest.Arrival(
            content: .signal(.null, .medium), confidence: draft.confidence, times: times ?? 1,
            overMilliseconds: over ?? 0, varied: varied)
        switch content {
        case .signal(let value, let severity): arrival.content = .signal(value, severity)
        case .alert(let body):
            guard let connector = sourceConnector(fields, draft) else { return nil }
            arrival.content = .alert(connector: connector, headers: draft.source.headers, body: body)
        }
        return arrival
    }

    private func sourceConnector(_ fields: YAMLFields, _ draft: Draft) -> String? {
        if let name = draft.source.connector { return name }
        let able = setting.sources.filter { $0.value.contains(playbook.trigger.signalKind) }.keys.sorted()
        if able.count == 1 { return able[0] }
        let which =
            able.isEmpty
            ? "no connector gives signals of kind \(playbook.trigger.signalKind)"
            : "several connectors give signals of kind \(playbook.trigger.signalKind): \(able.joined(separator: ", "))"
        fields.report(
            .noProvider, fields.has("alert") ? "alert" : "name", which,
            able.isEmpty
                ? "write a 'signal' in the alert's place"
                : "say which under 'from', such as from: { connector: \(able[0]) }")
        return nil
    }

    private func readVaried(_ fields: YAMLFields, _ path: String, _ draft: Draft) -> [String]? {
        guard draft.content != nil else { return nil }
        let words = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard let (root, rest) = target(of: words, draft), case .string? = root.member(at: rest[...]) else {
            fields.report(.badOverride, "varied", "'\(path)' leads to no text of the alert or the signal")
            return nil
        }
        return rest
    }

    /// What a path that begins with `alert` or `signal` leads into.
    private func target(of words: [String], _ draft: Draft) -> (Value, [String])? {
        switch (words.first, draft.content) {
        case ("alert", .alert(let body)): (body, Array(words.dropFirst()))
        case ("signal", .signal(let value, _)): (value, Array(words.dropFirst()))
        default: nil
        }
    }

    /// A mistake in a key that is the author's own.
    func report(
        _ code: DefinitionCode, _ fields: YAMLFields, _ key: String, _ message: String, _ suggestion: String? = nil
    ) {
        let place = fields.place(of: key) ?? fields.node.place
        loader.reader.report(code.rawValue, at: place, width: key.unicodeScalars.count, message, suggestion)
    }

    // MARK: Overrides

    private func override(_ fields: YAMLFields, _ draft: inout Draft) {
        guard let overrides = fields.mapping("with") else { return }
        for path in overrides.keys {
            guard let value = overrides.value(path) else { continue }
            let words = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            // What the case would have taken over could not be read, and that was told.
            if draft.content == nil, ["alert", "signal"].contains(words[0]) { continue }
            if let (message, way) = put(value, words, &draft) { report(.badOverride, overrides, path, message, way) }
        }
    }

    /// Puts a value where the path leads; gives the mistake when it leads nowhere.
    private func put(_ value: Value, _ words: [String], _ draft: inout Draft) -> (String, String?)? {
        switch (words.first ?? "", words.dropFirst().first ?? "", draft.content) {
        case ("state", "subject", _) where words.count == 2: draft.subject = value
        case ("state", "subject", _):
            if draft.subject.objectValue == nil { draft.subject = .object([:]) }
            return put(value, words.dropFirst(2), in: &draft.subject)
        case ("state", "inventory", _):
            guard words.count == 3, let kind = Subject.Kind(rawValue: words[2]), let count = value.intValue,
                (0...Int64(Limits.identitiesMax)).contains(count)
            else {
                return (
                    "'\(words.joined(separator: "."))' leads to no number of identities", "write state.inventory.KIND"
                )
            }
            draft.inventory[kind] = Int(count)
        case ("alert", _, .alert(var body)) where words.count > 1:
            if let mistake = put(value, words.dropFirst(), in: &body) { return mistake }
            draft.content = .alert(body)
        case ("signal", "severity", .signal(let attributes, _)) where words.count == 2:
            guard let severity = value.stringValue.flatMap(Signal.Severity.init(rawValue:)) else {
                return ("'\(value.json)' is no severity", "low, medium, high or critical")
            }
            draft.content = .signal(attributes, severity)
        case ("signal", "confidence", .signal) where words.count == 2:
            draft.confidence = nil
            if value == .null { break }
            let share =
                switch value {
                case .double(let number): number
                case .int(let number): Double(number)
                case .null, .bool, .string, .array, .object: -1.0
                }
            guard (0...1).contains(share) else { return ("'\(value.json)' is no confidence", "a number from 0 to 1") }
            draft.confidence = share
        case ("signal", _, .signal(var attributes, let severity)) where words.count > 1:
            if let mistake = put(value, words.dropFirst(), in: &attributes) ?? signalMistake(attributes) {
                return mistake
            }
            draft.content = .signal(attributes, severity)
        default:
            return (
                "'\(words.joined(separator: "."))' leads into nothing that the case has",
                "begin with state.subject, state.inventory, alert or signal"
            )
        }
        return nil
    }

    private func put(_ value: Value, _ path: ArraySlice<String>, in root: inout Value) -> (String, String?)? {
        switch root.replacing(at: path, with: value) {
        case .success(let changed):
            root = changed
            return nil
        case .failure(let end):
            let near = nearest(to: end.word, among: end.known).map { "did you mean '\($0)'?" }
            return (
                "there is no '\(end.word)' on the way",
                near ?? (end.known.isEmpty ? nil : "known: \(end.known.joined(separator: ", "))")
            )
        }
    }

    // MARK: The kind's fields

    /// What keeps the value from being a signal of the playbook's kind; a field that is null counts as absent, as the
    /// source's silence.
    private func signalMistake(_ value: Value) -> (String, String?)? {
        guard let kind = SignalKind.named(playbook.trigger.signalKind) else { return nil }
        return mismatch(value, .object(kind.name, kind.fields), at: "signal")
    }

    private func mismatch(_ value: Value, _ schema: Schema, at path: String) -> (String, String?)? {
        switch (schema, value) {
        case (.object(let object), .object(let members)):
            for key in members.keys.sorted() where object.fields[key] == nil {
                let near = nearest(to: key, among: object.fields.keys).map { "did you mean '\($0)'?" }
                return (
                    "\(path) has no field '\(key)'",
                    near ?? "known: \(object.fields.keys.sorted().joined(separator: ", "))"
                )
            }
            for (key, field) in object.fields.sorted(by: { $0.key < $1.key }) {
                guard let member = members[key] else {
                    if field.isOptional { continue }
                    return ("\(path) lacks '\(key)'", "write \(key): null where the source says nothing")
                }
                if member != .null, let found = mismatch(member, field.schema, at: "\(path).\(key)") { return found }
            }
            return nil
        case (.list(let item), .array(let items)):
            return items.lazy.compactMap { mismatch($0, item, at: "an item of \(path)") }.first
        case (.map(let item), .object(let members)):
            return members.sorted { $0.key < $1.key }.lazy
                .compactMap { mismatch($0.value, item, at: "\(path).\($0.key)") }.first
        case (.any, _), (.string, .string), (.bool, .bool), (.int, .int), (.double, .int), (.double, .double):
            return nil
        default: return ("\(path) is \(value.typeName), the kind has another type there", nil)
        }
    }
}
