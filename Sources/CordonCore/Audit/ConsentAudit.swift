// SPDX-License-Identifier: Apache-2.0

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
    }

    private var asked: [Asked] = []

    mutating func take(_ step: String, _ question: Question, _ place: LinePlace, _ run: Run) {
        asked.append(
            Asked(
                place: place, step: step, workflow: run.workflow, called: run.called, quorum: question.quorum,
                excluded: question.excluded, excludesAuthor: question.excludesAuthor))
    }

    /// - Parameter source: the bytes of a definition by its digest; `nil` where they are missing, which is told elsewhere.
    package func findings(_ source: (String) async -> [UInt8]?) async -> [AuditFinding] {
        var workflows: [String: Workflow?] = [:]
        var findings: [AuditFinding] = []
        for item in asked {
            var read: [String: Workflow] = [:]
            for pin in [item.workflow] + item.called {
                if workflows[pin.digest] == nil {
                    let bytes = await source(pin.digest)
                    workflows[pin.digest] = .some(
                        bytes.flatMap { try? Workflow.load($0, file: pin.name, digest: pin.digest).get() })
                }
                if let workflow = workflows[pin.digest] ?? nil { read[pin.name] = workflow }
            }
            if let finding = compare(item, read) { findings.append(finding) }
        }
        return findings
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
