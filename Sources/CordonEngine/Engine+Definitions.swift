// SPDX-License-Identifier: Apache-2.0

import CordonConnectors
import CordonCore
import CordonLanguage
import CordonStore
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

    /// A start that can't carry on what is under way is refused with the list, before anything is taken in.
    func refuseStrandedRuns() async throws {
        var stranded: [String] = []
        var query = RunQuery()
        query.onlyLive = true
        query.limit = 500
        while true {
            let page = try await store.runs(query)
            for stored in page {
                do {
                    let run = try stored.run()
                    let definition = try await definition(of: run)
                    // What has nothing to act on waits for its cancellation, whatever is configured.
                    if run.gate?.kind != .undecided, let lack = definition.lack(run.subject) {
                        stranded.append("\(run.id): \(lack)")
                    }
                } catch {
                    stranded.append("\(stored.id): \(error)")
                }
            }
            guard page.count == query.limit else { break }
            query.beyond = page.last?.id
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

extension RunDefinition {
    /// What a subject's provider does not offer of what the run may ask of it, in a sentence.
    func lack(_ subject: Subject?) -> String? {
        guard let subject, let first = capabilities.filter({ contracts[$0] == nil }).min() else { return nil }
        return "provider '\(subject.provider)' does not offer \(first)"
    }
}
