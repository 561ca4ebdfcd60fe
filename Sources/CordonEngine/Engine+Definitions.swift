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
        var page = try await store.runs(query)
        while true {
            query.beyond = page.last?.id
            let hasMore = page.count == query.limit
            let found = page
            async let lacks = self.stranded(among: found)
            if hasMore { page = try await store.runs(query) }
            stranded += await lacks
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
    private func stranded(among page: [RunRecord]) async -> [String] {
        let half = page.count / 2
        async let first = strandedOnes(of: page[..<half])
        let second = await strandedOnes(of: page[half...])
        return await first + second
    }

    private func strandedOnes(of page: ArraySlice<RunRecord>) async -> [String] {
        var stranded: [String] = []
        // Many runs are of one kind: what is found of one is true of the next.
        var known: [Needs: String] = [:]
        for stored in page {
            do {
                let run = try stored.run()
                let needs = Needs(
                    workflow: run.workflow, called: run.called, provider: run.subject?.provider, inputs: run.inputs)
                let lack: String
                if let found = known[needs] {
                    lack = found
                } else {
                    let definition = try await definition(of: run)
                    lack = definition.lack(run.subject, run.inputs) ?? ""
                    if !definition.tellsSubjectsApart { known[needs] = lack }
                }
                // What has nothing to act on waits for its cancellation, whatever is configured.
                guard run.gate?.kind != .undecided, !lack.isEmpty else { continue }
                stranded.append("\(run.id): \(lack)")
            } catch {
                stranded.append("\(stored.id): \(error)")
            }
        }
        return stranded
    }
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
