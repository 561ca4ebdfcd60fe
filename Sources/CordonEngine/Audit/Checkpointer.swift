// SPDX-License-Identifier: Apache-2.0

import CordonCore
import CordonEvidence
import CordonLanguage
package import CordonStore
package import Logging
import ServiceLifecycle
import Synchronization

/// Signs what the history holds, beside the engine and never in its way: it reads what was committed, adds its hashes to
/// the log, and publishes a checkpoint.
///
/// It signs every ten seconds when there is something new, at 256 new entries, at each run's end and each export, but at
/// most once a second for all that came meanwhile; each checkpoint is shown to the witnesses that a policy names. A
/// crash between commit and checkpoint is harmless: the next start goes on from what is signed. When what was signed is not the beginning of what is there, it says so in the history
/// and signs nothing more; runs go on, because a stolen credential does not wait for an auditor.
package final class Checkpointer: Service, Sendable {
    package struct Parts: Sendable {
        package var store: any Store
        package var clock: any WallClock
        package var logPath: String
        package var keys: SigningKeys
        /// The name for a log that does not exist yet; `nil` draws one.
        package var origin: String?
        /// Who cosigns; `nil`: nobody.
        package var witnesses: WitnessRing?
        package var logger: Logger

        package init(
            store: any Store, clock: any WallClock, logPath: String, keys: SigningKeys, origin: String? = nil,
            witnesses: WitnessRing? = nil, logger: Logger
        ) {
            self.store = store
            self.clock = clock
            self.logPath = logPath
            self.keys = keys
            self.origin = origin
            self.witnesses = witnesses
            self.logger = logger
        }
    }

    /// Whether it signs, and if not, why.
    package enum Standing: Sendable, Hashable {
        case signing
        case refused(String)
    }

    private static let tickMilliseconds: Int64 = 1000
    private static let signMilliseconds: Int64 = 10_000
    private static let signEntries = 256
    private static let pageEntries = 4096
    private static let keepMilliseconds: Int64 = 3_600_000
    /// One that fails for this long tells of it in the history: what is not signed has a reason then.
    private static let failsMilliseconds: Int64 = 20_000
    /// What is signed for as soon as it is seen.
    static let urgentKinds: Set<String> = [
        "runEnded", "exported", LogBook.opened, LogBook.keysChanged, LogBook.witnessesChanged,
    ]

    struct State {
        var unsignedSince: Instant?
        var keptAt: Instant?
        var keys: [String] = []
        var standing = Standing.signing
        /// What kept it from opening the log may pass: a full disk, a key that is not there yet.
        var mayOpenLater = false
        /// Since when no turn has succeeded, and whether the history tells that nothing is signed.
        var failsSince: Instant?
        var hasToldRefusal = false
        /// Since when no quorum of witnesses has cosigned, and whether the history tells of it.
        var silentSince: Instant?
        var hasToldSilence = false
    }

    let parts: Parts
    let writer: StreamWriter
    let state = Mutex(State())
    private let failure = Mutex<EvidenceError?>(nil)
    private let prepared = Mutex<LogKeeper?>(nil)

    package init(_ parts: Parts) {
        self.parts = parts
        writer = StreamWriter(LogBook.stream, store: parts.store, clock: parts.clock)
    }

    package var standing: Standing { state.withLock { $0.standing } }

    /// Signs what an earlier process left unsigned, before this one adds to it: so what is not signed is never older than
    /// a crash. Where it can't sign, it says so in the history, and everything else goes on.
    package func prepare() async throws {
        guard let keeper = try await open() else { return }
        prepared.withLock { $0 = keeper }
        _ = await tryTurn(keeper, isLast: true)
    }

    package func run() async throws {
        let first: LogKeeper? = if let known = prepared.withLock({ $0 }) { known } else { try await open() }
        let keeper = await cancelWhenGracefulShutdown { await self.keepSigning(first) }
        // The engine has ended by now: what it stored last is signed too.
        if let keeper { _ = await tryTurn(keeper, isLast: true) }
        if let failure = failure.withLock({ $0 }) { throw failure }
    }

    private func keepSigning(_ first: LogKeeper?) async -> LogKeeper? {
        var keeper = first
        while !Task.isCancelled, failure.withLock({ $0 }) == nil {
            if let open = keeper {
                if await !tryTurn(open, isLast: false) { keeper = nil }
            } else if state.withLock({ $0.mayOpenLater }) {
                do { keeper = try await open() } catch { note(error) }
            }
            let pause = keeper == nil ? Checkpointer.signMilliseconds : Checkpointer.tickMilliseconds
            await parts.clock.sleep(until: parts.clock.now.adding(milliseconds: pause))
        }
        return keeper
    }

    /// - Returns: whether it may go on signing.
    private func tryTurn(_ keeper: LogKeeper, isLast: Bool) async -> Bool {
        do {
            try await turn(keeper, isLast: isLast)
            state.withLock { ($0.failsSince, $0.hasToldRefusal) = (nil, false) }
        } catch {
            guard let failed = error as? EvidenceError, failed.code == .logForked || failed.code == .rootDiffers else {
                note(error)
                await tellFailing(error)
                return true
            }
            var book = LogBook()
            do {
                try await book.read(parts.store)
                _ = try await fork(published(LogFolder(parts.logPath)), failed.reason, book)
            } catch { note(error) }
            return false
        }
        return true
    }

    private func tellFailing(_ error: any Error) async {
        let now = parts.clock.now
        let isLong = state.withLock { state in
            if state.failsSince == nil { state.failsSince = now }
            return now.since(state.failsSince ?? now) >= Checkpointer.failsMilliseconds
        }
        guard isLong else { return }
        do { try await tellRefusal((error as? EvidenceError)?.reason ?? "\(error)") } catch { note(error) }
    }

    /// Once, until it signs again.
    private func tellRefusal(_ reason: String) async throws(StoreError) {
        guard !state.withLock({ $0.hasToldRefusal }) else { return }
        try await writer.append(LogBook.refused, ["reason": .string(reason)])
        state.withLock { $0.hasToldRefusal = true }
    }

    private func note(_ error: any Error) {
        guard let failed = error as? EvidenceError, failed.code == .syncFailed else {
            return parts.logger.error("no checkpoint was signed; it is tried again", metadata: ["error": "\(error)"])
        }
        // The disk did not confirm: what is stored is unknown, and only a new start may look.
        parts.logger.critical("the log can't be trusted any more", metadata: ["error": "\(failed.reason)"])
        failure.withLock { $0 = failed }
    }

    // MARK: A turn

    /// Takes in what is new and signs it when it is time.
    package func turn(_ keeper: LogKeeper, isLast: Bool) async throws {
        var isDue = isLast
        while true {
            let size = try await keeper.work { (log) throws(EvidenceError) in log.size }
            let page = try await parts.store.log(from: Int(size), limit: Checkpointer.pageEntries)
            guard !page.isEmpty else { break }
            isDue = isDue || isTime(page)
            guard isDue else { return }
            let hashes = try hashes(page, from: size)
            try await keeper.work { (log) throws(EvidenceError) in try log.append(hashes) }
            if page.count < Checkpointer.pageEntries { break }
        }
        try await sign(keeper, isLast: isLast)
        try await cosign(keeper)
    }

    /// One wrong place, and every later proof would be of another entry.
    private func hashes(_ page: [IndexedEntry], from size: UInt64) throws(EvidenceError) -> [Digest] {
        var hashes: [Digest] = []
        for indexed in page {
            let next = size + UInt64(hashes.count)
            guard indexed.index == Int(next), let hash = Digest(bytes: indexed.entry.leaf) else {
                throw EvidenceError(.logForked, "entry \(next) is missing in the store, or its hash is damaged")
            }
            hashes.append(hash)
        }
        return hashes
    }

    private func isTime(_ page: [IndexedEntry]) -> Bool {
        let now = parts.clock.now
        let since = state.withLock { state in
            if state.unsignedSince == nil { state.unsignedSince = now }
            return state.unsignedSince ?? now
        }
        return page.count >= Checkpointer.signEntries || now.since(since) >= Checkpointer.signMilliseconds
            || since > now || page.contains { Checkpointer.urgentKinds.contains($0.entry.kind) }
    }

    private func sign(_ keeper: LogKeeper, isLast: Bool) async throws {
        let now = parts.clock.now
        let signers = try parts.keys.load()
        let texts = signers.map(\.verifier.text)
        let (keys, keptAt) = state.withLock { ($0.keys, $0.keptAt) }
        let isRotated = !keys.isEmpty && keys != texts
        let keeps = isLast || isRotated || keptAt.map { now.since($0) >= Checkpointer.keepMilliseconds } ?? true
        let hasSigned = try await keeper.work { (log) throws(EvidenceError) -> Bool in
            guard isRotated || log.published?.size != log.size else { return false }
            try log.take(signers)
            try log.sign(keeps: keeps)
            return true
        }
        guard hasSigned else { return }
        state.withLock { state in
            state.unsignedSince = nil
            state.keys = texts
            if keeps { state.keptAt = now }
        }
        if isRotated {
            try await writer.append(LogBook.keysChanged, ["keys": .array(texts.map(Value.string))])
            parts.logger.notice("other keys sign the log now", metadata: ["keys": "\(texts.joined(separator: " "))"])
            // The line is signed for too, by the keys that it names; those are known now, so this ends here.
            try await turn(keeper, isLast: isLast)
        }
    }
}

// MARK: - The start

extension Checkpointer {
    /// Opens the log, and compares what was signed with what is there. Gives nothing when nothing may be signed.
    package func open() async throws -> LogKeeper? {
        var book = LogBook()
        try await book.read(parts.store)
        let keeper = try await opened(book)
        if keeper == nil, state.withLock({ $0.mayOpenLater }), case .refused(let reason) = standing {
            try await tellRefusal(reason)
        }
        return keeper
    }

    private func opened(_ book: LogBook) async throws -> LogKeeper? {
        // Until a person begins a new one: two trees under one name would let each be denied.
        if let fork = book.fork { return refuse(fork.says) }
        let folder = LogFolder(parts.logPath)
        do {
            let isNew = try folder.published() == nil
            // The history tells of a log only after its first checkpoint was published.
            guard !isNew || book.origin == nil else {
                return try await fork(nil, "the signed log in \(parts.logPath) is gone; the history tells of one", book)
            }
            let signers = try signers(isNew: isNew)
            guard !signers.isEmpty else {
                return refuse(
                    "no key signs the log: \(parts.keys.folder) holds none; restore it from a backup of keys",
                    mayPass: true)
            }
            return try await open(signers, book)
        } catch let error as EvidenceError where error.code == .logForked || error.code == .rootDiffers {
            return try await fork(published(folder), error.reason, book)
        } catch let error as EvidenceError where error.code != .syncFailed {
            return refuse(error.reason, mayPass: true)
        }
    }

    private func signers(isNew: Bool) throws(EvidenceError) -> [SigningKey] {
        let found = try parts.keys.load()
        guard found.isEmpty, isNew else { return found }
        let made = try parts.keys.make(origin: parts.origin ?? SigningKeys.newOrigin())
        parts.logger.notice("made the key that signs the log", metadata: ["file": "\(made.path)"])
        return try parts.keys.load()
    }

    private func open(_ signers: [SigningKey], _ book: LogBook) async throws -> LogKeeper? {
        let known = try book.keys.map { (text) throws(EvidenceError) in try VerifierKey(parsing: text) }
        let log = try SignedLog(at: parts.logPath, signers: signers, trusted: known)
        if let difference = try await difference(log) { return try await fork(log.published, difference, book) }
        switch try await compare(log) {
        case .agrees: break
        case .contradicts(let says): return try await fork(log.published, says, book)
        case .unknown(let reason): return refuse(reason, mayPass: true)
        }
        let texts = signers.map(\.verifier.text)
        state.withLock { $0.keys = book.origin == nil ? texts : book.keys }
        state.withLock { ($0.standing, $0.mayOpenLater) = (.signing, false) }
        let keeper = LogKeeper(log)
        try await noteWitnesses(book)
        guard book.origin == nil else { return keeper }
        try await turn(keeper, isLast: true)
        // Published from here: a log that is missing at a later start was taken away.
        try await writer.append(
            LogBook.opened, ["origin": .string(signers[0].name), "keys": .array(texts.map(Value.string))])
        return keeper
    }

    /// Why what was signed is not the beginning of what is there. The last tile tells: from the place on at which a
    /// restored backup goes its own way, no entry is the same.
    private func difference(_ log: SignedLog) async throws -> String? {
        let size = Int(log.size)
        guard size > 0 else { return nil }
        let first = (size - 1) / TilePath.width * TilePath.width
        let there = try await parts.store.log(from: first, limit: size - first)
        let signed = try log.folder.tiles(size: log.size).hashes(level: 0, index: UInt64(first / TilePath.width))
        if there.count < size - first {
            let found = try await parts.store.vitals().entries
            if found >= size {
                let gap = zip(there, first...).first { $0.0.index != $0.1 }?.1 ?? first + there.count
                return "entry \(gap) of the \(size) in the signed log is missing from the store"
            }
            return
                "the store holds \(found) entries, \(size) are in the signed log: entries \(found) to \(size - 1) are lost"
        }
        let differing = zip(there, signed).first { Digest(bytes: $0.0.entry.leaf) != $0.1 }
        return differing.map { "entry \($0.0.index) is not the one in the signed log of \(size) entries" }
    }

    /// What the folder says that it signed, for a person to read: it may be what contradicts the rest.
    private func published(_ folder: LogFolder) -> Checkpoint? {
        guard let note = try? folder.published(), let read = try? Note(parsing: note) else { return nil }
        return try? Checkpoint(parsing: read.text)
    }

    private func fork(_ signed: Checkpoint?, _ says: String, _ book: LogBook) async throws -> LogKeeper? {
        let body: [String: Value] = [
            "says": .string(says), "origin": .string(signed?.origin ?? book.origin ?? ""),
            "signed_size": .int(Int64(signed?.size ?? 0)), "signed_root": .string(signed?.root.text ?? ""),
        ]
        try await writer.append(LogBook.forked, .object(body))
        // The line is signed by nobody, for nothing is signed any more: so the old key signs that much.
        if let signed {
            do throws(EvidenceError) {
                try LogFolder(parts.logPath).tellFork(signed, by: try parts.keys.load())
            } catch { note(error) }
        }
        return refuse(says)
    }

    private func refuse(_ reason: String, mayPass: Bool = false) -> LogKeeper? {
        let isNew = state.withLock { state in
            defer { (state.standing, state.mayOpenLater) = (.refused(reason), mayPass) }
            return state.standing != .refused(reason)
        }
        if isNew {
            parts.logger.critical(
                "nothing is signed any more; runs go on. See 'cordon doctor'", metadata: ["reason": "\(reason)"])
        }
        return nil
    }
}
