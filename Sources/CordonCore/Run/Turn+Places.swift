// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// Where a block of lines is read: what its names stand for.
struct Scope {
    /// What the ids of its steps begin with: empty, or the calling step's id and a dot.
    var prefix = ""
    var inputs: Value
    /// The items of the lists around.
    var bindings: [String: Value] = [:]
}

/// What a step's id leads to: its line, and the names that the line may use.
struct Spot {
    var line: Workflow.Line
    var scope: Scope
    var id: String
    var isItem: Bool

    func capability(_ purpose: Call.Purpose) -> String? {
        purpose == .measure ? line.measure?.capability : line.act?.capability
    }

    func venue(_ purpose: Call.Purpose) -> Workflow.Venue? {
        purpose == .measure ? line.measure?.at : line.act?.at
    }
}

extension Turn {
    /// The place of a step, an undo's being that of the step that it undoes. `nil` when the pinned workflow has none.
    func place(_ step: String) -> Spot? {
        let forward = Step.forwardID(of: step)
        // Most ids are one word.
        let isOneWord = !forward.utf8.contains(UInt8(ascii: "."))
        var words = isOneWord ? [forward] : forward.split(separator: ".").map(String.init)[...]
        var workflow = definition.workflow
        var scope = Scope(inputs: run.inputs)
        while let word = words.popFirst() {
            guard let line = workflow.step(word) else { return nil }
            var id = scope.prefix + word
            var isItem = false
            if let each = line.each, let index = words.first.flatMap({ Int($0) }) {
                guard let items = run.step(id)?.items, (1...items.count).contains(index) else { return nil }
                scope.bindings[each.name] = items[index - 1]
                id += ".\(index)"
                isItem = true
                words.removeFirst()
            }
            if words.isEmpty { return Spot(line: line, scope: scope, id: id, isItem: isItem) }
            guard case .call(let name, _) = line.kind, let inner = definition.called[name],
                let inputs = run.step(id)?.inputs
            else { return nil }
            workflow = inner
            scope = Scope(prefix: id + ".", inputs: inputs)
        }
        return nil
    }

    /// Whom a call of the place goes to: the subject's provider, or the connection that its line names. An undo goes where
    /// its step went, because it has the same line.
    func provider(_ place: Spot, _ purpose: Call.Purpose = .act) -> String? {
        guard let subject = run.subject else { return nil }
        guard let venue = place.venue(purpose) else { return subject.provider }
        return venue.connection(place.scope.inputs)
    }

    /// What that one promises.
    func contract(_ place: Spot, _ purpose: Call.Purpose = .act) -> Contract? {
        guard let capability = place.capability(purpose) else { return nil }
        guard place.venue(purpose) != nil else { return definition.contracts[capability] }
        return provider(place, purpose).flatMap { definition.elsewhere[$0]?[capability] }
    }

    func contract(of step: String) -> Contract? { place(step).flatMap { contract($0) } }

    /// What expressions at a place may use.
    func variables(_ place: Spot) -> [String: Value] { variables(place.scope) }

    /// Of these no more than what the holes of a tree name: it is asked for at every call, and there may be many steps.
    func variables(_ place: Spot, namedIn arguments: Arguments) -> [String: Value] {
        variables(place.scope, of: arguments.variableNames)
    }

    /// - Parameter names: those that are wanted; `nil`: all.
    func variables(_ scope: Scope, of names: Set<String>? = nil) -> [String: Value] {
        var own = scope.bindings
        func add(_ name: String, _ value: () -> Value) {
            if own[name] == nil, names?.contains(name) ?? true { own[name] = value() }
        }
        add("inputs") { scope.inputs }
        add("subject") { run.subject?.expressionValue ?? .null }
        add("steps") { .object(expressionValues(scope)) }
        add("run") {
            [
                "id": .string(run.id.text), "playbook": .string(run.playbook.name),
                "opened_at": .string(run.openedAt.description),
            ]
        }
        return own
    }

    /// The steps of a block, each as expressions see it.
    private func expressionValues(_ scope: Scope) -> [String: Value] {
        var steps: [String: Value] = [:]
        for step in run.steps where step.id.hasPrefix(scope.prefix) && !step.isUndo {
            let name = step.id.dropFirst(scope.prefix.count)
            if !name.contains(".") { steps[String(name)] = step.expressionValue }
        }
        return steps
    }

    /// The same inside one step: with what was read before and after its act.
    func variables(in id: String, of names: Set<String>? = nil) -> [String: Value] {
        guard let place = place(id), let step = run.step(id) else { return [:] }
        var all = variables(place.scope, of: names)
        all["before"] = step.before ?? .null
        all["after"] = step.after ?? .null
        all["result"] = step.result ?? .null
        return all
    }

    /// The same with what an expression reads of steps that have not begun: they have no choice and did nothing.
    func variables(in id: String, showing expression: Expression?) -> [String: Value] {
        var all = variables(in: id)
        guard case .object(var steps)? = all["steps"] else { return all }
        for path in expression?.reads ?? [] where path.count > 2 && path[0] == "steps" && steps[path[1]] == nil {
            steps[path[1]] = Step(id: path[1]).expressionValue
        }
        all["steps"] = .object(steps)
        return all
    }

    /// How long a step may take.
    func within(_ id: String) -> Int64 {
        if id.hasPrefix(Step.undoPrefix) { return Limits.undoWithinMilliseconds }
        guard let line = place(id)?.line else { return Limits.stepWithinMillisecondsDefault }
        switch line.kind {
        case .act, .call, .undo, .parallel, .ladder: return line.withinMilliseconds
        case .approve(let consent), .task(let consent): return consent.withinMilliseconds
        case .wait(.condition(let until)): return until.forMilliseconds
        case .wait(.span): return Limits.stepWithinMillisecondsMax
        }
    }

    /// A duration that the workflow states, or a hole in it gives: milliseconds.
    func milliseconds(_ span: Arguments, _ place: Spot) -> Result<Int64, Refusal> {
        switch span.render(variables(place)) {
        case .failure(let error): return .failure(Refusal(.undecided, error.message))
        case .success(let value):
            if let number = value.intValue { return .success(number) }
            if let number = value.stringValue.flatMap(YAMLDuration.milliseconds) { return .success(number) }
            return .failure(Refusal(.undecided, "'\(value.json)' is no duration such as 90s, 15m or 72h"))
        }
    }
}
