// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import CordonStore
import Logging
import Synchronization

extension Engine {
    /// The pinned definition of a run: its workflow by digest, and what its provider promises.
    func definition(of run: Run) async throws -> RunDefinition {
        var called: [Workflow] = []
        for pin in run.called { called.append(try await workflow(pin)) }
        return definition(try await workflow(run.workflow), called, run.subject)
    }

    func workflow(_ pin: Run.Pin) async throws -> Workflow {
        if let known = workflows.withLock({ $0[pin.digest] }) { return known }
        guard let stored = try await store.definition(pin.digest) else {
            throw EngineError(.runsStranded, "the workflow \(pin.name) (\(pin.digest)) is not in the store")
        }
        switch Workflow.load(stored.source, file: "\(pin.name)@\(pin.digest.prefix(19))", digest: pin.digest) {
        case .failure(let problems):
            throw EngineError(
                .runsStranded,
                "the workflow \(pin.name) (\(pin.digest)) can't be read by this version: \(problems.all.first?.text ?? "")"
            )
        case .success(let workflow):
            workflows.withLock { $0[pin.digest] = workflow }
            return workflow
        }
    }

    /// A start that can't carry on what is under way is refused with the list, before anything is taken in. A run whose
    /// own record is broken can be carried on by no version: it is told, and stops no other.
    func refuseStrandedRuns() async throws {
        var stranded: [String] = []
        var query = RunQuery()
        query.onlyLive = true
        query.limit = 500
        var page = try await store.runs(query)
        while true {
            query.beyond = page.last?.id
            let hasMore = page.count == query.limit
            let found = page
            async let lacks = self.stranded(among: found)
            if hasMore { page = try await store.runs(query) }
            let (more, broken) = await lacks
            stranded += more
            for (run, mistake) in broken { noteUnreadable(run, mistake) }
            guard hasMore else { break }
        }
        guard stranded.isEmpty else {
            let list = stranded.prefix(20).joined(separator: "\n  ")
            throw EngineError(
                .runsStranded,
                "\(stranded.count) live runs can't go on under this configuration; restore what they need, or cancel them with the version that opened them:\n  \(list)"
            )
        }
    }
}

extension Engine {
    private typealias Found = (stranded: [String], broken: [(RunID, UnreadableRecord)])

    private func stranded(among page: [RunRecord]) async -> Found {
        let half = page.count / 2
        async let first = strandedOnes(of: page[..<half])
        let second = await strandedOnes(of: page[half...])
        return await (first.stranded + second.stranded, first.broken + second.broken)
    }

    private func strandedOnes(of page: ArraySlice<RunRecord>) async -> Found {
        var found: Found = ([], [])
        // Many runs are of one kind: what is found of one is true of the next.
        var known: [Needs: (lack: String, definition: RunDefinition)] = [:]
        for stored in page {
            do {
                let run = try stored.read()
                let needs = Needs(
                    workflow: run.workflow, called: run.called, provider: run.subject?.provider, inputs: run.inputs)
                let facts: (lack: String, definition: RunDefinition)
                if let found = known[needs] {
                    facts = found
                } else {
                    let definition = try await definition(of: run)
                    facts = (definition.lack(run.subject, run.inputs) ?? "", definition)
                    if !definition.tellsSubjectsApart { known[needs] = facts }
                }
                // What has nothing to act on waits for its cancellation, whatever is configured.
                guard run.gate?.kind != .undecided else { continue }
                if let lack = facts.lack.isEmpty ? run.lostUndos(facts.definition).first : facts.lack {
                    found.stranded.append("\(run.id): \(lack)")
                }
            } catch let error as UnreadableRecord where !error.isOfNewerVersion {
                found.broken.append((stored.id, error))
            } catch {
                found.stranded.append("\(stored.id): \(error)")
            }
        }
        return found
    }

    /// A live run whose record gives no run: nobody moves it, and people must know.
    func noteUnreadable(_ run: RunID, _ mistake: UnreadableRecord) {
        guard unreadable.withLock({ $0.updateValue(mistake, forKey: run) }) != mistake else { return }
        logger.critical(
            "a live run can't be read; nobody moves it, and the others go on",
            metadata: ["run": "\(run)", "reason": "\(mistake)"])
    }

    /// How many live runs this process found to be unreadable.
    package var unreadableRuns: Int { unreadable.withLock { $0.count } }
}

/// What decides whether a run can go on under a configuration.
private struct Needs: Hashable {
    var workflow: Run.Pin
    var called: [Run.Pin]
    var provider: String?
    /// They may name connections.
    var inputs: Value
}

extension RunDefinition {
    /// What a subject's provider does not offer of what the run may ask of it, in a sentence.
    func lack(_ subject: Subject?, _ inputs: Value) -> String? {
        guard let subject else { return nil }
        guard let first = capabilities.filter({ contracts[$0]?.suits(subject) != true }).min() else {
            return lacksElsewhere(inputs).first
        }
        guard let rule = contracts[first]?.suits?.source else {
            return "provider '\(subject.provider)' does not offer \(first)"
        }
        return "provider '\(subject.provider)' offers \(first), and not for \(subject.id) (for: \(rule))"
    }

    /// Of one subject it may be true and of another not.
    fileprivate var tellsSubjectsApart: Bool { capabilities.contains { contracts[$0]?.suits != nil } }
}
