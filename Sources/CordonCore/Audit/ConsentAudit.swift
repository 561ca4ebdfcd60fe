// SPDX-License-Identifier: Apache-2.0

import CordonLanguage

/// Compares what people were asked with what the pinned workflow says of asking them: a question that is easier to answer
/// than its workflow's was not asked by it.
package struct ConsentAudit: Sendable {
    private struct Asked {
        var place: LinePlace
        var step: String
        var workflow: Run.Pin
        var called: [Run.Pin]
        var quorum: Int
        var excluded: [String]
        var excludesAuthor: Bool
        var by: [String]
    }

    /// What people were shown before they agreed to a change, and what the change is.
    fileprivate struct Agreed: Hashable, Sendable {
        var shown: String
        var run: String
        var playbook: Run.Pin
        var subject: String
        var arguments: Value
    }

    /// A change that begins, and the steps around it to which people had agreed by then.
    package struct Begun: Hashable, Sendable {
        fileprivate var step: String
        fileprivate var capability: String
        fileprivate var workflow: Run.Pin
        fileprivate var called: [Run.Pin]
        /// By the step, how many agreed.
        fileprivate var permits: [String: Int] = [:]
        fileprivate var agreed: Agreed?

        /// - Parameter run: as its lines made it before the intent of the change.
        init(_ step: String, _ call: Call, _ run: Run) {
            (self.step, capability, workflow, called) = (step, call.capability, run.workflow, run.called)
            var id = ""
            for word in step.split(separator: ".") {
                id += (id.isEmpty ? "" : ".") + String(word)
                permits[id] = run.step(id)?.permit?.by.count
            }
            agreed = run.step(step)?.permit.map {
                Agreed(
                    shown: $0.shown, run: run.id.text, playbook: run.playbook, subject: run.subject?.key ?? "",
                    arguments: call.arguments)
            }
        }
    }

    private var asked: [Asked] = []
    /// With the first line that tells of such a one: many runs do the same.
    private var begun: [Begun: LinePlace] = [:]

    mutating func take(_ step: String, _ question: Question, _ place: LinePlace, _ run: Run) {
        asked.append(
            Asked(
                place: place, step: step, workflow: run.workflow, called: run.called, quorum: question.quorum,
                excluded: question.excluded, excludesAuthor: question.excludesAuthor, by: question.by))
    }

    mutating func take(_ item: Begun, _ place: LinePlace) {
        if begun[item] == nil { begun[item] = place }
    }

    /// - Parameters:
    ///   - source: the bytes of a definition by its digest; `nil` where they are missing, which is told elsewhere.
    ///   - digest: how what people are shown is made a digest; without it that is not compared.
    package func findings(
        _ source: (String) async -> [UInt8]?, digest: (([UInt8]) -> String)? = nil
    ) async -> [AuditFinding] {
        var shelf = Shelf()
        var findings: [AuditFinding] = []
        for item in asked {
            let read = await shelf.workflows([item.workflow] + item.called, source)
            if let finding = compare(item, read) { findings.append(finding) }
        }
        for (item, place) in begun.sorted(by: { $0.value.text < $1.value.text }) {
            let read = await shelf.workflows([item.workflow] + item.called, source)
            if let finding = weigh(item, place, read, digest) { findings.append(finding) }
        }
        return findings
    }

    /// Workflows that were read, each once.
    private struct Shelf {
        private var read: [String: Workflow?] = [:]

        mutating func workflows(_ pins: [Run.Pin], _ source: (String) async -> [UInt8]?) async -> [String: Workflow] {
            var named: [String: Workflow] = [:]
            for pin in pins {
                if read[pin.digest] == nil {
                    let bytes = await source(pin.digest)
                    read[pin.digest] = .some(
                        bytes.flatMap { try? Workflow.load($0, file: pin.name, digest: pin.digest).get() })
                }
                if let workflow = read[pin.digest] ?? nil { named[pin.name] = workflow }
            }
            return named
        }
    }

    /// Whether all that the workflow wants agreed to on the way to a change was agreed to, and the change is its own.
    private func weigh(
        _ item: Begun, _ place: LinePlace, _ workflows: [String: Workflow], _ digest: (([UInt8]) -> String)?
    ) -> AuditFinding? {
        guard var workflow = workflows[item.workflow.name] else { return nil }
        func broken(_ says: String) -> AuditFinding {
            AuditFinding(
                .broken, .changeWithoutConsent, place.text,
                "'\(item.step)' of \(place.stream) \(says), by \(item.workflow.name) (\(item.workflow.digest))")
        }
        var id = ""
        let words = item.step.split(separator: ".").map(String.init)
        for (index, word) in words.enumerated() {
            id += (id.isEmpty ? "" : ".") + word
            if Int(word) != nil { continue }
            guard let line = workflow.step(word) else { return broken("changes what its workflow has no step for") }
            if let consent = line.consent, item.permits[id] ?? 0 < consent.quorum {
                return broken("begins, and \(item.permits[id] ?? 0) of \(consent.quorum) had agreed")
            }
            if case .call(let name, _) = line.kind {
                guard let inner = workflows[name] else { return nil }
                workflow = inner
            } else if index == words.count - 1 || words[(index + 1)...].allSatisfy({ Int($0) != nil }) {
                guard line.act?.capability != item.capability else {
                    let isAgreed = digest.map { isShown(item, line, $0) } ?? true
                    return isAgreed ? nil : broken("does something else than was shown to those who agreed")
                }
                return broken("does \(item.capability), its workflow does \(line.act?.capability ?? "nothing") there")
            }
        }
        return nil
    }

    /// Whether those who agreed were shown what is done now. Of items of a list they were shown the list.
    private func isShown(_ item: Begun, _ line: Workflow.Line, _ digest: ([UInt8]) -> String) -> Bool {
        guard let agreed = item.agreed, let consent = line.consent, line.each == nil, !item.step.contains(".") else {
            return true
        }
        // What a connector reads before the act goes along with it: nobody had read it when people were asked.
        return [agreed.arguments, agreed.arguments.withoutBefore].contains { arguments in
            let shown: Value = [
                "run": .string(agreed.run), "playbook": agreed.playbook.value, "workflow": item.workflow.value,
                "step": .string(item.step), "subject": .string(agreed.subject), "text": .string(consent.text ?? ""),
                "does": ["do": .string(item.capability), "with": arguments.withoutHandle],
            ]
            return digest(shown.jsonBytes) == agreed.shown
        }
    }

    /// Whom a workflow names itself; `nil` where it has to be computed.
    private static func named(_ by: Arguments) -> [String]? {
        guard case .literal(let value) = by else { return nil }
        return (value.arrayValue ?? [value]).compactMap(\.stringValue).filter { !$0.isEmpty }
    }

    private func compare(_ item: Asked, _ workflows: [String: Workflow]) -> AuditFinding? {
        guard let workflow = workflows[item.workflow.name] else { return nil }
        func broken(_ says: String) -> AuditFinding {
            AuditFinding(
                .broken, .consentDiffers, item.place.text,
                "'\(item.step)' of \(item.place.stream) \(says), by \(item.workflow.name) (\(item.workflow.digest))")
        }
        // A workflow that it calls may be one that can't be read; then nothing can be said of its steps.
        switch Self.consent(item.step, workflow, workflows) {
        case .unread: return nil
        case .none: return broken("asks what its workflow never asks")
        case .some(let consent):
            if consent.quorum != item.quorum {
                return broken("asks for \(item.quorum) to agree and its workflow for \(consent.quorum)")
            }
            if let named = Self.named(consent.by), named != item.by {
                return broken("asks others than its workflow names")
            }
            if consent.excluded != item.excluded { return broken("excludes others than its workflow does") }
            if consent.excludesAuthor != item.excludesAuthor {
                return broken(
                    item.excludesAuthor
                        ? "excludes its author, its workflow does not"
                        : "lets its author answer, whom its workflow excludes")
            }
            return nil
        }
    }

    private enum Found { case unread, none, some(Workflow.Consent) }

    /// What the workflow asks at a step: `call.step`, with the numbers of lists' items between.
    private static func consent(_ id: String, _ workflow: Workflow, _ others: [String: Workflow]) -> Found {
        var workflow = workflow
        let words = Step.forwardID(of: id).split(separator: ".").map(String.init).filter { Int($0) == nil }
        for (index, word) in words.enumerated() {
            guard let line = workflow.step(word) else { return .none }
            if index == words.count - 1 { return line.question.map(Found.some) ?? .none }
            guard case .call(let name, _) = line.kind else { return .none }
            guard let inner = others[name] else { return .unread }
            workflow = inner
        }
        return .none
    }
}

extension Value {
    fileprivate var withoutBefore: Value {
        guard case .object(var members) = self else { return self }
        members["before"] = nil
        return .object(members)
    }
}
