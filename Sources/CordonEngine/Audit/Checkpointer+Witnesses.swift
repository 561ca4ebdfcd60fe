// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage
import CordonStore
import Logging
import Synchronization

/// What others saw of the log: asked for before the first signature after a start, and with each checkpoint.
extension Checkpointer {
    /// What the witnesses say about the log as it was signed last.
    enum Comparison {
        case agrees
        case contradicts(String)
        /// Too few answer to know.
        case unknown(String)
    }

    /// Nothing is signed before enough witnesses agree that what was signed last is the last that they saw: of a state
    /// folder that was restored whole, only they know.
    func compare(_ log: SignedLog) async throws(EvidenceError) -> Comparison {
        guard let ring = parts.witnesses else { return .agrees }
        // Without the cosignatures that lie here: they prove nothing of today.
        let (note, checkpoint) = try log.lastSigned()
        let tiles = try log.folder.tiles(size: checkpoint.size)
        if let witnessed = try log.folder.witnessed() { try ring.recall(witnessed) }
        let round = await ring.ask(about: note, checkpoint, at: parts.clock.now, insists: true) {
            (old) throws(EvidenceError) in try tiles.tree.consistencyProof(from: old).hashes
        }
        if let contradiction = round.contradiction { return .contradicts(contradiction) }
        tell(round)
        guard !round.isMet else { return .agrees }
        let reasons = round.silent.map { "\($0.witness): \($0.reason)" }.joined(separator: "; ")
        return .unknown("too few witnesses answer to know whether this log is the one they saw (\(reasons))")
    }

    /// Asks the witnesses to cosign the last checkpoint; those that are away are asked again later.
    func cosign(_ keeper: LogKeeper) async throws {
        guard let ring = parts.witnesses else { return }
        let now = parts.clock.now
        let published = try await keeper.work { (log) throws(EvidenceError) in try log.folder.published() }
        guard let published, case let note = try Note(parsing: published), ring.isWorthAsking(about: note, now: now)
        else { return }
        let checkpoint = try Checkpoint(parsing: note.text)
        let round = await ring.ask(about: note, checkpoint, at: now) { (old) throws(EvidenceError) in
            try await keeper.work { (log) throws(EvidenceError) in
                try log.folder.tiles(size: checkpoint.size).tree.consistencyProof(from: old).hashes
            }
        }
        if let contradiction = round.contradiction { throw EvidenceError(.logForked, contradiction) }
        tell(round)
        try await tellSilence(round)
        guard round.note != note else { return }
        try await keeper.work { (log) throws(EvidenceError) in
            try log.take(cosigned: round.note, isMet: round.isMet)
        }
    }

    /// What is signed without witnesses for long has a reason in the history.
    private func tellSilence(_ round: WitnessRing.Round) async throws(StoreError) {
        let now = parts.clock.now
        let isLong = state.withLock { state in
            state.silentSince = round.isMet ? nil : state.silentSince ?? now
            if round.isMet { state.hasToldSilence = false }
            return state.silentSince.map { now.since($0) >= Checkpointer.silentMilliseconds } ?? false
        }
        guard isLong, !state.withLock({ $0.hasToldSilence }) else { return }
        let silent = round.silent.map { Value.string("\($0.witness): \($0.reason)") }
        try await writer.append(LogBook.silent, ["silent": .array(silent)])
        state.withLock { $0.hasToldSilence = true }
    }

    private static let silentMilliseconds: Int64 = 1_800_000

    private func tell(_ round: WitnessRing.Round) {
        for (witness, reason) in round.silent {
            parts.logger.warning(
                "a witness cosigned nothing; it is asked again",
                metadata: ["witness": "\(witness)", "why": "\(reason)"])
        }
    }

    /// Who has to cosign is part of what an auditor trusts: a change is a line of the history.
    func noteWitnesses(_ book: LogBook) async throws {
        let names = parts.witnesses?.policy.witnesses.map { "\($0.name) \($0.key.text)" } ?? []
        guard names != book.witnesses else { return }
        try await writer.append(LogBook.witnessesChanged, ["witnesses": .array(names.map(Value.string))])
        parts.logger.notice("other witnesses are asked now", metadata: ["witnesses": "\(names.count)"])
    }
}
