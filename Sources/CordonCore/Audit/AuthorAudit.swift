// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// Looks for answers of those who put a run's own definitions in force, where the question excludes its author.
///
/// A person who says afterwards that a definition was theirs all along is taken at their word: until then it was nobody's,
/// and that is told as open.
struct AuthorAudit {
    private struct Answer {
        var step: String
        var by: String
        var place: LinePlace
    }

    /// By the digest of what came into force; what came with the program is no person's.
    private var authors: [String: Set<String>] = [:]
    private var shipped: Set<String> = []
    /// By its stream, the steps whose question excludes its author.
    private var excluding: [String: Set<String>] = [:]
    /// Answers to what some definition of nobody's excludes its author from, in their order.
    private var doubts: [(answer: Answer, pins: [Run.Pin])] = []
    /// Answers in runs that began before what is here.
    private var unjudged = 0
    private var findings: [AuditFinding] = []

    // MARK: Definitions

    mutating func publish(_ body: Value) {
        for change in body["changes"]?.arrayValue ?? [] {
            guard let digest = change["digest"]?.stringValue else { continue }
            if change["shipped"] == true { shipped.insert(digest) } else { attribute(digest, body) }
        }
    }

    mutating func attribute(_ body: Value) {
        for item in body["definitions"]?.arrayValue ?? [] { item["digest"]?.stringValue.map { attribute($0, body) } }
    }

    private mutating func attribute(_ digest: String, _ body: Value) {
        guard let author = body["author"]?.stringValue else { return }
        // Of those who are named later somebody may have put it in force anew: that says nothing of an older answer.
        if authors[digest] == nil { settle(digest, author) }
        authors[digest, default: []].insert(author)
    }

    private mutating func settle(_ digest: String, _ author: String) {
        for index in doubts.indices {
            let answer = doubts[index].answer
            for pin in doubts[index].pins where pin.digest == digest && answer.by == author { accuse(answer, pin) }
            doubts[index].pins.removeAll { $0.digest == digest }
        }
    }

    // MARK: Runs

    /// - Parameter run: as its lines make it; `nil` where it began before what is here.
    mutating func take(_ event: Event, _ place: LinePlace, _ run: Run?) {
        switch event {
        case .questionAsked(let step, let question):
            if question.excludesAuthor {
                excluding[place.stream, default: []].insert(step)
            } else {
                excluding[place.stream]?.remove(step)
            }
        case .answerGiven(let step, let answer): hear(Answer(step: step, by: answer.by, place: place), run)
        case .runMigrated(let migration):
            guard let steps = excluding[place.stream] else { return }
            excluding[place.stream] = Set(
                steps.subtracting(migration.dropped).map { migration.renamed[$0] ?? $0 })
        case .runEnded: excluding[place.stream] = nil
        default: break
        }
    }

    private mutating func hear(_ answer: Answer, _ run: Run?) {
        guard let run else {
            unjudged += 1
            return
        }
        guard excluding[answer.place.stream]?.contains(answer.step) ?? false else { return }
        var unknown: [Run.Pin] = []
        for pin in [run.playbook, run.workflow] + run.called {
            guard let known = authors[pin.digest] else {
                if !shipped.contains(pin.digest) { unknown.append(pin) }
                continue
            }
            if known.contains(answer.by) { accuse(answer, pin) }
        }
        if !unknown.isEmpty { doubts.append((answer, unknown)) }
    }

    private mutating func accuse(_ answer: Answer, _ pin: Run.Pin) {
        findings.append(
            AuditFinding(
                .broken, .answerByAuthor, answer.place.text,
                "\(answer.by) answers '\(answer.step)' of \(answer.place.stream), which excludes its author, and put "
                    + "\(pin.name) (\(pin.digest)) in force"))
    }

    // MARK: The end

    func finish() -> [AuditFinding] {
        var all = findings
        for (answer, pins) in doubts where !pins.isEmpty {
            let names = pins.map { "\($0.name) (\($0.digest))" }.joined(separator: " and ")
            all.append(
                AuditFinding(
                    .open, .authorUnknown, answer.place.text,
                    "\(answer.by) answers '\(answer.step)' of \(answer.place.stream), which excludes its author, and no "
                        + "line names the person who put \(names) in force"))
        }
        if unjudged > 0 {
            all.append(
                AuditFinding(
                    .note, .answersUnjudged, "answerGiven",
                    "\(unjudged) answer\(unjudged == 1 ? " is" : "s are") of runs that began before what is here: whether "
                        + "they could be given, a bundle of the run shows"))
        }
        return all
    }
}
