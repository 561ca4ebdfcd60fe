// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// A playbook and its workflow as a picture: what triggers it, what is done after what, who is asked, what undoes what.
package struct DefinitionGraph: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case trigger, decision, reads, changes, final, people, waits, block, call, undo, end
    }

    package struct Node: Sendable, Hashable {
        package var kind: Kind
        /// The name in bold, then what is to be said of it.
        package var title: String
        package var notes: [String]
    }

    package struct Edge: Sendable, Hashable {
        package var from: Int
        package var to: Int
        package var label: String
        /// Which step is undone: no way that the run takes.
        package var isUndo = false
    }

    package private(set) var title: String
    package private(set) var nodes: [Node] = []
    package private(set) var edges: [Edge] = []
    private var places: [String: Int] = [:]

    package init(_ playbook: Playbook?, _ workflow: Workflow, called: [String: Workflow] = [:]) {
        title = playbook.map { "\($0.title) (\($0.name))" } ?? "\(workflow.title) (\(workflow.name))"
        var ends: [Exit] = []
        if let playbook { ends = decide(playbook) }
        let drawn = Drawn(called: called)
        ends = sequence(workflow.lines, from: ends, drawn)
        let last = add(Node(kind: .end, title: "end", notes: []))
        join(ends, last)
        for line in workflow.allLines {
            guard case .undo(let names) = line.kind, let from = places[line.id] else { continue }
            for name in names {
                if let to = places[name] { edges.append(Edge(from: from, to: to, label: "undoes", isUndo: true)) }
            }
        }
    }

    private struct Drawn { var called: [String: Workflow] }

    /// Where a way leaves a node, with what stands on it.
    private struct Exit {
        var node: Int
        var label: String
    }

    private mutating func add(_ node: Node) -> Int {
        nodes.append(node)
        return nodes.count - 1
    }

    private mutating func join(_ exits: [Exit], _ node: Int) {
        for exit in exits { edges.append(Edge(from: exit.node, to: node, label: exit.label)) }
    }

    private mutating func decide(_ playbook: Playbook) -> [Exit] {
        var notes: [String] = []
        if let condition = playbook.trigger.condition { notes.append("if \(condition.source)") }
        let path = playbook.trigger.subjectPath.joined(separator: ".")
        notes.append("about the \(playbook.trigger.subjectKind.rawValue) of signal.\(path)")
        let trigger = add(Node(kind: .trigger, title: playbook.trigger.signalKind, notes: notes))
        var guards = ["no answer: \(playbook.trigger.onUndecided.rawValue)"] + playbook.guards.notes
        if let span = playbook.trigger.groupMilliseconds { guards.append("one run in \(spanText(span))") }
        if let span = playbook.containedWithinMilliseconds { guards.append("contained within \(spanText(span))") }
        let decision = add(Node(kind: .decision, title: "mode \(playbook.mode.rawValue)", notes: guards))
        edges.append(Edge(from: trigger, to: decision, label: ""))
        return [Exit(node: decision, label: "")]
    }

    private mutating func sequence(_ lines: [Workflow.Line], from start: [Exit], _ drawn: Drawn) -> [Exit] {
        var ends = start
        var besides: [Exit] = []
        for line in lines {
            var begin = ends
            if let after = line.after, let node = places[after.step] {
                let isHold = if case .hold = after { true } else { false }
                begin = [Exit(node: node, label: isHold ? "held, then kept" : "ended")]
            }
            let exits = step(line, from: begin, drawn)
            // Nobody waits for a line that comes after another.
            if line.after == nil { ends = exits } else { besides += exits }
        }
        return ends + besides
    }

    private mutating func step(_ line: Workflow.Line, from start: [Exit], _ drawn: Drawn) -> [Exit] {
        var begin = start
        if let consent = line.consent {
            let gate = add(Node(kind: .people, title: "\(line.id)?", notes: consent.notes(approves: true)))
            join(begin, gate)
            begin = [Exit(node: gate, label: "approved")]
        }
        let node = add(Node(kind: line.graphKind, title: line.id, notes: line.notes(drawn.called)))
        places[line.id] = node
        join(begin, node)
        switch line.kind {
        case .parallel(let branches):
            return branches.flatMap { sequence($0.lines, from: [Exit(node: node, label: $0.name)], drawn) }
        case .ladder(let ladder):
            var ends = [Exit(node: node, label: "")]
            var done = [Exit(node: node, label: "holds")]
            for rung in ladder.rungs {
                ends = sequence(rung.lines, from: ends.map { Exit(node: $0.node, label: rung.name) }, drawn)
                done += ends.map { Exit(node: $0.node, label: "holds") }
            }
            return done
        case .act, .approve, .task, .wait, .call, .undo: return [Exit(node: node, label: "")]
        }
    }
}

extension Workflow.Line {
    fileprivate var graphKind: DefinitionGraph.Kind {
        switch kind {
        case .act(let act):
            switch act.undo {
            case .notNeeded: .reads
            case .byConnector: .changes
            case .none: .final
            }
        case .approve, .task: .people
        case .wait: .waits
        case .parallel, .ladder: .block
        case .call: .call
        case .undo: .undo
        }
    }

    fileprivate func notes(_ called: [String: Workflow]) -> [String] {
        var notes: [String] = []
        if let condition { notes.append("if \(condition.source)") }
        if let each { notes.append("for each of \(each.list.source), at most \(each.max)") }
        switch kind {
        case .approve(let consent): notes += consent.notes(approves: true)
        case .task(let consent): notes += consent.notes(approves: false)
        default: notes.append(words)
        }
        if case .wait(.condition(let until)) = kind {
            notes.append("\(spanText(until.forMilliseconds)) at most, then \(until.goesOn ? "it goes on" : "it fails")")
        }
        if case .call(let name, _) = kind, let inner = called[name] {
            notes.append("its steps: " + inner.lines.map(\.id).joined(separator: ", "))
        }
        if let verify = act?.verify { notes.append("proved by \(verify.source)") }
        if let hold { notes.append("held \(hold.span.spanText), then \(hold.then.rawValue)") }
        switch act?.undo {
        case .none?: notes.append("can't be undone")
        case .byConnector?: notes.append("undone from what was before")
        case .notNeeded?, nil: break
        }
        if onError != .page { notes.append("on error: \(onError.rawValue)") }
        return notes
    }
}

extension Workflow.Consent {
    fileprivate func notes(approves: Bool) -> [String] {
        var notes = [approves ? "\(by.text) approves" : "\(by.text) answers"]
        if let text { notes.append(text) }
        if quorum > 1 { notes.append("\(quorum) answers needed") }
        if !excluded.isEmpty { notes.append("not by " + excluded.joined(separator: ", ")) }
        if excludesAuthor { notes.append("not by whoever put it in force") }
        if let escalate { notes.append("\(escalate.to) too after \(spanText(escalate.afterMilliseconds))") }
        let silent =
            switch silence {
            case .keep: "keep"
            case .skip: "skip"
            case .abort: "abort"
            case .choice(let choice): choice
            }
        return notes + ["\(spanText(withinMilliseconds)) of silence: \(silent)"]
    }
}
