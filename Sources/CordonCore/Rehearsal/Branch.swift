// SPDX-License-Identifier: Apache-2.0

/// One way that a signal or a run can take through a playbook or a workflow, by what its author wrote.
package struct Branch: Sendable, Hashable {
    package enum Home: Sendable, Hashable {
        case playbook(String)
        case workflow(String)
    }

    package enum Way: Sendable, Hashable {
        // A playbook's
        case fires, staysSilent, undecided
        // A line's
        case begins, ifFalse, notKept, emptyList
        case fails
        case choice(String), silence, escalated
        case holdEnds, holdIsKept
        case conditionHolds, timeIsUp
        case heldBefore, rung(Int), exhausted
    }

    package var home: Home
    /// The line's id; empty for a playbook's own.
    package var line: String
    package var way: Way
    /// For a person: what would have to happen.
    package var text: String
    /// The fields in which it stands, the outermost first; the first path that is there counts.
    package var paths: [[String]]

    private init(_ home: Home, _ line: String, _ way: Way, _ text: String, _ paths: [String]...) {
        self.home = home
        self.line = line
        self.way = way
        self.text = text
        self.paths = paths
    }

    /// What tells one from another.
    package struct Key: Sendable, Hashable {
        package var home: Home
        package var line: String
        package var way: Way
    }

    package var key: Key { Key(home: home, line: line, way: way) }

    // MARK: All that there are

    package static func all(of playbook: Playbook) -> [Branch] {
        let home = Home.playbook(playbook.name)
        var all = [Branch(home, "", .fires, "the trigger holds", ["trigger"])]
        if playbook.trigger.condition != nil {
            all.append(Branch(home, "", .staysSilent, "'when' is false", ["trigger", "when"]))
        }
        all.append(
            Branch(
                home, "", .undecided, "nothing is certain: the subject is unknown, or 'when' gives no answer",
                ["trigger", "subject"]))
        return all
    }

    package static func all(of workflow: Workflow) -> [Branch] {
        workflow.allLines.flatMap { line in
            of(line, Home.workflow(workflow.name))
        }
    }

    private static func of(_ line: Workflow.Line, _ home: Home) -> [Branch] {
        let id = line.id
        var all: [Branch] = []
        if line.condition == nil {
            all.append(Branch(home, id, .begins, "step '\(id)' begins", ["id"]))
        } else {
            all.append(Branch(home, id, .begins, "'if' of '\(id)' is true", ["if"]))
            all.append(Branch(home, id, .ifFalse, "'if' of '\(id)' is false", ["if"]))
        }
        if case .hold(let held)? = line.after {
            all.append(Branch(home, id, .notKept, "what '\(held)' held is not kept, so '\(id)' is skipped", ["after"]))
        }
        if line.each != nil {
            all.append(Branch(home, id, .emptyList, "the list of '\(id)' is empty", ["each", "in"]))
        }
        if let consent = line.question { all += of(consent, id, home) }
        switch line.kind {
        case .act:
            all.append(
                Branch(
                    home, id, .fails, "'\(id)' can't be done (on_error: \(line.onError.rawValue))", ["on_error"],
                    ["do"]))
        case .wait(.condition):
            all.append(Branch(home, id, .conditionHolds, "what '\(id)' waits for comes true", ["wait", "until"]))
            all.append(
                Branch(
                    home, id, .timeIsUp, "the time of '\(id)' is up", ["wait", "on_timeout"], ["wait", "for"]))
        case .ladder(let ladder): all += of(ladder, id, home)
        case .approve, .task, .wait(.span), .parallel, .call, .undo: break
        }
        if let hold = line.hold {
            all.append(
                Branch(
                    home, id, .holdEnds, "the hold of '\(id)' ends by time (then: \(hold.then.rawValue))",
                    ["hold", "then"]))
            if hold.unless != nil, hold.then != .keep {
                all.append(
                    Branch(home, id, .holdIsKept, "the hold of '\(id)' ends by its 'unless'", ["hold", "unless"]))
            }
        }
        return all
    }

    private static func of(_ consent: Workflow.Consent, _ id: String, _ home: Home) -> [Branch] {
        var all = consent.choices.map { choice in
            Branch(home, id, .choice(choice), "'\(id)' is answered '\(choice)'", ["task"], ["approve"])
        }
        all.append(
            Branch(
                home, id, .silence, "nobody answers '\(id)' in time", ["task", "on_timeout"],
                ["approve", "on_timeout"]))
        if consent.escalate != nil {
            all.append(
                Branch(
                    home, id, .escalated, "'\(id)' is escalated", ["task", "escalate"], ["approve", "escalate"]))
        }
        return all
    }

    private static func of(_ ladder: Workflow.Ladder, _ id: String, _ home: Home) -> [Branch] {
        let rungs = ladder.rungs.enumerated().map { index, rung in
            Branch(home, id, .rung(index + 1), "rung '\(rung.name)' of '\(id)' is climbed", ["ladder", "rungs"])
        }
        return [
            Branch(home, id, .heldBefore, "the condition of '\(id)' holds before the first rung", ["ladder", "until"])
        ]
            + rungs
            + [
                Branch(
                    home, id, .exhausted, "every rung of '\(id)' is climbed, and its condition is false",
                    ["ladder", "until"])
            ]
    }
}
